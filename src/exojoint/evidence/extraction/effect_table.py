"""A table of effects for an analysis: columns found by their names, every wrong cell told at once."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem, closest, did_you_mean, raise_problems
from exojoint.core.tables import read_table
from exojoint.evidence.effects import columns_of, effect_sizes, variance_from_interval
from exojoint.evidence.extraction.grid import Grid, read_grid

Array = NDArray[np.float64]
MISSING = ("", "na", "nan", "n/a", ".", "-")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
LOGGED = ("RR", "OR", "IRR", "ROM", "HR", "PLN", "PETO", "IRLN", "MPOR")  # ratios: analysed as logarithms
GENERIC = "effect"  # the measure of effects that come as they are
MAX_TOLD = 100  # problems in one message


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of text cells whose columns have been given roles.

    Parameters
    ----------
    grid : Grid
        As read.
    roles : mapping of role to header
        Found by name or given.
    """

    grid: Grid
    roles: Mapping[str, str]

    def words(self, header: str) -> tuple[str, ...]:
        """Return a column as text.

        Raises
        ------
        InputError
            When there is no such column.
        """
        place = self._index(header)
        return tuple(cells[place] for _number, cells in self.grid.rows)

    def numbers(self, header: str, problems: list[Problem]) -> Array:
        """Return a column of numbers, nan where a cell is empty or NA; a wrong cell becomes a problem."""
        place = self._index(header)
        values = []
        for number, cells in self.grid.rows:
            text = cells[place].replace("\u2212", "-")
            values.append(float(text) if NUMBER.fullmatch(text) else math.nan)
            if not NUMBER.fullmatch(text) and text.casefold() not in MISSING:
                todo = "Write 1.5, not 1,5." if "," in text else "Correct the cell, or leave it empty."
                what = f"{header} '{text[:60]}' is not a number"
                problems.append(Problem(self.grid.at(number), what, "a number, or nothing", todo))
        return np.array(values, dtype=np.float64)

    def _index(self, header: str) -> int:
        if header not in self.grid.header:
            expected = f"one of {', '.join(self.grid.header)}"[:300]
            todo = did_you_mean(header, self.grid.header)
            raise InputError(Problem(f"{self.grid.name} row 1", f"has no column '{header[:60]}'", expected, todo))
        return self.grid.header.index(header)


@dataclass(frozen=True)
class EffectTable:
    """Effects with their variances, and what else the table says of each row.

    Parameters
    ----------
    measure, scale : str
        What the effects are; ``log`` where `back` is an exponential.
    y, v : (k,)
        Effects and sampling variances; nan where a row has none.
    labels : tuple of str
        Names of the studies.
    sheet : Sheet
        The table itself.
    raw : mapping of role to (k,)
        Group columns, where the table has them.
    warnings : tuple of str
        What was done to a row.
    """

    measure: str
    scale: str
    y: Array
    v: Array
    labels: tuple[str, ...]
    sheet: Sheet
    raw: Mapping[str, Array] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def moderators(self, headers: Sequence[str]) -> dict[str, list[str] | Array]:
        """Return columns as moderators: numbers where every filled cell is one, words elsewhere.

        Raises
        ------
        InputError
            When a column does not exist.
        """
        found: dict[str, list[str] | Array] = {}
        for header in headers:
            problems: list[Problem] = []
            numbers = self.sheet.numbers(header, problems)
            found[header] = list(self.sheet.words(header)) if problems else numbers
        return found


@functools.cache
def roles() -> Mapping[str, tuple[str, ...]]:
    """Return every role with the headers that mean it."""
    path = files("exojoint.evidence.extraction").joinpath("analysis_columns.csv")
    rows = read_table(path, ("role", "aliases", "meaning"), key="role")
    return MappingProxyType({row["role"]: (row["role"], *row["aliases"].split(";")) for row in rows})


