"""Likelihood of a step-function selection model, with its gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from exojoint.evidence.climb import Bounds, Top, climb, differences

Array = NDArray[np.float64]
ROOT_2PI = math.sqrt(2 * math.pi)
LOG_WEIGHT_BOUNDS = (-14.0, 9.0)  # relative publication probabilities of 1e-6 and 8000 stand for 0 and infinity


@dataclass(frozen=True, slots=True)
class StepData:
    """Studies with the effects at which their p values cross each step; wanted effects are positive.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    x : (k, p)
        Design.
    interval : (k,) int
        p-value interval of each study, 0 the smallest p values.
    bars : (k, J - 1)
        Effect (size of the effect, when two-sided) at which the p value equals each inner step.
    two_sided : bool
        Whether p values are two-sided.
    """

    y: Array
    v: Array
    x: Array
    interval: NDArray[np.int64]
    bars: Array
    two_sided: bool


def step_data(y: Array, v: Array, x: Array, steps: tuple[float, ...], two_sided: bool) -> StepData:
    """Sort studies into p-value intervals with the upper ends `steps` (the last is 1)."""
    z = y / np.sqrt(v)
    p = p_values(z, two_sided)
    inner = np.array(steps[:-1])
    bars = -ndtri(inner / 2 if two_sided else inner)
    interval = np.searchsorted(inner, p, side="left").astype(np.int64)
    return StepData(y, v, x, interval, np.sqrt(v)[:, None] * bars[None, :], two_sided)


def p_values(z: Array, two_sided: bool) -> Array:
    """p values of z statistics when positive effects are wanted."""
    return np.asarray(2 * ndtr(-np.abs(z)) if two_sided else ndtr(-z))


def chances(bars: Array, two_sided: bool, mean: Array, s: Array) -> tuple[Array, Array, Array]:
    """Chance of each p-value interval before selection and its derivatives by the mean and by s, (k, J) each.

    Parameters
    ----------
    bars : (k, J - 1)
        As in `StepData`.
    two_sided : bool
        Whether p values are.
    mean, s : (k,)
        Mean and standard deviation of each effect before selection.
    """

    def above(ends: Array) -> tuple[Array, Array, Array]:
        t = (ends - mean[:, None]) / s[:, None]
        density = np.exp(-0.5 * t * t) / (ROOT_2PI * s[:, None])
        return ndtr(-t), density, density * t

    beyond = above(bars)
    if two_sided:
        inside = above(-bars)  # chance of exceeding minus the bar; the rest lies beyond it on the other side
        beyond = (beyond[0] + 1.0 - inside[0], beyond[1] - inside[1], beyond[2] - inside[2])
    k = mean.size
    last = (np.ones((k, 1)), np.zeros((k, 1)), np.zeros((k, 1)))
    first, by_mean, by_s = (
        np.diff(np.hstack([part, end]), axis=1, prepend=0.0) for part, end in zip(beyond, last, strict=True)
    )
    return first, by_mean, by_s


def log_likelihood(data: StepData, theta: Array) -> tuple[float, Array]:
    """Log-likelihood and gradient at ``(beta, tau2, log weights)``."""
    p = data.x.shape[1]
    mean, tau2, log_weights = data.x @ theta[:p], float(theta[p]), np.concatenate([[0.0], theta[p + 1 :]])
    s = np.sqrt(data.v + tau2)
    r = (data.y - mean) / s
    chance, by_mean, by_s = chances(data.bars, data.two_sided, mean, s)
    weights = np.exp(log_weights)
    total = chance @ weights
    value = float((log_weights[data.interval] - 0.5 * r * r - np.log(s * total)).sum()) - data.y.size * math.log(
        ROOT_2PI
    )
    slope_mean = r / s - (by_mean @ weights) / total
    slope_s = (r * r - 1.0) / s - (by_s @ weights) / total
    counts = np.bincount(data.interval, minlength=weights.size)
    slope_weights = counts - (chance * weights / total[:, None]).sum(axis=0)
    slope_tau2 = float((slope_s / (2 * s)).sum())
    return value, np.concatenate([data.x.T @ slope_mean, [slope_tau2], slope_weights[1:]])


def maximise(data: StepData, beta: Array, tau2: float | None, number: int) -> tuple[Array, float, bool]:
    """Maximum-likelihood parameters from two starts: no selection, and strong selection.

    Parameters
    ----------
    data : StepData
    beta, tau2 : (p,), float
        Estimates without selection; None holds tau2 at 0.
    number : int
        Intervals, J.

    Returns
    -------
    theta : (p + 1 + J - 1,)
        ``beta, tau2, log weights``.
    value : float
        Log-likelihood.
    converged : bool
    """
    p, most = beta.size, 0.0 if tau2 is None else None
    tau2 = 0.0 if tau2 is None else tau2
    scale = float(np.median(data.v)) + tau2
    units = np.concatenate([np.full(p, math.sqrt(scale)), [scale], np.ones(number - 1)])
    units[:p] /= np.maximum(np.sqrt((data.x**2).mean(axis=0)), 1e-300)
    bounds: Bounds = [*[(None, None)] * p, (0.0, most), *[LOG_WEIGHT_BOUNDS] * (number - 1)]

    def height(theta: Array) -> tuple[float, Array]:
        return log_likelihood(data, theta)

    def curvature(theta: Array) -> Array:
        return observed_information(data, theta, units)

    best: Top | None = None
    for factor, weight in ((1.0, 0.0), (0.5, -1.5)):
        start = np.concatenate([beta * factor, [max(tau2, 0.1 * scale)], np.full(number - 1, weight)])
        top = climb(height, curvature, start, units, bounds)
        if top is not None and (best is None or top.value > best.value):
            best = top
    if best is None:
        return np.concatenate([beta, [tau2], np.zeros(number - 1)]), math.nan, False
    return best.theta, best.value, best.converged


def observed_information(data: StepData, theta: Array, units: Array) -> Array:
    """Minus the second derivatives of the log-likelihood, (t, t)."""
    low = np.full(theta.size, -np.inf)
    low[data.x.shape[1]] = 0.0
    return differences(lambda point: log_likelihood(data, point)[1], theta, units, low)
