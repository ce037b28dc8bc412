"""Every row of every parameter table, with the places that read it: equations by name, code and files by search."""

from __future__ import annotations

import ast
import csv
import functools
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exojoint.core.files import read_text
from exojoint.core.tables import COLUMNS, Parameter, read_parameters, read_table
from exojoint.workflow.documentation.chapters import Book
from exojoint.workflow.documentation.symbols import words

PACKAGE = Path(__file__).resolve().parents[2]
ROOMS = ("joint", "treatments", "product", "patients", "calibration", "trial", "decision", "workflow")  # in order
LEAST_LETTERS = 1  # of a formatted name's fixed part, so that `{name}_{zone}` does not match everything


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is read: words, and the address of the page that shows it (empty for code)."""

    text: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """The value of a row in another species or structure."""

    where: str
    value: str
    note: str


@dataclass(frozen=True)
class Row:
    """A row with its surroundings.

    Parameters
    ----------
    parameter : Parameter
        As its table has it; human, default structure.
    room, file : str
        Room that owns it; path of its table within the package.
    equations, code : tuple of Place
        Equations that read it; functions and files beside the equations that name it.
    others : tuple of Other
        Values in species and structures that differ.
    """

    parameter: Parameter
    room: str
    file: str
    equations: tuple[Place, ...]
    code: tuple[Place, ...]
    others: tuple[Other, ...]

    @property
    def page(self) -> str:
        """Path of its page."""
        return f"parameters/{self.parameter.name}.html"


@functools.cache
def tables() -> tuple[tuple[str, tuple[Parameter, ...]], ...]:
    """Return every parameter table of the package: (path within it, its rows)."""
    found = []
    for path in sorted(PACKAGE.rglob("*.csv")):
        columns = _header(path)
        if set(COLUMNS) <= set(columns):
            rows = read_parameters(path, extra=[name for name in columns if name not in COLUMNS])
            found.append((path.relative_to(PACKAGE).as_posix(), tuple(rows.values())))
    return tuple(found)


def all_rows(book: Book) -> tuple[Row, ...]:
    """Return every row, rooms in the order of the argument, tables in alphabetical order."""
    equations, search, others = _equations(book), _Search.of_package(), _others()
    rows = []
    for file, parameters in tables():
        room = file.partition("/")[0]
        for parameter in parameters:
            name = parameter.name
            named = tuple(search.places(name, room)) or tuple(search.readers(file))
            code = tuple(Place(text) for text in named)
            rows.append(Row(parameter, room, file, tuple(equations.get(name, ())), code, tuple(others.get(name, ()))))
    order = {room: index for index, room in enumerate(ROOMS)}
    return tuple(sorted(rows, key=lambda row: (order.get(row.room, len(order)), row.file)))


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream), [])


def _equations(book: Book) -> Mapping[str, list[Place]]:
    """Places in the equations by row name, each function once with the lines that read the row."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for chapter in book.chapters:
        for function in chapter.functions:
            address = f"{chapter.file}#{function.anchor}"
            for line in function.lines:
                for name in (name for use in line.uses if use.kind == "parameter" for name in use.names):
                    said = f"rate of {words(line.name)}" if line.role == "rate" else words(line.name)
                    found[name].setdefault(address, []).append(said)
    titles = {
        f"{chapter.file}#{function.anchor}": function.title
        for chapter in book.chapters
        for function in chapter.functions
    }
    return {
        name: [
            Place(f"{titles[address]}: {', '.join(dict.fromkeys(lines))}", address) for address, lines in where.items()
        ]
        for name, where in found.items()
    }


def _others() -> Mapping[str, list[Other]]:
    """Values of other species and structures by row name."""
    found: dict[str, list[Other]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.csv")):
        columns = _header(path)
        if path.parent.name in ("species", "structures") and {"name", "value", "note"} <= set(columns):
            for row in read_table(path, columns) if "unit" not in columns else ():
                found[row["name"]].append(Other(f"{path.parent.name} {path.stem}", row["value"], row["note"]))
        elif path.name == "species.csv":
            for row in read_table(path, columns):
                for species in (name for name in columns if name not in ("name", "note")):
                    found[row["name"]].append(Other(f"species {species}", row[species] or "refused", row["note"]))
    return found


@dataclass(frozen=True)
class _Search:
    """Words of the program and of its files: exact names, and patterns of names that are put together."""

    exact: Mapping[str, Sequence[str]]
    patterns: Sequence[tuple[str, re.Pattern[str], str]]

    @classmethod
    def of_package(cls) -> _Search:
        """Search every room."""
        exact: dict[str, list[str]] = defaultdict(list)
        patterns: list[tuple[str, re.Pattern[str], str]] = []
        for room in ROOMS:
            for path in sorted((PACKAGE / room).rglob("*")):
                here = path.relative_to(PACKAGE).as_posix()
                if path.suffix == ".py" and "documentation" not in path.parts:
                    for name, pattern, function in _named(ast.parse(read_text(path))):
                        if pattern is None:
                            exact[name].append(f"{here}, {function}" if function else here)
                        else:
                            patterns.append((room, pattern, f"{here}, {function}" if function else here))
                elif path.suffix == ".toml":
                    for text in _texts(tomllib.loads(read_text(path))):
                        exact[text].append(here)
        return cls(exact, patterns)

    def places(self, name: str, room: str) -> Iterator[str]:
        """Yield where a name stands, exact first; patterns count in the row's own room only."""
        found = list(self.exact.get(name, ()))
        found += [where for own, pattern, where in self.patterns if own == room and pattern.fullmatch(name)]
        yield from dict.fromkeys(found)

    def readers(self, file: str) -> Iterator[str]:
        """Yield the functions that read a whole table, for rows that no place names."""
        room, _, name = file.partition("/")
        for where in dict.fromkeys(self.exact.get(name.rpartition("/")[2], ())):
            if where.startswith(f"{room}/"):
                yield f"{where} (with its whole table)"


def _named(tree: ast.Module) -> Iterator[tuple[str, re.Pattern[str] | None, str]]:
    """Yield names, attributes and formatted names of a file with the function they stand in."""
    inside: dict[ast.AST, str] = {}
    for node in ast.walk(tree):
        here = node.name if isinstance(node, ast.FunctionDef) else inside.get(node, "")
        for child in ast.iter_child_nodes(node):
            inside[child] = here
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, None, here
        elif isinstance(node, ast.Attribute):
            yield node.attr, None, here
        elif isinstance(node, ast.JoinedStr):
            fixed = [str(part.value) for part in node.values if isinstance(part, ast.Constant)]
            if len("".join(fixed).strip("_")) >= LEAST_LETTERS:
                parts = (re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[a-z0-9_]+" for p in node.values)
                yield "", re.compile("".join(parts)), here


def _texts(value: object) -> Iterator[str]:
    """Yield every text of a document, once per appearance."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
