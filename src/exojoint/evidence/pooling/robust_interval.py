"""Henmi and Copas' interval: equal-effects weights, random-effects error, so that small biased studies pull less."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import gammainc

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import effects_and_variances, level_of
from exojoint.evidence.estimate import Interval
from exojoint.evidence.inference import Test
from exojoint.evidence.pooling.fit import heterogeneity
from exojoint.evidence.pooling.pool import prediction_interval
from exojoint.evidence.pooling.tau2 import between_study_variance
from exojoint.evidence.results import Fit, PooledResult

Array = NDArray[np.float64]


def henmi_copas(y: ArrayLike, v: ArrayLike, *, level: float = 0.95) -> PooledResult:
    """Pool with weights 1/v and an interval that allows for heterogeneity and for the error of its estimate.

    The pivot is ``U = (mean - theta) / sqrt((tau2 W2 + 1)/W1)`` with DL's tau2, whose distribution is worked out from
    that of Q given the mean (gamma with the exact conditional mean and variance).

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances; at least two.
    level : float
        Of the interval.

    Returns
    -------
    PooledResult
        Without a p value for the mean (nan): the pivot has its own distribution.

    Raises
    ------
    InputError
        For fewer than two studies or wrong rows.

    References
    ----------
    Henmi M, Copas JB. Stat Med 2010;29:2969-2983.
    """
    level = level_of(level)
    y_used, v_used, _, warnings = effects_and_variances(y, v)
    k = y_used.size
    if k < 2:
        raise InputError(Problem("effects", "one study only", "at least two studies", "Use `pool`."))
    w = 1.0 / v_used
    mean = float(w @ y_used / w.sum())
    x = np.ones((k, 1))
    tau2 = between_study_variance(y_used, v_used, x, "DL")
    quantile = _pivot_quantile(w, tau2.value, level)
    se = math.sqrt((tau2.value * float((w**2).sum()) / w.sum() + 1.0) / w.sum())
    ends = Interval(mean - quantile * se, mean + quantile * se, level, "henmi-copas")
    prediction = prediction_interval(mean, se, tau2.value, df="normal", df_interval=math.inf, k=k, level=level)
    test = Test("mean effect is 0", mean / se, math.inf, math.nan)
    h = heterogeneity(y_used, v_used, x, tau2, "DL")
    return PooledResult(mean, se, ends, prediction, test, h, Fit("DL, weights 1/v", k, 1), warnings)


def _pivot_quantile(w: Array, tau2: float, level: float) -> float:
    """Quantile t of ``|R|/sd <= t``, where the interval's width itself depends on Q.

    With ``R = sum w (y - theta)/sqrt(W1)`` and ``Q = y'Ay`` the pivot exceeds t when ``Q < f(R/t)``, the Q whose DL
    tau2 gives ``R^2/t^2 = 1 + W2 tau2``.
    """
    total = float(w.sum())
    second = float((w**2).sum()) / total
    sd = math.sqrt(1.0 + tau2 * second)
    conditional = _conditional_q(w, tau2, sd**2)
    df = w.size - 1

    def q_for_width(f: float) -> float:
        return (total / second - 1.0) * (f**2 - 1.0) + df

    def exceedance(t: float) -> float:
        def integrand(r: float) -> float:
            mean, variance = conditional(sd * r)
            q = q_for_width(sd * r / t)
            below = float(gammainc(mean**2 / variance, max(q, 0.0) * mean / variance))
            return below * math.exp(-0.5 * r * r) / math.sqrt(2 * math.pi)

        # Below r = t/sd the distance is within the narrowest width there is (that of tau2 = 0).
        return float(quad(integrand, t / sd, t / sd + 12.0, epsabs=1e-12, epsrel=1e-10, limit=200)[0]) - (1 - level) / 2

    upper = 2.0
    while exceedance(upper) > 0:
        upper *= 1.5
    return float(brentq(exceedance, 1e-3, upper, xtol=1e-12))


def _conditional_q(w: Array, tau2: float, variance_r: float) -> Callable[[float], tuple[float, float]]:
    """Mean and variance of Q given R = r, exact for normal effects."""
    spread = 1.0 / w + tau2
    a = np.diag(w) - np.outer(w, w) / w.sum()
    c = spread * w / math.sqrt(w.sum()) / variance_r  # regression of y on R
    left = np.diag(spread) - variance_r * np.outer(c, c)
    al = a @ left
    mean0, slope = float(np.trace(al)), float(c @ a @ c)
    var0, var_slope = 2.0 * float(np.sum(al * al.T)), 4.0 * float(c @ a @ left @ a @ c)

    def moments(r: float) -> tuple[float, float]:
        return mean0 + slope * r**2, var0 + var_slope * r**2

    return moments
