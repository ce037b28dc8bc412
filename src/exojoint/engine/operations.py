"""The operations that expressions may hold: their names, and what they mean for plain numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

UNARY: Final[dict[str, Callable[[float], float]]] = {
    "neg": lambda a: -a,
    "abs": abs,
    "inv": lambda a: 1.0 / a,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "atan": math.atan,
    "floor": lambda a: float(math.floor(a)),
}
BINARY: Final[dict[str, Callable[[float, float], float]]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "min": min,
    "max": max,
}
RELATIONAL: Final[dict[str, Callable[[float, float], bool]]] = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
}
LOGICAL: Final = ("and", "or", "not")
COMMUTATIVE: Final = frozenset({"add", "mul", "min", "max", "eq", "and", "or"})
TRUTH: Final = frozenset(RELATIONAL) | frozenset(LOGICAL) | {"true", "false"}
INFIX: Final = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "pow": "**",
    "lt": "<",
    "le": "<=",
    "eq": "==",
    "and": "and",
    "or": "or",
}