def read_sheet(path: Path, columns: Mapping[str, str] | None = None) -> Sheet:
    """Read a table and find the roles of its columns.

    Parameters
    ----------
    path : Path
        CSV or XLSX with a header.
    columns : mapping of role to header, optional
        Where names do not say it, e.g. ``{"effect": "d", "se": "s"}``.

    Raises
    ------
    InputError
        When the file is no table, or a given role or header does not exist.
    """
    grid = read_grid(Path(path))
    if not grid.rows:
        raise InputError(Problem(grid.name, "has a header but no rows", "one row per effect", "Add the data."))
    problems = []
    folded = {_folded(header): header for header in grid.header}
    found = {role: folded[name] for role, names in roles().items() for name in reversed(names) if name in folded}
    for role, header in (columns or {}).items():
        if role not in roles():
            todo = did_you_mean(role, roles())
            problems.append(Problem("columns", f"role '{role[:60]}' is unknown", f"one of {', '.join(roles())}", todo))
        if header not in grid.header:
            todo = did_you_mean(header, grid.header)
            what = f"has no column '{header[:60]}' for {role}"
            problems.append(Problem(f"{grid.name} row 1", what, f"one of {', '.join(grid.header)}"[:300], todo))
        found[role] = header
    raise_problems(problems)
    return Sheet(grid, found)


def read_effects(path: Path, measure: str | None = None, columns: Mapping[str, str] | None = None) -> EffectTable:
    """Read effects from a table: reported ones, or computed from group columns.

    Parameters
    ----------
    path : Path
        CSV or XLSX.
    measure : str, optional
        ``MD``, ``SMD``, ``RR`` ...; without it the table must have effects with a variance, se or interval.
    columns : mapping of role to header, optional
        As in `read_sheet`.

    Returns
    -------
    EffectTable
        Group columns are used where the measure's are all there; reported effects else.

    Raises
    ------
    InputError
        With every wrong cell, and with the columns that are missing.
    """
    sheet = read_sheet(path, columns)
    labels = _labels(sheet)
    if measure is None:
        return _reported(sheet, GENERIC, labels)
    raw = _raw(sheet, measure)
    if raw is not None:
        return _computed(sheet, measure, raw, labels)
    return _reported(sheet, measure, labels)


def _raw(sheet: Sheet, measure: str) -> dict[str, Array] | None:
    """Group columns of a measure, sizes summed from events and non-events; None where some are missing."""
    needed, _optional = columns_of(measure)
    problems: list[Problem] = []
    raw: dict[str, Array] = {}
    for name in needed:
        other = {"n1": "none1", "n2": "none2"}.get(name)
        if name in sheet.roles:
            raw[name] = sheet.numbers(sheet.roles[name], problems)
        elif other in sheet.roles and f"events{name[-1]}" in sheet.roles:
            events = sheet.numbers(sheet.roles[f"events{name[-1]}"], problems)
            raw[name] = events + sheet.numbers(sheet.roles[str(other)], problems)
        else:
            return None
    _raise(problems)
    return raw


def _computed(sheet: Sheet, measure: str, raw: Mapping[str, Array], labels: tuple[str, ...]) -> EffectTable:
    whole = np.all([np.isfinite(column) for column in raw.values()], axis=0)
    y, v = np.full(whole.size, np.nan), np.full(whole.size, np.nan)
    if not whole.any():
        raise InputError(Problem(sheet.grid.name, f"no row has all of {', '.join(raw)}", "at least one whole row"))
    try:
        effects = effect_sizes(measure, **{name: column[whole] for name, column in raw.items()})
    except InputError as error:
        raise InputError(*(_at_row(problem, sheet, whole) for problem in error.problems)) from None
    y[whole], v[whole] = effects.y, effects.v
    return EffectTable(effects.measure, effects.scale, y, v, labels, sheet, raw, effects.warnings)


def _at_row(problem: Problem, sheet: Sheet, whole: NDArray[np.bool_]) -> Problem:
    """Say the row of the file instead of the row of the complete cases."""
    found = re.fullmatch(r"(\w+) row (\d+)", problem.where)
    rows = [number for (number, _cells), used in zip(sheet.grid.rows, whole, strict=True) if used]
    if found is None or int(found[2]) > len(rows):
        return problem
    header = sheet.roles.get(found[1], found[1])
    return Problem(f"{sheet.grid.at(rows[int(found[2]) - 1])} {header}", problem.what, problem.expected, problem.todo)


