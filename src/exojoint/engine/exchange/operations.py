"""What the operations of SBML's formulas are in the engine's words."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from exojoint.engine.expression import FALSE, TRUE, ZERO, Expr, constant, is_const
from exojoint.engine.functions import (
    atan,
    both,
    cos,
    either,
    equal,
    exp,
    floor,
    log,
    maximum,
    minimum,
    negate,
    sin,
    sqrt,
    where,
)

Operation = Callable[..., Expr]
LARGEST_FACTORIAL = 170  # of which a double can hold the value
STIRLING_FROM = 10  # argument from which four terms of the series leave an error below 1e-12


def _plus(*args: Expr) -> Expr:
    total = ZERO
    for a in args:
        total = total + a
    return total


def _times(*args: Expr) -> Expr:
    total = constant(1.0)
    for a in args:
        total = total * a
    return total


def _minus(a: Expr, *b: Expr) -> Expr:
    return a - b[0] if b else -a


def _root(degree: Expr, a: Expr) -> Expr:
    """Root; an odd whole degree has one for negative numbers too."""
    if is_const(degree, 2.0):
        return sqrt(a)
    if degree.op == "const" and degree.value % 2.0 == 1.0:
        return where(a < 0.0, -1.0, 1.0) * abs(a) ** (1.0 / degree)
    return a ** (1.0 / degree)


def _log(base: Expr, a: Expr) -> Expr:
    return log(a) / log(base)


def _power(a: Expr, b: Expr) -> Expr:
    return a**b


def _ceiling(a: Expr) -> Expr:
    return -floor(-a)


def _whole_part(a: Expr) -> Expr:
    return where(a < 0.0, -floor(-a), floor(a))


def _quotient(a: Expr, b: Expr) -> Expr:
    return _whole_part(a / b)


def _rem(a: Expr, b: Expr) -> Expr:
    return a - b * _whole_part(a / b)


def _factorial(a: Expr) -> Expr:
    """Product up to a whole number; of an expression by Stirling's series, shifted to where it is exact to 1e-12."""
    if a.op == "const" and 0.0 <= a.value <= LARGEST_FACTORIAL and a.value.is_integer():
        return constant(float(math.factorial(int(a.value))))
    shifted = constant(1.0)
    for k in range(1, STIRLING_FROM):
        shifted = shifted * (a + float(k))
    z = a + float(STIRLING_FROM)
    tail = 1.0 / (12.0 * z) - 1.0 / (360.0 * z**3) + 1.0 / (1260.0 * z**5) - 1.0 / (1680.0 * z**7)
    return exp((z - 0.5) * log(z) - z + 0.5 * math.log(2.0 * math.pi) + tail) / shifted


def _tan(a: Expr) -> Expr:
    return sin(a) / cos(a)


def _sinh(a: Expr) -> Expr:
    return 0.5 * (exp(a) - exp(-a))


def _cosh(a: Expr) -> Expr:
    return 0.5 * (exp(a) + exp(-a))


def _tanh(a: Expr) -> Expr:
    return 1.0 - 2.0 / (exp(2.0 * a) + 1.0)


def _arcsin(a: Expr) -> Expr:
    return 2.0 * atan(a / (1.0 + sqrt(1.0 - a * a)))


def _arccos(a: Expr) -> Expr:
    return 0.5 * math.pi - _arcsin(a)


def _arcsinh(a: Expr) -> Expr:
    size = abs(a)
    return where(a < 0.0, -1.0, 1.0) * log(size + sqrt(a * a + 1.0))


def _arccosh(a: Expr) -> Expr:
    return log(a + sqrt(a * a - 1.0))


def _arctanh(a: Expr) -> Expr:
    return 0.5 * log((1.0 + a) / (1.0 - a))


def _inverse(make: Operation) -> Operation:
    """Return the reciprocal of a function."""
    return lambda a: 1.0 / make(a)


def _of_inverse(make: Operation) -> Operation:
    """Return a function of the reciprocal."""
    return lambda a: make(1.0 / a)


def _many(make: Operation) -> Operation:
    """Return an operation on two as an operation on one or more."""

    def folded(first: Expr, *others: Expr) -> Expr:
        for other in others:
            first = make(first, other)
        return first

    return folded


def _chain(make: Operation) -> Operation:
    """Return a comparison of neighbours: a < b < c."""

    def chained(*args: Expr) -> Expr:
        total = TRUE
        for a, b in pairwise(args):
            total = both(total, make(a, b))
        return total

    return chained


def _either_not_both(a: Expr, b: Expr) -> Expr:
    return both(either(a, b), negate(both(a, b)))


ANY = 10**9
LOGIC: Final[dict[str, tuple[int, int, Operation]]] = {
    "and": (0, ANY, lambda *a: _many(both)(TRUE, *a)),
    "or": (0, ANY, lambda *a: _many(either)(FALSE, *a)),
    "xor": (0, ANY, lambda *a: _many(_either_not_both)(FALSE, *a)),
    "not": (1, 1, negate),
    "implies": (2, 2, lambda a, b: either(negate(a), b)),
}
OPERATIONS: Final[dict[str, tuple[int, int, Operation]]] = {
    "plus": (0, ANY, _plus),
    "times": (0, ANY, _times),
    "minus": (1, 2, _minus),
    "divide": (2, 2, lambda a, b: a / b),
    "power": (2, 2, _power),
    "root": (2, 2, _root),
    "exp": (1, 1, exp),
    "ln": (1, 1, log),
    "log": (2, 2, _log),
    "abs": (1, 1, abs),
    "floor": (1, 1, floor),
    "ceiling": (1, 1, _ceiling),
    "quotient": (2, 2, _quotient),
    "rem": (2, 2, _rem),
    "factorial": (1, 1, _factorial),
    "min": (1, ANY, _many(minimum)),
    "max": (1, ANY, _many(maximum)),
    "eq": (2, ANY, _chain(equal)),
    "neq": (2, 2, lambda a, b: negate(equal(a, b))),
    "lt": (2, ANY, _chain(lambda a, b: a < b)),
    "leq": (2, ANY, _chain(lambda a, b: a <= b)),
    "gt": (2, ANY, _chain(lambda a, b: a > b)),
    "geq": (2, ANY, _chain(lambda a, b: a >= b)),
    "sin": (1, 1, sin),
    "cos": (1, 1, cos),
    "tan": (1, 1, _tan),
    "sec": (1, 1, _inverse(cos)),
    "csc": (1, 1, _inverse(sin)),
    "cot": (1, 1, _inverse(_tan)),
    "sinh": (1, 1, _sinh),
    "cosh": (1, 1, _cosh),
    "tanh": (1, 1, _tanh),
    "sech": (1, 1, _inverse(_cosh)),
    "csch": (1, 1, _inverse(_sinh)),
    "coth": (1, 1, _inverse(_tanh)),
    "arcsin": (1, 1, _arcsin),
    "arccos": (1, 1, _arccos),
    "arctan": (1, 1, atan),
    "arcsec": (1, 1, _of_inverse(_arccos)),
    "arccsc": (1, 1, _of_inverse(_arcsin)),
    "arccot": (1, 1, _of_inverse(atan)),
    "arcsinh": (1, 1, _arcsinh),
    "arccosh": (1, 1, _arccosh),
    "arctanh": (1, 1, _arctanh),
    "arcsech": (1, 1, _of_inverse(_arccosh)),
    "arccsch": (1, 1, _of_inverse(_arcsinh)),
    "arccoth": (1, 1, _of_inverse(_arctanh)),
}
