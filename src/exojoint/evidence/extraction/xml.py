"""XML from strangers: no entity is expanded, nothing outside the file is opened, depth and size are bounded."""

from __future__ import annotations

import xml.parsers.expat as expat
from collections.abc import Iterator
from dataclasses import dataclass, field

from exojoint.core.errors import InputError, Problem

MAX_DEPTH = 60  # registry exports nest six levels, a sheet seven
MAX_NODES = 4_000_000


@dataclass(slots=True)
class Node:
    """One element: its name without namespace, attributes, text before its first child, children."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def first(self, *path: str) -> Node | None:
        """Return the first element under the given names, one level each, or None."""
        node: Node | None = self
        for name in path:
            node = next((child for child in node.children if child.tag == name), None) if node else None
        return node

    def all(self, name: str) -> list[Node]:
        """Return the children of that name."""
        return [child for child in self.children if child.tag == name]

    def walk(self) -> Iterator[Node]:
        """Return this element and all below it, in the order of the file."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    def content(self, *path: str) -> str:
        """Return the text of the first element under the given names, blanks folded; ``''`` where there is none."""
        node = self.first(*path)
        return " ".join(" ".join(part.text for part in node.walk()).split()) if node else ""


class _HostileError(Exception):
    """The file declares entities, or is deeper or larger than any real one."""


def parse_xml(data: bytes, where: str) -> Node:
    """Read an XML document into elements.

    A document type with element declarations is tolerated, because registries write one; an entity declaration, an
    external subset that would have to be fetched, or a reference to an undeclared entity is refused.

    Parameters
    ----------
    data : bytes
        The whole file.
    where : str
        Name for messages.

    Raises
    ------
    InputError
        When it is not well-formed, or would have entities expanded, or is too deep.
    """
    root = Node("", {})
    stack = [root]
    count = [0]
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def start(name: str, attributes: dict[str, str]) -> None:
        count[0] += 1
        if len(stack) > MAX_DEPTH or count[0] > MAX_NODES:
            raise _HostileError(f"is nested deeper than {MAX_DEPTH} levels or has more than {MAX_NODES:,} elements")
        node = Node(_local(name), {_local(key): value for key, value in attributes.items()})
        stack[-1].children.append(node)
        stack.append(node)

    def end(_name: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].text += data

    def entity(*_arguments: object) -> int:
        raise _HostileError("declares or uses entities")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.EntityDeclHandler = parser.UnparsedEntityDeclHandler = entity
    parser.ExternalEntityRefHandler = parser.SkippedEntityHandler = entity
    _feed(parser, data, where)
    return root.children[0]


def _feed(parser: expat.XMLParserType, data: bytes, where: str) -> None:
    try:
        parser.Parse(data, True)
    except _HostileError as error:
        todo = "Export the file again; a table or registry needs no entities."
        raise InputError(Problem(where, str(error), "plain elements and text", todo)) from None
    except (expat.ExpatError, ValueError, LookupError) as error:
        line = getattr(error, "lineno", 0)
        place = f"{where} line {line}" if line else where
        what = f"is not well-formed XML ({str(error)[:120]})"
        raise InputError(Problem(place, what, "an XML file", "Export it again.")) from None


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
