"""Curves with a shape parameter: the likelihood profiled over the shape, and what the shape leaves open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from exojoint.evidence.dose_response.curves import Curve
from exojoint.evidence.dose_response.model import fit_mixed, spread_of, stacked
from exojoint.evidence.dose_response.result import DoseResponse
from exojoint.evidence.dose_response.studies import DoseStudy
from exojoint.evidence.inference import Coefficients
from exojoint.evidence.results import Fit

Array = NDArray[np.float64]
GRID = 12  # trial values per shape parameter; likelihoods over a shape can have several maxima
BEYOND = 10.0  # doses this many times outside the studied range cannot be told from a straight line or a step
HILL_RANGE, WIDTH_RANGE = (0.3, 8.0), (0.1, 5.0)  # steepness; width of a window in log units (0.1: a tenth of e-fold)
STEP = 1e-3  # of a log shape, for second derivatives of the profile


def fit_shape(
    studies: Sequence[DoseStudy], curve: Curve, y: Array, v: Array, method: str, level: float
) -> DoseResponse:
    """Maximum likelihood over shape, amplitudes and their spread.

    Parameters
    ----------
    studies : sequence of DoseStudy
    curve : Curve
        With at least one shape parameter.
    y, v : (k,), (k, k)
        All contrasts and their covariance.
    method : str
        ``ML`` or ``EE``; ``REML`` is taken as ML, for restricted likelihoods of different shapes cannot be compared.
    level : float
        Of the intervals.

    Returns
    -------
    DoseResponse
        A shape at the edge of its range is said in the warnings: the data then do not tell it.
    """
    kind = "ML" if method == "REML" else method
    ranges = _ranges(studies, curve)
    latest: dict[str, Array | None] = {"theta": None}

    def height(log_shape: Array) -> float:
        x, term = stacked(studies, curve, np.exp(log_shape))
        if np.linalg.matrix_rank(x) < x.shape[1]:
            return -1e10
        try:
            found = fit_mixed(curve, y, v, x, term, kind, latest["theta"])[0]
            latest["theta"] = found.theta
            return found.at.loglik
        except np.linalg.LinAlgError:
            return -1e10

    points = (np.array(point) for point in product(*(np.linspace(a, b, GRID) for a, b in ranges)))
    trial: Array = max(points, key=height)
    options = {"xatol": 1e-6, "fatol": 1e-9, "maxiter": 400}
    found = minimize(lambda s: -height(s), trial, method="Nelder-Mead", bounds=ranges, options=options)  # type: ignore[call-overload]  # scipy-stubs does not know this method's options, which scipy documents
    best = np.asarray(found.x, dtype=np.float64) if -found.fun >= height(trial) else trial
    notes = _edges(curve, best, ranges)
    if method == "REML":
        notes = (*notes, "curves with a shape are fitted by ML")
    return _result(studies, curve, y, v, kind, level, best, notes)


def _ranges(studies: Sequence[DoseStudy], curve: Curve) -> list[tuple[float, float]]:
    doses = np.concatenate([np.append(study.dose, study.reference_dose) for study in studies])
    positive = doses[doses > 0]
    dose = (math.log(positive.min() / BEYOND), math.log(positive.max() * BEYOND))
    inside = (math.log(positive.min()), math.log(positive.max()))
    known = {"hill": HILL_RANGE, "width": WIDTH_RANGE}
    found = []
    for name in curve.shapes:
        if name in known:
            found.append((math.log(known[name][0]), math.log(known[name][1])))
        else:
            found.append(inside if name == "best_dose" else dose)
    return found


def _edges(curve: Curve, best: Array, ranges: list[tuple[float, float]]) -> tuple[str, ...]:
    notes = []
    for name, value, (low, high) in zip(curve.shapes, best, ranges, strict=True):
        if min(value - low, high - value) < 0.01 * (high - low):
            notes.append(f"{name} is at the edge of what was searched ({math.exp(value):.3g}): the data do not tell it")
    return tuple(notes)


def _result(
    studies: Sequence[DoseStudy], curve: Curve, y: Array, v: Array, kind: str, level: float, best: Array,
    notes: tuple[str, ...],
) -> DoseResponse:  # fmt: skip
    """Add to the amplitudes' covariance what the uncertain shape contributes (delta method on the profile)."""

    x, term = stacked(studies, curve, np.exp(best))
    optimum, model = fit_mixed(curve, y, v, x, term, kind)
    start = optimum.theta

    def at(log_shape: Array) -> tuple[float, Array]:
        x, term = stacked(studies, curve, np.exp(log_shape))
        optimum = fit_mixed(curve, y, v, x, term, kind, start)[0]
        return optimum.at.loglik, optimum.at.beta

    size = best.size
    units = STEP * np.eye(size)
    top = at(best)[0]
    up, down = [at(best + u) for u in units], [at(best - u) for u in units]
    curvature = np.zeros((size, size))
    for i in range(size):
        curvature[i, i] = (up[i][0] - 2 * top + down[i][0]) / STEP**2
        for j in range(i):
            corners = [at(best + a * units[i] + b * units[j])[0] for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
            value = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * STEP**2)
            curvature[i, j] = curvature[j, i] = value
    values, vectors = np.linalg.eigh(-curvature)
    if values[0] <= 1e-8:
        notes = (*notes, "the likelihood is flat along the shape: its standard error is not to be used")
    covariance = vectors @ np.diag(1.0 / np.maximum(values, 1e-8)) @ vectors.T
    slope = np.column_stack([(u[1] - d[1]) / (2 * STEP) for u, d in zip(up, down, strict=True)])
    infinite = [np.full(len(names), math.inf) for names in (curve.amplitudes, curve.shapes)]
    joint = optimum.at.covariance + slope @ covariance @ slope.T
    amplitudes = Coefficients(curve.amplitudes, optimum.at.beta, joint, infinite[0], level)
    shape = Coefficients(curve.shapes, best, covariance, infinite[1], level)
    fit = Fit(kind, y.size, len(curve.amplitudes) + size, optimum.at.loglik, optimum.converged)
    return DoseResponse(curve, amplitudes, shape, slope @ covariance, spread_of(model, optimum.theta), fit, notes)
