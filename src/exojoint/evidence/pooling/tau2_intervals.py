"""Intervals for the between-study variance: how little a handful of studies says about heterogeneity."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import chdtri, gammainc
from scipy.stats import chi2

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, effects_and_variances, level_of
from exojoint.evidence.estimate import Interval
from exojoint.evidence.pooling.design import Moderators, design_matrix
from exojoint.evidence.pooling.fit import typical_variance
from exojoint.evidence.pooling.linear import log_likelihood, projection
from exojoint.evidence.pooling.roots import grid
from exojoint.evidence.pooling.tau2 import between_study_variance, generalised_q_root, scale_of

Array = NDArray[np.float64]
TAU2_INTERVALS = ("q-profile", "ml-profile", "reml-profile", "biggerstaff-tweedie", "generalised-q")
LARGEST = 1e8  # times a typical variance: beyond this an upper end is reported as infinite


@dataclass(frozen=True, slots=True)
class HeterogeneityInterval:
    """Interval of tau2 and what it means for tau, I2 and H2 (each a pair of ends).

    Parameters
    ----------
    tau2 : Interval
        Ends of the between-study variance.
    tau, i2, h2 : (float, float)
        The same ends as a standard deviation, in percent of all variance, and as a ratio.
    warnings : tuple of str
        E.g. that the interval is empty and was set to zero.
    """

    tau2: Interval
    tau: tuple[float, float]
    i2: tuple[float, float]
    h2: tuple[float, float]
    warnings: tuple[str, ...] = ()


def tau2_interval(
    y: ArrayLike, v: ArrayLike, *, method: str = "q-profile", level: float = 0.95,
    moderators: Moderators | None = None, solver: str = "exact",
) -> HeterogeneityInterval:  # fmt: skip
    """Confidence interval of the between-study variance.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    method : str
        ``q-profile``: exact, ``Q(tau2)`` between chi-squared quantiles (Viechtbauer 2007). ``ml-profile`` and
        ``reml-profile``: where twice the (restricted) log-likelihood has dropped by the chi-squared quantile.
        ``biggerstaff-tweedie``: DL's Q with a gamma distribution of the right mean and variance.
        ``generalised-q``: DL's Q with its exact distribution (Jackson 2013).
    level : float
        Of the interval.
    moderators : mapping, optional
        For the residual variance of a meta-regression.
    solver : str
        ``exact``, or ``metafor`` to end ``q-profile`` where R's metafor stops.

    Raises
    ------
    InputError
        With fewer than two studies more than coefficients, or wrong rows.

    References
    ----------
    Viechtbauer W. Stat Med 2007;26:37-52. Biggerstaff BJ, Tweedie RL. Stat Med 1997;16:753-768.
    Jackson D. Res Synth Methods 2013;4:220-229. Hardy RJ, Thompson SG. Stat Med 1996;15:619-629.
    """
    kind, level = choose(method, TAU2_INTERVALS, "method"), level_of(level)
    y_used, v_used, used, warnings = effects_and_variances(y, v)
    x, names = design_matrix(moderators, used)
    if y_used.size <= x.shape[1]:
        problem = Problem("effects", f"{y_used.size} studies for {len(names)} coefficients", "at least one study more")
        raise InputError(problem)
    ends: Callable[[Array, Array, Array, float], tuple[float, float]] = {
        "q-profile": lambda *d: _q_profile(*d, solver=solver),
        "ml-profile": lambda *d: _likelihood_profile(*d, restricted=False),
        "reml-profile": lambda *d: _likelihood_profile(*d, restricted=True),
        "biggerstaff-tweedie": lambda *d: _quadratic_form(*d, exact=False),
        "generalised-q": lambda *d: _quadratic_form(*d, exact=True),
    }[kind]  # fmt: skip
    lower, upper = ends(y_used, v_used, x, level)
    if upper == 0.0:
        warnings = (
            *warnings,
            "the effects differ less than sampling error alone would make them: the interval is [0, 0]",
        )
    typical = typical_variance(v_used, x)
    share = [100.0 * t / (t + typical) if math.isfinite(t) else 100.0 for t in (lower, upper)]
    ratio = [(t + typical) / typical for t in (lower, upper)]
    return HeterogeneityInterval(
        Interval(lower, upper, level, kind), (math.sqrt(lower), math.sqrt(upper)), (share[0], share[1]),
        (ratio[0], ratio[1]), warnings,
    )  # fmt: skip


def _q_profile(y: Array, v: Array, x: Array, level: float, *, solver: str) -> tuple[float, float]:
    df, tail = y.size - x.shape[1], (1 - level) / 2
    ends = [generalised_q_root(y, v, x, float(chdtri(df, q)), solver).value for q in (tail, 1 - tail)]
    return ends[0], ends[1]


def _likelihood_profile(y: Array, v: Array, x: Array, level: float, *, restricted: bool) -> tuple[float, float]:
    best = between_study_variance(y, v, x, "REML" if restricted else "ML").value
    top = float(log_likelihood(y, v, x, np.array([best]), restricted)[0])
    drop = 0.5 * float(chi2.ppf(level, 1))

    def above(tau2: float) -> float:
        return float(log_likelihood(y, v, x, np.array([tau2]), restricted)[0]) - top + drop

    scale = scale_of(y, v, x)
    lower = 0.0
    if best > 0 and above(0.0) < 0:
        below = [t for t in grid(scale, max(best, scale)) if t < best and above(t) < 0]
        lower = float(brentq(above, max(below), best, xtol=1e-15, rtol=1e-13))
    upper = 2.0 * max(best, 1e-3 * scale)
    while above(upper) > 0:
        upper *= 2.0
        if upper > LARGEST * scale:
            return lower, math.inf
    return lower, float(brentq(above, max(best, 0.0), upper, xtol=1e-15, rtol=1e-13))


def _quadratic_form(y: Array, v: Array, x: Array, level: float, *, exact: bool) -> tuple[float, float]:
    """Invert the distribution of DL's Q, ``y' A y`` with weights 1/v, which grows with tau2."""
    a = projection(1.0 / v, x)
    observed, tail = float(y @ a @ y), (1 - level) / 2

    def share_below(tau2: float) -> float:
        root = np.sqrt(v + tau2)
        form = root[:, None] * a * root[None, :]
        if not exact:
            mean, variance = float(np.trace(form)), 2.0 * float(np.sum(form**2))
            return float(gammainc(mean**2 / variance, observed * mean / variance))
        return weighted_chi2_cdf(observed, np.asarray(np.linalg.eigvalsh(form)[x.shape[1] :], dtype=np.float64))

    scale = scale_of(y, v, x)
    return _end(share_below, 1 - tail, scale), _end(share_below, tail, scale)


def _end(share_below: Callable[[float], float], target: float, scale: float) -> float:
    if share_below(0.0) <= target:
        return 0.0
    upper = scale
    while share_below(upper) > target:
        upper *= 4.0
        if upper > LARGEST * scale:
            return math.inf
    return float(brentq(lambda t: share_below(t) - target, 0.0, upper, xtol=1e-14 * upper, rtol=1e-12))


def weighted_chi2_cdf(x: float, weights: Array) -> float:
    """Probability that ``sum weights_i chi2_1`` is at most `x`, by Imhof's integral.

    Parameters
    ----------
    x : float
        Positive.
    weights : (m,)
        Positive.

    References
    ----------
    Imhof JP. Biometrika 1961;48:419-426.
    """
    scaled = weights / weights.max()
    x = x / float(weights.max())
    # Gauss-Legendre panels until the integrand's envelope 1/(pi u rho(u)) is below the tolerance.
    nodes, node_weights = np.polynomial.legendre.leggauss(16)
    span = 4.0 * math.pi / max(x + float(scaled.sum()), 1e-300)
    total, start = 0.0, 0.0
    for _ in range(20_000):
        u = start + span * 0.5 * (nodes + 1.0)
        angle = 0.5 * np.arctan(scaled[:, None] * u).sum(axis=0) - 0.5 * x * u
        log_rho = 0.25 * np.log1p((scaled[:, None] * u) ** 2).sum(axis=0)
        total += float((0.5 * span * node_weights * np.sin(angle) / (u * np.exp(log_rho))).sum())
        start += span
        if log_rho[-1] + math.log(start) > 23.0:  # envelope below 1e-10
            break
    return float(min(max(0.5 - total / math.pi, 0.0), 1.0))
