"""A sheet of text cells from a CSV or XLSX file, read as if the file were hostile."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exojoint.core.errors import InputError, Problem
from exojoint.core.files import read_text
from exojoint.core.tables import place
from exojoint.evidence.extraction.xlsx import read_xlsx

MAX_ROWS = 50_000  # a hundred times the largest review we know of
MAX_COLUMNS = 500
MAX_BYTES = 16_000_000
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*")
DELIMITERS = (",", ";", "\t")  # what sheet programs write in different countries


@dataclass(frozen=True, slots=True)
class Grid:
    """A header and rows of text cells.

    Parameters
    ----------
    name : str
        File name, for messages.
    header : tuple of str
        As written.
    rows : tuple of (row number, cells)
        Row numbers as the reader's program shows them (the header is row 1); empty rows are left out.
    """

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def at(self, number: int, name: str = "") -> str:
        """Say where a row stands, for messages."""
        return place(self.name, number, name)


def read_grid(path: Path) -> Grid:
    """Read a table of text cells.

    Parameters
    ----------
    path : Path
        A ``.csv``, ``.tsv``, ``.txt`` or ``.xlsx`` file; of a workbook the first sheet.

    Raises
    ------
    InputError
        When it is not such a file, is empty or too large, or a row is longer than the header.
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending == ".xlsx":
        return _grid(path.name, read_xlsx(path))
    if ending in (".csv", ".tsv", ".txt", ""):
        return _grid(path.name, _csv(path))
    todo = "Save it as .csv or .xlsx." if ending in (".xls", ".ods", ".xlsm") else "Export it as a table."
    raise InputError(Problem(str(path), f"ending '{ending}' is not a table", ".csv or .xlsx", todo))


def _csv(path: Path) -> list[list[str]]:
    text = read_text(path, MAX_BYTES)
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), strict=True, delimiter=delimiter))
        if delimiter == ";":  # as sheet programs write where a comma separates decimals
            return [[cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell) else cell for cell in row] for row in rows]
        return rows
    except csv.Error as error:
        what = f"is not a CSV table ({error})"
        problem = Problem(str(path), what, "comma-separated rows", "Check the quotation marks.")
        raise InputError(problem) from None


def _grid(name: str, records: Sequence[Sequence[str]]) -> Grid:
    numbered = [(number, [cell.strip() for cell in row]) for number, row in enumerate(records, start=1)]
    filled = [(number, row) for number, row in numbered if any(row)]
    if not filled:
        raise InputError(Problem(name, "is empty", "a header line and rows", "Start from the template."))
    top, header = filled[0]
    while header and not header[-1]:
        header.pop()
    if len(header) > MAX_COLUMNS or len(filled) > MAX_ROWS:
        what = f"has {len(filled):,} rows and {len(header):,} columns"
        raise InputError(Problem(name, what, f"at most {MAX_ROWS:,} and {MAX_COLUMNS}", "Is it the right file?"))
    problems = []
    rows = []
    for number, row in filled[1:]:
        if any(row[len(header) :]):
            expected = f"{len(header)} cells, as in row {top}"
            problems.append(
                Problem(place(name, number, ""), f"has {len(row)} cells", expected, "Quote commas in cells.")
            )
            continue
        rows.append((number, tuple(row[: len(header)] + [""] * (len(header) - len(row)))))
    if problems:
        raise InputError(*problems)
    return Grid(name, tuple(header), tuple(rows))
