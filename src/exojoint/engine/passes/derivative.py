"""Exact derivatives by the chain rule on the graph, kept sparse: only what is not zero is ever made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exojoint.engine.expression import (
    ONE,
    TRUTH,
    ZERO,
    Expr,
    constant,
    logical,
    power,
    unary,
    walk,
    where,
)

Gradient = dict[Expr, Expr]


def jacobian(roots: Sequence[Expr], wrt: Sequence[Expr], *, inside: bool = False) -> list[Gradient]:
    """Return for every root its non-zero partial derivatives.

    Parameters
    ----------
    roots
        Expressions to differentiate.
    wrt
        Nodes to differentiate by: symbols, time, or compound nodes, which then count as variables wherever they are read.
    inside
        Differentiate roots that are themselves compound nodes of ``wrt`` through their own definition.

    Returns
    -------
    list of dict
        One dictionary per root, from node of ``wrt`` to derivative, without zeros, in the order of ``wrt``.
    """
    order = {v: i for i, v in enumerate(wrt)}
    seen: dict[Expr, Gradient] = {}
    own: dict[Expr, Gradient] = {}
    for e in walk((*roots, *wrt)):
        own[e] = {} if e.op in TRUTH or e.op == "floor" else _chain(e, seen)
        seen[e] = {e: ONE} if e in order else own[e]
    source = own if inside else seen
    return [dict(sorted(source[r].items(), key=lambda item: order[item[0]])) for r in roots]


def _chain(e: Expr, gradient: Mapping[Expr, Gradient]) -> Gradient:
    """Sum local derivative times inner derivative over the operands."""
    total: Gradient = {}
    for i, a in enumerate(e.args):
        inner = gradient[a]
        if not inner:
            continue
        gate = branch(e, i)
        local = ONE if gate is not None else partial(e, i)
        for v, d in inner.items():
            term = local * d if gate is None else where(gate, d, ZERO)
            total[v] = total[v] + term if v in total else term
    return {v: d for v, d in total.items() if d is not ZERO}


def branch(e: Expr, i: int) -> Expr | None:
    """Return the condition under which operand i is the value of a select, min or max; None for other operations.

    The branch not taken must not leak: its derivative may be infinite, and zero times infinity is not a number.
    """
    a = e.args
    if e.op == "select":
        return a[0] if i == 1 else logical("not", a[0])
    if e.op in ("min", "max"):
        first = a[0] < a[1] if e.op == "min" else a[1] < a[0]
        return first if i == 0 else logical("not", first)
    return None


def partial(e: Expr, i: int) -> Expr:
    """Return the derivative of one arithmetic operation by its i-th operand (abs has none at its kink; minus or plus one is taken)."""
    a = e.args
    match e.op:
        case "add":
            return ONE
        case "sub":
            return ONE if i == 0 else -ONE
        case "neg":
            return -ONE
        case "mul":
            return a[1 - i] if a[0] is not a[1] else a[0]
        case "div":
            return 1.0 / a[1] if i == 0 else -(e / a[1])
        case "pow":
            return _partial_power(e, i)
        case _:
            return _partial_function(e)


def _partial_power(e: Expr, i: int) -> Expr:
    base, exponent = e.args
    if i == 0:
        return exponent * power(base, exponent - 1.0)
    return e * unary("log", base)


def _partial_function(e: Expr) -> Expr:
    (a,) = e.args
    match e.op:
        case "sqrt":
            return 0.5 / e
        case "inv":
            return -(e * e)
        case "exp":
            return e
        case "log":
            return 1.0 / a
        case "abs":
            return where(a < 0.0, -1.0, 1.0)
        case "sin":
            return unary("cos", a)
        case "cos":
            return -unary("sin", a)
        case "atan":
            return 1.0 / (constant(1.0) + a * a)
        case _:
            raise ValueError(f"no derivative of {e.op}")
