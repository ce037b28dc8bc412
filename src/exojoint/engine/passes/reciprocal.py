"""Divisions become products with one shared reciprocal per denominator.

A vector division costs as much as ten products.
"""

from __future__ import annotations

from collections.abc import Sequence

from exojoint.engine.expression import Expr, constant, mul, power, unary
from exojoint.engine.passes.rewrite import rewrite


def share_reciprocals(roots: Sequence[Expr]) -> list[Expr]:
    """Return the roots with ``a / b`` written ``a * inv(b)`` and ``a ** -n`` written ``inv(a ** n)`` for whole n."""
    return rewrite(roots, _rule)


def _rule(e: Expr) -> Expr:
    if e.op == "div":
        return mul(e.args[0], _inverse(e.args[1]))
    if e.op == "pow" and e.args[1].op == "const":
        n = e.args[1].value
        if n < 0 and n.is_integer():
            return _inverse(power(e.args[0], constant(-n)))
    return e


def _inverse(b: Expr) -> Expr:
    return b.args[0] if b.op == "inv" else unary("inv", b)
