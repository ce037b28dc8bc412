"""How the visits of one patient vary and go together: the covariance structures of an MMRM.

Every structure is Sigma = D R D. D = diag(exp(theta_sd)) has one entry per visit (heterogeneous) or one for all
visits (homogeneous); R is the structure's own pattern. Writing the unstructured case as R = L L' with a unit lower
triangle L keeps it positive definite for every theta (log-Cholesky), so one set of derivatives serves all nine.
The correlations of the other structures have unbounded parameters too (`mmrm_correlations.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from exojoint.trial.analysis.mmrm_correlations import KINDS, Kind, Pattern, linked_pattern, start_parameters

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Structure:
    """One covariance structure.

    Attributes
    ----------
    name : as in the R package mmrm (`us`, `toeph`, `ar1h`, `cs`, ...).
    heterogeneous : one standard deviation per visit, or one for all.
    n_pattern : number of visits -> number of parameters of R.
    pattern : (parameters, number of visits) -> R (v, v), its first (m, v, v) and second (m, m, v, v) derivatives.
    start : positive definite matrix (v, v) -> all parameters of a matrix of this structure near it.
    """

    name: str
    heterogeneous: bool
    n_pattern: Callable[[int], int]
    pattern: Callable[[FloatArray, int], Pattern]
    start: Callable[[FloatArray], FloatArray]

    def n_sd(self, n_visits: int) -> int:
        """Count the standard-deviation parameters."""
        return n_visits if self.heterogeneous else 1

    def n_theta(self, n_visits: int) -> int:
        """Count all parameters of one covariance matrix."""
        return self.n_sd(n_visits) + self.n_pattern(n_visits)


@dataclass(frozen=True, slots=True)
class Covariance:
    """A covariance matrix and how it moves with its parameters.

    Attributes
    ----------
    sigma : (v, v).
    first : (q, v, v), derivative by each parameter.
    second : (q, q, v, v).
    """

    sigma: FloatArray
    first: FloatArray
    second: FloatArray


def covariance(structure: Structure, theta: FloatArray, n_visits: int) -> Covariance:
    """Give Sigma and its exact first and second derivatives at `theta` (q,)."""
    n_sd = structure.n_sd(n_visits)
    owner = np.eye(n_visits) if structure.heterogeneous else np.ones((1, n_visits))
    sd = np.exp(theta[:n_sd] @ owner)
    scale = np.outer(sd, sd)
    r, dr, d2r = structure.pattern(theta[n_sd:], n_visits) if len(theta) > n_sd else _alone(n_visits)
    sigma = scale * r
    # Element (i, j) carries sd_i sd_j, so a log standard deviation multiplies it by its power (0, 1 or 2).
    power = owner[:, :, None] + owner[:, None, :]
    by_pattern = scale * dr
    q = len(theta)
    second = np.empty((q, q, n_visits, n_visits))
    second[:n_sd, :n_sd] = power[:, None] * power[None] * sigma
    second[:n_sd, n_sd:] = power[:, None] * by_pattern[None]
    second[n_sd:, :n_sd] = by_pattern[:, None] * power[None]
    second[n_sd:, n_sd:] = scale * d2r
    return Covariance(sigma, np.concatenate([power * sigma, by_pattern]), second)


def _alone(n_visits: int) -> Pattern:
    return np.eye(n_visits), np.zeros((0, n_visits, n_visits)), np.zeros((0, 0, n_visits, n_visits))


def _cholesky_start(sigma: FloatArray) -> FloatArray:
    lower = np.linalg.cholesky(sigma)
    sd = np.diag(lower)
    return np.concatenate([np.log(sd), (lower / sd[:, None])[np.tril_indices(len(sd), -1)]])


def _cholesky_pattern(rho: FloatArray, n_visits: int) -> Pattern:
    rows, columns = _below(n_visits)
    lower = np.eye(n_visits)
    lower[rows, columns] = rho
    m = len(rho)
    half = np.zeros((m, n_visits, n_visits))
    half[np.arange(m), rows] = lower[:, columns].T
    return lower @ lower.T, half + half.transpose(0, 2, 1), _cholesky_second(n_visits)


@lru_cache(maxsize=16)
def _below(n_visits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.tril_indices(n_visits, -1)


@lru_cache(maxsize=16)
def _cholesky_second(n_visits: int) -> FloatArray:
    rows, columns = np.tril_indices(n_visits, -1)
    m = len(rows)
    second = np.zeros((m, m, n_visits, n_visits))
    for k in range(m):
        for j in np.flatnonzero(columns == columns[k]):
            second[k, j, rows[k], rows[j]] += 1.0
            second[k, j, rows[j], rows[k]] += 1.0
    second.setflags(write=False)
    return second


def _separate_start(sigma: FloatArray, kind: Kind, heterogeneous: bool) -> FloatArray:
    variance = np.diag(sigma)
    log_sd = 0.5 * np.log(variance if heterogeneous else np.array([variance.mean()]))
    if len(sigma) == 1:
        return log_sd
    root = np.sqrt(variance)
    return np.concatenate([log_sd, start_parameters(kind, sigma / np.outer(root, root))])


def _structures() -> dict[str, Structure]:
    found = {"us": Structure("us", True, lambda n: n * (n - 1) // 2, _cholesky_pattern, _cholesky_start)}
    for name, kind in KINDS.items():
        for full, heterogeneous in ((name, False), (name + "h", True)):
            start = partial(_separate_start, kind=kind, heterogeneous=heterogeneous)
            found[full] = Structure(full, heterogeneous, kind.n_parameters, partial(linked_pattern, kind), start)
    return found


STRUCTURES: Mapping[str, Structure] = MappingProxyType(_structures())
