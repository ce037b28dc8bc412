"""How large the vesicles are: a diameter distribution in bins, its percentiles, a log-normal fit, coarser bins.

Transport into cartilage falls steeply with diameter, so a lot is carried as a distribution and never as its median.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

REFERENCE_DIAMETER_NM = 120.0  # the diameter the joint's diffusion constants are stated for (joint model, vesicles)


@dataclass(frozen=True, slots=True, eq=False)
class SizeDistribution:
    """Share of particles in each diameter bin.

    edges_nm : (k + 1,) ascending; fraction : (k,) non-negative, sums to 1. Percentiles interpolate the cumulative
    distribution linearly between bin edges (the convention of NTA 3.4; NTA 3.2 prints diameters one bin smaller).
    """

    edges_nm: Floats
    fraction: Floats

    def __post_init__(self) -> None:
        """Refuse what is not a distribution; freeze the arrays."""
        edges, fraction = np.array(self.edges_nm, dtype=float), np.array(self.fraction, dtype=float)
        if edges.ndim != 1 or fraction.shape != (edges.size - 1,) or edges.size < 2 or not np.all(np.diff(edges) > 0):
            raise ValueError("a size distribution needs k + 1 ascending edges for k bins")
        if not (np.all(fraction >= 0) and math.isclose(float(fraction.sum()), 1.0, rel_tol=1e-9)):
            raise ValueError("the shares of a size distribution are not negative and sum to 1")
        edges.setflags(write=False)
        fraction.setflags(write=False)
        object.__setattr__(self, "edges_nm", edges)
        object.__setattr__(self, "fraction", fraction)

    @classmethod
    def from_counts(cls, edges_nm: Floats, counts: Floats) -> SizeDistribution:
        """Distribution from the number (or concentration) in each bin."""
        total = float(np.sum(counts))
        if not (math.isfinite(total) and total > 0):
            raise ValueError("a size distribution needs at least one particle")
        return cls(edges_nm, np.asarray(counts, dtype=float) / total)

    @property
    def centres_nm(self) -> Floats:
        """Middle of each bin, (k,)."""
        centres: Floats = (self.edges_nm[1:] + self.edges_nm[:-1]) / 2
        return centres

    @property
    def cumulative(self) -> Floats:
        """Share of particles below each edge, (k + 1,), from 0 to 1."""
        total = np.concatenate([[0.0], np.cumsum(self.fraction)])
        cumulative: Floats = total / total[-1]
        return cumulative

    @property
    def mean(self) -> float:
        """Number-weighted mean diameter (nm)."""
        return float(self.fraction @ self.centres_nm)

    @property
    def sd(self) -> float:
        """Number-weighted standard deviation of the diameter (nm)."""
        return math.sqrt(float(self.fraction @ (self.centres_nm - self.mean) ** 2))

    @property
    def mode(self) -> float:
        """Middle of the bin with the highest density (nm)."""
        return float(self.centres_nm[int(np.argmax(self.fraction / np.diff(self.edges_nm)))])

    @property
    def d10(self) -> float:
        """Diameter that 10 % of the particles stay below (nm)."""
        return self.percentile(10)

    @property
    def d50(self) -> float:
        """Median diameter (nm)."""
        return self.percentile(50)

    @property
    def d90(self) -> float:
        """Diameter that 90 % of the particles stay below (nm)."""
        return self.percentile(90)

    @property
    def span(self) -> float:
        """Relative width, (D90 - D10) / D50."""
        return (self.d90 - self.d10) / self.d50

    def percentile(self, percent: float) -> float:
        """Diameter (nm) below which `percent` of the particles lie."""
        if not 0 <= percent <= 100:
            raise ValueError(f"a percentile lies between 0 and 100, not at {percent}")
        cumulative, share = self.cumulative, percent / 100
        upper = int(np.clip(np.searchsorted(cumulative, share, side="left"), 1, cumulative.size - 1))
        low, high = cumulative[upper - 1], cumulative[upper]
        inside = (share - low) / (high - low) if high > low else 0.0
        edges = self.edges_nm
        return float(edges[upper - 1] + inside * (edges[upper] - edges[upper - 1]))

    def share_between(self, low_nm: float, high_nm: float) -> float:
        """Share of particles with a diameter between two limits (nm), linear inside a bin."""
        below = np.interp([low_nm, high_nm], self.edges_nm, self.cumulative)
        return float(below[1] - below[0])

    def rebin(self, edges_nm: Floats) -> SizeDistribution:
        """Same distribution on other edges; particles spread evenly in a bin, those outside go to the outer bins."""
        edges = np.asarray(edges_nm, dtype=float)
        below = np.interp(edges, self.edges_nm, self.cumulative)
        below[0], below[-1] = 0.0, 1.0
        return SizeDistribution(edges, np.diff(below))


@dataclass(frozen=True, slots=True)
class LogNormalFit:
    """Log-normal summary: median (nm), geometric SD, largest gap between fitted and measured cumulative share."""

    median_nm: float
    gsd: float
    largest_gap: float


def lognormal_size(median_nm: float, gsd: float, edges_nm: Floats) -> SizeDistribution:
    """Log-normal diameters in bins; what lies outside the outer edges is left out and the rest scaled to 1."""
    with np.errstate(divide="ignore"):
        z = (np.log(np.asarray(edges_nm, dtype=float)) - math.log(median_nm)) / math.log(gsd)
    return SizeDistribution.from_counts(edges_nm, np.diff(ndtr(z)))


def fit_lognormal(size: SizeDistribution) -> LogNormalFit:
    """Log-normal with the mean and SD of the log diameter (maximum likelihood with particles at bin centres)."""
    logs = np.log(size.centres_nm)
    mean = float(size.fraction @ logs)
    sd = math.sqrt(float(size.fraction @ (logs - mean) ** 2))
    with np.errstate(divide="ignore"):
        z = (np.log(size.edges_nm) - mean) / max(sd, 1e-12)
    return LogNormalFit(math.exp(mean), math.exp(sd), float(np.max(np.abs(ndtr(z) - size.cumulative))))


def size_factor(size: SizeDistribution, pore_nm: float) -> float:
    """Pore diffusivity of a lot relative to free 120 nm vesicles: mean of (120/d) (1 + (d/pore)^2)^-2 over the bins.

    `pore_nm` is the effective pore of the collagen network (one number per knowledge draw). Stokes-Einstein gives
    120/d, the bracket is the joint model's steric hindrance.
    """
    diameter = size.centres_nm
    hindered = (REFERENCE_DIAMETER_NM / diameter) * (1 + (diameter / pore_nm) ** 2) ** -2
    return float(size.fraction @ hindered)
