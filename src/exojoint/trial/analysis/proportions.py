"""Two shares compared: risk difference, odds ratio and number needed to treat, with intervals that hold near 0 and 1.

Newcombe 1998, Stat Med 17:873 (hybrid of Wilson's score intervals, his method 10, without continuity correction);
Miettinen and Nurminen 1985, Stat Med 4:213 (score interval); Altman 1998, BMJ 317:1309 (number needed to treat).
Counts may be arrays of shapes that broadcast: x of n patients in the arm, x0 of n0 under control. No patients: NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

FloatArray = NDArray[np.float64]

NO_GAP = 1e-15  # numerical: the observed difference itself is never rejected
LEAST_VARIANCE = 1e-300  # numerical: keeps a division finite
BISECTIONS = 60  # numerical: halvings of (-1, 1), enough for the last digit
HALF_CELL = 0.5  # added to every cell of a table with an empty one, for the interval of the odds ratio only (Haldane)


class Interval(NamedTuple):
    """Confidence limits."""

    lo: FloatArray
    hi: FloatArray


class NntInterval(NamedTuple):
    """Limits of a number needed to treat.

    Where `through_infinity` is False, the interval is lo to hi. Where it is True, the data allow benefit and harm: the
    interval runs from `hi` (patients to treat for one more responder, at best) up to infinity, and from minus infinity
    up to `lo` (for one fewer, at worst).
    """

    lo: FloatArray
    hi: FloatArray
    through_infinity: NDArray[np.bool_]


def wilson(x: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Score interval of one share."""
    count, size = np.asarray(x, dtype=float), np.asarray(n, dtype=float)
    z = _quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = count / size
        centre = (p + z**2 / (2.0 * size)) / (1.0 + z**2 / size)
        half = z / (1.0 + z**2 / size) * np.sqrt(p * (1.0 - p) / size + z**2 / (4.0 * size**2))
    return Interval(np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0))


