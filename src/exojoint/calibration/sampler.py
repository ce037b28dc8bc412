"""Weighted draws from the posterior: from the normal at the mode to the posterior itself, through tempered bridges.

Why this: predictions are cheap (some 40 a second) and smooth, so the normal at the mode is close and a sequential
sampler that bridges from it to the posterior needs few steps. It is exact in the limit of many moves, unlike an
ensemble Kalman smoother, and needs no gradient of the engine, unlike Hamiltonian moves.

References
----------
Del Moral P, Doucet A, Jasra A. Sequential Monte Carlo samplers. J R Stat Soc B 68:411 (2006).
Cotter SL, Roberts GO, Stuart AM, White D. MCMC methods for functions. Stat Sci 28:424 (2013).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.comparison import Comparison
from exojoint.calibration.mode import Mode
from exojoint.core.streams import Stream

Floats = NDArray[np.float64]
WIDER = 1.5  # the starting normal weighs the targets' information by 1 / this: heavier tails than the posterior's
KEPT = 0.5  # share of the effective sample size that one bridge may cost at most
MOVES = 2  # moves after each bridge
LAST_MOVES = 30  # moves at the posterior itself; after 5 the flat directions were a quarter too narrow
STRIDES = (0.35, 0.8)  # first size of a move in what the targets inform and in the rest: 0 stays, 1 forgets
INFORMED = 0.05  # information (in prior SDs^-2) above which a direction counts as informed
WANTED = 0.3  # accepted share towards which the size is adapted
FIRST, LAST = 0.02, 0.95  # bounds of a move's size


@dataclass(frozen=True)
class Cloud:
    """Draws on their way.

    Parameters
    ----------
    z : (k, n_axes) array
        Scores.
    predicted : (k, n_targets) array
        Predictions.
    ratio : (k,) array
        Log of the posterior over the starting normal.
    temper : float
        0 at the starting normal, 1 at the posterior.
    done : int
        Moves made at the posterior itself.
    stage : int
        Number of this cloud; names its luck.
    stride : tuple of float
        Sizes of the next moves: in the informed directions, in the others.
    accepted : tuple of float
        Share of the last moves of each kind that were accepted.
    """

    z: Floats
    predicted: Floats
    ratio: Floats
    temper: float
    done: int
    stage: int
    stride: tuple[float, float] = STRIDES
    accepted: tuple[float, float] = (1.0, 1.0)

    @property
    def finished(self) -> bool:
        """Whether these draws stand for the posterior."""
        return self.temper >= 1.0 and self.done >= LAST_MOVES


@dataclass(frozen=True)
class Start:
    """The normal from which draws set out, in the directions in which its coordinates are independent.

    Parameters
    ----------
    mean : (n,) array
        The mode.
    basis : (n, n) array
        Directions as columns.
    spread : (n,) array
        SD along each.
    informed : (n,) array of bool
        Directions about which the targets say something; they and the rest move in turn.
    """

    mean: Floats
    basis: Floats
    spread: Floats
    informed: NDArray[np.bool_]

    @classmethod
    def at(cls, mode: Mode) -> Start:
        """The normal at the mode, somewhat wider."""
        information, basis = np.linalg.eigh(mode.gradient @ mode.gradient.T)
        spread = 1.0 / np.sqrt(1.0 + np.maximum(information, 0.0) / WIDER)
        return cls(mode.z, basis, spread, information > INFORMED)

    def inside(self, z: Floats) -> Floats:
        """Independent standard-normal coordinates (k, n) of scores."""
        return np.asarray((z - self.mean) @ self.basis / self.spread)

    def outside(self, x: Floats) -> Floats:
        """Scores (k, n) of coordinates."""
        return np.asarray(self.mean + (x * self.spread) @ self.basis.T)

    def log_density(self, z: Floats) -> Floats:
        """(k,), without the constant."""
        return np.asarray(-0.5 * np.square(self.inside(z)).sum(axis=1))


def set_out(compared: Comparison, start: Start, draws: int, luck: Stream) -> Cloud:
    """First draws, from the starting normal."""
    fresh = luck.child("stage", 0).normal(np.arange(draws, dtype=np.int64), compared.n_axes)
    z = start.outside(fresh)
    predicted = compared.predicted(z)
    ratio = compared.log_posterior(z, predicted) - start.log_density(z)
    return Cloud(z, predicted, ratio, 0.0, 0, 0)


def advance(compared: Comparison, start: Start, cloud: Cloud, luck: Stream) -> Cloud:
    """Go one bridge nearer to the posterior (or move once more there): reweight, resample, move."""
    stage = cloud.stage + 1
    own = luck.child("stage", stage)
    here = replace(cloud, stage=stage)
    moves = 1
    if cloud.temper < 1.0:
        temper = next_temper(cloud.ratio, cloud.temper)
        gain = (temper - cloud.temper) * cloud.ratio
        chosen = resample(weights_of(gain), own.child("resample"))
        here = replace(
            here, z=cloud.z[chosen], predicted=cloud.predicted[chosen], ratio=cloud.ratio[chosen], temper=temper
        )
        moves = MOVES
    else:
        here = replace(here, done=cloud.done + 1)
    for k in range(moves):
        for kind in (0, 1):
            here = _move(compared, start, here, kind, own.child("move", k, kind))
    return here


def weights_of(log_weight: Floats) -> Floats:
    """Weights (k,) that sum to 1; minus infinity weighs nothing."""
    finite = np.where(np.isfinite(log_weight), log_weight, -np.inf)
    if not np.isfinite(finite).any():
        raise ValueError("no draw has a likelihood: every knee failed")
    raw = np.exp(finite - finite.max())
    return np.asarray(raw / raw.sum())


def effective(weights: Floats) -> float:
    """Effective sample size of weights that sum to 1."""
    return float(1.0 / np.square(weights).sum())


def next_temper(ratio: Floats, temper: float) -> float:
    """Furthest temper that keeps the share `KEPT` of the effective sample size."""
    wanted = KEPT * len(ratio)

    def kept(to: float) -> float:
        return effective(weights_of(np.where(np.isfinite(ratio), (to - temper) * ratio, -np.inf)))

    if kept(1.0) >= wanted:
        return 1.0
    low, high = temper, 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if kept(middle) >= wanted else (low, middle)
    return max(low, temper + 1e-3)


def resample(weights: Floats, luck: Stream) -> NDArray[np.int64]:
    """Systematic resampling: which draws (k,) survive, in order."""
    k = len(weights)
    offset = float(luck.uniform(np.zeros(1, dtype=np.int64), 1)[0, 0])
    edges = np.cumsum(weights)
    found = np.searchsorted(edges / edges[-1], (np.arange(k) + offset) / k)
    return np.minimum(found, k - 1).astype(np.int64)


def _move(compared: Comparison, start: Start, cloud: Cloud, kind: int, luck: Stream) -> Cloud:
    """One preconditioned Crank-Nicolson move of every draw; it leaves the bridge's distribution as it is.

    Kind 0 moves in the informed directions, kind 1 in all others, where large strides are accepted.
    """
    ids = np.arange(len(cloud.z), dtype=np.int64)
    fresh = luck.child("fresh").normal(ids, compared.n_axes)
    x, stride = start.inside(cloud.z), cloud.stride[kind]
    moving = start.informed if kind == 0 else ~start.informed
    tried = start.outside(np.where(moving, np.sqrt(1.0 - stride**2) * x + stride * fresh, x))
    seen = compared.predicted(tried)
    ratio = compared.log_posterior(tried, seen) - start.log_density(tried)
    with np.errstate(invalid="ignore"):
        better = cloud.temper * (ratio - cloud.ratio)
    taken = np.log(luck.child("accept").uniform(ids, 1)[:, 0]) < np.where(np.isfinite(ratio), better, -np.inf)
    share = float(taken.mean())
    size = float(np.clip(stride * np.exp(share - WANTED), FIRST, LAST))
    return replace(
        cloud,
        z=np.where(taken[:, None], tried, cloud.z),
        predicted=np.where(taken[:, None], seen, cloud.predicted),
        ratio=np.where(taken, ratio, cloud.ratio),
        stride=(size, cloud.stride[1]) if kind == 0 else (cloud.stride[0], size),
        accepted=(share, cloud.accepted[1]) if kind == 0 else (cloud.accepted[0], share),
    )


def sample(
    compared: Comparison,
    start: Start,
    draws: int,
    luck: Stream,
    *,
    kept: Cloud | None = None,
    keep: Callable[[Cloud], None] = lambda _cloud: None,
) -> Cloud:
    """Draw from the posterior.

    Parameters
    ----------
    kept : Cloud, optional
        Where an interrupted sampling goes on; the result is the same.
    keep : callable
        Called with every finished stage.
    """
    cloud = kept if kept is not None else set_out(compared, start, draws, luck)
    keep(cloud)
    while not cloud.finished:
        cloud = advance(compared, start, cloud, luck)
        keep(cloud)
    return cloud
