"""Cluster-robust variances with few clusters: CR0 to CR3, Satterthwaite degrees of freedom, and the HTZ test.

They hold whatever the true dependence within clusters, as long as clusters are independent. CR2 with Satterthwaite's
degrees of freedom keeps its error rate with as few as ten clusters; CR1 with a t of m - 1 does not.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, groups_of, level_of
from exojoint.evidence.inference import Coefficients, Test, f_test
from exojoint.evidence.multilevel.fit import MultilevelResult
from exojoint.evidence.multilevel.likelihood import evaluate, weights

Array = NDArray[np.float64]
KINDS = ("CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3")
FEW_DF = 4.0  # below this Satterthwaite's p values are too small (Tipton 2015)


@dataclass(frozen=True, slots=True)
class RobustResult:
    """Coefficients with a cluster-robust covariance.

    Parameters
    ----------
    coefficients : Coefficients
        With robust covariance and its degrees of freedom.
    kind : str
        ``CR2`` ...
    clusters : int
        Number of clusters, m.
    influence : (m, p, k)
        Linear forms ``G_c`` with ``V = sum_c (G_c y)(G_c y)'``; for joint tests.
    working : (k, k)
        Working covariance under which degrees of freedom are worked out.
    warnings : tuple of str
        E.g. too few degrees of freedom.
    """

    coefficients: Coefficients
    kind: str
    clusters: int
    influence: Array
    working: Array
    warnings: tuple[str, ...] = ()

    def test(self, names: Sequence[str | int]) -> Test:
        """Joint test that the named coefficients are zero (HTZ: Hotelling's T2 with estimated degrees of freedom).

        Parameters
        ----------
        names : sequence
            Names or positions of coefficients.

        References
        ----------
        Tipton E, Pustejovsky JE. J Educ Behav Stat 2015;40:604-634.
        """
        rows = [self.coefficients.index(name) for name in names]
        q = len(rows)
        b, v = self.coefficients.values[rows], self.coefficients.covariance[np.ix_(rows, rows)]
        forms = self.influence[:, rows, :]
        expected = np.einsum("cik,kl,cjl->ij", forms, self.working, forms)
        values, vectors = np.linalg.eigh(expected)
        half = vectors @ np.diag(values**-0.5) @ vectors.T
        scaled = np.einsum("ij,cjk->cik", half, forms)
        cross = np.einsum("cik,kl,djl->cdij", scaled, self.working, scaled)
        traces = np.einsum("cdii->cd", cross)
        spread = float((traces**2).sum() + np.einsum("cdij,cdji->", cross, cross))
        eta = q * (q + 1) / spread
        statistic = float(b @ np.linalg.solve(v, b))
        df2 = eta - q + 1
        return (
            f_test("HTZ", statistic * df2 / (eta * q), q, df2) if df2 > 0 else Test("HTZ", math.nan, q, math.nan, df2)
        )


def robust(
    result: MultilevelResult, cluster: Sequence[Hashable] | NDArray[np.generic], *, kind: str = "CR2",
    level: float = 0.95,
) -> RobustResult:  # fmt: skip
    """Cluster-robust coefficients of a fitted multilevel model.

    Parameters
    ----------
    result : MultilevelResult
        The fit; its marginal covariance is the working model and its inverse the weights.
    cluster : (k,)
        Independent units: studies, laboratories, animals. They must contain everything that the model correlates.
    kind : str
        ``CR0``; ``CR1`` (times m/(m-1), judged by t(m-1)); ``CR1p`` (times m/(m-p), judged by t(m-p): what R's metafor
        calls robust); ``CR1S`` (times m(k-1)/((m-1)(k-p)), t(m-1)); ``CR2`` and ``CR3`` (Satterthwaite).
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        When clusters are correlated by the model, or there are not more clusters than coefficients.

    References
    ----------
    Pustejovsky JE, Tipton E. J Bus Econ Stat 2018;36:672-683.
    """
    model = result.model
    at = evaluate(model, result.theta)
    group = groups_of(cluster, model.y.size, "cluster")
    working = model.marginal(result.theta)
    if at is None or bool((np.abs(working[group[:, None] != group[None, :]]) > 1e-12).any()):
        todo = "Cluster by the outermost level of the model."
        raise InputError(
            Problem("cluster", "effects of different clusters are correlated", "independent clusters", todo)
        )
    return sandwich(model.y, model.x, model.names, weights(model, at), working, group, kind=kind, level=level)


def sandwich(
    y: Array, x: Array, names: tuple[str, ...], weight: Array, working: Array, group: NDArray[np.int64], *,
    kind: str = "CR2", level: float = 0.95,
) -> RobustResult:  # fmt: skip
    """Weighted least squares with a cluster-robust covariance.

    Parameters
    ----------
    y : (k,)
        Effects.
    x : (k, p)
        Design.
    names : tuple of str
        Of its columns.
    weight : (k, k)
        Weight matrix, block-diagonal by cluster.
    working : (k, k)
        Working covariance, block-diagonal by cluster.
    group : (k,) int
        Cluster of each effect, 0 to m - 1.
    kind, level
        As in `robust`.

    Raises
    ------
    InputError
        When there are not more clusters than coefficients.
    """
    kind, level = choose(kind, KINDS, "kind"), level_of(level)
    (k, p), m = x.shape, int(group.max()) + 1
    if m <= p:
        todo = "Use fewer moderators or the model's own standard errors."
        raise InputError(
            Problem("cluster", f"{m} clusters for {p} coefficients", "more clusters than coefficients", todo)
        )
    wx = weight @ x
    bread = np.asarray(np.linalg.inv(x.T @ wx), dtype=np.float64)
    beta = bread @ (wx.T @ y)
    maker = np.eye(k) - x @ bread @ wx.T  # residual maker
    influence = np.empty((m, p, k))
    for c in range(m):
        rows = np.flatnonzero(group == c)
        adjust = _adjustment(kind, maker[rows], working, rows)
        influence[c] = bread @ wx[rows].T @ adjust @ maker[rows]
    scores = influence @ y
    factor = {"CR1": m / (m - 1), "CR1p": m / (m - p), "CR1S": (m * (k - 1)) / ((m - 1) * (k - p))}.get(kind, 1.0)
    covariance = factor * scores.T @ scores
    usual = np.full(p, float(m - p if kind == "CR1p" else m - 1))
    df = _satterthwaite(influence, working) if kind in ("CR2", "CR3") else usual
    low = [name for name, value in zip(names, df, strict=True) if value < FEW_DF]
    warnings = (f"fewer than 4 degrees of freedom for {', '.join(low)}: p values are too small",) if low else ()
    coefficients = Coefficients(names, beta, np.asarray(covariance), df, level)
    return RobustResult(coefficients, kind, m, influence, working, warnings)


def _adjustment(kind: str, maker_rows: Array, working: Array, rows: NDArray[np.int64]) -> Array:
    """Matrix A that multiplies a cluster's residuals so that their squares are unbiased under the working model."""
    if kind not in ("CR2", "CR3"):
        return np.eye(rows.size)
    if kind == "CR3":
        return np.asarray(np.linalg.pinv(maker_rows[:, rows]), dtype=np.float64)
    block = working[np.ix_(rows, rows)]
    lower = np.linalg.cholesky(block)
    inner = lower.T @ (maker_rows @ working @ maker_rows.T) @ lower
    values, vectors = np.linalg.eigh(inner)
    keep = values > 1e-10 * max(float(values.max()), 1e-300)
    root = vectors[:, keep] @ np.diag(values[keep] ** -0.5) @ vectors[:, keep].T
    return np.asarray(lower @ root @ lower.T, dtype=np.float64)


def _satterthwaite(influence: Array, working: Array) -> Array:
    """Degrees of freedom of each coefficient: ``(sum P_cc)^2 / sum P_cd^2`` with ``P_cd = g_c' Phi g_d``."""
    p = influence.shape[1]
    df = np.empty(p)
    for j in range(p):
        forms = influence[:, j, :]
        matrix = forms @ working @ forms.T
        df[j] = np.trace(matrix) ** 2 / float((matrix**2).sum())
    return df