def _reported(sheet: Sheet, measure: str, labels: tuple[str, ...]) -> EffectTable:
    kind = measure.upper() if measure != GENERIC else GENERIC
    logged = kind in LOGGED
    problems: list[Problem] = []
    have = [role for role in ("variance", "se", "low") if role in sheet.roles]
    if "effect" not in sheet.roles or not have or ("low" in have[:1] and "high" not in sheet.roles):
        raise InputError(*_missing_columns(sheet, measure))
    y = sheet.numbers(sheet.roles["effect"], problems)
    if have[0] == "low":
        ends = [sheet.numbers(sheet.roles[role], problems) for role in ("low", "high")]
        _raise([*problems, *_bad_ends(sheet, y, ends[0], ends[1], logged)])
        y, low, high = (np.log(part) if logged else part for part in (y, *ends))
        v = _variance(low, high)
        said = f"{kind} and interval were taken as ratios and logged" if logged else ""
    else:
        spread = sheet.numbers(sheet.roles[have[0]], problems)
        v = spread if have[0] == "variance" else spread**2
        problems += _bad_spread(sheet, have[0], spread)
        said = f"effects were taken as logarithms of {kind}" if logged else ""
    _raise(problems)
    return EffectTable(kind, "log" if logged else "identity", y, v, labels, sheet, {}, (said,) if said else ())


def _variance(low: Array, high: Array) -> Array:
    whole = np.isfinite(low) & np.isfinite(high)
    v = np.full(low.size, np.nan)
    if whole.any():
        v[whole] = variance_from_interval(low[whole], high[whole])
    return v


def _bad_ends(sheet: Sheet, y: Array, low: Array, high: Array, logged: bool) -> Iterable[Problem]:
    for (number, _cells), effect, first, last in zip(sheet.grid.rows, y, low, high, strict=True):
        at = sheet.grid.at(number)
        if first > last:
            yield Problem(at, f"the interval runs from {first:g} to {last:g}", "low <= high", "Exchange the two ends.")
        elif effect < first or effect > last:
            yield Problem(at, f"effect {effect:g} lies outside {first:g} to {last:g}", "low <= effect <= high")
        if logged and min(effect, first, last) <= 0:
            yield Problem(at, "a ratio is zero or negative", "ratios, not logarithms, beside an interval")


def _bad_spread(sheet: Sheet, role: str, spread: Array) -> Iterable[Problem]:
    for (number, _cells), value in zip(sheet.grid.rows, spread, strict=True):
        if value <= 0:
            what = f"{sheet.roles[role]} is {value:g}"
            yield Problem(
                sheet.grid.at(number), what, f"a {role} above 0", "Was it rounded? Give more digits or drop it."
            )


def _missing_columns(sheet: Sheet, measure: str) -> list[Problem]:
    where = f"{sheet.grid.name} row 1"
    if measure == GENERIC:
        needed = ["effect"] if "effect" not in sheet.roles else []
        needed += [] if any(role in sheet.roles for role in ("variance", "se", "low")) else ["se"]
        expected = "an effect with its variance, se, or low and high; or a measure with its group columns"
    else:
        needed = [name for name in columns_of(measure)[0] if name not in sheet.roles]
        expected = f"{', '.join(columns_of(measure)[0])} for {measure}, or an effect with its variance or se"
    problems = []
    for name in needed or ["high"]:
        headers = {_folded(header): header for header in sheet.grid.header}
        near = [closest(alias, headers) for alias in roles().get(name, (name,)) if len(alias) > 1]
        guess = next((headers[word] for word in near if word), "")
        todo = f'Is it "{guess}"? Then say {name}={guess}.' if guess else f"Say which column it is: {name}=HEADER."
        problems.append(Problem(where, f"no column for {name}", expected, todo))
    return problems


def _labels(sheet: Sheet) -> tuple[str, ...]:
    """Names of the studies; the row number where there is none, and the year beside it where there is one."""
    rows = [number for number, _cells in sheet.grid.rows]
    if "study" not in sheet.roles:
        return tuple(f"row {number}" for number in rows)
    names = sheet.words(sheet.roles["study"])
    years = next((sheet.words(header) for header in sheet.grid.header if _folded(header) == "year"), ("",) * len(rows))
    return tuple(
        f"{name} {year}".strip() if year and year not in name else name or f"row {number}"
        for name, year, number in zip(names, years, rows, strict=True)
    )


def _raise(problems: Iterable[Problem]) -> None:
    found = list(problems)
    if len(found) > MAX_TOLD:
        found = [*found[:MAX_TOLD], Problem("table", f"has {len(found) - MAX_TOLD} more problems", "a table without")]
    raise_problems(found)


def _folded(header: str) -> str:
    return re.sub(r"[\s.-]+", "_", header.strip().casefold())
