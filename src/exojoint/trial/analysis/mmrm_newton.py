"""The search for the covariance parameters of an MMRM: Newton's method with exact second derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.trial.analysis.mmrm_criterion import Curvature, Evaluation, curvature, evaluate
from exojoint.trial.analysis.mmrm_moments import Moments, triangle
from exojoint.trial.analysis.mmrm_structures import Covariance, Structure, covariance

FloatArray = NDArray[np.float64]

# Numerical settings of the search, in units of minus twice the log-likelihood or of log standard deviation.
DECREMENT_TOLERANCE = 1e-11  # expected further gain at which the search ends
STALLED_TOLERANCE = 1e-6  # the same where rounding hides any gain
ITERATION_LIMIT = 60
HALVINGS = 40
SUFFICIENT_GAIN = 1e-4  # share of the expected gain a step must achieve (Armijo)
ROUNDING = 1e-12  # relative rounding of the criterion, tolerated in the comparison of two values
LONGEST_STEP = 2.0  # of a log standard deviation
# Least curvature, relative to the expected information, at which parameters count as determined by the data.
LEAST_INFORMATION = 1e-6
# Least share of a visit's variance left unexplained by the other visits; below it Sigma is singular.
LEAST_CONDITIONAL_VARIANCE = 1e-9
LEAST_VARIANCE = 1e-12  # of a visit, in units of the residual variance; below it a visit has none

_NOT_POSITIVE = Problem(
    "covariance parameters", "give a matrix that is not positive definite", "theta of a fit", "Leave `start` out."
)


class Outcome(IntEnum):
    """How a fit ended. Only `ok` counts as converged."""

    ok = 0
    iteration_limit = 1
    no_descent = 2  # no step along the Newton direction improves the likelihood
    not_identified = 3  # the likelihood is flat in some covariance parameter
    boundary = 4  # a variance went to zero or a correlation to one
    perfect_fit = 5  # the fixed effects reproduce the data; nothing is left to estimate a covariance from
    no_data = 6


@dataclass(frozen=True, slots=True)
class Search:
    """Where a search ended.

    Attributes
    ----------
    theta : (g * q,), parameters of all groups' matrices, group after group.
    covariances : matrix and derivatives per group.
    at : criterion at `theta`.
    change : (g * q, p, p), change of X' W X with each parameter.
    hessian : (g * q, g * q) of the criterion.
    outcome, iterations : how and when it ended.
    """

    theta: FloatArray
    covariances: tuple[Covariance, ...]
    at: Evaluation
    change: FloatArray
    hessian: FloatArray
    outcome: Outcome
    iterations: int


@dataclass(frozen=True, slots=True)
class _Point:
    theta: FloatArray
    covariances: tuple[Covariance, ...]
    at: Evaluation


def search(moments: Moments, structure: Structure, start: FloatArray, reml: bool) -> Search:
    """Minimise minus twice the log-likelihood from `start` (groups * q,)."""
    here = _point(moments, structure, start, int(moments.group.max()) + 1, reml)
    if here is None:
        raise InputError(_NOT_POSITIVE)
    outcome = Outcome.iteration_limit
    gradient, hessian, change = _local(moments, here, reml)
    iteration = 0
    while iteration < ITERATION_LIMIT:
        iteration += 1
        step = _shortened(_step(gradient, *hessian), structure.n_sd(moments.seen.shape[1]), len(here.covariances))
        decrement = float(-gradient @ step)
        there = _along(moments, structure, here, step, decrement, reml)
        if there is None:
            outcome = Outcome.no_descent
            break
        stalled = there.at.value >= here.at.value - ROUNDING * (1.0 + abs(here.at.value))
        here = there
        gradient, hessian, change = _local(moments, here, reml)
        if _singular(here.covariances):
            outcome = Outcome.boundary
            break
        if decrement < (STALLED_TOLERANCE if stalled else DECREMENT_TOLERANCE):
            outcome = Outcome.ok
            break
    if outcome != Outcome.boundary and not _determined(*hessian):
        outcome = Outcome.not_identified
    return Search(here.theta, here.covariances, here.at, change, hessian[0], outcome, iteration)


def describe(moments: Moments, structure: Structure, theta: FloatArray, reml: bool) -> Search:
    """Take `theta` (groups * q,) as it is, without a search; its outcome says that nobody searched."""
    here = _point(moments, structure, theta, int(moments.group.max()) + 1, reml)
    if here is None:
        raise InputError(_NOT_POSITIVE)
    _, hessian, change = _local(moments, here, reml)
    return Search(here.theta, here.covariances, here.at, change, hessian[0], Outcome.iteration_limit, 0)


def _point(moments: Moments, structure: Structure, theta: FloatArray, n_groups: int, reml: bool) -> _Point | None:
    covariances = tuple(covariance(structure, t, moments.seen.shape[1]) for t in theta.reshape(n_groups, -1))
    sigma = np.stack([c.sigma for c in covariances])
    at = evaluate(moments, sigma, reml) if np.all(np.isfinite(sigma)) else None
    return None if at is None else _Point(theta, covariances, at)


def _local(moments: Moments, here: _Point, reml: bool) -> tuple[FloatArray, tuple[FloatArray, FloatArray], FloatArray]:
    """Gradient, (exact, expected) Hessian and change of the normal equations, all by theta."""
    bent: Curvature = curvature(moments, here.at, reml)
    by_theta = sigma_by_theta(here.covariances)
    gradient = np.concatenate(
        [np.tensordot(c.first, g, 2) for c, g in zip(here.covariances, here.at.gradient, strict=True)]
    )
    exact = by_theta.T @ bent.exact @ by_theta
    q = len(here.covariances[0].first)
    for i, (c, g) in enumerate(zip(here.covariances, here.at.gradient, strict=True)):
        exact[i * q : (i + 1) * q, i * q : (i + 1) * q] += np.tensordot(c.second, g, 2)
    change = np.tensordot(by_theta.T, bent.normal_change, 1)
    return gradient, (exact, by_theta.T @ bent.expected @ by_theta), change


def sigma_by_theta(covariances: tuple[Covariance, ...]) -> FloatArray:
    """Derivative of the distinct elements of every group's Sigma by theta -> (g * v (v + 1) / 2, g * q)."""
    rows, columns = triangle(covariances[0].sigma.shape[0])
    q, size = len(covariances[0].first), len(rows)
    table = np.zeros((len(covariances) * size, len(covariances) * q))
    for i, c in enumerate(covariances):
        table[i * size : (i + 1) * size, i * q : (i + 1) * q] = c.first[:, rows, columns].T
    return table


