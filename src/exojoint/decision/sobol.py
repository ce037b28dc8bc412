"""Grouped variance shares that keep interactions: a check on the linear shares.

First-order and total indices of groups of axes with the estimators of Jansen (Comput Phys Commun 1999;117:35-43) and,
for the first order, of Saltelli (Comput Phys Commun 2010;181:259-270), whichever has the smaller error. The second
sample is the first one shifted by a row, so n points with g groups cost n * (1 + g) evaluations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Headline = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class GroupIndex:
    """Share of a headline's variance that belongs to one group of unknowns.

    Attributes
    ----------
    group : name of the group
    n_axes : number of independent unknowns in it
    first, first_error : share explained by the group alone, and its Monte Carlo error
    total, total_error : share that would vanish if the group were known, interactions included
    n_used : points with no failed run
    """

    group: str
    n_axes: int
    first: float
    first_error: float
    total: float
    total_error: float
    n_used: int


@dataclass(frozen=True, slots=True)
class SobolCheck:
    """Indices of all groups, with the number of headline evaluations and how many of them failed."""

    groups: tuple[GroupIndex, ...]
    evaluations: int
    failed: int


def grouped_sobol(headline: Headline, groups: Mapping[str, Sequence[int]], points: Floats) -> SobolCheck:
    """First-order and total indices of groups of axes.

    Parameters
    ----------
    headline : z (k, n_axes) -> value (k,); the same luck in every row; NaN where the run failed
    groups : axes of each group
    points : (n, n_axes), independent standard-normal rows; n of 64 gives errors near 0.1

    Raises
    ------
    ValueError
        When fewer than three points are given.
    """
    n = len(points)
    if n < 3:
        raise ValueError("a Sobol check needs at least three points")
    shifted = np.roll(points, 1, axis=0)
    mixed = []
    for axes in groups.values():
        swapped = points.copy()
        swapped[:, list(axes)] = shifted[:, list(axes)]
        mixed.append(swapped)
    values = headline(np.concatenate([points, *mixed])).reshape(1 + len(groups), n)
    base, other = values[0], np.roll(values[0], 1)
    found = tuple(
        _group_index(name, len(axes), base, other, values[row])
        for row, (name, axes) in enumerate(groups.items(), start=1)
    )
    return SobolCheck(found, values.size, int((~np.isfinite(values)).sum()))


def _group_index(name: str, n_axes: int, base: Floats, other: Floats, mixed: Floats) -> GroupIndex:
    """Both indices with jackknife errors; points with a failed run are left out (the caller counts them)."""
    whole = np.isfinite(base) & np.isfinite(other) & np.isfinite(mixed)
    a, b, ab = base[whole], other[whole], mixed[whole]
    n = len(a)
    if n < 3 or float(np.var(a)) == 0.0:
        return GroupIndex(name, n_axes, float("nan"), float("nan"), float("nan"), float("nan"), n)

    # Exactly 0 for a group without effect, but noisy for a dominant one; Jansen's is the other way round.
    saltelli = _ratio((b - a.mean()) * (ab - a), a)
    missing, jansen_error = _ratio(np.square(b - ab) / 2.0, a)
    first, first_error = min(saltelli, (1.0 - missing, jansen_error), key=lambda pair: pair[1])
    total, total_error = _ratio(np.square(a - ab) / 2.0, a)
    return GroupIndex(name, n_axes, first, first_error, total, total_error, n)


def _ratio(parts: Floats, values: Floats) -> tuple[float, float]:
    """Mean of the parts (n,) over the variance of the values (n,), with its jackknife error."""
    n = len(values)
    variance = float(np.var(values, ddof=1))
    # Variance of the sample without row i, in closed form.
    centred = np.square(values - values.mean())
    left_out = ((n - 1) * variance - centred * n / (n - 1)) / (n - 2)
    replicates = (parts.sum() - parts) / (n - 1) / left_out
    error = float(np.sqrt((n - 1) / n * np.square(replicates - replicates.mean()).sum()))
    return float(parts.mean()) / variance, error