def newcombe(x: ArrayLike, n: ArrayLike, x0: ArrayLike, n0: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of the difference of two shares from the score intervals of both."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p, p0 = np.asarray(x, dtype=float) / np.asarray(n), np.asarray(x0, dtype=float) / np.asarray(n0)
    one, other = wilson(x, n, level), wilson(x0, n0, level)
    down = np.sqrt((p - one.lo) ** 2 + (other.hi - p0) ** 2)
    up = np.sqrt((one.hi - p) ** 2 + (p0 - other.lo) ** 2)
    return Interval(np.asarray(p - p0 - down), np.asarray(p - p0 + up))


def miettinen_nurminen(x: ArrayLike, n: ArrayLike, x0: ArrayLike, n0: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of the difference of two shares: all differences that a score test does not reject."""
    counts = _broadcast(x, n, x0, n0)
    z = _quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = counts[0] / counts[1] - counts[2] / counts[3]
    return Interval(_limit(counts, difference, z, -1.0), _limit(counts, difference, z, 1.0))


def _limit(counts: tuple[FloatArray, ...], difference: FloatArray, z: float, side: float) -> FloatArray:
    """Bisect between the observed difference (accepted) and side (rejected)."""
    inside, outside = difference.copy(), np.full_like(difference, side)
    for _ in range(BISECTIONS):
        middle = 0.5 * (inside + outside)
        accepted = np.abs(_score(counts, middle)) < z
        inside, outside = np.where(accepted, middle, inside), np.where(accepted, outside, middle)
    return np.where(np.isnan(difference), np.nan, inside)


def _score(counts: tuple[FloatArray, ...], delta: FloatArray) -> FloatArray:
    """Observed less assumed difference in standard errors under the assumed difference."""
    x, n, x0, n0 = counts
    total = n + n0
    p0 = _constrained_share(counts, delta)
    p = np.clip(p0 + delta, 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (p * (1.0 - p) / n + p0 * (1.0 - p0) / n0) * total / (total - 1.0)
        gap = x / n - x0 / n0 - delta
        score: FloatArray = np.where(np.abs(gap) < NO_GAP, 0.0, gap / np.sqrt(np.maximum(variance, LEAST_VARIANCE)))
    return score


def _constrained_share(counts: tuple[FloatArray, ...], delta: FloatArray) -> FloatArray:
    """Most likely share under control given the difference: root of a cubic (Miettinen and Nurminen, appendix)."""
    x, n, x0, n0 = counts
    cubic = n + n0
    square = (n + 2.0 * n0) * delta - cubic - (x + x0)
    linear = (n0 * delta - cubic - 2.0 * x0) * delta + (x + x0)
    constant = x0 * delta * (1.0 - delta)
    with np.errstate(divide="ignore", invalid="ignore"):
        q = (square / (3.0 * cubic)) ** 3 - linear * square / (6.0 * cubic**2) + constant / (2.0 * cubic)
        radius = np.sqrt(np.maximum((square / (3.0 * cubic)) ** 2 - linear / (3.0 * cubic), 0.0))
        radius = np.where(q < 0, -radius, radius)
        angle = (np.pi + np.arccos(np.clip(np.where(radius == 0, 0.0, q / radius**3), -1.0, 1.0))) / 3.0
        share = 2.0 * radius * np.cos(angle) - square / (3.0 * cubic)
    clipped: FloatArray = np.clip(share, np.maximum(0.0, -delta), np.minimum(1.0, 1.0 - delta))
    return clipped


def score_test(x: ArrayLike, n: ArrayLike, x0: ArrayLike, n0: ArrayLike) -> FloatArray:
    """Two-sided p of equal shares; 1 where everybody or nobody responded."""
    counts = _broadcast(x, n, x0, n0)
    p = 2.0 * special.ndtr(-np.abs(_score(counts, np.zeros_like(counts[0]))))
    return np.where((counts[1] > 0) & (counts[3] > 0), p, np.nan)


def odds_ratio(x: ArrayLike, n: ArrayLike, x0: ArrayLike, n0: ArrayLike) -> FloatArray:
    """Odds in the arm over odds under control; 0, infinite or NaN where a cell is empty."""
    x, n, x0, n0 = _broadcast(x, n, x0, n0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((x * (n0 - x0)) / ((n - x) * x0))


def odds_ratio_interval(x: ArrayLike, n: ArrayLike, x0: ArrayLike, n0: ArrayLike, level: float = 0.95) -> Interval:
    """Woolf's interval on the log scale, with half a patient added to each cell where one is empty."""
    x, n, x0, n0 = _broadcast(x, n, x0, n0)
    cells = np.stack([x, n - x, x0, n0 - x0])
    cells = np.where((cells == 0).any(axis=0), cells + HALF_CELL, cells)
    centre = np.log(cells[0] * cells[3] / (cells[1] * cells[2]))
    half = _quantile(level) * np.sqrt((1.0 / cells).sum(axis=0))
    known = (n > 0) & (n0 > 0)
    return Interval(np.where(known, np.exp(centre - half), np.nan), np.where(known, np.exp(centre + half), np.nan))


def nnt_interval(difference: Interval) -> NntInterval:
    """Turn the limits of a risk difference into those of a number needed to treat."""
    with np.errstate(divide="ignore"):
        first, last = 1.0 / difference.hi, 1.0 / difference.lo
    through = (difference.lo <= 0) & (difference.hi >= 0)
    return NntInterval(np.where(through, last, first), np.where(through, first, last), through)


def _quantile(level: float) -> float:
    return float(special.ndtri(0.5 + 0.5 * level))


def _broadcast(*counts: ArrayLike) -> tuple[FloatArray, ...]:
    return tuple(np.array(c, dtype=float) for c in np.broadcast_arrays(*(np.asarray(c, dtype=float) for c in counts)))


INTERVALS: Mapping[str, Callable[..., Interval]] = MappingProxyType(
    {"newcombe": newcombe, "miettinen_nurminen": miettinen_nurminen}
)
