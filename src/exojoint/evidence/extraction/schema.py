"""The extraction schema: one row of ``schema.csv`` per column feeds the reader, its checks, the template, the docs."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from exojoint.core.errors import InputError, Problem, closest, did_you_mean
from exojoint.core.tables import read_table
from exojoint.core.units import check_unit

KINDS = ("text", "name", "names", "choice", "unit", "number", "integer")
PARTS = ("study", "result", "both")  # `both`: verified, note and facts stand with the study and with each result
MAX_CELL = 10_000  # characters; an abstract has 3,000
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
INTEGER = re.compile(r"[+-]?\d{1,15}")
SPACES = re.compile(r"\s+")

Value = str | float | int | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an extraction sheet.

    Parameters
    ----------
    name : str
        Header of the column.
    part : str
        ``study`` (the same for all rows of a study), ``result`` (of one row) or ``both``.
    kind : str
        ``text``, ``name``, ``names`` (semicolons between), ``choice``, ``unit``, ``number`` or ``integer``.
    unit : str
        Unit of a number; empty for a pure number, or where another column says it.
    choices : tuple of str
        What a ``choice`` may be.
    required : bool
        Whether a sheet must have the column and fill it.
    aliases : tuple of str
        Other headers that mean the same.
    meaning : str
        One sentence for the person who fills the sheet.
    """

    name: str
    part: str
    kind: str
    unit: str
    choices: tuple[str, ...]
    required: bool
    aliases: tuple[str, ...]
    meaning: str


@functools.cache
def load_schema() -> Mapping[str, Column]:
    """Return every column of the extraction sheet by name, in the order of the sheet."""
    path = files("exojoint.evidence.extraction").joinpath("schema.csv")
    header = ("name", "part", "kind", "unit", "choices", "required", "aliases", "meaning")
    columns = {}
    for row in read_table(path, header):
        choices, aliases = (_split(row[name]) for name in ("choices", "aliases"))
        facts = (row["name"], row["part"], row["kind"], row["unit"])
        columns[row["name"]] = Column(*facts, choices, row["required"] == "yes", aliases, row["meaning"])
    return MappingProxyType(columns)


@functools.cache
def _known_headers() -> Mapping[str, str]:
    known: dict[str, str] = {}
    for column in load_schema().values():
        known |= {_folded(word): column.name for word in column.aliases}
    return known | {_folded(name): name for name in load_schema()}


def column_of(header: str) -> str:
    """Return the column that a header means (letter case, blanks and hyphens ignored), or ``''``."""
    return _known_headers().get(_folded(header), "")


def suggestion(header: str) -> str:
    """Say which column an unknown header resembles, or that it can be removed."""
    close = closest(_folded(header), _known_headers())
    return f'Did you mean "{_known_headers()[close]}"?' if close else "Remove it or rename it."


def read_cell(column: Column, text: str, where: str) -> Value:
    """Read one cell; an empty cell is None.

    Parameters
    ----------
    column : Column
        What the cell should hold.
    text : str
        What it holds.
    where : str
        Place for the message.

    Raises
    ------
    InputError
        When the text is not of the column's kind.
    """
    text = text.strip()
    if not text:
        return None
    if len(text) > MAX_CELL:
        problem = Problem(where, f"{column.name} has {len(text):,} characters", f"at most {MAX_CELL:,}", "Shorten it.")
        raise InputError(problem)
    if column.kind == "names":
        return _split(text)
    if column.kind == "choice":
        return _choice(column, text, where)
    if column.kind in ("number", "integer"):
        return _number(column, text, where)
    if column.kind == "unit":
        check_unit(text, f"{where} {column.name}")
    return text


def _choice(column: Column, text: str, where: str) -> str:
    folded = {choice.casefold(): choice for choice in column.choices}
    word = SPACES.sub(" ", text).casefold()
    found = folded.get(word) or folded.get(f"+{word}")  # a sheet program turns +1 into 1
    if found is None:
        expected = f"one of {', '.join(column.choices)}"
        todo = did_you_mean(text, column.choices) or "Choose one of them."
        raise InputError(Problem(where, f"{column.name} '{text[:80]}' is unknown", expected, todo))
    return found


def _number(column: Column, text: str, where: str) -> float | int:
    integer = column.kind == "integer"
    plain = text.removesuffix(".0") if integer else text  # a sheet program writes 12 as 12.0
    if not (INTEGER if integer else NUMBER).fullmatch(plain) or not math.isfinite(float(plain)):
        kind = "a whole number" if integer else "a number"
        expected = kind + (f" in {column.unit}" if column.unit else "")
        todo = "Write 1.5, not 1,5." if "," in text else "Correct the cell; put words into `note`."
        raise InputError(Problem(where, f"{column.name} '{text[:80]}' is not {kind}", expected, todo))
    return int(plain) if integer else float(plain)


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in cell.split(";")) if part)


def _folded(header: str) -> str:
    return SPACES.sub("_", header.strip().casefold().replace("-", "_"))
