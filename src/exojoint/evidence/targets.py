"""Calibration targets: what the joint must reproduce, each a number with a window and its provenance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.tables import place, read_table
from exojoint.core.units import check_unit
from exojoint.evidence.facts import load_facts, load_references, names, unknown_names

COLUMNS = (
    "id", "quantity", "species", "value", "spread", "unit", "lo", "hi", "conflict_group", "recalled", "facts",
    "reference", "maps_to",
)  # fmt: skip
SPECIES = ("human", "rat", "mouse", "rabbit")


@dataclass(frozen=True, slots=True)
class Target:
    """One number the joint must reproduce.

    Parameters
    ----------
    id : str
        ``C01`` ...; parts of one published result share the number and differ in a letter.
    quantity, species : str
        What was measured, in whom.
    value, unit : float, str
        The published number.
    spread : str
        The published spread, in words.
    window : (float, float) or None
        Where a simulated value counts as met; None for a number that another target judges.
    conflict_group : str
        Targets of one group cannot all be met; empty for the others.
    recalled : bool
        Whether the number is from memory: a weak prior, never a literature value.
    facts, reference : tuple of str
        Fact ids, and keys of ``references.bib``.
    maps_to : str
        The simulated quantity, in the specification's symbols.
    """

    id: str
    quantity: str
    species: str
    value: float
    spread: str
    unit: str
    window: tuple[float, float] | None
    conflict_group: str
    recalled: bool
    facts: tuple[str, ...]
    reference: tuple[str, ...]
    maps_to: str

    def met_by(self, simulated: float) -> bool:
        """Whether a simulated value (in `unit`) lies in the window.

        Raises
        ------
        ValueError
            When the target has no window of its own.
        """
        if self.window is None:
            raise ValueError(f"target {self.id} has no window: {self.spread}")
        return self.window[0] <= simulated <= self.window[1]


def load_targets(path: Path | Traversable | None = None) -> tuple[Target, ...]:
    """Read the calibration targets in the order of the table.

    Parameters
    ----------
    path : Path or Traversable, optional
        A table of the same columns; the project's own when left out.

    Raises
    ------
    InputError
        With one problem per wrong cell.
    """
    path = files("exojoint.evidence").joinpath("records", "targets.csv") if path is None else path
    problems: list[Problem] = []
    rows = enumerate(read_table(path, COLUMNS, key="id"), start=2)
    targets = tuple(_target(row, place(path.name, number, row["id"]), problems) for number, row in rows)
    raise_problems(problems)
    return targets


def further_targets() -> tuple[Target, ...]:
    """Read what calibrates the knee beside the specification's targets: numbers that validation showed to be missing.

    They weigh in the likelihood like the others and are not among the results that are counted as met.
    """
    return load_targets(files("exojoint.evidence").joinpath("records", "further_targets.csv"))


def _target(row: Mapping[str, str], at: str, problems: list[Problem]) -> Target:
    facts, reference = names(row["facts"]), names(row["reference"])
    problems.extend(unknown_names(at, "fact", facts, load_facts()))
    problems.extend(unknown_names(at, "reference", reference, load_references()))
    if row["species"] not in SPECIES:
        todo = did_you_mean(row["species"], SPECIES)
        problems.append(Problem(at, f"species '{row['species'][:80]}' is unknown", ", ".join(SPECIES), todo))
    if row["recalled"] not in ("yes", "no"):
        problems.append(Problem(at, f"recalled '{row['recalled'][:80]}' is unknown", "yes or no", "Correct the cell."))
    try:
        check_unit(row["unit"], at)
    except InputError as error:
        problems.extend(error.problems)
    value = _number(row["value"], at, "value", problems)
    window = None
    if row["lo"] or row["hi"]:
        window = _number(row["lo"], at, "lo", problems), _number(row["hi"], at, "hi", problems)
        if not window[0] <= value <= window[1]:
            what = f"value {value:g} lies outside its window [{window[0]:g}, {window[1]:g}]"
            problems.append(Problem(at, what, "lo <= value <= hi", "Correct the window."))
    given = {name: row[name] for name in ("id", "quantity", "species", "spread", "unit", "conflict_group", "maps_to")}
    recalled = row["recalled"] == "yes"
    return Target(**given, value=value, window=window, recalled=recalled, facts=facts, reference=reference)


def _number(text: str, at: str, column: str, problems: list[Problem]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        problems.append(Problem(at, f"{column} '{text[:80]}' is not a number", "a finite number", "Correct the cell."))
    return number
