"""Location-scale models: moderators of the mean effect and of how much studies differ."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, effects_and_variances, level_of
from exojoint.evidence.inference import Coefficients, Test
from exojoint.evidence.pooling.design import Moderators, design_matrix
from exojoint.evidence.pooling.tau2 import between_study_variance
from exojoint.evidence.results import Fit

Array = NDArray[np.float64]
SMALLEST_LOG_RATIO = -15.0  # log tau2 over a typical variance; below this a study group has tau2 = 0 for all purposes


@dataclass(frozen=True, slots=True)
class LocationScaleResult:
    """Fit of ``y ~ N(X b, v + exp(Z a))``.

    Parameters
    ----------
    location : Coefficients
        b: of the mean effect.
    scale : Coefficients
        a: of the log between-study variance.
    tau2 : (k,)
        Between-study variance of each study's kind.
    test_location, test_scale : Test
        Wald tests that all moderators of that part are zero.
    fit : Fit
        Method, sizes, log-likelihood.
    warnings : tuple of str
        E.g. that a variance went to zero.
    """

    location: Coefficients
    scale: Coefficients
    tau2: Array
    test_location: Test
    test_scale: Test
    fit: Fit
    warnings: tuple[str, ...] = ()


def location_scale(
    y: ArrayLike, v: ArrayLike, *, moderators: Moderators | None = None, scale: Moderators | None = None,
    method: str = "REML", level: float = 0.95,
) -> LocationScaleResult:  # fmt: skip
    """Let moderators act on the mean and on the between-study variance.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    moderators, scale : mapping, optional
        Moderators of the mean and of ``log tau2``; both parts have an intercept.
    method : str
        ``REML`` or ``ML``.
    level : float
        Of the normal intervals.

    Raises
    ------
    InputError
        For wrong rows, and fewer effects than coefficients.

    References
    ----------
    Viechtbauer W, Lopez-Lopez JA. Res Synth Methods 2022;13:697-715.
    """
    restricted = choose(method, ("REML", "ML"), "method") == "REML"
    y_used, v_used, used, warnings = effects_and_variances(y, v)
    x, x_names = design_matrix(moderators, used)
    z, z_names = design_matrix(scale, used)
    if y_used.size <= x.shape[1] + z.shape[1]:
        what = f"{y_used.size} studies for {x.shape[1] + z.shape[1]} coefficients"
        raise InputError(Problem("effects", what, "more studies than coefficients"))
    typical = float(np.median(v_used))
    alpha, value, converged = _maximise(y_used, v_used, x, z, restricted, typical)
    if not converged:
        warnings = (*warnings, "the optimiser did not reach a maximum: the best value found is shown")
    if bool((z @ alpha < math.log(typical) + SMALLEST_LOG_RATIO + 1).any()):
        warnings = (*warnings, "a between-study variance went to zero: its coefficients have no finite estimate")
    tau2 = np.exp(z @ alpha)
    beta, inverse, _ = _least_squares(y_used, x, 1.0 / (v_used + tau2))
    information = _information(x, z, v_used, tau2, inverse, restricted)
    level = level_of(level)
    infinite = [np.full(n, math.inf) for n in (x.shape[1], z.shape[1])]
    location = Coefficients(x_names, beta, inverse, infinite[0], level)
    spread = Coefficients(z_names, alpha, np.asarray(np.linalg.pinv(information), dtype=np.float64), infinite[1], level)
    fit = Fit("REML" if restricted else "ML", y_used.size, x.shape[1] + z.shape[1], value, converged)
    tests = [_moderators_test(part, name) for part, name in ((location, "location"), (spread, "scale"))]
    return LocationScaleResult(location, spread, tau2, tests[0], tests[1], fit, warnings)


def _moderators_test(part: Coefficients, name: str) -> Test:
    rows: tuple[str | int, ...] = tuple(range(1, len(part.names))) or (0,)
    return part.wald(rows, f"moderators of the {name}")


def _least_squares(y: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    wx = w[:, None] * x
    inverse = np.asarray(np.linalg.inv(x.T @ wx), dtype=np.float64)
    beta = inverse @ (wx.T @ y)
    return beta, inverse, y - x @ beta


def _maximise(y: Array, v: Array, x: Array, z: Array, restricted: bool, typical: float) -> tuple[Array, float, bool]:
    k, p = x.shape

    def negative(alpha: Array) -> tuple[float, Array]:
        tau2 = np.exp(np.clip(z @ alpha, math.log(typical) + SMALLEST_LOG_RATIO, math.log(typical) + 30.0))
        w = 1.0 / (v + tau2)
        _, inverse, r = _least_squares(y, x, w)
        value = 0.5 * float(np.log(w).sum()) - 0.5 * float(w @ r**2)
        gradient = 0.5 * ((w * r) ** 2 - w)
        if restricted:
            value += 0.5 * float(np.linalg.slogdet(inverse)[1])
            gradient = gradient + 0.5 * np.einsum("kp,pq,kq->k", x, inverse, x) * w**2
        return -value, -(z.T @ (gradient * tau2))

    start = between_study_variance(y, v, x, "REML" if restricted else "ML").value
    best = None
    for first in (max(start, 0.01 * typical), typical):
        alpha0 = np.zeros(z.shape[1])
        alpha0[0] = math.log(first)
        found = minimize(negative, alpha0, jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 1000})
        best = found if best is None or found.fun < best.fun else best
    assert best is not None  # noqa: S101  # the loop runs
    constant = -0.5 * (k - p if restricted else k) * math.log(2 * math.pi)
    if restricted:
        constant += 0.5 * float(np.linalg.slogdet(x.T @ x)[1])
    converged = bool(np.max(np.abs(best.jac)) < 1e-5)
    return np.asarray(best.x), constant - float(best.fun), converged


def _information(x: Array, z: Array, v: Array, tau2: Array, inverse: Array, restricted: bool) -> Array:
    """Expected information of alpha: ``tr(P D_i P D_j)/2`` with ``D = diag(tau2 z)`` (W in place of P under ML)."""
    w = 1.0 / (v + tau2)
    matrix = np.diag(w)
    if restricted:
        wx = w[:, None] * x
        matrix = matrix - wx @ inverse @ wx.T
    scaled = tau2[:, None] * z
    return np.asarray(0.5 * scaled.T @ (matrix**2) @ scaled)
