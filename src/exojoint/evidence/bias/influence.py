"""Which studies carry the result? Leave-one-out, influence measures, Baujat's plot, cumulative pooling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import effects_and_variances, level_of, numbers
from exojoint.evidence.pooling.design import Moderators, design_matrix
from exojoint.evidence.pooling.fit import fit_model
from exojoint.evidence.pooling.linear import projection
from exojoint.evidence.pooling.pool import pool
from exojoint.evidence.results import PooledResult

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Influence:
    """Influence of each study on a random-effects model, each field (k,) unless said otherwise.

    Parameters
    ----------
    rstudent : (k,)
        Residual of the study about the fit of the others, over its standard error.
    dffits : (k,)
        Change of the study's fitted value without it, in standard errors of the fit without it.
    cook : (k,)
        Squared distance between the coefficients with and without it (Mahalanobis).
    cov_ratio : (k,)
        Determinant of the coefficients' covariance without it over that with it.
    tau2_without, q_without : (k,)
        Between-study variance and residual Q without it.
    hat : (k,)
        Leverage.
    weight : (k,)
        Share of the weight, in percent.
    """

    rstudent: Array
    dffits: Array
    cook: Array
    cov_ratio: Array
    tau2_without: Array
    q_without: Array
    hat: Array
    weight: Array

    @property
    def influential(self) -> NDArray[np.bool_]:
        """Studies beyond the usual bounds: hat > 3 p/k, or Cook's distance > 0.45 for one coefficient.

        References
        ----------
        Viechtbauer W, Cheung MWL. Res Synth Methods 2010;1:112-125.
        """
        p, k = float(self.hat.sum()), self.hat.size
        bound = 3 * np.sqrt(p / (k - p))
        return np.asarray((np.abs(self.dffits) > bound) | (self.hat > 3 * p / k) | (self.cook > 0.45))


def leave_one_out(
    y: ArrayLike, v: ArrayLike, *, method: str = "REML", interval: str = "knapp-hartung", level: float = 0.95
) -> tuple[PooledResult, ...]:
    """Pool without each study in turn.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances; rows with nan are left out first.
    method, interval, level
        As in `pool`.

    Returns
    -------
    tuple of PooledResult
        One per usable study, in order.

    Raises
    ------
    InputError
        For fewer than two studies.
    """
    y_used, v_used, _, _ = effects_and_variances(y, v)
    if y_used.size < 2:
        raise InputError(Problem("effects", "one study only", "at least two studies"))
    keep = ~np.eye(y_used.size, dtype=bool)
    return tuple(pool(y_used[row], v_used[row], method=method, interval=interval, level=level) for row in keep)


def cumulative(
    y: ArrayLike, v: ArrayLike, order: ArrayLike, *, method: str = "REML", interval: str = "knapp-hartung",
    level: float = 0.95,
) -> tuple[PooledResult, ...]:  # fmt: skip
    """Pool the first study, the first two, the first three ... in a given order (e.g. by year).

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    order : (k,)
        Year or another number to sort by; ties keep their order.
    method, interval, level
        As in `pool`.

    Raises
    ------
    InputError
        For wrong rows.
    """
    y_used, v_used, used, _ = effects_and_variances(y, v)
    by = numbers(order, "order")[used]
    rows = np.argsort(by, kind="stable")
    return tuple(
        pool(y_used[rows[: i + 1]], v_used[rows[: i + 1]], method=method, interval=interval, level=level)
        for i in range(rows.size)
    )


def influence(
    y: ArrayLike, v: ArrayLike, *, moderators: Moderators | None = None, method: str = "REML",
    interval: str = "normal", level: float = 0.95,
) -> Influence:  # fmt: skip
    """Influence of each study on a pooled mean or meta-regression; tau2 is estimated anew without each.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    moderators : mapping, optional
        As in `meta_regression`.
    method, interval, level
        As in `pool`.

    Raises
    ------
    InputError
        When leaving a study out leaves no degrees of freedom.

    References
    ----------
    Viechtbauer W, Cheung MWL. Res Synth Methods 2010;1:112-125.
    """
    y_used, v_used, used, _ = effects_and_variances(y, v)
    x, names = design_matrix(moderators, used)
    k, p = x.shape
    if k <= p + 1:
        raise InputError(Problem("effects", f"{k} studies for {p} coefficients", "at least two studies more"))
    level = level_of(level)
    whole = fit_model(y_used, v_used, x, names, method=method, interval=interval, level=level)
    beta, covariance, tau2 = whole.coefficients.values, whole.coefficients.covariance, whole.heterogeneity.tau2
    inverse = np.linalg.inv(covariance)
    out = {name: np.empty(k) for name in ("rstudent", "dffits", "cook", "cov_ratio", "tau2_without", "q_without")}
    w = 1.0 / (v_used + tau2)
    leverage = np.linalg.solve(x.T @ (w[:, None] * x), (w[:, None] * x).T)
    hat = np.einsum("kp,pk->k", x, leverage)
    for i in range(k):
        keep = np.arange(k) != i
        part = fit_model(y_used[keep], v_used[keep], x[keep], names, method=method, interval=interval, level=level)
        b, c, t = part.coefficients.values, part.coefficients.covariance, part.heterogeneity.tau2
        fit_variance = float(x[i] @ c @ x[i])
        out["rstudent"][i] = (y_used[i] - x[i] @ b) / np.sqrt(fit_variance + v_used[i] + t)
        out["dffits"][i] = (x[i] @ (beta - b)) / np.sqrt(hat[i] * (v_used[i] + t))
        out["cook"][i] = (beta - b) @ inverse @ (beta - b)
        out["cov_ratio"][i] = np.linalg.det(c) / np.linalg.det(covariance)
        out["tau2_without"][i], out["q_without"][i] = t, part.heterogeneity.q.statistic
    return Influence(**out, hat=hat, weight=100.0 * w / w.sum())


@dataclass(frozen=True, slots=True)
class Baujat:
    """Coordinates of Baujat's plot, (k,) each.

    Parameters
    ----------
    heterogeneity : (k,)
        Contribution of each study to Q.
    influence : (k,)
        Squared change of the mean without it, over its variance without it.
    """

    heterogeneity: Array
    influence: Array


def baujat(y: ArrayLike, v: ArrayLike, *, method: str = "EE") -> Baujat:
    """Contribution of each study to heterogeneity against its influence on the mean.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    method : str
        Model whose mean and Q are meant, as in `pool`.

    Raises
    ------
    InputError
        For fewer than three studies.

    References
    ----------
    Baujat B et al. Stat Med 2002;21:2641-2652.
    """
    y_used, v_used, _, _ = effects_and_variances(y, v)
    k = y_used.size
    if k < 3:
        raise InputError(Problem("effects", f"{k} studies", "at least three studies"))
    whole = pool(y_used, v_used, method=method, interval="normal")
    contribution = (y_used - whole.estimate) ** 2 / (v_used + whole.tau2)
    parts = leave_one_out(y_used, v_used, method=method, interval="normal")
    change = np.array([(whole.estimate - part.estimate) ** 2 / part.se**2 for part in parts])
    return Baujat(contribution, change)


def residuals(y: ArrayLike, v: ArrayLike, *, moderators: Moderators | None = None, method: str = "REML") -> Array:
    """Standardised residuals: ``(y - x b)`` over its standard error, which is smaller than ``sqrt(v + tau2)``, (k,).

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    moderators : mapping, optional
        As in `meta_regression`.
    method : str
        Of tau2.

    Raises
    ------
    InputError
        For wrong rows, and as many coefficients as studies.
    """
    y_used, v_used, used, _ = effects_and_variances(y, v)
    x, names = design_matrix(moderators, used)
    if y_used.size <= len(names):
        raise InputError(
            Problem("effects", f"{y_used.size} studies for {len(names)} coefficients", "at least one more")
        )
    fit = fit_model(y_used, v_used, x, names, method=method, interval="normal", level=0.95)
    m = v_used + fit.heterogeneity.tau2
    variance = m**2 * np.diag(projection(1 / m, x))
    return np.asarray((y_used - x @ fit.coefficients.values) / np.sqrt(variance))
