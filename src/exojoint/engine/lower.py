"""From expressions to three-address code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exojoint.engine.expression import Expr, walk
from exojoint.engine.program import Builder

LARGEST_WHOLE_POWER = (
    64  # whole exponents up to this are repeated products (at most 10); beyond it exp and log are cheaper
)


def lower(builder: Builder, roots: Sequence[Expr], place: dict[Expr, int]) -> list[int]:
    """Write the roots into the builder and return their places.

    Parameters
    ----------
    builder
        Receives the operations.
    roots
        Expressions whose symbols are all in ``place``.
    place
        Places of nodes already known (symbols, time); extended in passing, so that later calls share the work.
    """
    for e in walk(roots):
        if e not in place:
            place[e] = _one(builder, e, place)
    return [place[r] for r in roots]


def _one(b: Builder, e: Expr, place: Mapping[Expr, int]) -> int:
    if e.op == "const":
        return b.const(e.value)
    args = [place[a] for a in e.args]
    if e.op == "pow" and e.args[1].op == "const":
        return _power(b, args[0], e.args[1].value, args[1])
    return b.emit(e.op, *args)


def _power(b: Builder, base: int, exponent: float, place: int) -> int:
    """Whole and half exponents by products and a root; others by exp and log."""
    size = abs(exponent)
    if not (2.0 * size).is_integer() or size > LARGEST_WHOLE_POWER:
        return b.emit("pow", base, place)
    whole, half = int(size), size != int(size)
    result = b.emit("sqrt", base) if half else -1
    square = base
    while whole:
        if whole & 1:
            result = square if result < 0 else b.emit("mul", result, square)
        whole >>= 1
        if whole:
            square = b.emit("mul", square, square)
    return b.emit("inv", result) if exponent < 0 else result
