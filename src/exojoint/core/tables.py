"""Tables of numbers: each row has unit, uncertainty, variability, grade and source; all row errors come at once."""

from __future__ import annotations

import csv
import functools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exojoint.core.distributions import Distribution, Variability, parse_distribution, parse_variability
from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.files import MAX_TEXT_BYTES, read_text
from exojoint.core.units import check_unit

GRADES = (
    "human_knee",
    "human_other",
    "animal_joint",
    "in_vitro",
    "other_system",
    "derived",
    "calibrated",
    "assumed",
)
COLUMNS = ("name", "value", "unit", "uncertainty", "variability", "grade", "symbol", "source", "where", "note")
ASSUMED = "assumed"  # the source of a number that nobody measured: legal, visible, and counted
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number with its life: unit, what we do not know, how patients differ, and where it comes from.

    Parameters
    ----------
    name : str
        Prefix grammar of the house (``k_``, ``s_``, ``frac_`` ...); zones carry ``_1``, ``_2``, ``_3``.
    value : float
        In `unit`; the centre (median) of `uncertainty`.
    unit : str
        A unit of `exojoint.core.units`.
    uncertainty : Distribution
        What we do not know; shrinks with data.
    variability : Variability
        How patients differ; does not shrink.
    grade : str
        One of `GRADES`: on what kind of evidence the number rests.
    symbol : str
        The specification's symbol, or empty.
    source : tuple of str
        Fact ids, keys of ``references.bib``, or ``assumed``.
    where, note : str
        Table, figure or page in the source; conversion or reasoning.
    table, row : str, int
        File name and row (the header is row 1), for messages and lineage.
    extra : tuple of (column, text)
        Columns that one table has beside the common ones.
    """

    name: str
    value: float
    unit: str
    uncertainty: Distribution
    variability: Variability
    grade: str
    symbol: str
    source: tuple[str, ...]
    where: str
    note: str
    table: str
    row: int
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> str:
        """Where the number stands, as messages say it."""
        return place(self.table, self.row, self.name)


class ParameterTable(Mapping[str, Parameter]):
    """Parameters by name in the order of their files; never changes.

    Parameters
    ----------
    parameters : iterable of Parameter
        Names must differ.

    Raises
    ------
    InputError
        When two parameters share a name.
    """

    __slots__ = ("_rows",)

    def __init__(self, parameters: Iterable[Parameter] = ()) -> None:
        rows: dict[str, Parameter] = {}
        problems = []
        for parameter in parameters:
            if parameter.name in rows:
                first = rows[parameter.name]
                problems.append(_duplicate(parameter.place, parameter.name, f"{first.table} row {first.row}"))
            rows.setdefault(parameter.name, parameter)
        raise_problems(problems)
        self._rows: Mapping[str, Parameter] = rows

    def __getitem__(self, name: str) -> Parameter:
        """Return a parameter; an unknown name raises KeyError with a suggestion."""
        try:
            return self._rows[name]
        except KeyError:
            raise KeyError(f"no parameter `{name}`. {did_you_mean(name, self._rows)}".strip()) from None

    def __contains__(self, name: object) -> bool:
        """Whether a parameter of this name exists."""
        return name in self._rows

    def __iter__(self) -> Iterator[str]:
        """Names in the order of the file."""
        return iter(self._rows)

    def __len__(self) -> int:
        """Number of parameters."""
        return len(self._rows)

    def __repr__(self) -> str:
        """Name the files and count the rows."""
        files = ", ".join(dict.fromkeys(row.table for row in self._rows.values()))
        return f"ParameterTable({len(self)} rows of {files or 'nothing'})"

    def merge(self, other: ParameterTable) -> ParameterTable:
        """Return a table with the rows of both, this one's first.

        Raises
        ------
        InputError
            When both define the same name.
        """
        return ParameterTable((*self.values(), *other.values()))

    def select(self, names: Iterable[str]) -> ParameterTable:
        """Return a table of the named rows, in the order of `names`."""
        return ParameterTable(self[name] for name in names)

    def values_array(self, names: Iterable[str]) -> NDArray[np.float64]:
        """Return the values of the named rows, (n_names,), each in its row's unit."""
        return np.array([self[name].value for name in names], dtype=np.float64)


