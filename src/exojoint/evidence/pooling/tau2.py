"""Between-study variance: twelve estimators, each exact to the last digits, for any design.

Estimating equations are solved by bracketing, not by a fixed number of scoring steps, so two programs that agree on the
equation agree on the answer. Likelihoods are searched on a grid first: the highest maximum wins, not the nearest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from exojoint.evidence.checks import choose
from exojoint.evidence.pooling.linear import Profile, log_likelihood, profile, projection, trace_p, trace_pp
from exojoint.evidence.pooling.roots import SOLVERS, UNIROOT_UPPER, decreasing_root, grid, roots, uniroot

Array = NDArray[np.float64]
SCORING_STEP, SCORING_LIMIT = 1e-5, 100  # metafor's default threshold and limit of steps
SCORED = ("ML", "REML", "EB")
METHODS = ("EE", "FE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")


@dataclass(frozen=True, slots=True)
class Tau2:
    """A between-study variance.

    Parameters
    ----------
    value, se : float
        Estimate (0 where the estimator would be negative) and its standard error.
    warnings : tuple of str
        E.g. that the likelihood has several maxima.
    converged : bool
        False when no solution was found and a fallback stands here.
    """

    value: float
    se: float
    warnings: tuple[str, ...] = ()
    converged: bool = True


def between_study_variance(y: Array, v: Array, x: Array, method: str, solver: str = "exact") -> Tau2:
    """Estimate the between-study variance.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    x : (k, p)
        Design; a column of ones for a plain pooled mean. Needs k > p.
    method : str
        ``EE`` (0), ``DL`` DerSimonian-Laird, ``HE`` Hedges, ``HS`` Hunter-Schmidt, ``HSk`` the same with k/(k-p),
        ``SJ`` Sidik-Jonkman, ``ML``, ``REML``, ``EB`` empirical Bayes, ``PM`` Paule-Mandel (the same equation as EB),
        ``PMM`` median-unbiased Paule-Mandel.
    solver : str
        ``exact``, or ``metafor`` to stop where R's metafor 3.8 stops by default: PM and PMM by `roots.uniroot`; ML,
        REML and EB by Fisher scoring from HE's estimate until a step is at most `SCORING_STEP`. Published values can
        then be met to all printed digits; they are a little off the solution.

    References
    ----------
    Veroniki AA et al. Res Synth Methods 2016;7:55-79. Viechtbauer W. J Educ Behav Stat 2005;30:261-293.
    """
    kind = choose(method, METHODS, "method")
    if kind in ("EE", "FE"):
        return Tau2(0.0, math.nan)
    solve: dict[str, Callable[[Array, Array, Array], Tau2]] = {
        "DL": _dersimonian_laird, "HE": _hedges, "HS": lambda *d: _hunter_schmidt(*d, corrected=False),
        "HSk": lambda *d: _hunter_schmidt(*d, corrected=True), "SJ": _sidik_jonkman,
        "ML": lambda *d: _likelihood(*d, restricted=False), "REML": lambda *d: _likelihood(*d, restricted=True),
        "EB": lambda *d: _paule_mandel(*d, median=False, solver="exact"),
        "PM": lambda *d: _paule_mandel(*d, median=False, solver=solver),
        "PMM": lambda *d: _paule_mandel(*d, median=True, solver=solver),
    }  # fmt: skip
    if choose(solver, SOLVERS, "solver") == "metafor" and kind in SCORED:
        return _fisher_scoring(y, v, x, kind)
    return solve[kind](y, v, x)


def scale_of(y: Array, v: Array, x: Array) -> float:
    """A typical variance of the problem: of the residuals plus sampling."""
    ols = profile(y, np.ones_like(v), x, np.zeros(1))
    return float(ols.q[0] / max(y.size - x.shape[1], 1) + v.mean())


def _moment(y: Array, v: Array, matrix: Array, expected: float, divisor: float) -> Tau2:
    """Estimator ``(y' A y - expected) / divisor`` of a quadratic form, with its standard error at the estimate."""
    raw = float(y @ matrix @ y - expected) / divisor
    value = max(raw, 0.0)
    am = matrix * (v + value)[None, :]
    return Tau2(value, math.sqrt(max(2.0 * float(np.sum(am * am.T)), 0.0)) / abs(divisor))


def _dersimonian_laird(y: Array, v: Array, x: Array) -> Tau2:
    p = projection(1.0 / v, x)
    return _moment(y, v, p, y.size - x.shape[1], float(np.trace(p)))


def _hedges(y: Array, v: Array, x: Array) -> Tau2:
    p = projection(np.ones_like(v), x)
    return _moment(y, v, p, float(np.diag(p) @ v), y.size - x.shape[1])


def _hunter_schmidt(y: Array, v: Array, x: Array, *, corrected: bool) -> Tau2:
    k = y.size
    factor = k / (k - x.shape[1]) if corrected else 1.0
    return _moment(y, v, factor * projection(1.0 / v, x), k, float((1.0 / v).sum()))


def _sidik_jonkman(y: Array, v: Array, x: Array) -> Tau2:
    k, p = x.shape
    start = float(np.var(y))
    if start == 0:
        return Tau2(0.0, math.nan, ("all effects are identical: tau2 is 0",))
    matrix = start * projection(1.0 / (v + start), x)
    return _moment(y, v, matrix, 0.0, k - p)


def _paule_mandel(y: Array, v: Array, x: Array, *, median: bool, solver: str) -> Tau2:
    df = y.size - x.shape[1]
    return generalised_q_root(y, v, x, float(chdtri(df, 0.5)) if median else float(df), solver)


def generalised_q_root(y: Array, v: Array, x: Array, target: float, solver: str = "exact") -> Tau2:
    """Return the tau2 at which ``Q(tau2) = sum (y - x b)^2 / (v + tau2)`` equals `target`; 0 when Q(0) is below it.

    Q decreases with tau2, so the root is unique.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    x : (k, p)
        Design.
    target : float
        Expected value, or a quantile, of chi-squared with k - p degrees of freedom.
    solver : str
        ``exact`` or ``metafor``.
    """

    def above(tau2: Array) -> Array:
        return profile(y, v, x, tau2).q - target

    root = decreasing_root(above, scale_of(y, v, x))
    value = 0.0 if root is None else root
    if choose(solver, SOLVERS, "solver") == "metafor" and 0.0 < value < UNIROOT_UPPER:
        value = uniroot(lambda t: float(above(np.array([t]))[0]), 0.0, UNIROOT_UPPER)
    slope = float(trace_p(profile(y, v, x, np.array([value])), x)[0])
    return Tau2(value, math.sqrt(2.0 * (y.size - x.shape[1])) / slope)


def _likelihood(y: Array, v: Array, x: Array, *, restricted: bool) -> Tau2:
    def score(tau2: Array) -> Array:
        fit = profile(y, v, x, tau2)
        return fit.q2 - (trace_p(fit, x) if restricted else fit.weights.sum(axis=1))

    scale = scale_of(y, v, x)
    trial = grid(scale, 100.0 * scale)
    maxima = roots(score, trial, downward=True)
    candidates = np.array(([0.0] if score(np.zeros(1))[0] <= 0 or not maxima else []) + maxima)
    heights = log_likelihood(y, v, x, candidates, restricted)
    best = float(candidates[int(np.argmax(heights))])
    fit = profile(y, v, x, np.array([best]))
    warnings = (f"the likelihood of tau2 has {candidates.size} maxima; the highest was taken",) * (candidates.size > 1)
    return Tau2(best, math.sqrt(2.0 / float(_information(fit, x, restricted))), warnings)


def _information(fit: Profile, x: Array, restricted: bool) -> float:
    return float(trace_pp(fit, x)[0]) if restricted else float((fit.weights**2).sum())


def _fisher_scoring(y: Array, v: Array, x: Array, kind: str) -> Tau2:
    """ML, REML or EB by scoring steps that end early; a step below zero is halved until it is not."""
    value, k, p = _hedges(y, v, x).value, *x.shape
    for _ in range(SCORING_LIMIT):
        fit = profile(y, v, x, np.array([value]))
        if kind == "EB":
            step = float((fit.q[0] * k / (k - p) - k) / fit.weights.sum())
        else:
            restricted = kind == "REML"
            score = fit.q2[0] - (trace_p(fit, x)[0] if restricted else fit.weights.sum())
            step = float(score) / _information(fit, x, restricted)
        while value + step < 0:
            step /= 2.0
        value += step
        if abs(step) <= SCORING_STEP:
            break
    fit = profile(y, v, x, np.array([value]))
    se = math.sqrt(2.0 * (k - p)) / float(trace_p(fit, x)[0]) if kind == "EB" else (
        math.sqrt(2.0 / _information(fit, x, kind == "REML"))
    )  # fmt: skip
    return Tau2(value, se, converged=abs(step) <= SCORING_STEP)
