"""Maximise a likelihood of a few bounded parameters by Newton steps that are kept uphill.

Models of this room have one to a dozen parameters and exact gradients. Newton's method with the curvature's absolute
eigenvalues then needs ten steps, and none of the overhead of a general optimiser.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bounds = Sequence[tuple[float | None, float | None]]
# theta -> value and gradient, None where the model has no value
Height = Callable[[Array], tuple[float, Array] | None]
MOST_STEPS = 100
HALVINGS = 30
LONGEST = 3.0  # of a step, in units of the parameters: likelihoods are not quadratic farther than this
SMALL_STEP = 1e-11  # in units; the climb ends here
SMALL_GAIN = 1e-13  # of the height, relative; after `IDLE_STEPS` such steps the climb ends too
IDLE_STEPS = 3  # Newton's last steps double the digits, so three are enough; along a ridge there would be hundreds
FLAT = 1e-4  # largest derivative per unit at a converged maximum
LEAST_CURVATURE = 1e-8  # eigenvalues below this, per squared unit, count as this


@dataclass(frozen=True, slots=True)
class Top:
    """Where a climb ended.

    Parameters
    ----------
    theta : (t,)
        Parameters.
    value : float
        Height there.
    gradient : (t,)
        Its derivatives.
    converged : bool
        Whether the derivatives of all parameters inside their bounds vanish.
    """

    theta: Array
    value: float
    gradient: Array
    converged: bool


def climb(
    height: Height, curvature: Callable[[Array], Array], start: Array, units: Array, bounds: Bounds,
    fixed: Sequence[int] = (), steps: int = MOST_STEPS,
) -> Top | None:  # fmt: skip
    """Climb from one point.

    Parameters
    ----------
    height : callable
        Value and gradient of what is maximised.
    curvature : callable
        Minus its second derivatives, or the Fisher information, (t, t).
    start : (t,)
        First point; moved inside the bounds.
    units : (t,)
        Typical size of each parameter: steps and derivatives are judged in these.
    bounds : sequence of (low, high)
        None where there is none.
    fixed : sequence of int
        Positions that stay where they are.
    steps : int
        At most.

    Returns
    -------
    Top or None
        None when the start has no value.
    """
    low = np.array([-np.inf if b[0] is None else b[0] for b in bounds], dtype=np.float64)
    high = np.array([np.inf if b[1] is None else b[1] for b in bounds], dtype=np.float64)
    theta = np.clip(np.asarray(start, dtype=np.float64), low, high)
    at = height(theta)
    if at is None:
        return None
    movable = np.ones(theta.size, dtype=bool)
    movable[list(fixed)] = False
    idle = 0
    for _ in range(steps):
        value, slope = at
        free = movable & ~held(theta, slope, low, high, units)
        if not free.any():
            break
        step = np.zeros_like(theta)
        step[free] = _newton(curvature(theta)[np.ix_(free, free)], slope[free], units[free])
        change = 0.0
        for _ in range(HALVINGS):
            trial = np.clip(theta + step, low, high)
            there = height(trial)
            if there is not None and there[0] >= value - 1e-13 * abs(value):
                change = float(np.max(np.abs(trial - theta) / units))
                theta, at = trial, there
                break
            step = 0.5 * step
        idle = idle + 1 if at[0] - value < SMALL_GAIN * max(abs(value), 1.0) else 0
        if change < SMALL_STEP or idle == IDLE_STEPS:
            break
    value, slope = at
    free = movable & ~held(theta, slope, low, high, units)
    return Top(theta, value, slope, bool((np.abs(slope * units)[free] < FLAT).all()))


def _newton(curvature: Array, slope: Array, units: Array) -> Array:
    """Newton step with absolute curvatures, so that it goes uphill from a saddle too; no longer than `LONGEST`."""
    values, vectors = np.linalg.eigh(curvature * np.outer(units, units))
    size = np.maximum(np.abs(values), LEAST_CURVATURE)
    step = vectors @ ((vectors.T @ (slope * units)) / size)
    longest = float(np.abs(step).max())
    return np.asarray(units * step * min(1.0, LONGEST / longest) if longest > 0 else 0.0 * units)


def held(theta: Array, slope: Array, low: Array, high: Array, units: Array) -> NDArray[np.bool_]:
    """Parameters at a bound beyond which the height would rise, or not change."""
    near = 1e-9 * units
    return np.asarray(((theta <= low + near) & (slope <= 0)) | ((theta >= high - near) & (slope >= 0)))


def differences(gradient: Callable[[Array], Array], theta: Array, units: Array, low: Array | None = None) -> Array:
    """Minus the second derivatives, by differences of an exact gradient; one-sided where a bound is near, (t, t).

    Parameters
    ----------
    gradient : callable
        ``theta -> (t,)``.
    theta, units : (t,)
        Where, and the size of each parameter.
    low : (t,), optional
        Lower bounds.
    """
    size = theta.size
    matrix = np.empty((size, size))
    for i in range(size):
        step = 1e-5 * units[i]
        up, down = theta.copy(), theta.copy()
        up[i] += step
        down[i] -= step
        if low is not None and down[i] < low[i]:
            down[i] = theta[i]
        matrix[i] = (gradient(up) - gradient(down)) / (up[i] - down[i])
    return np.asarray(-0.5 * (matrix + matrix.T))
