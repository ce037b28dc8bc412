"""Bootstrap of ratios of means: Monte Carlo errors and intervals of sensitivity measures, failed runs left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 500  # enough for the second digit of an interval's end
OUTSIDE = 0.025  # on each side of a 95 % interval


def resample_counts(n: int, generator: np.random.Generator) -> Floats:
    """How often each of n rows stands in each of the resamples, (RESAMPLES, n)."""
    counts: Floats = generator.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES).astype(np.float64)
    return counts


def means(counts: Floats, parts: Floats) -> Floats:
    """Mean over rows of each resample, (RESAMPLES, ...) for parts (n, ...); rows that are NaN are left out."""
    known = np.isfinite(parts)
    flat = np.where(known, parts, 0.0).reshape(len(parts), -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (counts @ flat) / (counts @ known.reshape(len(parts), -1).astype(np.float64))
    found: Floats = mean.reshape(len(counts), *parts.shape[1:])
    return found


@dataclass(frozen=True)
class Measured:
    """Estimates with their Monte Carlo error and 95 % interval; arrays of one shape, NaN where nothing is known."""

    value: Floats
    error: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, value: Floats, replicates: Floats) -> Measured:
        """Error and interval from resamples, (RESAMPLES, ...)."""
        blank = ~np.isfinite(replicates).any(axis=0)
        kept = np.where(blank, 0.0, np.where(np.isfinite(replicates), replicates, np.nan))
        low, high = np.nanquantile(kept, [OUTSIDE, 1.0 - OUTSIDE], axis=0)
        error = np.nanstd(kept, axis=0, ddof=1)
        return cls(value, *(np.where(blank, np.nan, part) for part in (error, low, high)))

    @classmethod
    def stack(cls, parts: Sequence[Measured]) -> Measured:
        """Several of one shape below one another."""
        return cls(*(np.array([getattr(part, name) for part in parts]) for name in ("value", "error", "low", "high")))

    def where(self, chosen: NDArray[np.bool_], other: Measured) -> Measured:
        """Own estimates where chosen, the other's elsewhere."""
        names = ("value", "error", "low", "high")
        return Measured(*(np.where(chosen, getattr(self, name), getattr(other, name)) for name in names))
