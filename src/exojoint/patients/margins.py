"""Distribution of one covariate in a trial population, matched to the moments that a Table 1 prints.

A Table 1 reports the mean and SD of the patients who were enrolled, so a bounded margin is the truncated normal whose
*own* mean and SD are the printed ones, not the untruncated parent's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]

# A parent with less than this inside the bounds is all tail: its moments drown in rounding and describe nobody.
SMALLEST_INSIDE = 1e-6


class Margin(Protocol):
    """What every margin offers: its moments and its quantile function."""

    @property
    def mean(self) -> float:
        """Mean in the covariate's unit."""

    @property
    def sd(self) -> float:
        """Standard deviation in the covariate's unit."""

    def quantile(self, u: Floats) -> Floats:
        """Value below which a share u in (0, 1) of the population lies; same shape as u."""


@dataclass(frozen=True, slots=True)
class BoundedNormal:
    """Normal truncated to [low, high], with the given mean and SD after truncation.

    Attributes
    ----------
    mean, sd : moments of the truncated distribution
    low, high : bounds, all in the covariate's unit
    centre, spread : mean and SD of the untruncated parent
    """

    mean: float
    sd: float
    low: float
    high: float
    centre: float
    spread: float

    def quantile(self, u: Floats) -> Floats:
        """Value below which a share u in (0, 1) lies; same shape as u."""
        below, above = (ndtr((bound - self.centre) / self.spread) for bound in (self.low, self.high))
        raw: Floats = self.centre + self.spread * ndtri(below + u * (above - below))
        return np.clip(raw, self.low, self.high)


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Positive, right-skewed covariate with the given mean and SD."""

    mean: float
    sd: float

    def quantile(self, u: Floats) -> Floats:
        """Value below which a share u in (0, 1) lies; same shape as u."""
        log_variance = np.log1p((self.sd / self.mean) ** 2)
        value: Floats = self.mean * np.exp(np.sqrt(log_variance) * ndtri(u) - 0.5 * log_variance)
        return value


@dataclass(frozen=True, slots=True)
class Levels:
    """Ordered classes with shares that sum to 1 (Kellgren-Lawrence grade)."""

    levels: tuple[float, ...]
    shares: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean level."""
        return float(np.dot(self.levels, self.shares))

    @property
    def sd(self) -> float:
        """Standard deviation of the level."""
        return float(np.sqrt(np.dot(np.square(np.array(self.levels) - self.mean), self.shares)))

    def quantile(self, u: Floats) -> Floats:
        """Level of the patient at share u of the ordered population; same shape as u."""
        thresholds = np.cumsum(self.shares)[:-1]
        picked: Floats = np.asarray(self.levels)[np.searchsorted(thresholds, u, side="right")]
        return picked


def bounded_normal(mean: float, sd: float, low: float, high: float) -> BoundedNormal:
    """Truncated normal with exactly this mean and SD.

    Raises
    ------
    ValueError
        When no normal truncated to [low, high] has this mean and SD (mean outside, or SD too large for the range).
    """
    # A flat distribution has SD range/sqrt(12); a truncated normal is never flatter.
    widest = (high - low) / np.sqrt(12.0)
    if not low < mean < high or not 0.0 < sd < widest:
        raise ValueError(f"no truncated normal on [{low:g}, {high:g}] has mean {mean:g} and SD {sd:g}")

    def miss(parent: Floats) -> Floats:
        reached = _moments(parent[0], np.exp(parent[1]), low, high)
        return (np.array(reached) - (mean, sd)) / sd

    # The search may try parents without mass inside the bounds; the last line judges what it found.
    with np.errstate(all="ignore"):
        found = root(miss, np.array([mean, np.log(sd)]), tol=1e-12)
        centre, spread = float(found.x[0]), float(np.exp(found.x[1]))
        reached = float(np.abs(miss(np.array([centre, np.log(spread)]))).max())
        inside = float(ndtr((high - centre) / spread) - ndtr((low - centre) / spread))
    if not (reached <= 1e-6 and inside >= SMALLEST_INSIDE):
        raise ValueError(f"no truncated normal on [{low:g}, {high:g}] has mean {mean:g} and SD {sd:g}")
    return BoundedNormal(mean, sd, low, high, centre, spread)


def _moments(centre: float, spread: float, low: float, high: float) -> tuple[float, float]:
    """Mean and SD of a normal (centre, spread) truncated to [low, high]."""
    a, b = (low - centre) / spread, (high - centre) / spread
    mass = ndtr(b) - ndtr(a)
    density_a, density_b = (np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) for z in (a, b))
    shift = (density_a - density_b) / mass
    variance = 1.0 + (a * density_a - b * density_b) / mass - shift * shift
    return float(centre + spread * shift), float(spread * np.sqrt(max(variance, 0.0)))


@dataclass(frozen=True, slots=True)
class Mixture:
    """Standard-normal score of a covariate whose mean shifts between classes, with the overall spread kept at 1.

    Attributes
    ----------
    shares : (c,), share of each class, sum 1
    shifts : (c,), mean score of each class; their weighted mean is 0
    within : SD of the score inside a class, so that the overall variance is 1
    """

    shares: tuple[float, ...]
    shifts: tuple[float, ...]
    within: float

    def score(self, member: NDArray[np.int64], z: Floats) -> Floats:
        """Score of patients (n,) of class `member` (n,) with a standard-normal residual z (n,)."""
        shifted: Floats = np.asarray(self.shifts)[member] + self.within * z
        return shifted

    def share_below(self, score: Floats) -> Floats:
        """Share of the whole mixture below the score: uniform on (0, 1) over the population, so margins stay exact."""
        below = np.zeros_like(score)
        for share, shift in zip(self.shares, self.shifts, strict=True):
            below += share * ndtr((score - shift) / self.within)
        # Open interval: the most extreme score of a double must not map to an infinite value.
        return np.clip(below, 1e-15, 1.0 - 1e-15)


def mixture(shares: tuple[float, ...], tendency: dict[int, float]) -> Mixture:
    """Scores whose named classes have the given mean; the other classes share what keeps the overall mean at 0.

    Parameters
    ----------
    shares : (c,), share of each class
    tendency : mean score (in SDs of the margin) of some classes, by index

    Raises
    ------
    ValueError
        When the classes differ by more than the margin's SD allows.
    """
    share = np.asarray(shares)
    shifts = np.zeros(len(share))
    named = [index for index in tendency if share[index] > 0.0]
    shifts[named] = [tendency[index] for index in named]
    rest = [index for index in range(len(share)) if index not in tendency and share[index] > 0.0]
    pull = float(share @ shifts)
    if rest:
        shifts[rest] = -pull / share[rest].sum()
    else:
        shifts = shifts - pull
    within = 1.0 - float(share @ np.square(shifts))
    if within <= 0.0:
        raise ValueError(f"classes explain {1.0 - within:.0%} of the variance of the margin; at most 100 % exists")
    return Mixture(tuple(shares), tuple(shifts.tolist()), float(np.sqrt(within)))
