"""Expressions as MathML, and the terms that are written once because several equations share them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree import ElementTree

from exojoint.engine.expression import TRUTH, Expr, walk

Element = ElementTree.Element
MATHML: Final = "http://www.w3.org/1998/Math/MathML"
TIME_SYMBOL: Final = "http://www.sbml.org/sbml/symbols/time"
OPERATIONS: Final = {
    "add": "plus", "sub": "minus", "neg": "minus", "mul": "times", "div": "divide", "pow": "power", "min": "min",
    "max": "max", "abs": "abs", "sqrt": "root", "exp": "exp", "log": "ln", "sin": "sin", "cos": "cos",
    "atan": "arctan", "floor": "floor", "lt": "lt", "le": "leq", "eq": "eq", "and": "and", "or": "or", "not": "not",
}  # fmt: skip
LARGEST = 40  # nodes of a shared expression that is still written out wherever it is read
DEEPEST = 40  # operations inside each other in one formula


def shared_terms(roots: Sequence[Expr], known: Mapping[Expr, str]) -> dict[Expr, str]:
    """Return names for expressions that would make formulas long if they were written out: ``term_1``, ``term_2`` ...

    Parameters
    ----------
    roots
        All expressions that will be written.
    known
        Expressions that have a name already (outputs), which is used instead.
    """
    readers: dict[Expr, int] = {}
    nodes = list(walk(roots))
    for e in nodes:
        for a in e.args:
            readers[a] = readers.get(a, 0) + 1
    names = dict(known)
    size: dict[Expr, int] = {}
    depth: dict[Expr, int] = {}
    count = 0
    for e in nodes:
        below = [a for a in e.args if a not in names]
        size[e] = 1 + len(e.args) - len(below) + sum(size[a] for a in below)
        depth[e] = 1 + max((depth[a] for a in below), default=0)
        long = readers.get(e, 0) > 1 and size[e] * (readers[e] - 1) > LARGEST
        if e.args and e.op not in TRUTH and e not in names and (long or depth[e] > DEEPEST):
            count += 1
            names[e] = f"term_{count}"
    return names


def math_element(e: Expr, names: Mapping[Expr, str], *, itself: bool = False) -> Element:
    """Return ``<math>`` of an expression, with names where there are some (for its own definition: ``itself``)."""
    element = Element(_tag("math"))
    done: dict[Expr, Element] = {}
    stack: list[tuple[Expr, bool]] = [(e, False)]
    while stack:
        node, ready = stack.pop()
        if node in names and not (itself and node is e):
            done[node] = _name(names[node])
        elif ready or not node.args:
            done[node] = _node(node, done)
        else:
            stack.append((node, True))
            stack.extend((a, False) for a in node.args)
    element.append(done[e])
    return element


def _node(e: Expr, done: Mapping[Expr, Element]) -> Element:
    match e.op:
        case "const":
            return _number(e.value)
        case "symbol":
            return _name(e.name)
        case "time":
            clock = Element(_tag("csymbol"), {"encoding": "text", "definitionURL": TIME_SYMBOL})
            clock.text = "time"
            return clock
        case "true" | "false":
            return Element(_tag(e.op))
        case "select":
            return _choice(*(done[a] for a in e.args))
        case "inv":
            return _apply("divide", _number(1.0), done[e.args[0]])
        case _:
            return _apply(OPERATIONS[e.op], *(done[a] for a in e.args))


def _apply(operation: str, *args: Element) -> Element:
    element = Element(_tag("apply"))
    element.append(Element(_tag(operation)))
    element.extend(args)
    return element


def _choice(condition: Element, then: Element, otherwise: Element) -> Element:
    element = Element(_tag("piecewise"))
    piece = ElementTree.SubElement(element, _tag("piece"))
    piece.extend((then, condition))
    ElementTree.SubElement(element, _tag("otherwise")).append(otherwise)
    return element


def _name(name: str) -> Element:
    element = Element(_tag("ci"))
    element.text = name
    return element


def _number(value: float) -> Element:
    if not math.isfinite(value):
        sign = Element(_tag("infinity" if math.isinf(value) else "notanumber"))
        return _apply("minus", sign) if value < 0.0 else sign
    mantissa, _e, exponent = repr(value).partition("e")
    element = Element(_tag("cn"))
    element.text = mantissa
    if exponent:
        element.set("type", "e-notation")
        ElementTree.SubElement(element, _tag("sep")).tail = str(int(exponent))
    return element


def _tag(name: str) -> str:
    return f"{{{MATHML}}}{name}"
