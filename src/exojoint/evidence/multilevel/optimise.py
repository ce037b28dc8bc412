"""Highest (restricted) likelihood of a multilevel model, by Fisher scoring from several starting points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.evidence.climb import Top, climb
from exojoint.evidence.multilevel.likelihood import Evaluation, Model, evaluate, gradient

Array = NDArray[np.float64]
# Starting points, as (times a typical size, correlation): few likelihoods of variances have more than one maximum, but
# with a correlation a zero variance can be a trap.
STARTS = ((1.0, 0.5), (0.05, 0.0), (8.0, 0.5))
STARTS_WITH_RHO = (*STARTS, (1.0, -0.5), (1.0, 0.95), (1.0, -0.95))
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
    rho = np.array([name.startswith("rho.") for name in model.parameter_names])
    parts = zip(model.terms, model.split(size), strict=True)
    base = np.concatenate([term.start(part) for term, part in parts])
    points = STARTS_WITH_RHO if rho.any() else STARTS
    starts = [start] if start is not None else [np.where(rho, r, base * factor) for factor, r in points]
    best: Top | None = None
    for first in starts:
        theta = np.array(first, dtype=np.float64)
        theta[list(fixed)] = list(fixed.values())
        found = climb(lambda t: _height(model, t), lambda t: _information(model, t), theta, size, bounds, tuple(fixed))
        if found is not None and (best is None or found.value > best.value + 1e-9):
            best = found
    at = None if best is None else evaluate(model, best.theta)
    if best is None or at is None:
        raise np.linalg.LinAlgError("no starting point has a positive definite covariance")
    return Optimum(best.theta, at, best.converged)


def _height(model: Model, theta: Array) -> tuple[float, Array] | None:
    at = evaluate(model, theta)
    return None if at is None else (at.loglik, gradient(model, theta, at)[0])


def _information(model: Model, theta: Array) -> Array:
    at = evaluate(model, theta)
    if at is None:  # cannot be: the climb asks only where it has a value
        return np.eye(theta.size)
    return gradient(model, theta, at, information=True)[1]
