"""From the SBML library's formula trees to plain nodes."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Final

from exojoint.core.errors import InputError, Problem
from exojoint.engine.exchange.libraries import libsbml
from exojoint.engine.exchange.parts import Formula, Math

AVOGADRO: Final = 6.02214179e23  # 1/mol; the value that SBML level 3 fixes for its symbol (L3V1 section 3.4.6)
# The library's name of an operation, without AST_, and ours where it is not simply the last word.
OPERATIONS: Final = {
    "PLUS": "plus", "MINUS": "minus", "TIMES": "times", "DIVIDE": "divide", "POWER": "power", "LAMBDA": "lambda",
} | {f"RELATIONAL_{name}": name.lower() for name in ("EQ", "NEQ", "LT", "LEQ", "GT", "GEQ")} | {
    f"LOGICAL_{name}": name.lower() for name in ("AND", "OR", "NOT", "XOR", "IMPLIES")
} | {
    f"FUNCTION_{name}": name.lower()
    for name in (
        "ABS", "ARCCOS", "ARCCOSH", "ARCCOT", "ARCCOTH", "ARCCSC", "ARCCSCH", "ARCSEC", "ARCSECH", "ARCSIN", "ARCSINH",
        "ARCTAN", "ARCTANH", "CEILING", "COS", "COSH", "COT", "COTH", "CSC", "CSCH", "EXP", "FACTORIAL", "FLOOR", "LN",
        "LOG", "MAX", "MIN", "PIECEWISE", "POWER", "QUOTIENT", "REM", "ROOT", "SEC", "SECH", "SIN", "SINH", "TAN",
        "TANH",
    )
}  # fmt: skip
NUMBERS: Final = ("INTEGER", "REAL", "REAL_E", "RATIONAL")
CONSTANTS: Final = {"CONSTANT_E": math.e, "CONSTANT_PI": math.pi, "NAME_AVOGADRO": AVOGADRO}


@cache
def _types() -> dict[int, str]:
    """Name of every node type of the library, without AST_."""
    library = libsbml()
    return {getattr(library, name): name.removeprefix("AST_") for name in dir(library) if name.startswith("AST_")}


def formula(tree: Any, where: str) -> Formula:  # noqa: ANN401  # a node of the library
    """Return a formula tree as plain nodes; the library's memory is not needed afterwards.

    Raises
    ------
    InputError
        With the first element that is not supported.
    """
    done: list[Math] = []
    stack: list[tuple[Any, bool]] = [(tree, False)]
    while stack:  # no recursion: files may be nested deeply
        node, ready = stack.pop()
        count = node.getNumChildren()
        if count and not ready:
            stack.append((node, True))
            stack.extend((node.getChild(i), False) for i in reversed(range(count)))
            continue
        args = tuple(done[len(done) - count :])
        del done[len(done) - count :]
        done.append(_node(node, args, where))
    return Formula(done[0], where)


def _node(node: Any, args: tuple[Math, ...], where: str) -> Math:  # noqa: ANN401
    kind = _types().get(node.getType(), "")
    if kind in OPERATIONS:
        return Math(OPERATIONS[kind], args)
    if kind in NUMBERS:
        return Math("number", value=float(node.getValue()))
    if kind in CONSTANTS:
        return Math("number", value=CONSTANTS[kind])
    if kind in ("CONSTANT_TRUE", "CONSTANT_FALSE"):
        return Math("true" if kind.endswith("TRUE") else "false")
    if kind == "NAME":
        return Math("name", name=node.getName())
    if kind == "NAME_TIME":
        return Math("time")
    if kind == "FUNCTION":
        return Math("call", args, name=node.getName())
    if kind == "FUNCTION_RATE_OF" and len(args) == 1 and args[0].op == "name":
        return Math("rate of", name=args[0].name)
    raise _unsupported(kind, node, where)


def _unsupported(kind: str, node: Any, where: str) -> InputError:  # noqa: ANN401
    if kind == "FUNCTION_DELAY":
        what = "the symbol <csymbol> `delay` (a value of the past) is not supported"
        todo = "Rewrite the delay as a chain of first-order steps."
    elif kind == "FUNCTION_RATE_OF":
        what, todo = "<csymbol> `rateOf` of something that is no name", "Name the quantity whose rate is meant."
    else:
        name = node.getName() or kind.lower().replace("_", " ")
        what, todo = f"the MathML element <{name}> is not supported", "Rewrite the formula without it."
    return InputError(Problem(where, what, "the formulas listed in docs/reference/exchange.md", todo))
