"""A record: one comparison x outcome x time, each cell with where it comes from and how it is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from exojoint.evidence.extraction.schema import Value, load_schema

AUTHOR = re.compile(r"((?:d[ae] |van |von |der )*[A-Z][\w'-]+)(?: [A-Z]{1,3}(?=,| et al|\.)| et al)")
LITERATURE = ("seen", "derived", "computed")  # only such a cell has a value; a recollection never counts as one


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a record.

    Parameters
    ----------
    value : str, float, int, tuple of str or None
        What the literature says; None where it says nothing that was seen.
    verified : str
        ``seen``, ``derived``, ``computed``, ``recalled`` or ``not_found``.
    source : tuple of str
        Fact ids, and keys of ``references.bib``.
    recalled : str
        What somebody remembers: a weak prior, never a literature value.
    note : str
        How the cell was reached, when that differs from its row.
    """

    value: Value
    verified: str
    source: tuple[str, ...]
    recalled: str = ""
    note: str = ""


EMPTY = Cell(None, "not_found", ())


@dataclass(frozen=True, slots=True)
class Record:
    """One comparison x outcome x time.

    Parameters
    ----------
    id : str
        Name of the row, e.g. ``pereira2022.pain``.
    study : str
        Name of its study.
    place : str
        Table and row, for messages.
    cells : mapping of column to Cell
        Columns of the extraction schema that are filled or remembered.
    """

    id: str
    study: str
    place: str
    cells: Mapping[str, Cell] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, column: str) -> Cell:
        """Return a cell; an empty one for a column that the row does not have.

        Raises
        ------
        KeyError
            When the schema has no such column.
        """
        if column not in load_schema():
            raise KeyError(column)
        return self.cells.get(column, EMPTY)

    def text(self, column: str) -> str:
        """Return a cell's words, ``''`` where there are none."""
        value = self[column].value
        return "; ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)

    def number(self, column: str) -> float | None:
        """Return a cell's number, None where there is none."""
        value = self[column].value
        return float(value) if isinstance(value, int | float) else None

    @property
    def verified(self) -> str:
        """How the row as a whole is known."""
        return self.text("verified") or "not_found"

    @property
    def label(self) -> str:
        """First author and year as a figure names the row; the study's own name where no author is known."""
        author = AUTHOR.match(self.text("citation"))
        return f"{author[1]} {self.text('year')}".strip() if author else self.study.replace("_", " ")

    def recollections(self) -> dict[str, str]:
        """Return what is only remembered of this row, by column."""
        return {name: cell.recalled for name, cell in self.cells.items() if cell.recalled}
