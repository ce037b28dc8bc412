"""Robust variance estimation with moment estimators and simple weights (CORR, HIER), as first proposed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, effects_and_variances, groups_of, level_of
from exojoint.evidence.multilevel.robust import RobustResult, sandwich
from exojoint.evidence.pooling.design import Moderators, design_matrix

Array = NDArray[np.float64]
DEFAULT_RHO = 0.8  # of Hedges, Tipton and Johnson (2010): a high correlation, so that tau2 is not underrated


@dataclass(frozen=True, slots=True)
class RveResult:
    """Robust variance estimation with moment-based weights.

    Parameters
    ----------
    robust : RobustResult
        Coefficients with CR2 covariance and Satterthwaite degrees of freedom (or the chosen kind).
    model : str
        ``CORR`` or ``HIER``.
    tau2, omega2 : float
        Variance between clusters, and (HIER) between the effects of a cluster.
    i2 : float
        CORR: share of the residual Q beyond its expectation without heterogeneity, in percent; nan for HIER.
    warnings : tuple of str
        What a reader must know.
    """

    robust: RobustResult
    model: str
    tau2: float
    omega2: float
    i2: float
    warnings: tuple[str, ...] = ()

    @property
    def estimate(self) -> float:
        """Mean effect (first coefficient)."""
        return float(self.robust.coefficients.values[0])

    @property
    def se(self) -> float:
        """Its robust standard error."""
        return float(self.robust.coefficients.se[0])

    @property
    def df(self) -> float:
        """Its degrees of freedom."""
        return float(self.robust.coefficients.df[0])


def robust_variance_estimation(
    y: ArrayLike, v: ArrayLike, cluster: Sequence[Hashable] | NDArray[np.generic], *, model: str = "CORR",
    rho: float = DEFAULT_RHO, moderators: Moderators | None = None, intercept: bool = True,
    reference: Mapping[str, str] | None = None, kind: str = "CR2", level: float = 0.95,
) -> RveResult:  # fmt: skip
    """Meta-regression of dependent effects with robust variances and moment estimators of heterogeneity.

    ``CORR``: effects of a study share its patients; weights ``1/(k_j (mean v_j + tau2))``, tau2 from
    ``E[e'We]`` with sampling errors of correlation `rho`. ``HIER``: studies of a cluster (laboratory) have related true
    effects; weights ``1/(v + tau2 + omega2)``, both variances from ``E[e'We]`` and ``E[sum_j (sum e_j)^2]``.
    Standard errors are those of CR2 with the inverse weights as working variances.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    cluster : (k,)
        Study (CORR) or cluster of studies (HIER).
    model : str
        ``CORR`` or ``HIER``.
    rho : float
        Assumed correlation, CORR only; its influence on the result is small.
    moderators, intercept, reference
        As in `meta_regression`.
    kind, level
        As in `robust`.

    Raises
    ------
    InputError
        For wrong rows, a `rho` outside 0 to 1, not more clusters than coefficients.

    References
    ----------
    Hedges LV, Tipton E, Johnson MC. Res Synth Methods 2010;1:39-65. Tipton E. Psychol Methods 2015;20:375-393.
    """
    name = choose(model, ("CORR", "HIER"), "model")
    if not 0 <= rho <= 1:
        raise InputError(Problem("rho", f"{rho:g} is no correlation of this model", "a number from 0 to 1"))
    y_used, v_used, used, warnings = effects_and_variances(y, v)
    x, names = design_matrix(moderators, used, intercept=intercept, reference=reference)
    group = groups_of([c for c, yes in zip(list(cluster), used, strict=True) if yes], y_used.size, "cluster")
    same = (group[:, None] == group[None, :]).astype(np.float64)
    if name == "CORR":
        size = np.bincount(group)[group]
        mean_v = (np.bincount(group, v_used) / np.bincount(group))[group]
        tau2, i2 = _correlated(y_used, x, 1.0 / (size * mean_v), mean_v, same, rho)
        omega2, variance = 0.0, size * (mean_v + tau2)
    else:
        tau2, omega2 = _hierarchical(y_used, v_used, x, same)
        i2, variance = float("nan"), v_used + tau2 + omega2
    weights, working = np.diag(1.0 / variance), np.diag(variance)
    found = sandwich(y_used, x, names, weights, working, group, kind=kind, level=level_of(level))
    return RveResult(found, name, tau2, omega2, i2, (*warnings, *found.warnings))


def _residual_forms(x: Array, w: Array) -> tuple[Array, Array]:
    """Residual maker M, and ``P = W M`` of the weighted sum of squares."""
    wx = w[:, None] * x
    maker = np.eye(w.size) - x @ np.linalg.solve(x.T @ wx, wx.T)
    return np.asarray(maker), np.asarray(w[:, None] * maker)


def _correlated(y: Array, x: Array, w: Array, mean_v: Array, same: Array, rho: float) -> tuple[float, float]:
    _, p = _residual_forms(x, w)
    sampling = rho * same * mean_v[:, None]
    np.fill_diagonal(sampling, mean_v)
    q, expected = float(y @ p @ y), float(np.sum(p * sampling))
    tau2 = max((q - expected) / float(np.sum(p * same)), 0.0)
    return tau2, 100.0 * max(0.0, (q - expected) / q) if q > 0 else 0.0


def _hierarchical(y: Array, v: Array, x: Array, same: Array) -> tuple[float, float]:
    maker, p = _residual_forms(x, 1.0 / v)
    summed = maker.T @ same @ maker
    left = np.array([[float(np.sum(a * same)), float(np.trace(a))] for a in (p, summed)])
    right = np.array([float(y @ a @ y) - float(np.diag(a) @ v) for a in (p, summed)])
    tau2, omega2 = (float(value) for value in np.linalg.lstsq(left, right, rcond=None)[0])
    if tau2 < 0:  # the other variance alone must then explain the weighted sum of squares
        return 0.0, max(float(right[0] / left[0, 1]), 0.0)
    return (tau2, omega2) if omega2 >= 0 else (max(float(right[0] / left[0, 0]), 0.0), 0.0)
