"""A small strict BibTeX reader: what the project cites, by key, with the line of every mistake.

Read are entries ``@kind{key, field = {text}, field = "text", field = 2019}`` and ``%`` comment lines between them.
Macros (``@string``), concatenation with ``#`` and ``@preamble`` are refused: a citation should say what it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.files import read_text

KINDS = (
    "article",
    "book",
    "inbook",
    "inproceedings",
    "misc",
    "techreport",
    "phdthesis",
    "manual",
    "online",
)
MAX_BYTES = 4_000_000  # ten thousand long entries
MAX_DEPTH = 20  # nested braces inside one field
BETWEEN = re.compile(r"(?:\s+|%[^\n]*(?:\n|$))*")
HEAD = re.compile(r"@\s*([A-Za-z]+)\s*\{\s*([^\s,{}\"#%@=]+)\s*")
FIELD = re.compile(r"\s*,\s*([A-Za-z][A-Za-z0-9_-]*)\s*=\s*")
END = re.compile(r"\s*,?\s*\}")
DIGITS = re.compile(r"\d+")
BRACES_OR_QUOTE = re.compile(r"\\.|[{}\"]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reference:
    """One cited work.

    Parameters
    ----------
    key : str
        How tables and facts name it.
    kind : str
        ``article``, ``misc``, ...
    fields : mapping of str to str
        Field names in lower case; protective braces inside a field are kept out of the text.
    """

    key: str
    kind: str
    fields: Mapping[str, str]

    def __str__(self) -> str:
        """One line as a reader expects it: authors, title, where, year, DOI."""
        names = ("author", "title", "journal", "howpublished", "publisher", "note", "year")
        parts = [self.fields[name] for name in names if self.fields.get(name)]
        doi = self.fields.get("doi")
        return ". ".join(part.rstrip(".") for part in parts) + (f". doi:{doi}" if doi else "")


def read_references(path: Path | Traversable) -> Mapping[str, Reference]:
    """Read a BibTeX file.

    Parameters
    ----------
    path : Path or Traversable
        At most `MAX_BYTES` of UTF-8 text.

    Returns
    -------
    mapping of key to Reference
        In the order of the file.

    Raises
    ------
    InputError
        At the first thing that is not BibTeX as described above, or when a key stands twice; it names the line.
    """
    text = read_text(path, MAX_BYTES)
    references: dict[str, Reference] = {}
    position = _skip(text, 0)
    while position < len(text):
        start = position
        reference, position = _entry(text, position, path.name)
        if reference.key in references:
            raise _wrong(path.name, text, start, f"key '{reference.key}' stands twice", "each key once", "Rename one.")
        references[reference.key] = reference
        position = _skip(text, position)
    return MappingProxyType(references)


def _skip(text: str, position: int) -> int:
    match = BETWEEN.match(text, position)
    return match.end() if match else position


def _entry(text: str, position: int, name: str) -> tuple[Reference, int]:
    head = HEAD.match(text, position)
    if head is None:
        found = text[position : position + 30].splitlines()[0]
        raise _wrong(
            name, text, position, f"'{found}' does not start an entry", "@article{key, ...}", "Mark comments with %."
        )
    kind, key = head[1].lower(), head[2]
    if kind not in KINDS:
        todo = did_you_mean(kind, KINDS) or "Choose one of them."
        raise _wrong(name, text, position, f"entry kind '@{kind[:40]}' is unknown", ", ".join(KINDS), todo)
    fields: dict[str, str] = {}
    position = head.end()
    while (end := END.match(text, position)) is None:
        field = FIELD.match(text, position)
        if field is None:
            what = f"entry '{key[:40]}' is broken here"
            raise _wrong(name, text, position, what, "', field = {text}' or '}'", "Check commas and braces.")
        label = field[1].lower()
        if label in fields:
            raise _wrong(
                name, text, position, f"field '{label}' of '{key[:40]}' stands twice", "each field once", "Remove one."
            )
        fields[label], position = _value(text, field.end(), name, key)
    return Reference(key, kind, MappingProxyType(fields)), end.end()


def _value(text: str, start: int, name: str, key: str) -> tuple[str, int]:
    """Text of a field and the position after it."""
    digits = DIGITS.match(text, start)
    if digits:
        return digits[0], digits.end()
    opening = text[start : start + 1]
    if opening not in ("{", '"'):
        what = f"a field of '{key[:40]}' has no text"
        raise _wrong(name, text, start, what, '{text}, "text" or a number', "Put the text in braces.")
    depth = 0
    for mark in BRACES_OR_QUOTE.finditer(text, start + 1):
        if depth == 0 and mark[0] == ("}" if opening == "{" else '"'):
            return _plain(text[start + 1 : mark.start()]), mark.end()
        depth += (mark[0] == "{") - (mark[0] == "}")
        if not 0 <= depth <= MAX_DEPTH:
            break
    what = f"a field of '{key[:40]}' is never closed"
    raise _wrong(name, text, start, what, "balanced braces", "Close the field with '}'.")


def _plain(text: str) -> str:
    unescaped = re.sub(r"\\([&%$#_{}])|[{}]", lambda match: match[1] or "", text)
    return " ".join(unescaped.split())


def _wrong(name: str, text: str, position: int, what: str, expected: str, todo: str) -> InputError:
    line = text.count("\n", 0, position) + 1
    return InputError(Problem(f"{name} line {line}", what, expected, todo))
