"""The model behind pooling and meta-regression: ``y = X b + u + e``, ``u ~ N(0, tau2)``, ``e ~ N(0, v)``."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose
from exojoint.evidence.inference import Coefficients, chi2_test
from exojoint.evidence.pooling.linear import log_likelihood, profile, projection
from exojoint.evidence.pooling.tau2 import METHODS, Tau2, between_study_variance
from exojoint.evidence.results import Fit, Heterogeneity

Array = NDArray[np.float64]
INTERVALS = ("normal", "t", "knapp-hartung", "knapp-hartung-adhoc")
ALIASES = {
    "z": "normal", "wald": "normal", "knha": "knapp-hartung", "hksj": "knapp-hartung", "hk": "knapp-hartung",
    "hartung-knapp": "knapp-hartung", "adhoc": "knapp-hartung-adhoc", "hartung-knapp-adhoc": "knapp-hartung-adhoc",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelFit:
    """A fitted model before it is shaped into a result.

    Parameters
    ----------
    coefficients : Coefficients
        With the covariance and degrees of freedom of the chosen interval.
    heterogeneity : Heterogeneity
        tau2, residual Q, I2, H2.
    fit : Fit
        Method, sizes, log-likelihood.
    interval : str
        The interval that was used, after any fallback.
    warnings : tuple of str
        Fallbacks and peculiarities.
    """

    coefficients: Coefficients
    heterogeneity: Heterogeneity
    fit: Fit
    interval: str
    warnings: tuple[str, ...]


def interval_name(interval: str) -> str:
    """Return the full name of an interval method.

    Raises
    ------
    InputError
        When it is unknown.
    """
    return choose(ALIASES.get(str(interval).casefold(), interval), INTERVALS, "interval")


def method_name(method: str) -> str:
    """Return the name of a tau2 estimator; ``FE`` and ``CE`` are ``EE``.

    Raises
    ------
    InputError
        When it is unknown.
    """
    kind = choose({"CE": "EE"}.get(str(method).upper(), method), METHODS, "method")
    return "EE" if kind == "FE" else kind


def fit_model(
    y: Array, v: Array, x: Array, names: tuple[str, ...], *, method: str, interval: str, level: float,
    tau2: float | None = None, solver: str = "exact",
) -> ModelFit:  # fmt: skip
    """Fit the model to checked data.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    x : (k, p)
        Design of full column rank.
    names : tuple of str
        Of its columns.
    method, interval, level
        As in `pool`.
    tau2 : float, optional
        Known between-study variance; estimated by `method` when left out.
    solver : str
        As in `between_study_variance`.

    Raises
    ------
    InputError
        When there are more coefficients than effects, or the design is not of full rank.
    """
    method, interval = method_name(method), interval_name(interval)
    k, p = x.shape
    _check_design(x, names)
    warnings: list[str] = []
    if k == p:
        method, interval = _fallback_without_freedom(method, interval, k, warnings)
    known = tau2 is not None
    estimated = Tau2(float(tau2), math.nan) if tau2 is not None else between_study_variance(y, v, x, method, solver)
    warnings.extend(estimated.warnings)
    wls = profile(y, v, x, np.array([estimated.value]))
    covariance, df, interval = _inference(wls.inverse[0], float(wls.q[0]), k - p, interval, warnings)
    coefficients = Coefficients(names, wls.beta[0], covariance, np.full(p, df), level)
    restricted = method == "REML"
    loglik = float(log_likelihood(y, v, x, np.array([estimated.value]), restricted)[0])
    label = f"{method}, tau2 given" if known else method
    fit = Fit(label, k, p, loglik, estimated.converged)
    return ModelFit(coefficients, heterogeneity(y, v, x, estimated, method), fit, interval, tuple(warnings))


def _check_design(x: Array, names: tuple[str, ...]) -> None:
    k, p = x.shape
    if p > k:
        what = f"{p} coefficients for {k} effects"
        raise InputError(Problem("moderators", what, "at most one coefficient per effect", "Use fewer moderators."))
    if np.linalg.matrix_rank(x) < p:
        todo = "Drop one of them; a factor already has a level for the intercept."
        raise InputError(Problem("moderators", f"columns {', '.join(names)} depend on each other", "full rank", todo))


def _fallback_without_freedom(method: str, interval: str, k: int, warnings: list[str]) -> tuple[str, str]:
    if method != "EE":
        what = "one study" if k == 1 else "as many coefficients as studies"
        warnings.append(
            f"{what}: tau2 cannot be estimated; an equal-effects model (tau2 = 0) was used instead of {method}"
        )
    if interval != "normal":
        warnings.append(f"no degrees of freedom for a {interval} interval: a normal interval was used")
    return "EE", "normal"


def _inference(inverse: Array, q: float, df: int, interval: str, warnings: list[str]) -> tuple[Array, float, str]:
    """Covariance and degrees of freedom for the chosen interval; a vanishing Knapp-Hartung factor is not used."""
    if interval == "normal":
        return inverse, math.inf, interval
    if interval == "t":
        return inverse, float(df), interval
    factor = q / df
    if interval == "knapp-hartung-adhoc":
        return max(1.0, factor) * inverse, float(df), interval
    if factor < 1e-10:  # identical effects: the adjusted standard error would be zero
        warnings.append("the effects are identical: Knapp-Hartung's factor is 0 and was replaced by 1")
        return inverse, float(df), "knapp-hartung-adhoc"
    return factor * inverse, float(df), interval


def heterogeneity(y: Array, v: Array, x: Array, tau2: Tau2, method: str) -> Heterogeneity:
    """Q, I2 and H2 beside an estimated tau2.

    ``I2 = 100 tau2/(tau2 + vt)`` with the typical variance ``vt = (k - p)/tr P`` (P with weights 1/v); for an
    equal-effects model ``100 max(0, (Q - df)/Q)``.

    References
    ----------
    Higgins JPT, Thompson SG. Stat Med 2002;21:1539-1558.
    """
    k, p = x.shape
    q = float(profile(y, v, x, np.zeros(1)).q[0])
    df = k - p
    test = chi2_test("residual heterogeneity" if p > 1 else "heterogeneity (Cochran's Q)", q if df else 0.0, df)
    if df == 0:
        return Heterogeneity(tau2.value, math.nan, test, 0.0, 1.0)
    if method == "EE" and tau2.value == 0:
        return Heterogeneity(0.0, math.nan, test, 100.0 * max(0.0, 1.0 - df / q) if q > 0 else 0.0, q / df)
    typical = typical_variance(v, x)
    i2 = 100.0 * tau2.value / (tau2.value + typical)
    return Heterogeneity(tau2.value, tau2.se, test, i2, (tau2.value + typical) / typical)


def typical_variance(v: Array, x: Array) -> float:
    """Typical sampling variance of Higgins and Thompson: ``(k - p)/tr P``."""
    k, p = x.shape
    return float((k - p) / np.trace(projection(1.0 / v, x)))
