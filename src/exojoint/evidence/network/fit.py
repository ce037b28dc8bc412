"""Network meta-analysis: all treatments on one scale, from trials that each compare a few of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.evidence.checks import choose, level_of
from exojoint.evidence.inference import Coefficients, Test, chi2_test
from exojoint.evidence.multilevel.likelihood import Model, evaluate, independent_blocks
from exojoint.evidence.multilevel.optimise import maximise
from exojoint.evidence.multilevel.terms import known_correlation
from exojoint.evidence.network.data import NetworkData
from exojoint.evidence.results import Fit

Array = NDArray[np.float64]
METHODS = ("REML", "ML", "DL", "EE")


@dataclass(frozen=True, slots=True)
class NetworkResult:
    """Effects of all treatments against the reference.

    Parameters
    ----------
    data : NetworkData
        The contrasts.
    effects : Coefficients
        One per treatment but the reference.
    tau2 : float
        Variance of a contrast's true effect between trials, the same for all contrasts.
    q : Test
        Heterogeneity and inconsistency together (with tau2 = 0).
    i2 : float
        Share of Q beyond its degrees of freedom, in percent.
    fit : Fit
        Method, sizes, log-likelihood.
    warnings : tuple of str
        What a reader must know.
    """

    data: NetworkData
    effects: Coefficients
    tau2: float
    q: Test
    i2: float
    fit: Fit
    warnings: tuple[str, ...] = ()

    @property
    def treatments(self) -> tuple[str, ...]:
        """All treatments, the reference first."""
        return self.data.treatments

    def compare(self, first: str, second: str) -> dict[str, float]:
        """Effect of one treatment against another, with interval, p value and prediction interval.

        Raises
        ------
        InputError
            For an unknown treatment.
        """
        for name in (first, second):
            if name not in self.treatments:
                todo = did_you_mean(name, self.treatments)
                expected = f"one of {', '.join(self.treatments)}"
                raise InputError(Problem("treatment", f"'{name}' is unknown", expected, todo))
        row = np.array([float(t == first) - float(t == second) for t in self.treatments[1:]])
        found = self.effects.contrast(row)
        half = float(ndtri(0.5 + self.effects.level / 2)) * math.sqrt(found["se"] ** 2 + self.tau2)
        centre = found["estimate"]
        return found | {"prediction_lower": centre - half, "prediction_upper": centre + half}

    def matrices(self) -> tuple[Array, Array]:
        """Effects of row against column treatment, and their standard errors, each (T, T)."""
        p = len(self.treatments)
        value = np.concatenate([[0.0], self.effects.values])
        covariance = np.zeros((p, p))
        covariance[1:, 1:] = self.effects.covariance
        variance = np.diag(covariance)
        spread = variance[:, None] + variance[None, :] - 2 * covariance
        return value[:, None] - value[None, :], np.sqrt(np.maximum(spread, 0.0))


def network(data: NetworkData, *, method: str = "REML", level: float = 0.95) -> NetworkResult:
    """Fit the consistency model ``y = X d + u + e`` with ``Var(u) = tau2 R``, R 1/2 between contrasts of one trial.

    Parameters
    ----------
    data : NetworkData
        From `network_from_arms` or `network_from_contrasts`.
    method : str
        ``REML``, ``ML``, ``DL`` (generalised moments, as netmeta does), ``EE`` (tau2 = 0).
    level : float
        Of the normal intervals.

    Raises
    ------
    InputError
        For an unknown method.

    References
    ----------
    Higgins JPT, Whitehead A. Stat Med 1996;15:2733-2749. Ruecker G. Res Synth Methods 2012;3:312-324.
    Jackson D, White IR, Riley RD. Stat Med 2012;31:3805-3820 (moments).
    """
    kind, level = choose(method, METHODS, "method"), level_of(level)
    x, r = data.design, data.heterogeneity_correlation
    q_value, df = _q(data.y, data.v, x), data.y.size - x.shape[1]
    tau2 = heterogeneity_variance(data, x, kind)
    beta, covariance, loglik = _gls(data, x, r, tau2, kind == "REML")
    infinite = np.full(x.shape[1], math.inf)
    effects = Coefficients(data.treatments[1:], beta, covariance, infinite, level)
    warnings = data.warnings
    if df == 0:
        warnings = (*warnings, "as many contrasts as effects: neither heterogeneity nor inconsistency can be seen")
    q = chi2_test("heterogeneity and inconsistency", q_value if df else 0.0, df)
    i2 = 100.0 * max(0.0, 1.0 - df / q_value) if df and q_value > 0 else 0.0
    return NetworkResult(data, effects, tau2, q, i2, Fit(kind, data.y.size, x.shape[1], loglik), warnings)


def heterogeneity_variance(data: NetworkData, x: Array, method: str) -> float:
    """tau2 of a network with any design; 0 where there are no degrees of freedom.

    ``DL``: ``(Q - (k - p)) / tr(P R)`` with ``P = W - W X (X'WX)^-1 X'W``, ``W = V^-1``.
    """
    k, p = x.shape
    if method == "EE" or k == p:
        return 0.0
    r = data.heterogeneity_correlation
    if method == "DL":
        w = np.linalg.inv(data.v)
        wx = w @ x
        projection = w - wx @ np.linalg.solve(x.T @ wx, wx.T)
        excess = float(data.y @ projection @ data.y) - (k - p)
        share = float((projection * r).sum())
        tau2: float = max(excess / share, 0.0)
        return tau2
    return float(maximise(_model(data, x, r, method == "REML")).theta[0])


def _model(data: NetworkData, x: Array, r: Array, restricted: bool) -> Model:
    terms = (known_correlation(r, "contrast"),)
    names = tuple(str(i) for i in range(x.shape[1]))
    return Model(data.y, data.v, x, names, terms, restricted, independent_blocks(data.v, terms))


def _gls(data: NetworkData, x: Array, r: Array, tau2: float, restricted: bool) -> tuple[Array, Array, float]:
    at = evaluate(_model(data, x, r, restricted), np.array([tau2]))
    if at is None:
        raise InputError(Problem("v", "is no covariance with this tau2", "a positive definite matrix"))
    return at.beta, at.covariance, at.loglik


def generalised_least_squares(data: NetworkData, x: Array, tau2: float) -> tuple[Array, Array]:
    """Coefficients and covariance of any design of the network at a given tau2."""
    beta, covariance, _ = _gls(data, x, data.heterogeneity_correlation, tau2, False)
    return beta, covariance


def _q(y: Array, v: Array, x: Array) -> float:
    wx = np.linalg.solve(v, x)
    residual = y - x @ np.linalg.solve(x.T @ wx, wx.T @ y)
    return float(residual @ np.linalg.solve(v, residual))


def p_scores(result: NetworkResult, *, small_is_good: bool = False) -> dict[str, float]:
    """Mean certainty that a treatment beats the others, from 0 (surely worst) to 1 (surely best).

    ``P_i = mean over j of Phi((d_i - d_j)/se_ij)``, signs turned where small values are good. It is SUCRA without
    simulation, and like SUCRA it ranks without saying whether differences matter.

    Parameters
    ----------
    result : NetworkResult
        A fitted network.
    small_is_good : bool
        Whether a smaller effect is better (pain).

    References
    ----------
    Ruecker G, Schwarzer G. BMC Med Res Methodol 2015;15:58.
    """
    effect, se = result.matrices()
    sign = -1.0 if small_is_good else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        certainty = ndtr(sign * effect / se)
    np.fill_diagonal(certainty, np.nan)
    return dict(zip(result.treatments, map(float, np.nanmean(certainty, axis=1)), strict=True))


def league_table(result: NetworkResult, *, order: tuple[str, ...] | None = None) -> list[dict[str, object]]:
    """All pairwise effects, one row per ordered pair: first, second, estimate, lower, upper, p, direct trials.

    Parameters
    ----------
    result : NetworkResult
        A fitted network.
    order : tuple of str, optional
        Treatments in the order wanted, e.g. by P-score.
    """
    names = order or result.treatments
    data = result.data
    rows: list[dict[str, object]] = []
    for a in names:
        for b in names:
            if a == b:
                continue
            trials = sum({a, b} <= set(data.arms(s)) for s in dict.fromkeys(data.study))
            found = result.compare(a, b)
            rows.append({"first": a, "second": b, **found, "direct_trials": trials})
    return rows


def overall_test(result: NetworkResult) -> Test:
    """Test that all treatments are equal."""
    return result.effects.wald(tuple(result.effects.names), "all treatments are equal")
