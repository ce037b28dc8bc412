"""Patient-only work leaves the inner loop.

Gather parameter-only factors and terms, then compute each once per patient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from exojoint.engine.expression import ONE, TRUTH, ZERO, Expr, add, mul, neg, sub, symbol, unary, walk
from exojoint.engine.passes.rewrite import rebuild


@dataclass(frozen=True)
class Hoisted:
    """Expressions that read per-patient constants instead of parameters.

    Attributes
    ----------
    roots : tuple of Expr
        The rewritten expressions.
    constants : tuple of Expr
        Parameter-only expressions; ``constants[k]`` is the value of the symbol ``slot(k)`` in ``roots``.
    """

    roots: tuple[Expr, ...]
    constants: tuple[Expr, ...]


def slot(k: int) -> Expr:
    """Return the symbol that stands for the k-th per-patient constant (no traced name starts with a blank)."""
    return symbol(f" {k}")


def hoist(roots: Sequence[Expr], parameters: frozenset[str]) -> Hoisted:
    """Return the roots with every largest parameter-only part replaced by a per-patient constant."""
    gathered = gather(roots, parameters)
    fixed = fixed_nodes(gathered, parameters)
    slots: dict[Expr, Expr] = {}
    done: dict[Expr, Expr] = {}

    def seen_from_outside(a: Expr) -> Expr:
        if a.op == "const" or a not in fixed or a.op in TRUTH:
            return done[a]
        return slots.setdefault(a, slot(len(slots)))

    for e in walk(gathered):
        if e in fixed and e.op not in TRUTH:
            done[e] = e
        else:
            args = tuple(seen_from_outside(a) for a in e.args)
            done[e] = e if args == e.args else rebuild(e, args)
    return Hoisted(tuple(seen_from_outside(r) for r in gathered), tuple(slots))


def fixed_nodes(roots: Sequence[Expr], parameters: frozenset[str]) -> set[Expr]:
    """Return the nodes that depend on parameters and numbers only."""
    fixed: set[Expr] = set()
    for e in walk(roots):
        if e.op == "symbol":
            if e.name in parameters:
                fixed.add(e)
        elif e.op != "time" and all(a in fixed for a in e.args):
            fixed.add(e)
    return fixed


def gather(roots: Sequence[Expr], parameters: frozenset[str]) -> list[Expr]:
    """Return the roots with parameter-only factors of every product, and terms of every sum, standing side by side."""
    fixed = fixed_nodes(roots, parameters)
    factors: dict[Expr, tuple[Expr, Expr]] = {}  # node -> (parameter-only factor, what is left of the node)
    for e in walk(roots):
        factors[e] = (e, ONE) if e in fixed else _split(e, factors, fixed)
    return [mul(*factors[r]) for r in roots]


def _split(e: Expr, factors: Mapping[Expr, tuple[Expr, Expr]], fixed: Set[Expr]) -> tuple[Expr, Expr]:
    parts = [factors[a] for a in e.args]
    match e.op:
        case "mul":
            (ca, ra), (cb, rb) = parts
            return mul(ca, cb), mul(ra, rb)
        case "neg":
            ((c, r),) = parts
            return neg(c), r
        case "inv":
            ((c, r),) = parts
            return (ONE, unary("inv", r)) if c is ONE else (unary("inv", c), unary("inv", r))
        case "add" | "sub":
            return ONE, _sum(e, factors, fixed)
        case _:
            args = tuple(mul(c, r) for c, r in parts)
            return ONE, e if args == e.args else rebuild(e, args)


def _sum(e: Expr, factors: Mapping[Expr, tuple[Expr, Expr]], fixed: Set[Expr]) -> Expr:
    terms = _terms(e)
    if sum(t in fixed for _, t in terms) < 2:
        args = tuple(mul(*factors[a]) for a in e.args)
        return e if args == e.args else rebuild(e, args)
    alone: Expr = ZERO
    rest: Expr = ZERO
    for positive, t in terms:
        if t in fixed:
            alone = add(alone, t) if positive else sub(alone, t)
        else:
            value = mul(*factors[t])
            rest = add(rest, value) if positive else sub(rest, value)
    return add(rest, alone)


def _terms(e: Expr) -> list[tuple[bool, Expr]]:
    """Return the terms of a chain of sums and differences with their signs, left to right."""
    terms: list[tuple[bool, Expr]] = []
    stack = [(True, e)]
    while stack:
        positive, t = stack.pop()
        if t.op in ("add", "sub"):
            stack.append((positive == (t.op == "add"), t.args[1]))
            stack.append((positive, t.args[0]))
        elif t.op == "neg":
            stack.append((not positive, t.args[0]))
        else:
            terms.append((positive, t))
    return terms
