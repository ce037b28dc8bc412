"""Standard errors and degrees of freedom of an MMRM when the covariance of the visits is itself estimated.

Satterthwaite: Giesbrecht and Burns 1985, Biometrics 41:477; several contrasts at once: Fai and Cornelius 1996, J Stat
Comput Simul 54:363. Kenward and Roger 1997, Biometrics 53:983; `kenward-roger-linear` takes Sigma as linear in its
parameters, which is exact for complete data and what SAS does for `us`. In all, the covariance of the covariance
parameters is the inverse of the observed information (as in the R package mmrm).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from exojoint.trial.analysis.mmrm_criterion import normal_equations
from exojoint.trial.analysis.mmrm_moments import Moments
from exojoint.trial.analysis.mmrm_newton import Search

FloatArray = NDArray[np.float64]

# Numerical: share of the largest variance below which a row of a joint test repeats the others.
REDUNDANT = 1e-10
METHODS = ("satterthwaite", "kenward-roger", "kenward-roger-linear", "residual")


class Contrast(NamedTuple):
    """One linear combination of fixed effects, tested against zero. NaN where it cannot be estimated."""

    estimate: float
    se: float
    df: float
    t: float
    p: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Give the two-sided confidence interval at `level`."""
        half = float(special.stdtrit(self.df, 0.5 + 0.5 * level)) * self.se
        return self.estimate - half, self.estimate + half


class JointTest(NamedTuple):
    """Several linear combinations tested against zero at once."""

    estimate: FloatArray
    df_numerator: int
    df: float
    f: float
    p: float


@dataclass(frozen=True, slots=True)
class Inference:
    """What contrasts need beside the estimates.

    Attributes
    ----------
    method : one of `METHODS`.
    cov : (p, p), covariance of the kept fixed effects, as if Sigma were known.
    adjusted : (p, p), the same with Kenward and Roger's correction, else equal to `cov`.
    cov_change : (q, p, p), derivative of `cov` by each covariance parameter.
    cov_theta : (q, q), covariance of the covariance parameters.
    residual_df : observations less fixed effects.
    """

    method: str
    cov: FloatArray
    adjusted: FloatArray
    cov_change: FloatArray
    cov_theta: FloatArray
    residual_df: int


def infer(method: str, moments: Moments, end: Search, back: FloatArray, residual_df: int) -> Inference:
    """Build the inference from the end of a search; `back` (p, p) leads to the caller's coefficients and units."""
    cov = end.at.cov
    change = -cov @ end.change @ cov
    cov_theta = np.asarray(np.linalg.pinv(0.5 * end.hessian, hermitian=True), dtype=np.float64)
    adjusted = cov
    if method.startswith("kenward-roger"):
        adjusted = cov + 2.0 * _kenward_roger(moments, end, cov_theta, method.endswith("linear"))
    return Inference(
        method, back @ cov @ back.T, back @ adjusted @ back.T, back @ change @ back.T, cov_theta, residual_df
    )


def _kenward_roger(moments: Moments, end: Search, cov_theta: FloatArray, linear: bool) -> FloatArray:
    """Half of what estimating Sigma adds to the covariance of the fixed effects."""
    q = len(end.covariances[0].first)
    wobble = np.empty_like(end.at.precision)
    for g, c in enumerate(end.covariances):
        mine = moments.group == g
        w = end.at.precision[mine]
        own = cov_theta[g * q : (g + 1) * q, g * q : (g + 1) * q]
        product = np.einsum("iab,ij,sbc,jcd->sad", c.first, own, w, c.first, optimize=True)
        bend = 0.0 if linear else 0.25 * np.tensordot(own, c.second, 2)
        wobble[mine] = w @ (product - bend) @ w
    p = moments.n_columns - 1
    cov = end.at.cov
    middle = normal_equations(moments, wobble)[:p, :p]
    middle = middle - np.einsum("iab,ij,bc,jcd->ad", end.change, cov_theta, cov, end.change, optimize=True)
    result: FloatArray = cov @ (0.5 * (middle + middle.T)) @ cov
    return result