def read_parameters(path: Path | Traversable, extra: Sequence[str] = ()) -> ParameterTable:
    """Read a parameter table and check every cell of every row.

    Parameters
    ----------
    path : Path or Traversable
        A CSV file with the columns `COLUMNS` (and `extra`), in any order.
    extra : sequence of str
        Further columns of this table; their text is kept in ``Parameter.extra``.

    Raises
    ------
    InputError
        With one problem per wrong cell, naming file, row and parameter.
    """
    rows, problems = _read_rows(path, (*COLUMNS, *extra), (), MAX_TEXT_BYTES)
    _check_key(path.name, rows, "name", problems)
    whole = [(number, row) for number, row in enumerate(rows, start=2) if row]
    parameters = [_parameter(row, path.name, number, extra, problems) for number, row in whole]
    raise_problems(problems)
    return ParameterTable(parameter for parameter in parameters if parameter is not None)


def read_table(
    path: Path | Traversable,
    columns: Sequence[str],
    *,
    key: str = "name",
    optional: Sequence[str] = (),
    max_bytes: int = MAX_TEXT_BYTES,
) -> list[dict[str, str]]:
    """Read a small CSV table strictly; cells are stripped of surrounding blanks.

    Parameters
    ----------
    path : Path or Traversable
        UTF-8 text with a header line.
    columns : sequence of str
        Columns that must be there; no others may be, except `optional`.
    key : str
        Column whose cells must be filled and must differ; ``""`` for a table without a key.
    optional : sequence of str
        Columns that may be missing; their cells are then empty.
    max_bytes : int
        Largest file accepted.

    Returns
    -------
    list of dict
        One per row in file order: element i is row i + 2 of the file (the header is row 1).

    Raises
    ------
    InputError
        With every wrong row: missing, unknown or repeated columns, rows of another length, empty rows, repeated keys.
    """
    rows, problems = _read_rows(path, columns, optional, max_bytes)
    _check_key(path.name, rows, key, problems)
    raise_problems(problems)
    return rows


def place(table: str, row: int, name: str) -> str:
    """Say where a row stands: ``parameters.csv row 41 `k_uptake```."""
    return f"{table} row {row} `{name}`" if name else f"{table} row {row}"


def _read_rows(
    path: Path | Traversable, columns: Sequence[str], optional: Sequence[str], max_bytes: int
) -> tuple[list[dict[str, str]], list[Problem]]:
    """Rows of a table, empty where a row has another length than the header, and the problems of those rows."""
    text = read_text(path, max_bytes)
    try:
        records = list(csv.reader(text.splitlines(keepends=True), strict=True))
    except csv.Error as error:
        what = f"is not a CSV table ({error})"
        raise InputError(Problem(str(path), what, "comma-separated rows", "Check the quotation marks.")) from None
    while records and not any(cell.strip() for cell in records[-1]):
        records.pop()
    if not records:
        raise InputError(Problem(str(path), "is empty", "a header line and rows", f"Start with: {','.join(columns)}"))
    header = [cell.strip() for cell in records[0]]
    _check_header(path.name, header, columns, optional)
    problems: list[Problem] = []
    rows = [_row(path.name, number, header, record, problems) for number, record in enumerate(records[1:], start=2)]
    missing = dict.fromkeys(optional, "")
    return [missing | row if row else row for row in rows], problems


