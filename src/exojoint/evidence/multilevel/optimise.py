"""Highest (restricted) likelihood of a multilevel model, by Fisher scoring from several starting points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from exojoint.evidence.climb import MOST_STEPS, Bounds, Top, climb
from exojoint.evidence.multilevel.likelihood import Evaluation, Model, evaluate, gradient
from exojoint.evidence.multilevel.terms import Term

Array = NDArray[np.float64]
# Starting points, as (times a typical size, correlation): few likelihoods of variances have more than one maximum, but
# with a correlation a zero variance can be a trap.
STARTS = ((1.0, 0.5), (0.05, 0.0), (8.0, 0.5))
STARTS_WITH_RHO = (*STARTS, (1.0, -0.5), (1.0, 0.95), (1.0, -0.95))
MOST_SIGNED = 4  # random effects whose signs are varied: as many more starting points, less one
FIRST_STEPS, FINISHED = 12, 2  # from every start these many steps; then the best two go on to the end
BAD = 1e10  # of a minimised likelihood where the covariance is not positive definite
SMALLEST_LOAD = 1e-100  # squared loadings below this mean that a random effect touches nothing


@dataclass(frozen=True, slots=True)
class Optimum:
    """Variance parameters of highest likelihood.

    Parameters
    ----------
    theta : (t,)
        Parameters.
    at : Evaluation
        The model there.
    converged : bool
        Whether the gradient vanishes there (or points out of a bound).
    """

    theta: Array
    at: Evaluation
    converged: bool


def scales(model: Model) -> Array:
    """Typical size of each parameter: residual and sampling variance over squared loadings; 1 for correlations."""
    beta = np.linalg.lstsq(model.x, model.y, rcond=None)[0]
    spread = (model.y - model.x @ beta) ** 2 + np.diag(model.v)
    sizes: list[float] = []
    for term in model.terms:
        variances = []
        for column in term.loadings.T:
            load = float((column**2).sum())
            total = float(spread[column != 0].sum())
            variances.append(total / load if load > SMALLEST_LOAD else float(spread.mean()))
        if term.by_cholesky:
            sizes += [float(np.sqrt(variances[row])) for row in np.tril_indices(term.size)[0]]
            continue
        sizes += [float(np.sqrt(v)) for v in variances] if term.by_sd else [float(np.mean(variances))]
        sizes += [1.0] * term.has_rho
    return np.array(sizes)


def maximise(model: Model, fixed: dict[int, float] | None = None, start: Array | None = None) -> Optimum:
    """Maximise the likelihood, some parameters held at given values.

    Parameters
    ----------
    model : Model
    fixed : dict, optional
        Value by position of the parameters that stay where they are.
    start : (t,), optional
        One starting point; several standard ones when left out.

    Raises
    ------
    numpy.linalg.LinAlgError
        When no starting point has a positive definite covariance.
    """
    if not model.terms:
        at = evaluate(model, np.zeros(0))
        if at is None:
            raise np.linalg.LinAlgError("the sampling covariance is not positive definite")
        return Optimum(np.zeros(0), at, True)
    fixed = fixed or {}
    size = scales(model)
    bounds = [bound for term in model.terms for bound in term.bounds()]
    search = any(term.by_cholesky for term in model.terms)

    def ascend(theta: Array, steps: int) -> Top | None:
        height, information = (lambda t: _height(model, t)), (lambda t: _information(model, t))
        return climb(height, information, theta, size, bounds, tuple(fixed), steps)

    tops: list[Top] = []
    for first in [start] if start is not None else _starts(model, size):
        theta = np.array(first, dtype=np.float64)
        theta[list(fixed)] = list(fixed.values())
        top = ascend(_searched(model, theta, size, bounds, list(fixed)) if search else theta, FIRST_STEPS)
        if top is not None:
            tops.append(top)
    tops.sort(key=lambda top: -top.value)
    finished = [top for top in (ascend(top.theta, MOST_STEPS) for top in tops[:FINISHED]) if top is not None]
    best = max(finished, key=lambda top: top.value, default=None)
    at = None if best is None else evaluate(model, best.theta)
    if best is None or at is None:
        raise np.linalg.LinAlgError("no starting point has a positive definite covariance")
    return Optimum(best.theta, at, best.converged)


def _starts(model: Model, size: Array) -> list[Array]:
    """Standard starting points; free matrices of three and more effects also start with mixed signs of correlation."""
    parts = list(zip(model.terms, model.split(size), strict=True))
    free = max((term.size for term in model.terms if term.by_cholesky), default=0)
    points = STARTS_WITH_RHO if any(term.has_rho for term in model.terms) else STARTS
    starts = [np.concatenate([term.start(part, factor, rho) for term, part in parts]) for factor, rho in points]
    for term, part in parts:  # one random effect that hardly varies, strongly correlated with the others
        if term.has_rho and term.by_sd:
            starts += [_small(parts, term, part, level) for level in range(min(term.size, MOST_SIGNED))]
    for last in range(1, min(free, MOST_SIGNED)):
        signs = [np.where(np.arange(term.size) == last, -1.0, 1.0) for term in model.terms]
        found = [term.start(part, 1.0, 0.9, sign) for (term, part), sign in zip(parts, signs, strict=True)]
        starts.append(np.concatenate(found))
    return starts


def _small(parts: list[tuple[Term, Array]], changed: Term, sizes: Array, level: int) -> Array:
    """Starting point at which one standard deviation of one term is a tenth of the others."""
    ranked = sizes.copy()
    ranked[level] *= 0.1
    return np.concatenate([
        term.start(ranked if term is changed else part, 1.0, 0.95 if term is changed else 0.5) for term, part in parts
    ])  # fmt: skip


def _searched(model: Model, theta: Array, size: Array, bounds: Bounds, fixed: list[int]) -> Array:
    """Quasi-Newton search, for matrices that may lose rank: scoring crawls along such a border."""

    def negative(part: Array) -> tuple[float, Array]:
        at = evaluate(model, part * size)
        if at is None:
            return BAD, np.zeros_like(part)
        slope = -gradient(model, part * size, at)[0] * size
        slope[fixed] = 0.0
        return -at.loglik, slope

    options = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-8}
    box = [(None if a is None else a / s, None if b is None else b / s) for (a, b), s in zip(bounds, size, strict=True)]
    # scipy-stubs does not know bounds with None, which scipy documents
    found = minimize(negative, theta / size, jac=True, method="L-BFGS-B", bounds=box, options=options)  # type: ignore[call-overload]
    return np.asarray(found.x * size, dtype=np.float64)


def _height(model: Model, theta: Array) -> tuple[float, Array] | None:
    at = evaluate(model, theta)
    return None if at is None else (at.loglik, gradient(model, theta, at)[0])


def _information(model: Model, theta: Array) -> Array:
    at = evaluate(model, theta)
    if at is None:  # cannot be: the climb asks only where it has a value
        return np.eye(theta.size)
    return gradient(model, theta, at, information=True)[1]