def single(inference: Inference, coefficients: FloatArray, row: FloatArray) -> Contrast:
    """Test one combination `row` (p,) of the kept fixed effects."""
    estimate = float(row @ coefficients)
    se = float(np.sqrt(max(float(row @ inference.adjusted @ row), 0.0)))
    df = _single_df(inference, row)
    t = estimate / se if se > 0 else np.nan
    return Contrast(estimate, se, df, t, two_sided_p(t, df))


def _single_df(inference: Inference, row: FloatArray) -> float:
    if inference.method == "residual":
        return float(inference.residual_df)
    variance = float(row @ inference.cov @ row)
    slope = (inference.cov_change @ row) @ row
    wobble = float(slope @ inference.cov_theta @ slope)
    return 2.0 * variance**2 / wobble if wobble > 0 else np.nan


def two_sided_p(t: float, df: float) -> float:
    """Probability of a t at least this far from zero; NaN in, NaN out."""
    return float(2.0 * special.stdtr(df, -abs(t)))


def joint(inference: Inference, coefficients: FloatArray, rows: FloatArray) -> JointTest:
    """Test several combinations `rows` (k, p) of the kept fixed effects at once."""
    estimate = rows @ coefficients
    root = np.linalg.svd(rows @ inference.adjusted @ rows.T)[1]
    rank = int(np.sum(root > float(root[0]) * REDUNDANT))
    if rank == 0 or rank < len(rows):
        return JointTest(estimate, rank, np.nan, np.nan, np.nan)
    wald = float(estimate @ np.linalg.solve(rows @ inference.adjusted @ rows.T, estimate)) / rank
    if inference.method.startswith("kenward-roger"):
        share, df = _kenward_roger_f(inference, rows)
        wald *= share
    elif inference.method == "residual":
        df = float(inference.residual_df)
    else:
        df = _fai_cornelius(inference, rows)
    p = special.fdtrc(float(rank), df, wald)
    return JointTest(estimate, rank, df, wald, float(p))


def _fai_cornelius(inference: Inference, rows: FloatArray) -> float:
    """Match the mean of a sum of independent squared t to that of an F."""
    _, directions = np.linalg.eigh(rows @ inference.cov @ rows.T)
    each = np.array([_single_df(inference, direction @ rows) for direction in directions.T])
    if np.allclose(each, each[0], rtol=1e-8):
        return float(each[0])
    if np.any(each <= 2.0):
        return 2.0
    mean = float(np.sum(each / (each - 2.0)))
    return 2.0 * mean / (mean - len(each))


def _kenward_roger_f(inference: Inference, rows: FloatArray) -> tuple[float, float]:
    """Scale and denominator degrees of freedom of the F statistic."""
    k = len(rows)
    m = rows.T @ np.linalg.solve(rows @ inference.cov @ rows.T, rows)
    turned = m @ inference.cov_change
    trace = np.trace(turned, axis1=1, axis2=2)
    a1 = float(trace @ inference.cov_theta @ trace)
    a2 = float(np.sum(inference.cov_theta * np.einsum("iab,jba->ij", turned, turned)))
    b = (a1 + 6.0 * a2) / (2.0 * k)
    g = ((k + 1) * a1 - (k + 4) * a2) / ((k + 2) * a2)
    below = 3.0 * k + 2.0 * (1.0 - g)
    c1, c2, c3 = g / below, (k - g) / below, (k + 2 - g) / below
    mean = 1.0 / (1.0 - a2 / k)
    variance = 2.0 / k * (1.0 + c1 * b) / ((1.0 - c2 * b) ** 2 * (1.0 - c3 * b))
    rho = variance / (2.0 * mean**2)
    df = 4.0 + (k + 2.0) / (k * rho - 1.0)
    return df / (mean * (df - 2.0)), df