def _check_header(table: str, header: list[str], columns: Sequence[str], optional: Sequence[str]) -> None:
    problems = []
    expected = f"the columns {', '.join(columns)}"
    for column in columns:
        if column not in header:
            unknown = [name for name in header if name not in columns]
            todo = did_you_mean(column, unknown)
            problems.append(Problem(f"{table} row 1", f"column '{column}' is missing", expected, todo))
    for position, column in enumerate(header):
        if column not in columns and column not in optional:
            what = f"column '{column[:80]}' is unknown"
            problems.append(Problem(f"{table} row 1", what, expected, did_you_mean(column, columns) or "Remove it."))
        elif column in header[:position]:
            problems.append(Problem(f"{table} row 1", f"column '{column}' stands twice", expected, "Remove one."))
    raise_problems(problems)


def _row(table: str, number: int, header: list[str], record: list[str], problems: list[Problem]) -> dict[str, str]:
    if len(record) != len(header):
        what = f"has {len(record)} cells" if record else "is empty"
        todo = "Quote cells that contain commas." if len(record) > len(header) else "Fill or remove the row."
        problems.append(Problem(f"{table} row {number}", what, f"{len(header)} cells", todo))
        return {}
    return dict(zip(header, (cell.strip() for cell in record), strict=False))


def _check_key(table: str, rows: list[dict[str, str]], key: str, problems: list[Problem]) -> None:
    first: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        name = row.get(key) if key else None
        if name is None:
            continue
        if not name:
            problems.append(Problem(f"{table} row {number}", f"cell '{key}' is empty", f"a {key}", "Fill it."))
        elif first.setdefault(name, number) != number:
            problems.append(_duplicate(place(table, number, name), name, f"row {first[name]}"))


def _duplicate(where: str, name: str, earlier: str) -> Problem:
    return Problem(where, f"`{name}` stands twice (first in {earlier})", "each name once", "Rename or remove one.")


def _parameter(
    row: Mapping[str, str], table: str, number: int, extra: Sequence[str], problems: list[Problem]
) -> Parameter | None:
    name = row["name"]
    at = place(table, number, name)
    before = len(problems)
    if not NAME.fullmatch(name):
        what = f"name '{name[:80]}' is not a name"
        problems.append(Problem(at, what, "letters, digits and underscores, a letter first", "Rename it."))
    value = _value(row["value"], at, problems)
    uncertainty, variability = Distribution("fixed"), Variability()
    try:
        _check_unit_once(row["unit"], at)
    except InputError as error:
        problems.extend(error.problems)
    try:
        uncertainty = parse_distribution(row["uncertainty"], at)
        mismatch = uncertainty.problem(value)
        if mismatch and math.isfinite(value):
            problems.append(Problem(at, *mismatch, "Correct the value or the uncertainty."))
    except InputError as error:
        problems.extend(error.problems)
    try:
        variability = parse_variability(row["variability"], at)
    except InputError as error:
        problems.extend(error.problems)
    if row["grade"] not in GRADES:
        todo = did_you_mean(row["grade"], GRADES) or "Choose one of them."
        problems.append(Problem(at, f"grade '{row['grade'][:80]}' is unknown", f"one of {', '.join(GRADES)}", todo))
    source = tuple(part for part in (piece.strip() for piece in row["source"].split(";")) if part)
    if not source:
        problems.append(Problem(at, "has no source", "fact ids, reference keys, or 'assumed'", "Name the source."))
    if len(problems) > before:
        return None
    kept = tuple((column, row[column]) for column in extra)
    life = (uncertainty, variability, row["grade"], row["symbol"], source, row["where"], row["note"])
    return Parameter(name, value, row["unit"], *life, table, number, kept)


@functools.cache
def _unit_error(unit: str) -> tuple[Problem, ...]:
    try:
        check_unit(unit, "")
    except InputError as error:
        return error.problems
    return ()


def _check_unit_once(unit: str, where: str) -> None:
    """Check a unit that stands in hundreds of rows only once."""
    raise_problems(Problem(where, p.what, p.expected, p.todo) for p in _unit_error(unit))


def _value(text: str, where: str, problems: list[Problem]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or "_" in text:
        problems.append(Problem(where, f"value '{text[:80]}' is not a number", "a finite number", "Correct the cell."))
    return value
