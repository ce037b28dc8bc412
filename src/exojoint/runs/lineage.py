"""Lineage of a run: every headline number can be walked back to tables, draws, parameters, facts and papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exojoint.core.errors import InputError, Problem
from exojoint.runs.documents import read_json, write_json
from exojoint.runs.migrations import migrate
from exojoint.runs.records import STRICT, from_plain, label, to_plain

LINEAGE = "lineage.json"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a headline stands in the run's tables: which rows of which columns, and over how many draws."""

    table: str
    columns: tuple[str, ...]
    rows: str

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Headline:
    """One number of the verdict.

    Parameters
    ----------
    id
        As `exojoint trace` takes it, for example ``operating/power``.
    text
        What it is, in words.
    value, unit
        The number.
    origins
        Where it stands in the run's tables.
    draws
        Knowledge draws behind it.
    parameters
        Names of the parameters behind it, the largest share of variance first.
    shares
        Share of the headline's variance over the draws, by parameter, where it was computed.
    """

    id: str
    text: str
    value: float | None
    unit: str
    origins: tuple[Origin, ...]
    draws: int
    parameters: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Quantity:
    """One parameter as its table has it: value, grade, place, and the keys of its sources.

    `knowledge` says in words what calibration made of it; empty where it was not calibrated or the run used the prior.
    """

    name: str
    value: float
    unit: str
    grade: str
    place: str
    note: str
    sources: tuple[str, ...]
    knowledge: str = ""

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Source:
    """A fact or a reference that a parameter names: what it says, how well it was checked, and its papers."""

    key: str
    text: str
    verified: str
    papers: tuple[str, ...]

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Paper:
    """A publication: how it is printed and where it is found."""

    key: str
    text: str
    url: str

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Lineage:
    """All of `lineage.json` but its schema number."""

    run: str
    headlines: tuple[Headline, ...]
    parameters: tuple[Quantity, ...]
    sources: tuple[Source, ...]
    papers: tuple[Paper, ...]

    __pydantic_config__ = STRICT


def write_lineage(folder: Path, lineage: Lineage) -> Path:
    """Write `lineage.json`.

    Raises
    ------
    InputError
        When a headline names a parameter, a parameter a source, or a source a paper that is not there.
    """
    check_lineage(lineage, label(folder, LINEAGE))
    return write_json(folder, LINEAGE, {"schema": SCHEMA, **to_plain(lineage)})


def read_lineage(folder: Path) -> Lineage:
    """Read and check `lineage.json`; older schemas are migrated.

    Raises
    ------
    InputError
        With one problem per wrong key or dangling name.
    """
    where = label(folder, LINEAGE)
    data = migrate(LINEAGE, read_json(folder, LINEAGE), SCHEMA, where)
    lineage = from_plain(Lineage, {key: value for key, value in data.items() if key != "schema"}, where)
    check_lineage(lineage, where)
    return lineage


def check_lineage(lineage: Lineage, where: str) -> None:
    """Check that every name in the chain is answered: no headline hangs in the air.

    Raises
    ------
    InputError
        With one problem per dangling or repeated name.
    """
    parameters = {item.name for item in lineage.parameters}
    sources = {item.key for item in lineage.sources}
    papers = {item.key for item in lineage.papers}
    dangling = [
        *(
            ("headline", item.id, name)
            for item in lineage.headlines
            for name in item.parameters
            if name not in parameters
        ),
        *(("headline", item.id, name) for item in lineage.headlines for name in item.shares if name not in parameters),
        *(("parameter", item.name, key) for item in lineage.parameters for key in item.sources if key not in sources),
        *(("source", item.key, key) for item in lineage.sources for key in item.papers if key not in papers),
    ]
    ids = [item.id for item in lineage.headlines]
    problems = [
        Problem(
            f"{where}, {kind} {name!r}",
            f"it names {key!r}, which is not there",
            "a complete chain",
            "Run the scenario again.",
        )
        for kind, name, key in dangling[:20]
    ]
    problems += [
        Problem(f"{where}, headline {name!r}", "it stands there twice", "each id once", "Run the scenario again.")
        for name in sorted({name for name in ids if ids.count(name) > 1})
    ]
    if problems:
        raise InputError(problems[0], *problems[1:])
