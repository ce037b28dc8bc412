"""Facts: numbers of the literature as they were collected, each with the work it comes from and how it was verified."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from exojoint.core.errors import Problem, did_you_mean, raise_problems
from exojoint.core.references import Reference, read_references
from exojoint.core.tables import place, read_table

COLUMNS = (
    "id", "topic", "quantity", "value", "low", "high", "unit", "context", "species", "reference", "verified", "note",
)  # fmt: skip
VERIFIED = ("seen", "derived", "computed", "recalled", "not_found")


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of the literature; its cells are text, because papers report ranges and lists.

    Parameters
    ----------
    id : str
        How tables name it, e.g. ``PK049``.
    topic, quantity : str
        Field, and what was measured.
    value, low, high : str
        As reported; empty where nothing was.
    unit, context, species : str
        As reported.
    reference : tuple of str
        Keys of ``references.bib``.
    verified : str
        ``seen`` (stood in a text that was read), ``derived`` or ``computed`` (arithmetic on seen values), ``recalled``
        (from memory: a weak prior, never a literature value), ``not_found`` (searched for and missing).
    note : str
        What a user of the number should know.
    """

    id: str
    topic: str
    quantity: str
    value: str
    low: str
    high: str
    unit: str
    context: str
    species: str
    reference: tuple[str, ...]
    verified: str
    note: str


@functools.cache
def load_references() -> Mapping[str, Reference]:
    """Return every cited work by key.

    Raises
    ------
    InputError
        When ``references.bib`` is broken.
    """
    return read_references(files("exojoint").joinpath("references.bib"))


@functools.cache
def load_facts() -> Mapping[str, Fact]:
    """Return every fact by id, in the order of the table.

    Raises
    ------
    InputError
        With one problem per fact that cites an unknown work or says nothing known of its verification.
    """
    path = files("exojoint.evidence").joinpath("records", "facts.csv")
    facts: dict[str, Fact] = {}
    problems: list[Problem] = []
    for number, row in enumerate(read_table(path, COLUMNS, key="id"), start=2):
        at = place(path.name, number, row["id"])
        reference = names(row["reference"])
        problems.extend(unknown_names(at, "reference", reference, load_references()))
        if row["verified"] not in VERIFIED:
            todo = did_you_mean(row["verified"], VERIFIED)
            problems.append(Problem(at, f"verified '{row['verified']}' is unknown", ", ".join(VERIFIED), todo))
        facts[row["id"]] = Fact(**(row | {"reference": reference}))  # type: ignore[arg-type]  # the header was checked
    raise_problems(problems)
    return MappingProxyType(facts)


def names(cell: str) -> tuple[str, ...]:
    """Split a cell of names at semicolons."""
    return tuple(part for part in (piece.strip() for piece in cell.split(";")) if part)


def unknown_names(where: str, what: str, found: tuple[str, ...], known: Mapping[str, object]) -> list[Problem]:
    """Return a problem for each name that is not known, and one when there is no name at all."""
    problems = [
        Problem(where, f"{what} '{name[:80]}' is unknown", f"a known {what}", did_you_mean(name, known) or "Add it.")
        for name in found
        if name not in known
    ]
    return problems if found else [Problem(where, f"has no {what}", f"a known {what}", "Name one.")]
