"""Roots of functions of one variance: every sign change is found, so that no second solution is missed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Array = NDArray[np.float64]
EPSILON = float(np.finfo(np.float64).eps)
UNIROOT_TOLERANCE = EPSILON**0.25  # the default of R's uniroot
UNIROOT_UPPER = 100.0  # where metafor ends its search for tau2 by default
SOLVERS = ("exact", "metafor")
GRID = 60  # trial values per search; likelihoods of tau2 have one or two maxima, far fewer than this can separate
DECADES = 7  # the grid reaches this many powers of ten below the scale; smaller variances do not differ from zero


def grid(scale: float, upper: float) -> Array:
    """Trial values of a variance: 0, then evenly spaced in the logarithm from ``1e-7 scale`` to `upper`.

    Parameters
    ----------
    scale : float
        A typical variance of the problem.
    upper : float
        Largest trial value.
    """
    return np.concatenate([[0.0], np.geomspace(scale * 10.0**-DECADES, upper, GRID)])


def roots(function: Callable[[Array], Array], trial: Array, downward: bool | None = None) -> list[float]:
    """Return all points where a function changes sign between trial values, to full precision.

    Parameters
    ----------
    function : callable
        Vectorised: (m,) to (m,).
    trial : (m,)
        Ascending.
    downward : bool, optional
        Only changes from positive to negative (True) or from negative to positive (False).
    """
    values = function(trial)
    sign = np.sign(values)
    found = []
    for i in np.flatnonzero(sign[:-1] * sign[1:] < 0):
        if downward is None or (values[i] > 0) == downward:
            found.append(
                brentq(lambda t: float(function(np.array([t]))[0]), trial[i], trial[i + 1], xtol=1e-15, rtol=1e-14)
            )
    found += [float(trial[i]) for i in np.flatnonzero(sign == 0) if downward is None and i > 0]
    return sorted(found)


def decreasing_root(function: Callable[[Array], Array], scale: float) -> float | None:
    """Return the root above zero of a function that decreases with the variance; None when it starts below zero.

    Parameters
    ----------
    function : callable
        Vectorised: (m,) to (m,), decreasing, negative for large arguments.
    scale : float
        A typical variance; doubled until the function is negative.
    """

    def at(t: float) -> float:
        return float(function(np.array([t]))[0])

    if at(0.0) <= 0:
        return None
    upper = scale
    while at(upper) > 0:
        upper *= 4.0
        if not upper < 1e300:
            return None
    return float(brentq(at, 0.0, upper, xtol=1e-16 * max(upper, 1e-300), rtol=1e-14, maxiter=500))


def uniroot(
    function: Callable[[float], float], lower: float, upper: float, tolerance: float = UNIROOT_TOLERANCE
) -> float:
    """Return a root as R's ``uniroot`` would, stopping where it stops.

    Brent's method with his own stopping rule. Published values that were computed with R's loose default tolerance can
    be reproduced to all printed digits; everything else in this room uses exact roots.

    Parameters
    ----------
    function : callable
        Of different sign at the two ends.
    lower, upper : float
        Ends of the search.
    tolerance : float
        R's default is the fourth root of the machine precision, 1.22e-4.

    References
    ----------
    Brent RP. Algorithms for minimization without derivatives. 1973, chapter 4.
    """
    a, b = lower, upper
    fa, fb = function(a), function(b)
    c, fc = a, fa
    while True:
        previous = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        smallest = 2.0 * EPSILON * abs(b) + 0.5 * tolerance
        step = 0.5 * (c - b)
        if abs(step) <= smallest or fb == 0.0:
            return b
        if abs(previous) >= smallest and abs(fa) > abs(fb):
            step = _interpolated(a, b, c, fa, fb, fc, previous, smallest)
        if abs(step) < smallest:
            step = smallest if step > 0 else -smallest
        a, fa = b, fb
        b += step
        fb = function(b)
        if fb * fc > 0:
            c, fc = a, fa


def _interpolated(
    a: float, b: float, c: float, fa: float, fb: float, fc: float, previous: float, smallest: float
) -> float:
    """Brent's next step: secant or inverse quadratic, or half the bracket where that step is not to be trusted."""
    width, ratio = c - b, fb / fa
    if a == c:
        p, q = width * ratio, 1.0 - ratio
    else:
        qa, qb = fa / fc, fb / fc
        p = ratio * (width * qa * (qa - qb) - (b - a) * (qb - 1.0))
        q = (qa - 1.0) * (qb - 1.0) * (ratio - 1.0)
    p, q = (p, -q) if p > 0 else (-p, q)
    trusted = p < 0.75 * width * q - abs(0.5 * smallest * q) and p < abs(0.5 * previous * q)
    return p / q if trusted else 0.5 * width
