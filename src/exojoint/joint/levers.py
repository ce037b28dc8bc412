"""How the contributions of several treatments to one lever become one value, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.joint.shapes import Value
from exojoint.joint.tables import Lever


def neutral(levers: Mapping[str, Lever]) -> dict[str, Value]:
    """Return every lever, zone levers once per zone, at its untreated value."""
    return {name: lever.neutral for lever in levers.values() for name in lever.names}


def combine(levers: Mapping[str, Lever], contributions: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
    """Combine what treatments contribute to the levers.

    A ``product`` lever multiplies its contributions, a ``sum`` lever adds them, an ``or`` lever is the share that at
    least one of independent shares covers, ``1 - (1 - a)(1 - b)...``.

    Parameters
    ----------
    levers : mapping of str to Lever
        The joint's levers by name (without zone suffix).
    contributions : sequence of mapping
        One mapping per treatment, full lever name to value.

    Returns
    -------
    dict
        A value for every lever name; neutral where nobody contributes.

    Raises
    ------
    InputError
        When a contribution names no lever, or is a number outside its guard: factors must not be negative, the shares
        of an ``or`` lever lie in [0, 1]. Symbols and quantities are not guarded.
    """
    kinds = {name: lever.kind for lever in levers.values() for name in lever.names}
    values = neutral(levers)
    pulled: set[str] = set()
    for contribution in contributions:
        for name, value in contribution.items():
            if name not in kinds:
                expected = "a name of levers.csv, with _1, _2 or _3 for a zone"
                raise InputError(Problem("contribution", f"no lever `{name}`", expected, did_you_mean(name, kinds)))
            _guard(name, kinds[name], value)
            values[name] = _joined(kinds[name], values[name], value) if name in pulled else value
            pulled.add(name)
    return values


def _joined(kind: str, a: Value, b: Value) -> Value:
    if kind == "product":
        return a * b
    if kind == "sum":
        return a + b
    return a + b - a * b


def _guard(name: str, kind: str, value: Value) -> None:
    if kind == "sum" or not isinstance(value, int | float | np.ndarray):
        return
    lowest, highest = float(np.min(value)), float(np.max(value))
    if lowest < 0 or (kind == "or" and highest > 1):
        expected = "a factor that is not negative" if kind == "product" else "a share between 0 and 1"
        what = f"{kind} contribution {lowest if lowest < 0 else highest:g}"
        raise InputError(Problem(f"lever `{name}`", what, expected, "Bound the effect that contributes it."))
