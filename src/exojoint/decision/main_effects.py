"""The effect of each unknown alone, and how well the sum of these effects describes the knowledge draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Headline = Callable[[Floats], Floats]

# Outer points of the three-point Gauss-Hermite rule: the two differences then give the best straight line and parabola
# over the whole belief about an unknown (exact for a cubic), not the slope at its centre alone.
REACH = float(np.sqrt(3.0))


@dataclass(frozen=True, slots=True)
class MainEffects:
    """Effects of single axes on a headline, the others at the tables' values.

    Attributes
    ----------
    slope : (n_axes,), coefficient of z
    curve : (n_axes,), coefficient of (z^2 - 1) / sqrt(2)
    evaluations, failed : headline runs
    blind : axes without any usable difference
    """

    slope: Floats
    curve: Floats
    evaluations: int
    failed: int
    blind: int

    @property
    def variance(self) -> Floats:
        """Variance that each axis alone gives the headline, (n_axes,)."""
        both: Floats = np.square(self.slope) + np.square(self.curve)
        return both

    def predict(self, z: Floats) -> Floats:
        """Sum of the single effects in each draw, (n,), mean 0 over all draws; z (n, n_axes)."""
        straight: Floats = np.einsum("ij,j->i", z, self.slope)
        curved: Floats = np.einsum("ij,j->i", (np.square(z) - 1.0) / np.sqrt(2.0), self.curve)
        return straight + curved


def main_effects(headline: Headline, n_axes: int) -> MainEffects:
    """Move each axis up and down alone.

    Parameters
    ----------
    headline : z (k, n_axes) -> value (k,), NaN where a run failed; called once with 2 * n_axes + 1 rows
    """
    return effects_of(headline(star(n_axes)))


def star(n_axes: int) -> Floats:
    """Points at which each axis is moved up alone, then down alone, then the centre: (2 * n_axes + 1, n_axes)."""
    stride = REACH * np.eye(n_axes)
    return np.concatenate([stride, -stride, np.zeros((1, n_axes))])


def effects_of(values: Floats) -> MainEffects:
    """Effects of single axes from a headline at the points of `star`.

    A side that failed is bridged from the centre (straight effect only); an axis without a usable side counts as blind.

    Parameters
    ----------
    values : (2 * n_axes + 1,), NaN where a run failed
    """
    n_axes = len(values) // 2
    up, down, centre = values[:n_axes], values[n_axes:-1], values[-1]
    slope = (up - down) / (2.0 * REACH)
    curve = np.sqrt(2.0) / 6.0 * (up + down - 2.0 * centre)
    one_sided = np.where(np.isfinite(up), (up - centre) / REACH, (centre - down) / REACH)
    slope = np.where(np.isfinite(slope), slope, one_sided)
    failed = int((~np.isfinite(values)).sum())
    blind = int((~np.isfinite(slope)).sum())
    return MainEffects(np.nan_to_num(slope, nan=0.0), np.nan_to_num(curve, nan=0.0), values.size, failed, blind)


@dataclass(frozen=True, slots=True)
class Fit:
    """The draws against the sum of single effects: headline = mean + factor * sum + rest. No extra run is needed.

    Attributes
    ----------
    variance, variance_error : of the headline over the draws, with its Monte Carlo error; NaN below three draws
    single : variance of the sum of single effects over all of our belief, before the factor
    factor, factor_error : how much of the single effects the draws show; 1 when effects simply add; NaN when unknown
    explained, explained_error : share of the headline's variance that single effects explain (factor included)
    """

    variance: float
    variance_error: float
    single: float
    factor: float
    factor_error: float
    explained: float
    explained_error: float

    @property
    def varies(self) -> bool:
        """Whether there is any variance to share out."""
        return self.variance > 0.0 or (np.isnan(self.variance) and self.single > 0.0)


def fit_draws(effects: MainEffects, draws_z: Floats, draws_values: Floats) -> Fit:
    """Regress the draws on the sum of single effects; errors by the jackknife.

    Parameters
    ----------
    effects : of the same headline
    draws_z : (n, n_axes)
    draws_values : (n,), NaN where failed (left out)
    """
    good = np.isfinite(draws_values)
    y = draws_values[good]
    n = len(y)
    single = float(effects.variance.sum())
    variance = float(np.var(y, ddof=1)) if n > 2 else float("nan")
    squares = np.square(y - y.mean()) if n > 2 else np.zeros(2)
    error = float(squares.std(ddof=1) / np.sqrt(n)) if n > 2 else float("nan")
    if n < 5 or single == 0.0 or variance == 0.0:
        explained = 0.0 if single == 0.0 or variance == 0.0 else 1.0
        return Fit(variance, error, single, float("nan") if n < 5 else 0.0, float("nan"), explained, float("nan"))
    x = effects.predict(draws_z[good])
    factor, explained = _regress(x, y, single)
    rows = np.arange(n)
    left_out = np.array([_regress(x[rows != row], y[rows != row], single) for row in rows])
    spread = np.sqrt((n - 1) / n * np.square(left_out - left_out.mean(axis=0)).sum(axis=0))
    return Fit(variance, error, single, factor, float(spread[0]), explained, float(spread[1]))


def _regress(x: Floats, y: Floats, single: float) -> tuple[float, float]:
    """Factor on the single effects, and the share of the variance that they then explain."""
    scale = np.sqrt(single)
    # Scaled first, so that the squares of a tiny headline do not vanish.
    dx, dy = (x - x.mean()) / scale, (y - y.mean()) / scale
    sxx, sxy = float((dx * dx).sum()), float((dx * dy).sum())
    if sxx == 0.0:
        return 0.0, 0.0
    factor = max(0.0, sxy / sxx)
    rest = float(np.square(dy - factor * dx).sum()) / (len(x) - 2)
    return factor, factor**2 / (factor**2 + rest)
