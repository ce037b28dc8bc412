"""Weights that make a finite pool of patients agree exactly with a trial's Table 1.

Entropy balancing: among all positive weights that meet the targets, take those closest to equal weights (smallest
Kullback-Leibler distance). Method: Hainmueller, Polit Anal 2012;20:25-46 (dual problem, Newton steps).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Outcome = Literal["balanced", "best_effort"]

# Numerical settings of the solver, in standard deviations of a feature; they hold no knowledge about knees.
TOLERANCE = 1e-9
ITERATION_LIMIT = 60
# A log-weight spread beyond this means that the targets lie outside what the pool can reach.
SPREAD_LIMIT = 30.0
# Ridge penalties tried, loosest fit last, until at least this share of the pool still counts.
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0)
KEPT_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Balance:
    """Weights of a pool and how well they meet the targets.

    Attributes
    ----------
    weights : (n,), positive, sum n (a patient who cannot be used has 0)
    outcome : "balanced" when every target is met, "best_effort" when the pool cannot meet them all
    largest_gap : largest remaining distance to a target, in standard deviations of its feature
    iterations : Newton steps taken
    """

    weights: Floats
    outcome: Outcome
    largest_gap: float
    iterations: int

    @property
    def effective_sample_size(self) -> float:
        """Number of equally weighted patients that carry the same information."""
        return effective_sample_size(self.weights)


def effective_sample_size(weights: Floats) -> float:
    """Kish's effective number of patients: (sum w)^2 / sum w^2.

    Parameters
    ----------
    weights : (n,), not negative; 0 when all are
    """
    squares = float(np.square(weights).sum())
    return float(weights.sum() ** 2) / squares if squares > 0.0 else 0.0


def balance(features: Floats, targets: Floats) -> Balance:
    """Weights whose weighted means of the features equal the targets.

    Parameters
    ----------
    features : (n, k), one row per patient, each column scaled to a standard deviation near 1
    targets : (k,), wanted weighted mean of each column

    Returns
    -------
    Balance
        Exact weights, or, where the pool cannot reach the targets, the closest weights that keep at least a quarter of
        the pool effective, with outcome "best_effort" and the remaining gap.

    Raises
    ------
    ValueError
        When shapes disagree, the pool is empty or a feature is not finite (a programming error, not a user's input).
    """
    if features.ndim != 2 or features.shape[0] == 0 or targets.shape != (features.shape[1],):
        raise ValueError(f"features {features.shape} and targets {targets.shape} do not belong together")
    if not (np.isfinite(features).all() and np.isfinite(targets).all()):
        raise ValueError("features and targets must be finite")
    centred = features - targets
    weights, gap, steps = _newton(centred, penalty=0.0)
    if gap <= TOLERANCE:
        return Balance(weights, "balanced", gap, steps)
    for penalty in PENALTIES:
        weights, gap, more = _newton(centred, penalty)
        steps += more
        if effective_sample_size(weights) >= KEPT_SHARE * len(weights):
            break
    return Balance(weights, "best_effort", gap, steps)


def _newton(centred: Floats, penalty: float) -> tuple[Floats, float, int]:
    """Minimise log(mean(exp(centred @ m))) + penalty/2 |m|^2 over the multipliers m; weights (n,), gap, steps."""
    n, k = centred.shape
    multipliers = np.zeros(k)
    shares, value = _shares(centred, multipliers, penalty)
    for step in range(ITERATION_LIMIT):
        gap = _weighted_mean(centred, shares)
        gradient = gap + penalty * multipliers
        if np.abs(gradient).max(initial=0.0) <= TOLERANCE or np.ptp(_score(centred, multipliers)) > SPREAD_LIMIT:
            return n * shares, float(np.abs(gap).max(initial=0.0)), step
        direction = _direction(centred, shares, gap, gradient, penalty)
        moved = _line_search(centred, multipliers, direction, value, float(gradient @ direction), penalty)
        if moved is None:
            break
        multipliers, shares, value = moved
    gap = _weighted_mean(centred, shares)
    return n * shares, float(np.abs(gap).max(initial=0.0)), ITERATION_LIMIT


def _line_search(
    centred: Floats, start: Floats, direction: Floats, value: float, slope: float, penalty: float
) -> tuple[Floats, Floats, float] | None:
    """First halved step that lowers the dual enough (Armijo rule), or None when rounding leaves nothing to gain."""
    length = 1.0
    for _ in range(40):
        trial = start + length * direction
        shares, reached = _shares(centred, trial, penalty)
        if reached <= value + 1e-4 * length * slope + 1e-15:
            return trial, shares, reached
        length *= 0.5
    return None


def _direction(centred: Floats, shares: Floats, gap: Floats, gradient: Floats, penalty: float) -> Floats:
    """Newton direction; a feature that is constant in the pool gets a zero step instead of a singular matrix."""
    curvature = np.einsum("i,ij,ik->jk", shares, centred, centred) - np.outer(gap, gap)
    diagonal = np.diagonal(curvature)
    ridge = penalty + 1e-12 * max(1.0, float(diagonal.max(initial=0.0)))
    curvature = curvature + ridge * np.eye(len(gap))
    direction: Floats = -np.linalg.solve(curvature, gradient)
    return direction


def _shares(centred: Floats, multipliers: Floats, penalty: float) -> tuple[Floats, float]:
    """Weights as shares of 1 (n,), and the value of the dual."""
    score = _score(centred, multipliers)
    top = float(score.max())
    raw = np.exp(score - top)
    total = float(raw.sum())
    value = top + float(np.log(total / len(score))) + 0.5 * penalty * float(multipliers @ multipliers)
    return raw / total, value


def _score(centred: Floats, multipliers: Floats) -> Floats:
    """Log weight of each patient up to a constant (n,); einsum keeps the bytes independent of the thread count."""
    score: Floats = np.einsum("ij,j->i", centred, multipliers)
    return score


def _weighted_mean(centred: Floats, shares: Floats) -> Floats:
    """Remaining distance to each target (k,)."""
    mean: Floats = np.einsum("i,ij->j", shares, centred)
    return mean
