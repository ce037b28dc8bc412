"""Location-scale models: moderators of the mean effect and of how much studies differ."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, effects_and_variances, level_of
from exojoint.evidence.climb import Top, climb, differences
from exojoint.evidence.inference import Coefficients, Test
from exojoint.evidence.pooling.design import Moderators, design_matrix
from exojoint.evidence.pooling.tau2 import between_study_variance
from exojoint.evidence.results import Fit

Array = NDArray[np.float64]
SMALLEST_LOG_RATIO = -15.0  # log tau2 over a typical variance; below this a study group has tau2 = 0 for all purposes
LEAST_INFORMATION = 1e-6  # about a log variance: less is a standard error of a thousand
LARGEST_LOG_RATIO = 30.0  # above this the sampling variances do not matter


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

    Returns
    -------
    LocationScaleResult
        Standard errors of the scale are those of the observed information.

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
    model = _Model(y_used, v_used, x, z, restricted)
    alpha, value, converged = _maximise(model)
    if not converged:
        warnings = (*warnings, "the optimiser did not reach a maximum: the best value found is shown")
    if bool((z @ alpha < math.log(model.typical) + SMALLEST_LOG_RATIO + 1).any()):
        warnings = (*warnings, "a between-study variance went to zero: its coefficients have no finite estimate")
    tau2 = model.tau2(alpha)
    beta, inverse, _ = _least_squares(y_used, x, 1.0 / (v_used + tau2))
    information = model.observed_information(alpha)
    level = level_of(level)
    infinite = [np.full(n, math.inf) for n in (x.shape[1], z.shape[1])]
    location = Coefficients(x_names, beta, inverse, infinite[0], level)
    spread = Coefficients(z_names, alpha, _inverse(information, model.units), infinite[1], level)
    fit = Fit("REML" if restricted else "ML", y_used.size, x.shape[1] + z.shape[1], value, converged)
    tests = [_moderators_test(part, name) for part, name in ((location, "location"), (spread, "scale"))]
    return LocationScaleResult(location, spread, tau2, tests[0], tests[1], fit, warnings)


def _moderators_test(part: Coefficients, name: str) -> Test:
    rows: tuple[str | int, ...] = tuple(range(1, len(part.names))) or (0,)
    return part.wald(rows, f"moderators of the {name}")


def _inverse(information: Array, units: Array) -> Array:
    """Covariance of the scale; nan where the likelihood is flat, as where a variance went to zero."""
    if np.linalg.eigvalsh(information * np.outer(units, units))[0] < LEAST_INFORMATION:
        return np.full_like(information, math.nan)
    return np.asarray(np.linalg.inv(information), dtype=np.float64)


def _least_squares(y: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
    wx = w[:, None] * x
    inverse = np.asarray(np.linalg.inv(x.T @ wx), dtype=np.float64)
    beta = inverse @ (wx.T @ y)
    return beta, inverse, y - x @ beta


@dataclass(frozen=True, slots=True)
class _Model:
    """Checked data and design of a location-scale model."""

    y: Array
    v: Array
    x: Array
    z: Array
    restricted: bool

    @property
    def typical(self) -> float:
        return float(np.median(self.v))

    @property
    def units(self) -> Array:
        """Change of each scale coefficient that changes log tau2 by one somewhere."""
        return np.asarray(1.0 / np.maximum(np.abs(self.z).max(axis=0), 1e-300))

    def tau2(self, alpha: Array) -> Array:
        low = math.log(self.typical) + SMALLEST_LOG_RATIO
        return np.asarray(np.exp(np.clip(self.z @ alpha, low, math.log(self.typical) + LARGEST_LOG_RATIO)))

    def height(self, alpha: Array) -> tuple[float, Array]:
        """(Restricted) log-likelihood without constants, and its derivatives by alpha."""
        tau2 = self.tau2(alpha)
        w = 1.0 / (self.v + tau2)
        _, inverse, r = _least_squares(self.y, self.x, w)
        value = 0.5 * float(np.log(w).sum()) - 0.5 * float(w @ r**2)
        gradient = 0.5 * ((w * r) ** 2 - w)
        if self.restricted:
            value += 0.5 * float(np.linalg.slogdet(inverse)[1])
            gradient = gradient + 0.5 * np.einsum("kp,pq,kq->k", self.x, inverse, self.x) * w**2
        return value, self.z.T @ (gradient * tau2)

    def expected_information(self, alpha: Array) -> Array:
        """Expected information of alpha: ``tr(P D_i P D_j)/2`` with ``D = diag(tau2 z)`` (W in place of P under ML)."""
        tau2 = self.tau2(alpha)
        w = 1.0 / (self.v + tau2)
        matrix = np.diag(w)
        if self.restricted:
            wx = w[:, None] * self.x
            matrix = matrix - wx @ _least_squares(self.y, self.x, w)[1] @ wx.T
        scaled = tau2[:, None] * self.z
        return np.asarray(0.5 * scaled.T @ (matrix**2) @ scaled)

    def observed_information(self, alpha: Array) -> Array:
        return differences(lambda point: self.height(point)[1], alpha, self.units)


def _maximise(model: _Model) -> tuple[Array, float, bool]:
    """Coefficients of the scale, the log-likelihood with its constants, and whether the climb arrived."""
    k, p = model.x.shape
    start = between_study_variance(model.y, model.v, model.x, "REML" if model.restricted else "ML").value
    best: Top | None = None
    for first in (max(start, 0.01 * model.typical), model.typical):
        alpha = np.zeros(model.z.shape[1])
        alpha[0] = math.log(first)
        bounds = [(None, None)] * alpha.size
        top = climb(model.height, model.expected_information, alpha, model.units, bounds)
        if top is not None and (best is None or top.value > best.value):
            best = top
    assert best is not None  # noqa: S101  # the likelihood has a value everywhere
    constant = -0.5 * (k - p if model.restricted else k) * math.log(2 * math.pi)
    if model.restricted:
        constant += 0.5 * float(np.linalg.slogdet(model.x.T @ model.x)[1])
    return best.theta, constant + best.value, best.converged
