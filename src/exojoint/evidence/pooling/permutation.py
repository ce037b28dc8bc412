"""Permutation tests: p values of a mean or of moderators without trusting the normal distribution of few studies."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.core.streams import Stream, stream
from exojoint.evidence.checks import effects_and_variances
from exojoint.evidence.pooling.batch import pool_many
from exojoint.evidence.pooling.design import INTERCEPT, Moderators, design_matrix
from exojoint.evidence.pooling.fit import fit_model, interval_name, method_name

Array = NDArray[np.float64]
MOST_EXACT = 5000  # exact enumeration up to this many permutations, else random ones
TIE = 1e-12  # relative; a permutation that equals the data up to rounding counts as at least as extreme


@dataclass(frozen=True, slots=True)
class PermutationResult:
    """Permutation p values.

    Parameters
    ----------
    names : tuple of str
        Coefficients.
    p : (p,)
        Two-sided p value of each.
    p_omnibus : float
        Of all moderators together (of the mean, where there are none).
    permutations : int
        How many were evaluated.
    exact : bool
        Whether that were all; else the Monte Carlo error is ``sqrt(p (1-p)/permutations)``.
    """

    names: tuple[str, ...]
    p: Array
    p_omnibus: float
    permutations: int
    exact: bool


def permutation_test(
    y: ArrayLike, v: ArrayLike, moderators: Moderators | None = None, *, method: str = "REML",
    interval: str = "knapp-hartung", permutations: int = 1000, seed: int = 1,
) -> PermutationResult:  # fmt: skip
    """Test a pooled mean by flipping signs, or moderators by permuting them over studies.

    All permutations are used when there are at most `MOST_EXACT` of them (2^k sign patterns; k! orders), else
    `permutations` random ones of which the data themselves are the first.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    moderators : mapping, optional
        As in `meta_regression`; none tests the mean.
    method, interval
        As in `pool`: which statistic is permuted.
    permutations : int
        Number of random permutations.
    seed : int
        Of the random permutations; equal seeds give equal p values.

    Raises
    ------
    InputError
        For wrong rows, or when nothing can be permuted.

    References
    ----------
    Higgins JPT, Thompson SG. Stat Med 2004;23:1663-1682. Follmann DA, Proschan MA. Biometrics 1999;55:732-737.
    """
    y_used, v_used, used, _ = effects_and_variances(y, v)
    x, names = design_matrix(moderators, used)
    method, interval = method_name(method), interval_name(interval)
    if y_used.size <= x.shape[1]:
        raise InputError(Problem("effects", "leave no degrees of freedom", "more studies than coefficients"))
    chance = stream(seed, "evidence", "permutation")
    if names == (INTERCEPT,):
        return _sign_flips(y_used, v_used, method, interval, permutations, chance)
    return _row_permutations(y_used, v_used, x, names, (method, interval), permutations, chance)


def _sign_flips(y: Array, v: Array, method: str, interval: str, number: int, chance: Stream) -> PermutationResult:
    k = y.size
    exact = 2**k <= MOST_EXACT
    if exact:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=k)))
    else:
        signs = np.where(chance.generator().random((number, k)) < 0.5, -1.0, 1.0)
        signs[0] = 1.0
    fits = pool_many(signs * y[None, :], np.broadcast_to(v, signs.shape), method=method, interval=interval)
    size = np.abs(fits.statistic)
    p = float(np.mean(size >= size[0] * (1 - TIE)))
    return PermutationResult((INTERCEPT,), np.array([p]), p, signs.shape[0], exact)


def _row_permutations(
    y: Array, v: Array, x: Array, names: tuple[str, ...], how: tuple[str, str], number: int, chance: Stream
) -> PermutationResult:
    k = y.size
    exact = k < 20 and math.factorial(k) <= MOST_EXACT
    if exact:
        orders = [np.array(order) for order in itertools.permutations(range(k))]
    else:
        generator = chance.generator()
        orders = [np.arange(k), *(generator.permutation(k) for _ in range(number - 1))]
    tested = tuple(i for i, name in enumerate(names) if name != INTERCEPT)
    statistics, omnibus = np.empty((len(orders), len(names))), np.empty(len(orders))
    for row, order in enumerate(orders):
        fit = fit_model(y, v, x[order], names, method=how[0], interval=how[1], level=0.95)
        statistics[row] = np.abs(fit.coefficients.statistic)
        omnibus[row] = fit.coefficients.wald(tested).statistic
    p = (statistics >= statistics[0] * (1 - TIE)).mean(axis=0)
    return PermutationResult(names, p, float((omnibus >= omnibus[0] * (1 - TIE)).mean()), len(orders), exact)
