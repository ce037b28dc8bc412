"""Import extraction sheets: every row becomes a record, or every fault of every row is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from exojoint.core.errors import InputError, Problem, raise_problems
from exojoint.evidence.extraction.consistency import check_row
from exojoint.evidence.extraction.grid import Grid, read_grid
from exojoint.evidence.extraction.schema import Value, column_of, load_schema, read_cell, suggestion
from exojoint.evidence.facts import load_facts, load_references
from exojoint.evidence.records.record import Cell, Record

MAX_PROBLEMS = 200  # more would be read by nobody


@dataclass(frozen=True, slots=True)
class Imported:
    """What a sheet gave.

    Parameters
    ----------
    records : mapping of id to Record
        In the order of the sheet.
    warnings : tuple of str
        What is legal but needs a look: spreads that may be standard errors, shared controls without a name.
    """

    records: Mapping[str, Record]
    warnings: tuple[str, ...]


def import_records(path: Path, columns: Mapping[str, str] | None = None) -> Imported:
    """Read an extraction sheet.

    Parameters
    ----------
    path : Path
        CSV or XLSX with columns of the template in any order; ``study_id``, ``outcome`` and ``verified`` are needed.
    columns : mapping of the sheet's header to a schema column, optional
        For sheets with other headers.

    Raises
    ------
    InputError
        With one problem per wrong header, cell and row.
    """
    grid = read_grid(Path(path))
    names = _header(grid, columns or {})
    problems: list[Problem] = []
    records: dict[str, Record] = {}
    for number, cells in grid.rows:
        record = _record(grid, number, dict(zip(names, cells, strict=True)), problems)
        if record.id in records:
            first = records[record.id].place
            problems.append(Problem(record.place, f"`{record.id}` stands twice (first in {first})", "each name once"))
        records.setdefault(record.id, record)
    if not grid.rows:
        problems.append(Problem(grid.name, "has a header but no rows", "one row per comparison x outcome x time"))
    if len(problems) > MAX_PROBLEMS:
        left = len(problems) - MAX_PROBLEMS
        problems = [*problems[:MAX_PROBLEMS], Problem(grid.name, f"has {left} more problems", "a sheet without", "")]
    raise_problems(problems)
    return Imported(MappingProxyType(records), _warnings(records))


def _header(grid: Grid, given: Mapping[str, str]) -> tuple[str, ...]:
    problems = []
    names: list[str] = []
    for header, column in given.items():
        if header not in grid.header:
            problems.append(
                Problem(f"{grid.name} row 1", f"has no column '{header[:80]}'", ", ".join(grid.header)[:300])
            )
        if column not in load_schema():
            problems.append(
                Problem("columns", f"'{column[:80]}' is unknown", "a column of the schema", suggestion(column))
            )
    for header in grid.header:
        name = given.get(header) or column_of(header)
        if not name:
            expected = "a column of the template"
            problems.append(
                Problem(f"{grid.name} row 1", f"column '{header[:80]}' is unknown", expected, suggestion(header))
            )
        elif name in names:
            problems.append(
                Problem(f"{grid.name} row 1", f"column '{name}' stands twice", "each column once", "Remove one.")
            )
        names.append(name)
    for needed in load_schema().values():
        if needed.required and needed.name not in names:
            what = f"column '{needed.name}' is missing"
            problems.append(Problem(f"{grid.name} row 1", what, needed.meaning, "Add it."))
    raise_problems(problems)
    return tuple(names)


def _record(grid: Grid, number: int, row: Mapping[str, str], problems: list[Problem]) -> Record:
    at = grid.at(number, row["study_id"])
    values: dict[str, Value] = {}
    for name, text in row.items():
        try:
            value = read_cell(load_schema()[name], text, at)
        except InputError as error:
            problems.extend(error.problems)
            continue
        if value is not None:
            values[name] = value
        elif load_schema()[name].required:
            problems.append(Problem(at, f"{name} is empty", load_schema()[name].meaning, "Fill it."))
    problems.extend(check_row(values, at))
    name = str(values.get("record") or f"{row['study_id']}.{number}")
    source = _source(values, f"{grid.name} row {number}")
    verified = str(values.get("verified") or "not_found")
    cells = {column: Cell(value, verified, source) for column, value in values.items()}
    return Record(name, row["study_id"], at, MappingProxyType(cells))


def _source(values: Mapping[str, Value], row: str) -> tuple[str, ...]:
    """Where the cells of an imported row come from: the row itself, and the known facts and works that it names."""
    known = {**load_facts(), **load_references()}
    named = [values.get(column) for column in ("facts", "reference")]
    keys = tuple(key for value in named if isinstance(value, tuple) for key in value if key in known)
    return (row, *keys)


def _warnings(records: Mapping[str, Record]) -> tuple[str, ...]:
    warnings = []
    unclear = [record.place for record in records.values() if record.text("error_type") == "unclear"]
    if unclear:
        warnings.append(f"spread may be an SD or a standard error in {len(unclear)} rows ({unclear[0]} ...)")
    controls: dict[tuple[str, ...], list[Record]] = {}
    for record in records.values():
        if record.number("mean_c") is not None and not record.text("shared_control_id"):
            parts = [record.text(name) for name in ("outcome", "time_days", "n_c", "mean_c", "sd_c")]
            controls.setdefault((record.study, *parts), []).append(record)
    for same in controls.values():
        if len(same) > 1:
            places = ", ".join(record.place for record in same[:3])
            warnings.append(f"{places} have the same comparison group but no shared_control_id: errors are correlated")
    return tuple(warnings)
