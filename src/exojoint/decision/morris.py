"""Screening by elementary effects: which unknowns matter at all, at a few runs per unknown.

Morris MD. Factorial sampling plans for preliminary computational experiments. Technometrics 1991;33:161-174; the mean
of absolute effects (mu*) is Campolongo, Cariboni, Saltelli, Environ Model Softw 2007;22:1509-1518. Axes are standard
normal here, so an effect is the change of a headline per standard deviation of what we do not know.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from exojoint.decision.resampling import Measured, means, resample_counts

Floats = NDArray[np.float64]

# Four levels in the middle of four equally likely parts of each belief: the ends of a normal axis lie at infinity.
LEVELS = ndtri((np.arange(4) + 0.5) / 4.0)
JUMP = 2  # levels that a move goes up or down; half of them, as Morris advises


@dataclass(frozen=True)
class Screening:
    """Elementary effects of each axis on each headline; arrays are (n_axes, n_headlines), in headline units per SD.

    Attributes
    ----------
    mu, sigma : mean effect, and standard deviation of effects (bends and interactions)
    mu_star : mean absolute effect, with bootstrap error and 95 % interval over trajectories
    n_used : effects that both runs of a move allowed
    trajectories, evaluations, failed : plan of the screening, its runs, and runs without a value
    """

    mu: Floats
    mu_star: Measured
    sigma: Floats
    n_used: NDArray[np.int64]
    trajectories: int
    evaluations: int
    failed: int

    @property
    def weight(self) -> Floats:
        """Mean squared effect of each axis: close to the variance that would vanish if it were known."""
        squared: Floats = np.square(self.mu) + np.square(self.sigma)
        return squared


def trajectories(n_axes: int, n: int, generator: np.random.Generator) -> Floats:
    """Winding paths through the levels: each moves every axis once, in a random order; (n * (n_axes + 1), n_axes).

    Parameters
    ----------
    n : paths; a path costs n_axes + 1 runs
    """
    paths = np.empty((n, n_axes + 1, n_axes))
    for path in paths:
        low = generator.integers(0, len(LEVELS) - JUMP, n_axes)
        up = generator.integers(0, 2, n_axes).astype(bool)
        first, last = np.where(up, low, low + JUMP), np.where(up, low + JUMP, low)
        path[0] = LEVELS[first]
        for move, axis in enumerate(generator.permutation(n_axes), start=1):
            path[move] = path[move - 1]
            path[move, axis] = LEVELS[last[axis]]
    return paths.reshape(-1, n_axes)


def screen(points: Floats, values: Floats, generator: np.random.Generator) -> Screening:
    """Elementary effects of paths that `trajectories` made.

    Parameters
    ----------
    points : (n * (n_axes + 1), n_axes)
    values : (n * (n_axes + 1), n_headlines), NaN where a run failed; a move with a failed end gives no effect
    generator : for the bootstrap
    """
    n_axes = points.shape[1]
    n, n_headlines = len(points) // (n_axes + 1), values.shape[1]
    moves = np.diff(points.reshape(n, n_axes + 1, n_axes), axis=1)
    rise = np.diff(values.reshape(n, n_axes + 1, n_headlines), axis=1)
    axis = np.abs(moves).argmax(axis=2)
    length = np.take_along_axis(moves, axis[..., None], axis=2)
    effects = np.empty((n, n_axes, n_headlines))
    np.put_along_axis(effects, axis[..., None], rise / length, axis=1)
    known = np.isfinite(effects)
    n_used = known.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mu = np.where(known, effects, 0.0).sum(axis=0) / n_used
        size = np.where(known, np.abs(effects), 0.0).sum(axis=0) / n_used
        spread = np.where(known, np.square(effects - mu), 0.0).sum(axis=0) / (n_used - 1)
    mu_star = Measured.of(size, means(resample_counts(n, generator), np.abs(effects)))
    failed = int((~np.isfinite(values).all(axis=1)).sum())
    return Screening(mu, mu_star, np.sqrt(spread), n_used, n, len(values), failed)


def matter(screening: Screening, kept: float, most: int) -> list[int]:
    """Axes worth a variance share: the fewest that hold `kept` of the summed mean squares of each headline.

    Parameters
    ----------
    kept : share of the sum of squared effects that the chosen axes hold, for every headline
    most : axes that can be afforded; the heaviest for any headline come first

    Returns
    -------
    list of int
        Axes, heaviest first.
    """
    weight = np.nan_to_num(screening.weight, nan=0.0)
    total = weight.sum(axis=0)
    share = weight[:, total > 0.0] / total[total > 0.0]
    chosen: set[int] = set()
    for column in share.T:
        order = np.argsort(-column, kind="stable")
        needed = int(np.searchsorted(np.cumsum(column[order]), kept)) + 1
        chosen.update(int(axis) for axis in order[:needed] if column[axis] > 0.0)
    best = share.max(axis=1, initial=0.0)
    return sorted(chosen, key=lambda axis: (-best[axis], axis))[:most]
