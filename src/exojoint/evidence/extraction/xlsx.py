"""The first sheet of an XLSX workbook as text cells: a zip of XML files, so both are read with limits."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path

from exojoint.core.errors import InputError, Problem
from exojoint.core.files import bounded_read
from exojoint.evidence.extraction.xml import Node, parse_xml

MAX_BYTES = 16_000_000
MAX_PART = 64_000_000  # one XML file of the workbook, unpacked
MAX_MEMBERS = 2_000
MAX_RATIO = 200  # a sheet of numbers packs about twentyfold; a bomb ten thousandfold
MAX_SHEET_ROWS, MAX_SHEET_COLUMNS = 50_000, 500
REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
ERROR_CELL = "e"


def read_xlsx(path: Path) -> list[list[str]]:
    """Read the first sheet; formulas give their stored value, dates the number that the sheet stores.

    Parameters
    ----------
    path : Path
        A workbook, not encrypted, without macros being run.

    Returns
    -------
    list of rows of text cells; row i is row i + 1 of the sheet.

    Raises
    ------
    InputError
        When it is no workbook, too large, packed suspiciously well, or has an error value such as ``#DIV/0!``.
    """
    data = bounded_read(path, MAX_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            _check_members(book, path.name)
            strings = _shared_strings(book, path.name)
            sheet = _part(book, _first_sheet(book, path.name), path.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        what = f"is not a readable XLSX workbook ({str(error)[:80]})"
        raise InputError(Problem(str(path), what, "an .xlsx file", "Save it again, or save it as .csv.")) from None
    return _rows(sheet, strings, path.name)


def _check_members(book: zipfile.ZipFile, name: str) -> None:
    members = book.infolist()
    if len(members) > MAX_MEMBERS:
        raise InputError(Problem(name, f"has {len(members):,} parts", f"at most {MAX_MEMBERS:,}", "Is it a workbook?"))
    for member in members:
        packed = max(member.compress_size, 1)
        if member.file_size > MAX_PART or (member.file_size > 1_000_000 and member.file_size / packed > MAX_RATIO):
            what = f"part {member.filename[:80]!r} would unpack to {member.file_size:,} bytes"
            raise InputError(Problem(name, what, f"at most {MAX_PART:,} bytes, packed less than {MAX_RATIO}-fold"))


def _part(book: zipfile.ZipFile, part: str, name: str) -> Node:
    if part not in book.namelist():
        raise InputError(Problem(name, f"has no part {part!r}", "a workbook with a sheet", "Save it again as .xlsx."))
    with book.open(part) as stream:
        data = stream.read(MAX_PART + 1)  # the header may lie about the size, what comes out does not
    if len(data) > MAX_PART:
        raise InputError(Problem(name, f"part {part!r} unpacks to more than {MAX_PART:,} bytes", "a smaller sheet"))
    return parse_xml(data, f"{name} {part}")


def _first_sheet(book: zipfile.ZipFile, name: str) -> str:
    """Name of the part that holds the first sheet, found through the workbook's own list."""
    workbook = _part(book, "xl/workbook.xml", name)
    sheets = workbook.first("sheets")
    links = _part(book, "xl/_rels/workbook.xml.rels", name).all("Relationship")
    target = {link.attributes.get("Id", ""): link.attributes.get("Target", "") for link in links}
    for sheet in sheets.all("sheet") if sheets else []:
        found = target.get(sheet.attributes.get("id", ""), "")
        if found:
            return found.removeprefix("/") if found.startswith("/") else f"xl/{found}"
    raise InputError(Problem(name, "has no sheet", "a workbook with a sheet", "Save it again as .xlsx."))


def _shared_strings(book: zipfile.ZipFile, name: str) -> list[str]:
    part = "xl/sharedStrings.xml"
    if part not in book.namelist():
        return []
    return [_rich_text(item) for item in _part(book, part, name).all("si")]


def _rich_text(node: Node) -> str:
    """Text of a string in pieces; phonetic hints (``rPh``) are not part of it."""
    pieces = [child for child in node.children if child.tag in ("t", "r")]
    return "".join(piece.text if piece.tag == "t" else "".join(t.text for t in piece.all("t")) for piece in pieces)


def _rows(sheet: Node, strings: list[str], name: str) -> list[list[str]]:
    rows: list[list[str]] = []
    problems: list[Problem] = []
    data = sheet.first("sheetData")
    for row in data.all("row") if data else []:
        number = _row_number(row, len(rows) + 1, name)
        while len(rows) < number:
            rows.append([])
        for cell in row.all("c"):
            column = _column(cell.attributes.get("r", ""), len(rows[number - 1]), name)
            cells = rows[number - 1]
            cells.extend([""] * (column + 1 - len(cells)))
            cells[column] = _value(cell, strings, f"{name} row {number}", problems)
    if problems:
        raise InputError(*problems)
    return rows


def _row_number(row: Node, following: int, name: str) -> int:
    text = row.attributes.get("r", str(following))
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0
    if not following <= number <= MAX_SHEET_ROWS:
        raise InputError(
            Problem(name, f"has a row numbered {text[:20]!r}", f"rows in order, at most {MAX_SHEET_ROWS:,}")
        )
    return number


def _column(reference: str, following: int, name: str) -> int:
    """Index of a cell's column from its reference, e.g. 2 for C7."""
    if not reference:
        return following
    found = REFERENCE.fullmatch(reference)
    index = 0
    for letter in found[1] if found else "":
        index = index * 26 + ord(letter) - ord("A") + 1
    if not 1 <= index <= MAX_SHEET_COLUMNS:
        problem = Problem(
            name, f"has a cell {reference[:20]!r}", f"at most {MAX_SHEET_COLUMNS} columns", "Remove stray cells."
        )
        raise InputError(problem)
    return index - 1


def _value(cell: Node, strings: list[str], at: str, problems: list[Problem]) -> str:
    kind, text = cell.attributes.get("t", "n"), cell.content("v")
    if kind == "inlineStr":
        inline = cell.first("is")
        return _rich_text(inline) if inline else ""
    if kind == "s":
        known = text.isascii() and text.isdigit() and len(text) < 10 and int(text) < len(strings)
        if not known:
            problems.append(Problem(at, f"names text number {text[:20]!r}", f"one of {len(strings)}", "Save it again."))
        return strings[int(text)] if known else ""
    if kind == ERROR_CELL:
        where = cell.attributes.get("r", "a cell")
        problems.append(Problem(at, f"{where} holds the error {text[:20]}", "a value", "Correct the formula."))
    if kind == "b":
        return "yes" if text == "1" else "no"
    return _plain_number(text) if kind == "n" else text


def _plain_number(text: str) -> str:
    """The shortest text of a stored double: a sheet stores 0.1 + 0.2 as 0.30000000000000004, as it computed it."""
    try:
        return f"{float(text):.15g}" if text else ""
    except ValueError:
        return text