def _step(gradient: FloatArray, exact: FloatArray, expected: FloatArray) -> FloatArray:
    """Newton's step where the curvature is positive, else the scoring step."""
    unit = _information_unit(expected)
    scaled_gradient = gradient / unit
    by_unit = np.outer(unit, unit)
    try:
        lower = np.linalg.cholesky(exact / by_unit)
    except np.linalg.LinAlgError:
        ridge = LEAST_INFORMATION * np.eye(len(unit))
        lower = np.linalg.cholesky(expected / by_unit + ridge)
    step: FloatArray = -np.linalg.solve(lower.T, np.linalg.solve(lower, scaled_gradient)) / unit
    return step


def _shortened(step: FloatArray, n_sd: int, n_groups: int) -> FloatArray:
    """Scale a step down until no log standard deviation moves further than the limit."""
    longest = float(np.abs(step.reshape(n_groups, -1)[:, :n_sd]).max())
    return step * min(1.0, LONGEST_STEP / max(longest, LONGEST_STEP))


def _information_unit(expected: FloatArray) -> FloatArray:
    """Square root of each parameter's expected information; one where there is none."""
    diagonal = np.diag(expected)
    return np.sqrt(np.where(diagonal > 0, diagonal, 1.0))


def _along(
    moments: Moments, structure: Structure, here: _Point, step: FloatArray, decrement: float, reml: bool
) -> _Point | None:
    """Go along the step, halving it until the criterion falls enough."""
    length = 1.0
    for _ in range(HALVINGS):
        there = _point(moments, structure, here.theta + length * step, len(here.covariances), reml)
        allowed = here.at.value - SUFFICIENT_GAIN * length * decrement + ROUNDING * (1.0 + abs(here.at.value))
        if there is not None and there.at.value <= allowed:
            return there
        length *= 0.5
    return None


def _determined(exact: FloatArray, expected: FloatArray) -> bool:
    """Tell whether no combination of parameters has a curvature far below what complete knowledge would give it."""
    by_unit = np.outer(_information_unit(expected), _information_unit(expected))
    try:
        lower = np.linalg.cholesky(expected / by_unit)
    except np.linalg.LinAlgError:
        return False
    half = np.linalg.solve(lower, exact / by_unit)
    share = np.linalg.eigvalsh(np.linalg.solve(lower, half.T))
    return bool(share[0] > LEAST_INFORMATION)


def _singular(covariances: tuple[Covariance, ...]) -> bool:
    for c in covariances:
        variance = np.diag(c.sigma)
        try:
            conditional = np.diag(np.linalg.cholesky(c.sigma)) ** 2
        except np.linalg.LinAlgError:  # every pattern seen is positive definite, the whole is not
            return True
        if np.any(conditional < LEAST_CONDITIONAL_VARIANCE * variance) or np.any(variance < LEAST_VARIANCE):
            return True
    return False
