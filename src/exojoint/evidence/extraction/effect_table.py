"""A table of effects for an analysis: reported ones, or computed from group columns; every wrong cell told at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.effects import columns_of, effect_sizes, sd_from_sem
from exojoint.evidence.extraction.headers import folded
from exojoint.evidence.extraction.reported import REPORTED_ONLY, available, measure_of, raise_some, reported
from exojoint.evidence.extraction.sheet import MISSING, Sheet, read_sheet

Array = NDArray[np.float64]
OPTIONAL = ("sd_sham", "n_sham")  # columns that make a measure's variance complete where the table has them


@dataclass(frozen=True)
class EffectTable:
    """Effects with their variances, and what else the table says of each row.

    Parameters
    ----------
    measure, scale : str
        What the effects are; ``log`` where `back` is an exponential.
    y, v : (k,)
        Effects and sampling variances; nan where a row has none.
    sheet : Sheet
        The table itself.
    raw : mapping of role to (k,)
        Group columns, where the table has them.
    warnings : tuple of str
        What was done to a row.
    used : tuple of str
        Roles of the columns that were read.
    """

    measure: str
    scale: str
    y: Array
    v: Array
    sheet: Sheet
    raw: Mapping[str, Array] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    used: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the studies; the row number where there is none, and the year beside it where there is one."""
        return _labels(self.sheet)

    @property
    def columns(self) -> dict[str, str]:
        """Header of each role that was read."""
        return {role: self.sheet.roles[role] for role in self.used if role in self.sheet.roles}

    def moderators(self, headers: Sequence[str]) -> dict[str, list[str] | Array]:
        """Return columns as moderators: numbers where every filled cell is one, words elsewhere.

        Raises
        ------
        InputError
            When a column does not exist, or mixes numbers with a few words, which are more likely wrong than meant.
        """
        found: dict[str, list[str] | Array] = {}
        for header in headers:
            problems: list[Problem] = []
            numbers = self.sheet.numbers(header, problems)
            if problems and len(problems) <= np.isfinite(numbers).sum():
                raise_some(problems)
            found[header] = self._words(header) if problems else numbers
        return found

    def _words(self, header: str) -> list[str]:
        """Words of a moderator; a gap is an error, because a regression cannot tell it from a class of its own."""
        words = self.sheet.words(header)
        raise_some(
            Problem(self.sheet.grid.at(number), f"{header} is empty", "a word", "Fill the cell or drop the row.")
            for (number, _cells), word in zip(self.sheet.grid.rows, words, strict=True)
            if word.casefold() in MISSING
        )
        return list(words)


def read_effects(path: Path, measure: str | None = None, columns: Mapping[str, str] | None = None) -> EffectTable:
    """Read effects from a table: reported ones, or computed from group columns.

    Parameters
    ----------
    path : Path
        CSV or XLSX.
    measure : str, optional
        ``MD``, ``SMD``, ``RR`` ...; ``GEN`` or nothing where the table has effects with a variance, se or interval.
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
    kind = None if measure is None else measure_of(measure)
    sheet = read_sheet(path, columns)
    if kind is not None and kind not in REPORTED_ONLY and set(columns_of(kind)[0]) <= available(sheet):
        return _computed(sheet, kind)
    found = reported(sheet, kind)
    used = ("study", *found.used)
    return EffectTable(found.measure, found.scale, found.y, found.v, sheet, {}, found.notes, used)


def _computed(sheet: Sheet, measure: str) -> EffectTable:
    raw, used, notes = _raw(sheet, measure)
    needed = columns_of(measure)[0]
    whole = np.all([np.isfinite(raw[name]) for name in needed], axis=0)
    y, v = np.full(whole.size, np.nan), np.full(whole.size, np.nan)
    if not whole.any():
        raise InputError(Problem(sheet.grid.name, f"no row has all of {', '.join(needed)}", "at least one whole row"))
    try:
        effects = effect_sizes(measure, **{name: column[whole] for name, column in raw.items()})
    except InputError as error:
        raise InputError(*(_at_row(problem, sheet, whole) for problem in error.problems)) from None
    y[whole], v[whole] = effects.y, effects.v
    warnings = (*notes, *effects.warnings)
    return EffectTable(effects.measure, effects.scale, y, v, sheet, raw, warnings, ("study", *used))


def _raw(sheet: Sheet, measure: str) -> tuple[dict[str, Array], list[str], list[str]]:
    """Group columns of a measure; sizes summed from events and others, SDs from standard errors, both told."""
    needed, optional = columns_of(measure)
    problems: list[Problem] = []
    raw: dict[str, Array] = {}
    used: list[str] = []
    notes: list[str] = []

    def column(role: str) -> Array:
        used.append(role)
        return sheet.numbers(sheet.roles[role], problems)

    for name in (*needed, *(name for name in OPTIONAL if name in optional and name in sheet.roles)):
        group = name[-1]
        if name in sheet.roles:
            raw[name] = column(name)
        elif name == f"n{group}":
            raw[name] = sheet.numbers(sheet.roles[f"events{group}"], problems) + column(f"none{group}")
        else:
            sem = column(f"sem{group}")
            raw_n = raw.get(f"n{group}", column(f"n{group}"))
            raise_some(problems)
            raw[name] = sd_from_sem(sem, raw_n)
            notes.append(f"{name} was computed from standard errors in '{sheet.roles[f'sem{group}']}'")
    raise_some(problems)
    return raw, list(dict.fromkeys(used)), notes


def _at_row(problem: Problem, sheet: Sheet, whole: NDArray[np.bool_]) -> Problem:
    """Say the row of the file instead of the row of the complete cases."""
    found = re.fullmatch(r"(\w+) row (\d+)", problem.where)
    rows = [number for (number, _cells), used in zip(sheet.grid.rows, whole, strict=True) if used]
    if found is None or int(found[2]) > len(rows):
        return problem
    header = sheet.roles.get(found[1], found[1])
    return Problem(f"{sheet.grid.at(rows[int(found[2]) - 1])} {header}", problem.what, problem.expected, problem.todo)


def _labels(sheet: Sheet) -> tuple[str, ...]:
    rows = [number for number, _cells in sheet.grid.rows]
    if "study" not in sheet.roles:
        return tuple(f"row {number}" for number in rows)
    names = sheet.words(sheet.roles["study"])
    years = next((sheet.words(header) for header in sheet.grid.header if folded(header) == "year"), ("",) * len(rows))
    return tuple(
        f"{name} {year}".strip() if year and year not in name else name or f"row {number}"
        for name, year, number in zip(names, years, rows, strict=True)
    )
