"""Bottom-up rewriting of a graph: the one loop that the other passes share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from exojoint.engine.expression import (
    Expr,
    absolute,
    add,
    div,
    extreme,
    logical,
    mul,
    neg,
    power,
    relation,
    sub,
    unary,
    walk,
    where,
)
from exojoint.engine.operations import LOGICAL, RELATIONAL


def rebuild(e: Expr, args: tuple[Expr, ...]) -> Expr:
    """Return the same operation on other operands, simplified as if newly written."""
    op = e.op
    if op in _BUILDERS:
        return _BUILDERS[op](*args)
    if op in RELATIONAL:
        return relation(op, *args)
    if op in LOGICAL:
        return logical(op, *args)
    return unary(op, *args)


_BUILDERS: Final[dict[str, Callable[..., Expr]]] = {
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": div,
    "pow": power,
    "neg": neg,
    "abs": absolute,
    "select": where,
    "min": lambda a, b: extreme("min", a, b),
    "max": lambda a, b: extreme("max", a, b),
}


def rewrite(roots: Sequence[Expr], rule: Callable[[Expr], Expr]) -> list[Expr]:
    """Return the roots with ``rule`` applied to every node after its operands were rewritten."""
    done: dict[Expr, Expr] = {}
    for e in walk(roots):
        args = tuple(done[a] for a in e.args)
        done[e] = rule(e if args == e.args else rebuild(e, args))
    return [done[r] for r in roots]


def substitute(roots: Sequence[Expr], table: dict[Expr, Expr]) -> list[Expr]:
    """Return the roots with every node of ``table`` replaced.

    Outermost first (the inside of a replaced node is gone).
    """
    done: dict[Expr, Expr] = dict(table)
    for e in walk(roots):
        if e not in done:
            args = tuple(done[a] for a in e.args)
            done[e] = e if args == e.args else rebuild(e, args)
    return [done[r] for r in roots]
