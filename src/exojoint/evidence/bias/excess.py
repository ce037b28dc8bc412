"""Test of excess significance: are there more significant studies than their power allows?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import chdtrc, ndtr, ndtri
from scipy.stats import binom

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, effects_and_variances
from exojoint.evidence.pooling.pool import pool

Array = NDArray[np.float64]
TESTS = ("chi2", "binomial", "exact")
ALTERNATIVES = ("two.sided", "greater", "less")
LIMIT_P = 0.1  # level of the test at which the limit estimate is read off (Ioannidis and Trikalinos 2007)


@dataclass(frozen=True, slots=True)
class ExcessSignificance:
    """Observed against expected number of significant studies.

    Parameters
    ----------
    observed : int
        Significant studies.
    expected : float
        Sum of the powers at `theta`.
    p : float
        One-sided: that there are so many or more.
    statistic : float
        Chi-squared with 1 df (nan for the other tests).
    theta : float
        Assumed true effect.
    limit : float
        Effect at which p would be 0.1: the smallest that explains what is significant; nan where there is none.
    power : (k,)
        Power of each study.
    """

    observed: int
    expected: float
    p: float
    statistic: float
    theta: float
    limit: float
    power: Array


def excess_significance(
    y: ArrayLike, v: ArrayLike, *, theta: float | None = None, tau2: float = 0.0, test: str = "chi2",
    alternative: str = "two.sided", alpha: float = 0.05,
) -> ExcessSignificance:  # fmt: skip
    """Compare the number of significant studies with the sum of their powers.

    ``chi2``: ``(O-E)^2/E + (O-E)^2/(k-E)``; ``binomial``: with the mean power; ``exact``: the distribution of a sum of
    unequal Bernoulli variables.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    theta : float, optional
        True effect; the equal-effects mean when left out.
    tau2 : float
        Between-study variance of true effects (normal) in the power.
    test, alternative : str
        As above; which studies count as significant (``two.sided``, ``greater``, ``less``).
    alpha : float
        Level of the studies' tests.

    Raises
    ------
    InputError
        For unknown words or wrong rows.

    References
    ----------
    Ioannidis JPA, Trikalinos TA. Clin Trials 2007;4:245-253. Francis G. J Math Psychol 2013;57:153-169.
    """
    kind, side = choose(test, TESTS, "test"), choose(alternative, ALTERNATIVES, "alternative")
    if not (math.isfinite(tau2) and tau2 >= 0):
        raise InputError(Problem("tau2", f"{tau2} is no variance", "a finite number of at least 0"))
    effects, variances, _, _ = effects_and_variances(y, v)
    se = np.sqrt(variances)
    assumed = pool(effects, variances, method="EE", interval="normal").estimate if theta is None else float(theta)
    z = effects / se
    bar = float(-ndtri(alpha / 2 if side == "two.sided" else alpha))
    significant = {"two.sided": np.abs(z) >= bar, "greater": z >= bar, "less": z <= -bar}[side]
    observed = int(significant.sum())

    def powers(effect: float) -> Array:
        spread = np.sqrt(variances + tau2)
        above = ndtr((effect - bar * se) / spread)
        below = ndtr((-bar * se - effect) / spread)
        return np.asarray({"two.sided": above + below, "greater": above, "less": below}[side])

    def p_at(effect: float) -> float:
        return _p(observed, powers(effect), kind)[0]

    power = powers(assumed)
    p, statistic = _p(observed, power, kind)
    limit = _limit(p_at, assumed, float(np.abs(effects).max()))
    return ExcessSignificance(observed, float(power.sum()), p, statistic, assumed, limit, power)


def _p(observed: int, power: Array, kind: str) -> tuple[float, float]:
    k, expected = power.size, float(power.sum())
    if kind == "chi2":
        difference = observed - expected
        statistic = difference**2 / expected + difference**2 / (k - expected) if 0 < expected < k else math.nan
        tail = float(chdtrc(1, statistic)) / 2
        return (tail if difference > 0 else 1 - tail), statistic
    if kind == "binomial":
        return float(binom.sf(observed - 1, k, expected / k)), math.nan
    distribution = np.array([1.0])
    for chance in power:
        distribution = np.convolve(distribution, [1 - chance, chance])
    return float(distribution[observed:].sum()), math.nan


def _limit(p_at: Callable[[float], float], assumed: float, largest: float) -> float:
    """Effect of the assumed sign at which p reaches 0.1."""
    sign = math.copysign(1.0, assumed)
    low, high = 0.0, max(largest, abs(assumed)) * 2.0
    if p_at(low) >= LIMIT_P or p_at(sign * high) < LIMIT_P:
        return math.nan
    return sign * float(brentq(lambda t: p_at(sign * t) - LIMIT_P, low, high))
