"""Three smooth shapes of which the equations are built; each works on floats, arrays, quantities and symbols."""

from __future__ import annotations

from typing import Any, TypeAlias

Value: TypeAlias = Any
"""Anything with ``+ - * / **``: a float, an array over patients, a quantity with a unit, a traced symbol."""


def saturating(x: Value, half: Value) -> Value:
    """Return a saturating response that is 1 at ``x = 1`` and half of its maximum at ``x = half``."""
    return x * (1 + half) / (x + half)


def saturating_square(x: Value, half_sq: Value) -> Value:
    """Return a sigmoid response (exponent 2) that is 1 at ``x = 1``; ``half_sq`` is the square of its half level."""
    return x * x * (1 + half_sq) / (x * x + half_sq)


def positive_part(x: Value, width: Value) -> Value:
    """Return a smooth ``max(0, x)``: above both, off by at most ``width / 2``, and by that only at ``x = 0``."""
    return 0.5 * (x + (x * x + width * width) ** 0.5)
