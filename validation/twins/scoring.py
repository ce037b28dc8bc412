"""How good forecasts are: coverage, where the truth fell, and a score that rewards narrow intervals that hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

Floats = NDArray[np.float64]
LEVEL = 0.8
ALPHA = 1.0 - LEVEL
COVERAGE_WANTED = (0.65, 0.95)


@dataclass(frozen=True, slots=True)
class Interval:
    """A central interval at `LEVEL` with its median."""

    lo: float
    middle: float
    hi: float

    @property
    def width(self) -> float:
        """Width of the interval."""
        return self.hi - self.lo

    def covers(self, value: float) -> bool:
        """Whether a value lies inside, limits included."""
        return self.lo <= value <= self.hi


def interval_of(samples: Floats, weights: Floats | None = None) -> Interval:
    """Return the central interval of samples (m,), which may be weighted."""
    lo, middle, hi = (quantile(samples, q, weights) for q in (ALPHA / 2, 0.5, 1 - ALPHA / 2))
    return Interval(lo, middle, hi)


def quantile(samples: Floats, q: float, weights: Floats | None = None) -> float:
    """Return a quantile of (weighted) samples: the inverse of their step function, halfway inside each step."""
    order = np.argsort(samples, kind="stable")
    w = np.ones(len(samples)) if weights is None else np.asarray(weights, dtype=np.float64)
    w = w[order]
    place = (np.cumsum(w) - 0.5 * w) / w.sum()
    return float(np.interp(q, place, samples[order]))


def share_below(samples: Floats, value: float, weights: Floats | None = None) -> float:
    """Return the probability integral transform: the share of the forecast below the value, ties counted half."""
    w = np.ones(len(samples)) if weights is None else np.asarray(weights, dtype=np.float64)
    return float((w * ((samples < value) + 0.5 * (samples == value))).sum() / w.sum())


def interval_score(interval: Interval, value: float, alpha: float = ALPHA) -> float:
    """Return the interval score: width, plus 2/alpha times the distance by which the value was missed.

    Smaller is better; proper for central intervals (Gneiting and Raftery 2007, J Am Stat Assoc 102:359, section 6.2).
    """
    below, above = max(0.0, interval.lo - value), max(0.0, value - interval.hi)
    return interval.width + 2.0 / alpha * (below + above)


def coverage(intervals: list[Interval], values: list[float]) -> float:
    """Return the share of values inside their intervals."""
    return float(np.mean([interval.covers(value) for interval, value in zip(intervals, values, strict=True)]))


def coverage_chance(n: int, level: float = LEVEL, wanted: tuple[float, float] = COVERAGE_WANTED) -> float:
    """Return the chance that `n` independent honest intervals cover a wanted share: what the criterion can see."""
    counts = np.arange(n + 1)
    inside = (counts / n >= wanted[0]) & (counts / n <= wanted[1])
    return float(binom.pmf(counts[inside], n, level).sum())


def pit_spread(shares: Floats) -> float:
    """Return the variance of the transforms over that of a uniform: 1 is right, above intervals are too narrow."""
    return float(np.var(shares) * 12.0)
