"""The mixed model for repeated measures: what a trial's visits say when some of them were missed.

Fixed effects are whatever the caller puts in X; the visits of one patient share a covariance matrix that is estimated
from the data, so that every observed visit counts and visits missing at random need no imputation.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.trial.analysis.mmrm_data import Rows, check_rows, check_start, check_word
from exojoint.trial.analysis.mmrm_design import Design, standardise
from exojoint.trial.analysis.mmrm_inference import METHODS, infer
from exojoint.trial.analysis.mmrm_moments import Moments, gather
from exojoint.trial.analysis.mmrm_newton import Outcome, Search, search
from exojoint.trial.analysis.mmrm_result import Convergence, DataUsed, MmrmFit
from exojoint.trial.analysis.mmrm_start import rough_covariance
from exojoint.trial.analysis.mmrm_structures import STRUCTURES

FloatArray = NDArray[np.float64]
Attempts = tuple[tuple[str, Outcome], ...]

# Tried in turn where the structure asked for cannot be estimated.
FALLBACK = ("toeph", "ar1h", "cs")


def fit_mmrm(
    y: ArrayLike,
    X: ArrayLike,
    subject: ArrayLike,
    visit: ArrayLike,
    *,
    covariance: str = "us",
    method: str = "satterthwaite",
    reml: bool = True,
    weights: ArrayLike | None = None,
    start: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    fallback: Sequence[str] = FALLBACK,
) -> MmrmFit:
    """Fit the mean and the visit covariance of a longitudinal outcome by (restricted) maximum likelihood.

    Parameters
    ----------
    y : (N,) outcome, one row per subject and visit; rows with NaN are visits that did not happen and are left out.
    X : (N, p) fixed effects, finite where y is observed.
    subject, visit : (N,) labels; visits are ordered by their labels.
    covariance : `us` (unstructured), `toeph`, `ar1h`, `csh`, `adh` (heterogeneous) or `toep`, `ar1`, `cs`, `ad`.
    method : degrees of freedom: `satterthwaite`, `kenward-roger`, `kenward-roger-linear` or `residual`.
    weights : (N,) positive; the variance of a row is divided by its weight.
    start : `theta` of an earlier fit of the same structure.
    groups : (N,) labels, constant within subject; each group has its own covariance matrix.
    fallback : structures tried in turn where `covariance` cannot be estimated; () for none.

    Returns
    -------
    MmrmFit
        Whatever the data: a fit that failed has `converged` False and says why in `convergence.outcome`.

    Raises
    ------
    InputError
        For lengths that differ, a subject seen twice at one visit, X not finite, or an unknown name.
    """
    names = _names(covariance, method, fallback)
    rows = check_rows(y, X, subject, visit, weights, groups)
    first = check_start(start, _n_theta(rows, names[0]))
    if len(rows.y) == 0:
        return _failed(rows, names[0], Outcome.no_data, None)
    root = np.sqrt(rows.weights)
    design = standardise(root * rows.y, root[:, None] * rows.X)
    if design.scale == 0.0:
        return _failed(rows, names[0], Outcome.perfect_fit, design)
    moments = gather(design.z, rows.subject, rows.visit, rows.group_of_subject)
    if first is not None:
        first = _shift(first, names[0], rows, -np.log(design.scale))
    end, attempts = _search(moments, names, reml, first)
    return assemble(rows, design, moments, end, attempts, method, reml)


def _names(covariance: str, method: str, fallback: Sequence[str]) -> tuple[str, ...]:
    """Give the structures to try, in order; refuse unknown names."""
    names = (covariance, *(f for f in fallback if f != covariance))
    for name in names:
        check_word(name, STRUCTURES, "covariance")
    check_word(method, METHODS, "method")
    return names


def _n_theta(rows: Rows, name: str) -> int:
    return rows.n_groups * STRUCTURES[name].n_theta(len(rows.visits)) if rows.visits else 0


def _shift(theta: FloatArray, name: str, rows: Rows, log_scale: float) -> FloatArray:
    """Change the unit of the outcome: only the log standard deviations notice."""
    n_sd = STRUCTURES[name].n_sd(len(rows.visits))
    shifted = theta.reshape(rows.n_groups, -1).copy()
    shifted[:, :n_sd] += log_scale
    return shifted.ravel()


def _search(moments: Moments, names: Sequence[str], reml: bool, start: FloatArray | None) -> tuple[Search, Attempts]:
    """Search the structures in turn until one converges; where none does, keep the first."""
    rough = rough_covariance(moments)
    ends: list[Search] = []
    for name in names:
        structure = STRUCTURES[name]
        if start is None or ends:
            start = np.concatenate([structure.start(sigma) for sigma in rough])
        ends.append(search(moments, structure, start, reml))
        if ends[-1].outcome == Outcome.ok:
            break
    attempts = tuple((name, end.outcome) for name, end in zip(names, ends, strict=False))
    return ends[-1] if ends[-1].outcome == Outcome.ok else ends[0], attempts


def assemble(
    rows: Rows, design: Design, moments: Moments, end: Search, attempts: Attempts, method: str, reml: bool
) -> MmrmFit:
    """Carry a search back to the caller's columns and units."""
    n, p = len(rows.y), len(design.kept)
    structure = next((name for name, outcome in attempts if outcome == Outcome.ok), attempts[0][0])
    back = design.scale * design.back
    inference = infer(method, moments, end, back, n - p)
    beta = np.full(rows.X.shape[1], np.nan)
    beta[design.kept] = design.least_squares + back @ end.at.coefficients
    cov = np.full((len(beta), len(beta)), np.nan)
    cov[np.ix_(design.kept, design.kept)] = inference.adjusted
    constants = (n - p if reml else n) * np.log(2.0 * np.pi * design.scale**2) - np.log(rows.weights).sum()
    if reml:
        constants -= 2.0 * design.log_volume
    sigma = design.scale**2 * np.stack([c.sigma for c in end.covariances])
    return MmrmFit(
        beta=beta,
        cov_beta=cov,
        theta=_shift(end.theta, structure, rows, np.log(design.scale)),
        sigma=sigma if rows.n_groups > 1 else sigma[0],
        loglik=-0.5 * float(end.at.value + constants),
        convergence=Convergence(end.outcome, structure, attempts, end.iterations),
        data=_used(rows, design),
        inference=inference,
    )


def _failed(rows: Rows, name: str, outcome: Outcome, design: Design | None) -> MmrmFit:
    """Nothing to estimate a covariance from: least squares where there is one, no standard errors."""
    p, v = rows.X.shape[1], len(rows.visits)
    beta = np.full(p, np.nan)
    if design is not None:
        beta[design.kept] = design.least_squares
    shape = (rows.n_groups, v, v) if rows.n_groups > 1 else (v, v)
    return MmrmFit(
        beta=beta,
        cov_beta=np.full((p, p), np.nan),
        theta=np.full(_n_theta(rows, name), np.nan),
        sigma=np.zeros(shape),
        loglik=np.nan,
        convergence=Convergence(outcome, name, ((name, outcome),), 0),
        data=_used(rows, design),
        inference=None,
    )


def _used(rows: Rows, design: Design | None) -> DataUsed:
    kept = np.zeros(0, dtype=np.int64) if design is None else design.kept
    aliased = np.arange(rows.X.shape[1]) if design is None else design.aliased
    combination = np.zeros((0, len(aliased))) if design is None else design.combination
    return DataUsed(len(rows.y), rows.n_subjects, rows.visits, kept, aliased, combination)
