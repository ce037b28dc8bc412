"""From bytes to numbered rows: decides whether a file is text that an instrument wrote, and splits it.

Rows are split one by one because instrument exports are not rectangular; each row keeps its line number for messages.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass

from exojoint.core.errors import InputError, Problem

EXPORT_AGAIN = "Export the experiment summary again as CSV from the NTA software and use that file unchanged."

_SIGNATURES = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet (xlsx)"),
    (b"\xd0\xcf\x11\xe0", "an old Office document (xls)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"FCS", "a flow-cytometry file (FCS)"),
    (b"PAR1", "a Parquet file"),
)
_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
    (b"N\x00\x00\x00", "UTF-32"),
    (b"\x00\x00\x00N", "UTF-32"),
    (b"N\x00T\x00", "UTF-16"),
    (b"\x00N\x00T", "UTF-16"),
    (b"+/v", "UTF-7"),
)
# Everything below a blank except tab and line ends, plus the C1 block that no Western code page prints.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the file: its line number (from 1) and its cells, blanks cut off."""

    line: int
    cells: tuple[str, ...]

    @property
    def key(self) -> str:
        """First cell: what the row is about."""
        return self.cells[0] if self.cells else ""

    @property
    def blank(self) -> bool:
        """True when no cell says anything."""
        return not any(self.cells)


def problem(where: str, what: str, expected: str, todo: str = EXPORT_AGAIN) -> InputError:
    """One complaint about a file as an error with its three parts."""
    return InputError(Problem(where, what, expected, todo))


def decode(data: bytes, name: str) -> tuple[str, str]:
    """Text of the file and the encoding it was read in (`utf-8`, `cp1252` or `latin-1`).

    Raises
    ------
    InputError
        Empty file, binary file, or an encoding the NTA software does not write.
    """
    expected = "a NanoSight ExperimentSummary CSV as text in UTF-8, cp1252 or latin-1"
    if not data.strip(b"\x00 \t\r\n"):
        raise problem(name, "the file is empty" if not data else "the file holds nothing but blanks or zeros", expected)
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            raise problem(name, f"the file is {kind}", expected)
    for signature, encoding in _OTHER_ENCODINGS:
        if data.startswith(signature):
            raise problem(
                name,
                f"the file is text in {encoding}: another program has saved it again",
                expected,
                f'{EXPORT_AGAIN} Or convert it: iconv -f {encoding} -t UTF-8 "{name}".',
            )
    text, encoding = _first_that_fits(data.removeprefix(codecs.BOM_UTF8))
    found = _CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        what = f"not text: control character 0x{ord(found.group()):02x}"
        raise problem(f"{name} line {line}", what, expected)
    return text, encoding


def _first_that_fits(data: bytes) -> tuple[str, str]:
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"


def split_rows(text: str, name: str, max_line_length: int) -> tuple[Row, ...]:
    """Rows of a comma-separated text; a quoted cell may hold commas and line ends.

    Raises
    ------
    InputError
        A line longer than `max_line_length` characters, or quotes that never close.
    """
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if len(line) > max_line_length:
            what = f"the line has {len(line):,} characters"
            raise problem(f"{name} line {number}", what, f"at most {max_line_length:,}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    start = 1
    try:
        for cells in reader:
            rows.append(Row(start, tuple(cell.strip() for cell in cells)))
            start = reader.line_num + 1
    except csv.Error as error:
        what = f"the row cannot be split into cells ({error})"
        raise problem(f"{name} line {start}", what, "cells with commas between them and matching quotes") from None
    return tuple(rows)
