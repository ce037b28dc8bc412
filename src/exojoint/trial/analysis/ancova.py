"""One visit, one number per patient: arm against control, adjusted for baseline (ANCOVA) or not.

Patients without the outcome are left out; where visits are missed, the MMRM (`mmrm_trial.py`) says more. Robust
standard errors: MacKinnon and White 1985, J Econom 29:305.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from exojoint.core.errors import InputError, Problem
from exojoint.trial.analysis.mmrm_data import check_word
from exojoint.trial.analysis.mmrm_design import PERFECT_FIT_TOLERANCE, independent_columns

FloatArray = NDArray[np.float64]

# How much a squared residual counts, given leverage h, patients n and columns p; `classic` pools all residuals.
_WEIGHTS: Mapping[str, Callable[[FloatArray, int, int], FloatArray]] = MappingProxyType(
    {
        "HC0": lambda h, _n, _p: np.ones_like(h),
        "HC1": lambda h, n, p: np.full_like(h, n / (n - p)),
        "HC2": lambda h, _n, _p: 1.0 / (1.0 - h),
        "HC3": lambda h, _n, _p: 1.0 / (1.0 - h) ** 2,
    }
)
VARIANCES = ("classic", *_WEIGHTS)


class Difference(NamedTuple):
    """One arm less control, in units of the outcome. NaN where the data cannot give it."""

    arm: object
    estimate: float
    se: float
    df: float
    t: float
    p: float
    lo: float
    hi: float
    n: int
    n_control: int


def ancova(
    y: ArrayLike,
    arm: ArrayLike,
    baseline: ArrayLike | None = None,
    *,
    control: object = 0,
    covariates: ArrayLike | None = None,
    variance: str = "classic",
    level: float = 0.95,
) -> tuple[Difference, ...]:
    """Compare every arm with control at one visit by least squares.

    Parameters
    ----------
    y : (n,) outcome, for example change from baseline; NaN where it was missed.
    arm : (n,) labels.
    baseline : (n,); covariates : (n, c). A patient who lacks one is left out.
    variance : `classic` (one residual variance) or robust: `HC0`, `HC1`, `HC2`, `HC3`.

    Returns
    -------
    tuple of Difference
        One per arm that is not control, in the order of the labels; t with n - p degrees of freedom.

    Raises
    ------
    InputError
        For shapes that differ, an unknown control or an unknown variance.
    """
    check_word(variance, VARIANCES, "variance")
    outcome, side, numbers = _checked(y, arm, baseline, covariates, control)
    arms = [label for label in np.unique(side).tolist() if label != control]
    used = np.isfinite(outcome) & np.isfinite(numbers).all(axis=1)
    outcome, side, numbers = outcome[used], side[used], numbers[used]
    X = np.column_stack([*(side == label for label in arms), np.ones(len(side)), numbers]).astype(float)
    kept = independent_columns(np.roll(X, -len(arms), axis=1)) if len(X) else np.zeros(0, dtype=np.int64)
    kept = (kept + len(arms)) % X.shape[1]  # covariates come first: an arm that repeats them is what cannot be told
    beta, cov, df = _least_squares(outcome, X[:, kept], variance)
    place = {int(column): i for i, column in enumerate(kept)}
    n_control = int(np.sum(side == control))
    found = []
    for j, label in enumerate(arms):
        n, i = int(np.sum(side == label)), place.get(j)
        usable = i is not None and n > 0 and n_control > 0
        estimate, se = (beta[i], np.sqrt(cov[i, i])) if usable else (np.nan, np.nan)
        found.append(_difference(label, float(estimate), float(se), df, level, n, n_control))
    return tuple(found)


def difference_in_means(
    y: ArrayLike, arm: ArrayLike, *, control: object = 0, equal_variances: bool = False, level: float = 0.95
) -> tuple[Difference, ...]:
    """Compare the mean of every arm with control's, by Welch's t (or Student's with `equal_variances`)."""
    outcome, side, _ = _checked(y, arm, None, None, control)
    used = np.isfinite(outcome)
    groups = {label: outcome[used & (side == label)] for label in np.unique(side).tolist()}
    base = groups.pop(control)
    found = []
    for label, group in groups.items():
        estimate = float(group.mean() - base.mean()) if len(group) and len(base) else np.nan
        se, df = _two_sample_error(group, base, equal_variances)
        found.append(_difference(label, estimate, se, df, level, len(group), len(base)))
    return tuple(found)


def _two_sample_error(group: FloatArray, base: FloatArray, equal_variances: bool) -> tuple[float, float]:
    """Standard error of the difference of two means, and its degrees of freedom."""
    n, n0 = len(group), len(base)
    if min(n, n0) < 2:
        return np.nan, np.nan
    var, var0 = float(group.var(ddof=1)), float(base.var(ddof=1))
    if equal_variances:
        pooled = ((n - 1) * var + (n0 - 1) * var0) / (n + n0 - 2)
        return float(np.sqrt(pooled * (1.0 / n + 1.0 / n0))), float(n + n0 - 2)
    squared = var / n + var0 / n0
    spread = (var / n) ** 2 / (n - 1) + (var0 / n0) ** 2 / (n0 - 1)
    return float(np.sqrt(squared)), squared**2 / spread if spread > 0 else np.nan


def _least_squares(y: FloatArray, X: FloatArray, variance: str) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients, their covariance and the residual degrees of freedom; NaN covariance without residuals."""
    n, p = X.shape
    if n <= p:
        return np.full(p, np.nan), np.full((p, p), np.nan), np.nan
    q, r = np.linalg.qr(X)
    back = np.linalg.solve(r, np.eye(p))
    beta = back @ (q.T @ y)
    residual = y - X @ beta
    if np.linalg.norm(residual) <= PERFECT_FIT_TOLERANCE * np.linalg.norm(y):
        return beta, np.full((p, p), np.nan), float(n - p)
    if variance == "classic":
        return beta, back @ back.T * (residual @ residual / (n - p)), float(n - p)
    leverage = np.minimum((q**2).sum(axis=1), 1.0 - np.finfo(float).eps)
    meat = q * (residual**2 * _WEIGHTS[variance](leverage, n, p))[:, None]
    return beta, back @ (q.T @ meat) @ back.T, float(n - p)


def _difference(
    label: object, estimate: float, se: float, df: float, level: float, n: int, n_control: int
) -> Difference:
    t = estimate / se if se > 0 else np.nan
    p = float(2.0 * special.stdtr(df, -abs(t)))
    half = float(special.stdtrit(df, 0.5 + 0.5 * level)) * se
    return Difference(label, estimate, se, df, t, p, estimate - half, estimate + half, n, n_control)


def _checked(
    y: ArrayLike, arm: ArrayLike, baseline: ArrayLike | None, covariates: ArrayLike | None, control: object
) -> tuple[FloatArray, NDArray[np.generic], FloatArray]:
    outcome, side = np.asarray(y, dtype=float), np.asarray(arm)
    parts = [] if baseline is None else [np.asarray(baseline, dtype=float)[:, None]]
    if covariates is not None:
        parts.append(np.asarray(covariates, dtype=float))
    problems = [
        Problem(f"arms compared: {name}", f"has {length} entries", f"{len(outcome)}, one per patient")
        for name, length in (("arm", len(side)), *(("covariates", len(part)) for part in parts))
        if length != len(outcome)
    ]
    if control not in np.unique(side).tolist():
        problems.append(Problem("arms compared: control", f"no patient is in arm {control!r}", "a label of `arm`"))
    if problems:
        raise InputError(*problems)
    return outcome, side, np.column_stack([np.zeros((len(outcome), 0)), *parts])
