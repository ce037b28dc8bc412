"""Highest (restricted) likelihood of a multilevel model: a quasi-Newton search, then scoring steps to the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from exojoint.evidence.multilevel.likelihood import Evaluation, Model, evaluate, gradient

Array = NDArray[np.float64]
# Starting points, as (times a typical size, correlation): few likelihoods of variances have more than one maximum, but
# with a correlation a zero variance can be a trap.
STARTS = ((1.0, 0.5), (0.05, 0.0), (8.0, 0.5))
STARTS_WITH_RHO = (*STARTS, (1.0, -0.5), (1.0, 0.95), (1.0, -0.95))
POLISH_STEPS = 50
SMALL_STEP = 1e-10  # relative; scoring ends here
SMALLEST_LOAD = 1e-100  # squared loadings below this mean that a random effect touches nothing
BAD = 1e10  # value of the objective where the covariance is not positive definite


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
    free = [i for i in range(size.size) if i not in fixed]
    rho = np.array([name.startswith("rho.") for name in model.parameter_names])
    parts = zip(model.terms, model.split(size), strict=True)
    base = np.concatenate([term.start(part) for term, part in parts])
    points = STARTS_WITH_RHO if rho.any() else STARTS
    starts = [start] if start is not None else [np.where(rho, r, base * factor) for factor, r in points]
    best: Optimum | None = None
    for first in starts:
        theta = np.array(first, dtype=np.float64)
        theta = np.clip(theta, [_low(b) for b in bounds], [_high(b) for b in bounds])
        for i, value in fixed.items():
            theta[i] = value
        found = _climb(model, theta, free, size, bounds, warm=start is not None)
        if found is not None and (best is None or found.at.loglik > best.at.loglik + 1e-9):
            best = found
    if best is None:
        raise np.linalg.LinAlgError("no starting point has a positive definite covariance")
    return best


def _climb(
    model: Model,
    theta: Array,
    free: list[int],
    size: Array,
    bounds: list[tuple[float | None, float | None]],
    warm: bool,
) -> Optimum | None:
    """Climb from one point; from a point near the top (`warm`) by scoring steps alone where they arrive."""

    def objective(part: Array) -> tuple[float, Array]:
        theta[free] = part * size[free]
        at = evaluate(model, theta)
        if at is None:
            return BAD, np.zeros_like(part)
        return -at.loglik, -gradient(model, theta, at)[0][free] * size[free]

    if free and warm:
        at = evaluate(model, theta)
        polished = None if at is None else _polish(model, theta.copy(), at, free, size, bounds)
        if polished is not None and polished.converged:
            return polished
    if free:
        box = [_scaled(bounds[i], float(size[i])) for i in free]
        options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 2000, "maxfun": 5000}
        start = theta[free] / size[free]
        # scipy-stubs does not know bounds with None, which scipy documents
        found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=box, options=options)  # type: ignore[call-overload]
        theta[free] = found.x * size[free]
    at = evaluate(model, theta)
    return None if at is None else _polish(model, theta.copy(), at, free, size, bounds)


def _polish(
    model: Model, theta: Array, at: Evaluation, free: list[int], size: Array,
    bounds: list[tuple[float | None, float | None]],
) -> Optimum:  # fmt: skip
    """Fisher scoring on the parameters that are inside their bounds, as long as the likelihood rises."""
    lower, upper = np.array([_low(b) for b in bounds]), np.array([_high(b) for b in bounds])
    score = np.zeros(theta.size)
    inside: list[int] = []
    for _ in range(POLISH_STEPS):
        score, information = gradient(model, theta, at, information=True)
        inside = [i for i in free if not _held(theta[i], score[i], lower[i], upper[i], size[i])]
        if not inside:
            break
        step = np.zeros(theta.size)
        unit = size[inside]
        scaled = information[np.ix_(inside, inside)] * np.outer(unit, unit)
        step[inside] = np.linalg.lstsq(scaled, score[inside] * unit, rcond=None)[0] * unit
        change = 0.0  # stays zero when no step raises the likelihood
        for _ in range(8):
            trial = np.clip(theta + step, lower, upper)
            there = evaluate(model, trial)
            if there is not None and there.loglik >= at.loglik - 1e-12 * abs(at.loglik):
                change = float(np.max(np.abs(trial - theta) / size))
                theta, at = trial, there
                break
            step = 0.5 * step
        if change < SMALL_STEP:
            break
    flat = all(abs(score[i]) * size[i] < 1e-4 for i in inside)
    return Optimum(theta, at, flat)


def _low(bound: tuple[float | None, float | None]) -> float:
    return -np.inf if bound[0] is None else bound[0]


def _high(bound: tuple[float | None, float | None]) -> float:
    return np.inf if bound[1] is None else bound[1]


def _scaled(bound: tuple[float | None, float | None], size: float) -> tuple[float | None, float | None]:
    low, high = bound
    return (None if low is None else low / size), (None if high is None else high / size)


def _held(value: float, score: float, lower: float, upper: float, size: float) -> bool:
    """Whether a parameter sits at a bound and the likelihood rises outwards."""
    near = 1e-9 * size
    return (value <= lower + near and score < 0) or (value >= upper - near and score > 0)
