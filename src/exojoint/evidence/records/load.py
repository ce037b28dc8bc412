"""The records of the package: studies, results, and the cells that are known otherwise than their row."""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.files import read_text
from exojoint.core.tables import place, read_table
from exojoint.evidence.extraction.consistency import check_row
from exojoint.evidence.extraction.schema import Value, load_schema, read_cell
from exojoint.evidence.facts import VERIFIED, load_facts, load_references, names, unknown_names
from exojoint.evidence.records.record import LITERATURE, Cell, Record

CELL_COLUMNS = ("part", "row", "column", "verified", "recalled", "source", "note")
TABLES = {"study": ("studies.csv", "study_id"), "result": ("results.csv", "record")}

Exceptions = Mapping[tuple[str, str], Mapping[str, Cell]]


@functools.cache
def load_records() -> Mapping[str, Record]:
    """Return every record of the package by id, in the order of ``results.csv``.

    Raises
    ------
    InputError
        With one problem per wrong cell of the three tables.
    """
    return read_records(files("exojoint.evidence").joinpath("records"))


@functools.cache
def load_studies() -> Mapping[str, Record]:
    """Return every study of the package by id: the cells that all its records share."""
    return read_studies(files("exojoint.evidence").joinpath("records"))


def read_studies(folder: Path | Traversable) -> Mapping[str, Record]:
    """Read ``studies.csv`` of a folder, with the exceptions of its ``cells.csv``.

    Raises
    ------
    InputError
        With one problem per wrong cell.
    """
    problems: list[Problem] = []
    studies = _read(folder, "study", _exceptions(folder, problems), problems)
    raise_problems(problems)
    return MappingProxyType(studies)


def read_records(folder: Path | Traversable) -> Mapping[str, Record]:
    """Read ``studies.csv``, ``results.csv`` and ``cells.csv`` of a folder and join them.

    Parameters
    ----------
    folder : Path or Traversable
        Has the three tables.

    Raises
    ------
    InputError
        With one problem per wrong cell, per result of an unknown study and per exception for an unknown row.
    """
    problems: list[Problem] = []
    exceptions = _exceptions(folder, problems)
    studies = _read(folder, "study", exceptions, problems)
    results = _read(folder, "result", exceptions, problems)
    known = {("study", name) for name in studies} | {("result", name) for name in results}
    for part, row in exceptions:
        if (part, row) not in known:
            todo = did_you_mean(row, (name for kind, name in known if kind == part)) or "Remove it."
            problems.append(Problem("cells.csv", f"{part} row '{row[:80]}' is unknown", "a row that exists", todo))
    joined = {name: _join(result, studies, problems) for name, result in results.items()}
    raise_problems(problems)
    return MappingProxyType(joined)


def _join(result: Record, studies: Mapping[str, Record], problems: list[Problem]) -> Record:
    study = studies.get(result.study)
    if study is None:
        todo = did_you_mean(result.study, studies)
        problems.append(Problem(result.place, f"study '{result.study[:80]}' is unknown", "a row of studies.csv", todo))
        return result
    both = {name for name, column in load_schema().items() if column.part == "both"}
    shared = {name: cell for name, cell in study.cells.items() if name not in both}
    reference = study.cells["reference"].value if "reference" in study.cells else ()
    keys = reference if isinstance(reference, tuple) else ()
    own = {name: replace(cell, source=tuple(dict.fromkeys(cell.source + keys))) for name, cell in result.cells.items()}
    return Record(result.id, result.study, result.place, MappingProxyType(shared | own))


def _read(folder: Path | Traversable, part: str, exceptions: Exceptions, problems: list[Problem]) -> dict[str, Record]:
    name, key = TABLES[part]
    path = folder.joinpath(name)
    schema = {
        column: item for column, item in load_schema().items() if item.part in (part, "both") or column == "study_id"
    }
    header = _header(path)
    optional = [column for column in schema if column not in (key, "study_id", "verified")]
    rows = read_table(
        path,
        [key, *(c for c in ("study_id", "verified") if c != key)],
        key=key,
        optional=[c for c in optional if c in header],
    )
    records = {}
    for number, row in enumerate(rows, start=2):
        at = place(name, number, row[key])
        values = _values(row, at, problems)
        problems.extend(check_row(values, at))
        records[row[key]] = Record(
            row[key], row["study_id"], at, _cells(values, at, exceptions.get((part, row[key]), {}), problems)
        )
    return records


def _header(path: Path | Traversable) -> list[str]:
    lines = read_text(path).splitlines()
    try:
        return next(csv.reader(lines[:1]), [])
    except csv.Error:
        return []


def _values(row: Mapping[str, str], at: str, problems: list[Problem]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, text in row.items():
        try:
            values[name] = read_cell(load_schema()[name], text, at)
        except InputError as error:
            problems.extend(error.problems)
    for name, known in (("reference", load_references()), ("facts", load_facts())):
        found = values.get(name)
        if isinstance(found, tuple):
            problems.extend(unknown_names(at, name, found, known))
    return values


def _cells(
    values: Mapping[str, Value], at: str, exceptions: Mapping[str, Cell], problems: list[Problem]
) -> Mapping[str, Cell]:
    """Give each filled cell the provenance of its row, or its own where ``cells.csv`` has one."""
    verified = str(values.get("verified") or "not_found")
    source = tuple(key for name in ("facts", "reference") for key in _tuple(values.get(name)))
    cells = {name: Cell(value, verified, source) for name, value in values.items() if value is not None}
    for name, other in exceptions.items():
        value = values.get(name)
        if other.recalled and value is not None and other.verified == "recalled" and other.recalled == str(value):
            problems.append(Problem(at, f"{name} is recalled and stands as a value", "an empty cell", "Empty it."))
        if not other.recalled and value is None:
            problems.append(Problem(at, f"{name} is empty but {other.verified} in cells.csv", "a value", "Fill it."))
        known = verified if value is not None and other.recalled else other.verified
        cells[name] = Cell(value, known, other.source, other.recalled, other.note)
    return MappingProxyType(cells)


def _tuple(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _exceptions(folder: Path | Traversable, problems: list[Problem]) -> Exceptions:
    found: dict[tuple[str, str], dict[str, Cell]] = {}
    known = {**load_facts(), **load_references()}
    for number, row in enumerate(read_table(folder.joinpath("cells.csv"), CELL_COLUMNS, key=""), start=2):
        at = place("cells.csv", number, row["row"])
        source = names(row["source"])
        problems.extend(unknown_names(at, "source", source, known))
        for name, choices in (("part", tuple(TABLES)), ("column", tuple(load_schema())), ("verified", VERIFIED)):
            if row[name] not in choices:
                todo = did_you_mean(row[name], choices)
                problems.append(Problem(at, f"{name} '{row[name][:80]}' is unknown", f"a known {name}", todo))
        if (row["verified"] == "recalled") != bool(row["recalled"]):
            what = (
                "says recalled without a recollection" if not row["recalled"] else f"recalls a {row['verified']} value"
            )
            problems.append(
                Problem(at, what, "`recalled` filled exactly when verified is recalled", "Correct the row.")
            )
        if row["verified"] not in LITERATURE and row["verified"] != "recalled":
            problems.append(Problem(at, "an exception that nobody saw", "seen, derived, computed or recalled"))
        cell = Cell(None, row["verified"], source, row["recalled"], row["note"])
        found.setdefault((row["part"], row["row"]), {})[row["column"]] = cell
    return found
