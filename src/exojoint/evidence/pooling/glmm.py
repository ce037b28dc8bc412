"""Binomial-normal and Poisson-normal models: counts as they are, no continuity correction, random log effects.

Each study's likelihood is integrated over its random effect by adaptive Gauss-Hermite quadrature, and maximised over
the mean, the between-study standard deviation and (unconditional models) one intercept per study.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import gammaln, ndtri

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, columns, level_of, require
from exojoint.evidence.effects.events import odds_ratio, rate_ratio, two_by_two
from exojoint.evidence.effects.single import proportion
from exojoint.evidence.effects.types import Effects
from exojoint.evidence.estimate import Interval
from exojoint.evidence.inference import Test, chi2_test, two_sided_p
from exojoint.evidence.pooling.fit import typical_variance
from exojoint.evidence.pooling.pool import pool, prediction_interval
from exojoint.evidence.results import Fit, Heterogeneity, PooledResult

Array = NDArray[np.float64]
MODELS = ("UM.FS", "CM.EL", "CM.AL")
POINTS = 31  # quadrature nodes per study; 7 already give four digits
# f(t, a) -> value, by t, by tt, by a: log-likelihood of each study at effects t (k, q) and intercepts a (k,)
Study = Callable[[Array, Array], tuple[Array, Array, Array, Array]]


@dataclass(frozen=True, slots=True)
class Counts:
    """Likelihood of the studies and where the search starts.

    Parameters
    ----------
    study : callable
        See `Study`.
    intercepts : (k,) or None
        Starting values of the study intercepts; None for conditional models.
    effects : Effects
        Each study's own effect with a correction where needed: for starting values, I2 and Q.
    name : str
        Of the model.
    """

    study: Study
    intercepts: Array | None
    effects: Effects
    name: str


def glmm_odds_ratio(
    *, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, model: str = "UM.FS", level: float = 0.95
) -> PooledResult:
    """Pool log odds ratios by a binomial-normal model.

    ``UM.FS``: ``logit p = a_i +- (theta + u_i)/2``, one intercept per study. ``CM.EL``: exact conditional likelihood
    given the number of events (noncentral hypergeometric). ``CM.AL``: its binomial approximation for rare events.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group.
    model : str
        As above.
    level : float
        Of the normal intervals.

    Returns
    -------
    PooledResult
        On the log scale; Q is the likelihood-ratio test of homogeneity.

    Raises
    ------
    InputError
        For wrong counts, and when fewer than two tables carry information.

    References
    ----------
    Stijnen T, Hamza TH, Ozdemir P. Stat Med 2010;29:3046-3067. Jackson D et al. Stat Med 2018;37:1059-1085.
    """
    kind = choose(model, MODELS, "model")
    t = two_by_two(events1=events1, n1=n1, events2=events2, n2=n2)
    informative = np.isfinite(t.a + t.c) & (t.a + t.c > 0) & (t.b + t.d > 0)
    a, size1, c, size2 = t.a[informative], t.n1[informative], t.c[informative], t.n2[informative]
    dropped = int((~informative).sum())
    notes = (
        (f"{dropped} tables without information (no event, events in all, or missing) were left out",)
        if dropped
        else ()
    )
    _need_two(a.size)
    effects = odds_ratio(events1=a, n1=size1, events2=c, n2=size2)
    if kind == "UM.FS":
        middle = np.log((a + c + 0.5) / (size1 + size2 - a - c + 0.5))
        counts = Counts(_two_binomials(a, size1, c, size2), middle, effects, kind)
    elif kind == "CM.EL":
        counts = Counts(_hypergeometric(a, size1, a + c, size2), None, effects, kind)
    else:
        counts = Counts(_binomial(a, a + c, np.log(size1 / size2)), None, effects, kind)
    return _fit(counts, level_of(level), notes)


def glmm_rate_ratio(
    *, events1: ArrayLike, time1: ArrayLike, events2: ArrayLike, time2: ArrayLike, level: float = 0.95
) -> PooledResult:
    """Pool log rate ratios by the exact conditional model: events of group 1 are binomial among all events.

    Parameters
    ----------
    events1, time1, events2, time2 : (k,)
        Events and time under observation, by group.
    level : float
        Of the normal intervals.

    Raises
    ------
    InputError
        For wrong counts or times, and when fewer than two rows have an event.

    References
    ----------
    Stijnen T, Hamza TH, Ozdemir P. Stat Med 2010;29:3046-3067.
    """
    data = columns(events1=events1, time1=time1, events2=events2, time2=time2)
    effects = rate_ratio(events1=events1, time1=time1, events2=events2, time2=time2)
    some = data["events1"] + data["events2"] > 0
    x1, t1, x2, t2 = (column[some] for column in data.values())
    _need_two(x1.size)
    kept = Effects(effects.measure, effects.y[some], effects.v[some], effects.scale)
    notes = (f"{int((~some).sum())} rows without any event were left out",) if not some.all() else ()
    return _fit(Counts(_binomial(x1, x1 + x2, np.log(t1 / t2)), None, kept, "CM.EL rates"), level_of(level), notes)


def glmm_proportion(*, events: ArrayLike, n: ArrayLike, level: float = 0.95) -> PooledResult:
    """Pool proportions of one group: ``logit p_i = theta + u_i``, binomial counts.

    Parameters
    ----------
    events, n : (k,)
        Patients with an event, and patients.
    level : float
        Of the normal intervals.

    Returns
    -------
    PooledResult
        On the logit scale (``back("logit")`` gives proportions).

    Raises
    ------
    InputError
        For wrong counts; when no patient, or every patient, had the event (use the rule of three).
    """
    effects = proportion(events=events, n=n)
    data = columns(events=events, n=n)
    total, size = float(data["events"].sum()), float(data["n"].sum())
    _need_two(data["n"].size)
    todo = "The upper 95 % limit of an event never seen among n patients is about 3/n."
    require(np.array([0 < total < size]), "events", "are none, or all", "events in some patients", todo)
    study = _binomial(data["events"], data["n"], np.zeros(data["n"].size))
    return _fit(Counts(study, None, effects, "binomial-normal"), level_of(level), ())


def _need_two(k: int) -> None:
    if k < 2:
        raise InputError(Problem("events", f"{k} informative studies", "at least two", "Report the study itself."))


def _binomial(a: Array, m: Array, offset: Array) -> Study:
    """Binomial: ``a`` of ``m`` with logit t + offset."""
    constant = gammaln(m + 1) - gammaln(a + 1) - gammaln(m - a + 1)

    def study(t: Array, _intercept: Array) -> tuple[Array, Array, Array, Array]:
        eta = t + offset[:, None]
        p = 1 / (1 + np.exp(-eta))
        value = constant[:, None] + a[:, None] * eta - m[:, None] * np.logaddexp(0.0, eta)
        return value, a[:, None] - m[:, None] * p, -m[:, None] * p * (1 - p), np.zeros_like(t)

    return study


def _two_binomials(a: Array, n1: Array, c: Array, n2: Array) -> Study:
    first, second = _binomial(a, n1, np.zeros_like(a)), _binomial(c, n2, np.zeros_like(c))

    def study(t: Array, intercept: Array) -> tuple[Array, Array, Array, Array]:
        up, down = first(intercept[:, None] + t / 2, intercept), second(intercept[:, None] - t / 2, intercept)
        by_t, by_tt = (up[1] - down[1]) / 2, (up[2] + down[2]) / 4
        return up[0] + down[0], by_t, by_tt, up[1] + down[1]

    return study


def _hypergeometric(a: Array, n1: Array, m: Array, n2: Array) -> Study:
    """Noncentral hypergeometric: ``a`` of m events fall into group 1 at log odds ratio t."""
    low, high = np.maximum(0, m - n2), np.minimum(n1, m)
    u = np.arange(int(low.min()), int(high.max()) + 1)[None, :].astype(np.float64)
    inside = (u >= low[:, None]) & (u <= high[:, None])
    safe = np.where(inside, u, low[:, None])

    def choose_log(n: Array, x: Array) -> Array:
        return np.asarray(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1))

    log_w = np.where(inside, choose_log(n1[:, None], safe) + choose_log(n2[:, None], m[:, None] - safe), -np.inf)
    own = choose_log(n1, a) + choose_log(n2, m - a)

    def study(t: Array, _intercept: Array) -> tuple[Array, Array, Array, Array]:
        value, by_t, by_tt = np.empty_like(t), np.empty_like(t), np.empty_like(t)
        for i in range(t.shape[0]):
            keep = inside[i]
            points = u[0, keep]
            terms = log_w[i, keep] + t[i][:, None] * points
            top = terms.max(axis=1, keepdims=True)
            p = np.exp(terms - top)
            total = p.sum(axis=1)
            mean = p @ points / total
            value[i] = own[i] + t[i] * a[i] - np.log(total) - top[:, 0]
            by_t[i] = a[i] - mean
            by_tt[i] = -(p @ points**2 / total - mean**2)
        return value, by_t, by_tt, np.zeros_like(t)

    return study


def _integrated(counts: Counts, theta: float, tau: float, intercepts: Array) -> tuple[Array, Array, Array, Array]:
    """Log marginal likelihood of each study and its derivatives by theta, tau and intercept, (k,) each."""
    k = intercepts.size
    if tau == 0.0:
        value, by_t, _, by_a = counts.study(np.full((k, 1), theta), intercepts)
        return value[:, 0], by_t[:, 0], np.zeros(k), by_a[:, 0]
    z = np.zeros((k, 1))  # mode of each study's standardised random effect
    for _ in range(50):
        _, by_t, by_tt, _ = counts.study(theta + tau * z, intercepts)
        step = (tau * by_t - z) / (1.0 - tau**2 * by_tt)
        z = z + np.clip(step, -3.0, 3.0)
        if float(np.abs(step).max()) < 1e-10:
            break
    curvature = 1.0 - tau**2 * counts.study(theta + tau * z, intercepts)[2]
    nodes, node_weights = np.polynomial.hermite_e.hermegauss(POINTS)
    spread = 1.0 / np.sqrt(curvature)
    x = z + spread * nodes[None, :]
    value, by_t, _, by_a = counts.study(theta + tau * x, intercepts)
    log_terms = value - 0.5 * x**2 + 0.5 * nodes[None, :] ** 2 + np.log(node_weights)[None, :] + np.log(spread)
    top = log_terms.max(axis=1, keepdims=True)
    raw = np.exp(log_terms - top)
    total = raw.sum(axis=1)
    posterior = raw / total[:, None]
    integral = top[:, 0] + np.log(total) - 0.5 * math.log(2 * math.pi)
    return integral, (posterior * by_t).sum(axis=1), (posterior * by_t * x).sum(axis=1), (posterior * by_a).sum(axis=1)


def _maximise(counts: Counts, start: Array, fixed_tau: bool) -> tuple[Array, float]:
    k = counts.effects.y.size
    none = counts.intercepts is None

    def negative(parameters: Array) -> tuple[float, Array]:
        theta, tau = float(parameters[0]), 0.0 if fixed_tau else float(parameters[1])
        intercepts = np.zeros(k) if none else parameters[2:]
        value, by_theta, by_tau, by_a = _integrated(counts, theta, tau, intercepts)
        slope = np.concatenate([[by_theta.sum(), by_tau.sum()], np.zeros(0) if none else by_a])
        return -float(value.sum()), -slope

    bounds: list[tuple[float | None, float | None]] = [(None, None), (0.0, 0.0 if fixed_tau else None)]
    bounds += [(None, None)] * (0 if none else k)
    options = {"ftol": 1e-14, "gtol": 1e-8, "maxiter": 2000, "maxfun": 20000}
    found = minimize(negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)  # type: ignore[call-overload]  # scipy-stubs does not know bounds with None, which scipy documents
    return np.asarray(found.x, dtype=np.float64), -float(found.fun)


def _fit(counts: Counts, level: float, notes: tuple[str, ...]) -> PooledResult:
    effects = counts.effects
    usual = pool(effects.y, effects.v, method="DL", interval="normal")
    nuisance = np.zeros(0) if counts.intercepts is None else counts.intercepts
    start = np.concatenate([[usual.estimate, max(math.sqrt(usual.tau2), 0.1)], nuisance])
    best, value = _maximise(counts, start, fixed_tau=False)
    flat, value_flat = _maximise(counts, np.concatenate([[best[0], 0.0], best[2:]]), fixed_tau=True)
    if value_flat >= value:
        best, value = flat, value_flat
    theta, tau = float(best[0]), float(best[1])
    se, se_tau = _errors(counts, best)
    q = chi2_test("homogeneity (likelihood ratio)", max(2 * (_saturated(counts) - value_flat), 0.0), effects.y.size - 1)
    typical = typical_variance(effects.v, np.ones((effects.y.size, 1)))
    share = 100 * tau**2 / (tau**2 + typical)
    heterogeneity = Heterogeneity(tau**2, 2 * tau * se_tau, q, share, (tau**2 + typical) / typical)
    half = float(ndtri(0.5 + level / 2)) * se
    ends = Interval(theta - half, theta + half, level, "normal")
    k = effects.y.size
    prediction = prediction_interval(theta, se, tau**2, df="normal", df_interval=math.inf, k=k, level=level)
    test = Test("mean effect is 0", theta / se, math.inf, float(two_sided_p(theta / se, math.inf)))
    fit = Fit(f"GLMM {counts.name} (ML)", k, 1, value)
    return PooledResult(theta, se, ends, prediction, test, heterogeneity, fit, notes)


def _errors(counts: Counts, best: Array) -> tuple[float, float]:
    """Standard errors of the mean and of tau from the observed information (differences of the exact gradient)."""
    k, none = counts.effects.y.size, counts.intercepts is None

    def slope(parameters: Array) -> Array:
        intercepts = np.zeros(k) if none else parameters[2:]
        _, by_theta, by_tau, by_a = _integrated(counts, float(parameters[0]), float(parameters[1]), intercepts)
        return np.concatenate([[by_theta.sum(), by_tau.sum()], np.zeros(0) if none else by_a])

    free = [i for i in range(best.size) if i != 1 or best[1] > 1e-4]
    information = np.zeros((len(free), len(free)))
    for row, i in enumerate(free):
        step = np.zeros(best.size)
        step[i] = 1e-4 * max(abs(best[i]), 0.1)
        if i == 1:
            step[i] = min(step[i], 0.5 * best[1])
        information[row] = -((slope(best + step) - slope(best - step)) / (2 * step[i]))[free]
    covariance = np.linalg.inv(0.5 * (information + information.T))
    se_tau = math.sqrt(max(float(covariance[1, 1]), 0.0)) if 1 in free else math.nan
    return math.sqrt(float(covariance[0, 0])), se_tau


def _saturated(counts: Counts) -> float:
    """Log-likelihood when every study has its own effect (and intercept)."""
    k = counts.effects.y.size
    t, a = counts.effects.y.copy(), np.zeros(k) if counts.intercepts is None else counts.intercepts.copy()

    def negative(parameters: Array) -> tuple[float, Array]:
        value, by_t, _, by_a = counts.study(parameters[:k, None], parameters[k:])
        return -float(value.sum()), -np.concatenate([by_t[:, 0], by_a[:, 0]])

    bounds: list[tuple[float | None, float | None]] = [(-30.0, 30.0)] * (2 * k)
    options = {"ftol": 1e-14, "gtol": 1e-8, "maxiter": 5000, "maxfun": 50000}
    found = minimize(negative, np.concatenate([t, a]), jac=True, method="L-BFGS-B", bounds=bounds, options=options)  # type: ignore[call-overload]  # scipy-stubs does not know bounds with None, which scipy documents
    return -float(found.fun)
