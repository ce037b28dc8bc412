"""Correlations between visits that follow a pattern: equal, by distance in visits, or from visit to visit.

Parameters are unbounded; a link turns them into correlations. The links are those documented for the R package mmrm,
because the Kenward-Roger correction depends on the choice of parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
# A matrix R (v, v), its first (m, v, v) and its second (m, m, v, v) derivatives by m parameters.
Pattern = tuple[FloatArray, FloatArray, FloatArray]
# Correlations (m,), their first and second derivatives by the parameter of the same position.
Linked = tuple[FloatArray, FloatArray, FloatArray]

# Numerical: a search that starts closer than this to a singular matrix takes tiny first steps.
LEAST_EIGENVALUE = 1e-3
LARGEST_CORRELATION = 0.9


@dataclass(frozen=True, slots=True)
class Kind:
    """A pattern of correlations.

    Attributes
    ----------
    n_parameters : number of visits -> number of correlations.
    pattern : (correlations, number of visits) -> R and its derivatives by them.
    guess : (correlation matrix (v, v)) -> correlations of a positive definite matrix of this kind near it.
    link, unlink : (parameters, number of visits) -> correlations with derivatives, and back.
    """

    n_parameters: Callable[[int], int]
    pattern: Callable[[FloatArray, int], Pattern]
    guess: Callable[[FloatArray], FloatArray]
    link: Callable[[FloatArray, int], Linked]
    unlink: Callable[[FloatArray, int], FloatArray]


def linked_pattern(kind: Kind, theta: FloatArray, n_visits: int) -> Pattern:
    """Give R and its derivatives by the unbounded parameters `theta` (m,)."""
    rho, slope, bend = kind.link(theta, n_visits)
    r, by_rho, by_rho_twice = kind.pattern(rho, n_visits)
    second = by_rho_twice * np.outer(slope, slope)[:, :, None, None]
    second[np.diag_indices(len(theta))] += bend[:, None, None] * by_rho
    return r, by_rho * slope[:, None, None], second


def start_parameters(kind: Kind, r: FloatArray) -> FloatArray:
    """Parameters (m,) whose correlations are near those of `r` (v, v)."""
    return kind.unlink(kind.guess(r), len(r))


def _ratio_link(theta: FloatArray, _n_visits: int) -> Linked:
    """Map the line to (-1, 1)."""
    square = 1.0 + theta**2
    return theta / np.sqrt(square), square**-1.5, -3.0 * theta * square**-2.5


def _ratio_unlink(rho: FloatArray, _n_visits: int) -> FloatArray:
    result: FloatArray = rho / np.sqrt(1.0 - rho**2)
    return result


def _logit_link(theta: FloatArray, n_visits: int) -> Linked:
    """Map the line to (-1 / (v - 1), 1), where equal correlations are possible at all."""
    lowest = 1.0 / (n_visits - 1)
    share = 1.0 / (1.0 + np.exp(-theta))
    slope = share * (1.0 - share)
    return share * (1.0 + lowest) - lowest, slope * (1.0 + lowest), slope * (1.0 - 2.0 * share) * (1.0 + lowest)


def _logit_unlink(rho: FloatArray, n_visits: int) -> FloatArray:
    lowest = 1.0 / (n_visits - 1)
    share = (rho + lowest) / (1.0 + lowest)
    result: FloatArray = np.log(share / (1.0 - share))
    return result


def _lag(n_visits: int) -> NDArray[np.int64]:
    visits = np.arange(n_visits)
    distance: NDArray[np.int64] = np.abs(visits[:, None] - visits[None, :])
    return distance


def _linear(basis: FloatArray, rho: FloatArray, n_visits: int) -> Pattern:
    m = len(rho)
    return np.eye(n_visits) + np.tensordot(rho, basis, 1), basis, np.zeros((m, m, n_visits, n_visits))


def _compound(rho: FloatArray, n_visits: int) -> Pattern:
    return _linear((_lag(n_visits) > 0)[None].astype(float), rho, n_visits)


def _toeplitz(rho: FloatArray, n_visits: int) -> Pattern:
    lags = np.arange(1, n_visits)[:, None, None]
    return _linear((_lag(n_visits)[None] == lags).astype(float), rho, n_visits)


def _autoregressive(rho: FloatArray, n_visits: int) -> Pattern:
    lag = _lag(n_visits).astype(float)
    value = float(rho[0])
    first = np.where(lag > 0, lag * value ** np.maximum(lag - 1, 0), 0.0)
    second = np.where(lag > 1, lag * (lag - 1) * value ** np.maximum(lag - 2, 0), 0.0)
    return value**lag, first[None], second[None, None]


def _ante_dependence(rho: FloatArray, n_visits: int) -> Pattern:
    m = len(rho)
    r, first, second = np.eye(n_visits), np.zeros((m, n_visits, n_visits)), np.zeros((m, m, n_visits, n_visits))
    for i in range(n_visits):
        for j in range(i + 1, n_visits):
            between = range(i, j)
            r[i, j] = r[j, i] = np.prod(rho[i:j])
            for k in between:
                rest = [rho[h] for h in between if h != k]
                first[k, i, j] = first[k, j, i] = np.prod(rest)
                for h in between:
                    if h != k:
                        value = np.prod([rho[g] for g in between if g not in (h, k)])
                        second[k, h, i, j] = second[k, h, j, i] = value
    return r, first, second


def _lag_means(r: FloatArray) -> FloatArray:
    return np.array([np.diag(r, d).mean() for d in range(1, len(r))])


def _positive(rho: FloatArray, pattern: Callable[[FloatArray, int], Pattern], n_visits: int) -> FloatArray:
    """Shrink starting correlations until the matrix they make is positive definite."""
    for _ in range(60):
        if np.linalg.eigvalsh(pattern(rho, n_visits)[0])[0] > LEAST_EIGENVALUE:
            return rho
        rho = 0.8 * rho
    return np.zeros_like(rho)


def _compound_guess(r: FloatArray) -> FloatArray:
    n = len(r)
    return _positive(np.array([(r.sum() - n) / (n * (n - 1))]), _compound, n)


def _toeplitz_guess(r: FloatArray) -> FloatArray:
    return _positive(_lag_means(r), _toeplitz, len(r))


def _autoregressive_guess(r: FloatArray) -> FloatArray:
    return np.clip(_lag_means(r)[:1], -LARGEST_CORRELATION, LARGEST_CORRELATION)


def _ante_dependence_guess(r: FloatArray) -> FloatArray:
    return np.clip(np.diag(r, 1), -LARGEST_CORRELATION, LARGEST_CORRELATION)


def _one(n_visits: int) -> int:
    return 1 if n_visits > 1 else 0


def _lags(n_visits: int) -> int:
    return n_visits - 1


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "cs": Kind(_one, _compound, _compound_guess, _logit_link, _logit_unlink),
        "ar1": Kind(_one, _autoregressive, _autoregressive_guess, _ratio_link, _ratio_unlink),
        "toep": Kind(_lags, _toeplitz, _toeplitz_guess, _ratio_link, _ratio_unlink),
        "ad": Kind(_lags, _ante_dependence, _ante_dependence_guess, _ratio_link, _ratio_unlink),
    }
)
