"""A user's table of text cells, its columns with their roles, and its numbers with every wrong cell told at once."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.evidence.extraction.grid import Grid, read_grid
from exojoint.evidence.extraction.headers import find_roles, role_of, roles

Array = NDArray[np.float64]
MISSING = ("", "na", "nan", "n/a", "nr", "not reported", "null", "none", ".", "-", "\u2013", "?")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of text cells whose columns have been given roles.

    Parameters
    ----------
    grid : Grid
        As read.
    roles : mapping of role to header
        Found by name or given.
    unclear : mapping of role to headers
        Several headers could have the role, so none has.
    given : set of str
        Roles that the user gave.
    """

    grid: Grid
    roles: Mapping[str, str]
    unclear: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    given: frozenset[str] = frozenset()

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
            value = float(text) if NUMBER.fullmatch(text) else math.nan
            values.append(value)
            if math.isinf(value):
                problems.append(
                    Problem(self.grid.at(number), f"{header} '{text[:60]}' is too large", "a finite number")
                )
            elif math.isnan(value) and text.casefold() not in MISSING:
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
    known = find_roles(grid.header)
    found = dict(known.roles)
    counted = Counter(header.casefold() for header in grid.header if header)
    problems = [
        Problem(f"{grid.name} row 1", f"has column '{name[:60]}' twice", "each header once", "Rename or remove one.")
        for name, count in counted.items()
        if count > 1
    ]
    for name, header in (columns or {}).items():
        role = role_of(name)
        if not role:
            swapped = name in grid.header and role_of(header)
            todo = f"Is it the other way round? Say {header}={name}." if swapped else did_you_mean(name, roles())
            problems.append(Problem("columns", f"role '{name[:60]}' is unknown", f"one of {', '.join(roles())}", todo))
        if header not in grid.header and not (not role and name in grid.header):
            todo = did_you_mean(header, grid.header)
            what = f"has no column '{header[:60]}' for {name}"
            problems.append(Problem(f"{grid.name} row 1", what, f"one of {', '.join(grid.header)}"[:300], todo))
        found[role] = header
    raise_problems(problems)
    return Sheet(grid, found, known.unclear, frozenset(role_of(name) for name in columns or {}))
