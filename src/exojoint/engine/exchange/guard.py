"""Look at a file before a parser of another language sees it: size, text, XML, nesting, and what it asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from exojoint.core.errors import InputError, Problem
from exojoint.core.files import read_text

MAX_BYTES = 32_000_000  # four times the largest curated model that we know of
MAX_DEPTH = 500  # elements inside each other; curated models stay below 60, and parsers of C++ have a stack
MAX_ELEMENTS = 2_000_000  # start tags; keeps the time to read any file below a minute
CORE = re.compile(r"http://www\.sbml\.org/sbml/level(\d)(?:/version(\d)(?:/core)?)?")
PACKAGE = re.compile(r"http://www\.sbml\.org/sbml/level3/version\d/(\w+)/version\d")
HARMLESS = frozenset({"l3v2extendedmath"})  # a required package that adds nothing but formulas we know
SBML = "an SBML file of level 1, 2 or 3"


class _StopError(Exception):
    """Ends the parse from within a callback."""


@dataclass
class _Watch:
    """What has been seen so far."""

    depth: int = 0
    elements: int = 0
    root: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    fault: tuple[str, str] = ("", "")


def read_safely(path: Path) -> str:
    """Read an SBML file as text after checking that it is one and harmless.

    Raises
    ------
    InputError
        When the file is missing, too large, no UTF-8 text, no XML, no SBML, nested too deeply, declares a document type
        or entities, or needs a package that is not supported.
    """
    text = read_text(path, MAX_BYTES)
    examine(text, path.name)
    return text


def examine(text: str, name: str) -> None:
    """Check text as :func:`read_safely` does.

    Raises
    ------
    InputError
        As there.
    """
    watch = _Watch()
    parser = _parser(watch)
    try:
        parser.Parse(text.encode("utf-8", errors="replace"), True)
    except _StopError:
        what, expected = watch.fault
        where = f"{name} line {parser.CurrentLineNumber}"
        raise InputError(Problem(where, what, expected, "Use a file that a modelling tool has written.")) from None
    except expat.ExpatError as error:
        where = f"{name} line {error.lineno}"
        what = f"is not well-formed XML ({expat.ErrorString(error.code)})"
        raise InputError(Problem(where, what, SBML, "Is it the right file?")) from None
    _check_root(watch, name)


def _parser(watch: _Watch) -> expat.XMLParserType:
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")

    def stop(what: str, expected: str) -> None:
        watch.fault = what, expected
        raise _StopError

    def start(element: str, attributes: dict[str, str]) -> None:
        watch.depth += 1
        watch.elements += 1
        if watch.depth == 1:
            watch.root, watch.attributes = element, attributes
        if watch.depth > MAX_DEPTH:
            stop(f"elements are nested more than {MAX_DEPTH} deep", "a model")
        if watch.elements > MAX_ELEMENTS:
            stop(f"has more than {MAX_ELEMENTS:,} elements", "a model")

    def end(_element: str) -> None:
        watch.depth -= 1

    def doctype(*_declaration: object) -> None:
        stop("declares a document type, through which a file could read other files", "SBML without DOCTYPE")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    return parser


def _check_root(watch: _Watch, name: str) -> None:
    namespace, _blank, element = watch.root.rpartition(" ")
    match = CORE.fullmatch(namespace)
    if element != "sbml" or match is None:
        what = f"begins with <{element}>, not with <sbml>"
        raise InputError(Problem(name, what, SBML, "Export the model as SBML from the tool that made it."))
    if match[1] not in ("1", "2", "3"):
        raise InputError(Problem(name, f"is SBML of level {match[1]}", SBML, "Convert it to level 3."))
    for key, value in watch.attributes.items():
        package = PACKAGE.fullmatch(key.removesuffix(" required"))
        if package and key.endswith(" required") and value in ("true", "1") and package[1] not in HARMLESS:
            what = f"the model requires the package `{package[1]}`, which is not supported"
            todo = "Flatten or convert the model to SBML core."
            raise InputError(
                Problem(f"{name}, element <sbml>", what, "SBML core, or packages that may be ignored", todo)
            )
