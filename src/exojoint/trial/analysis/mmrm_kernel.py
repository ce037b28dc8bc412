"""The trial's MMRM as machine code: thousands of simulated trials, unstructured covariance, REML, Satterthwaite.

Every effect is allowed to differ between visits (x times visit), so a patient's design is kron(identity, x) and all
products of the data are products of x (n, k): much smaller than those of the general fit, which this must agree with.
Newton's method runs on the distinct elements of Sigma themselves; with complete data its first step ends it. A trial
this file cannot finish (a visit nobody of an arm attended, a singular covariance) is left to the general fit.

The functions are plain Python and run as such; `machine_code` gives the same ones compiled.

Shapes below: n patients, v visits, k columns of x, s missing-data patterns, p = v k fixed effects (visit-major),
d = v (v + 1) / 2 distinct elements of Sigma.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import FunctionType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exojoint.trial.analysis import mmrm_kernel_algebra, mmrm_kernel_data
from exojoint.trial.analysis.mmrm_kernel_algebra import (
    cholesky,
    dot,
    invert,
    invert_above,
    invert_part,
    product,
    times,
)
from exojoint.trial.analysis.mmrm_kernel_data import Sums, first_guess, least_squares, sum_patterns

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# Numerical settings, as in `mmrm_newton`, `mmrm_design` and `mmrm_start`.
DECREMENT_TOLERANCE = 1e-11
ITERATION_LIMIT = 40
CHEAP_STEPS = 15  # steps that leave out how the fixed effects move with Sigma: nearly Newton's, a third of the work
HALVINGS = 30
SUFFICIENT_GAIN = 1e-4
ROUNDING = 1e-12
LEAST_INFORMATION = 1e-6
LEAST_CONDITIONAL_VARIANCE = 1e-9


class State(NamedTuple):
    """What one Sigma gives: W and W M W (s, v, v), X' W X and its inverse (p, p), fixed effects (p,)."""

    w: FloatArray
    swept: FloatArray
    normal: FloatArray
    cov: FloatArray
    beta: FloatArray


class Slopes(NamedTuple):
    """Gradient (d,), exact and expected Hessian (d, d), change of X' W X with each element of Sigma (d, p, p)."""

    gradient: FloatArray
    exact: FloatArray
    expected: FloatArray
    change: FloatArray


def fit_one(y: FloatArray, x: FloatArray, reported: int, results: FloatArray, summary: FloatArray) -> None:
    """Fit a trial y (n, v) with x (n, k).

    Writes into results (reported, v, 3) estimate, variance and degrees of freedom of the first `reported` columns
    of x; and into summary (3,) 1 where the fit converged, the number of iterations, and the restricted
    log-likelihood. Both stay as they are where the visits do not allow a fit.
    """
    v, k = y.shape[1], x.shape[1]
    p, d = v * k, v * (v + 1) // 2
    coefficients, scale = np.zeros((v, k)), np.zeros(v)
    residual = np.empty((len(y), v))
    for i in range(len(y)):
        for a in range(v):
            residual[i, a] = y[i, a]
    if not least_squares(residual, x, coefficients, scale):
        return
    sums = sum_patterns(residual, x)
    sigma = first_guess(sums)
    s = len(sums.patients)
    state = State(np.zeros((s, v, v)), np.zeros((s, v, v)), np.zeros((p, p)), np.zeros((p, p)), np.zeros(p))
    slopes = Slopes(np.zeros(d), np.zeros((d, d)), np.zeros((d, d)), np.zeros((d, p, p)))
    value = _evaluate(sigma, sums, state)
    full = False
    for iteration in range(ITERATION_LIMIT):
        summary[1] = iteration
        _first_derivatives(sums, state, slopes)
        _curvature(sums, state, slopes)
        step, decrement, determined = _step(slopes)
        if decrement < DECREMENT_TOLERANCE or iteration > CHEAP_STEPS:
            full = True
            _correction(sums, state, slopes)
            step, decrement, determined = _step(slopes)
        value, moved = _along(sigma, step, value, decrement, sums, state)
        if full and decrement < DECREMENT_TOLERANCE:
            summary[0] = 1.0 if determined and _regular(sigma) else 0.0
            break
        if not moved:
            break
    summary[2] = _log_likelihood(value, sums, scale, k)
    _report(coefficients, scale, state, slopes, reported, results)


def _evaluate(sigma: FloatArray, sums: Sums, state: State) -> float:
    """Minus twice the restricted log-likelihood without constants; NaN where Sigma is not positive definite."""
    seen, patients, xx, xy, yy = sums
    w, _, normal, cov, beta = state
    s, v = seen.shape
    k = xx.shape[1]
    moment, squares, value = np.zeros(v * k), 0.0, 0.0
    normal.fill(0.0)
    for j in range(s):
        log_det = invert_part(sigma, seen[j], w[j])
        if np.isnan(log_det):
            return np.nan
        value += patients[j] * log_det
        for a in range(v):
            for b in range(v):
                if w[j, a, b] != 0.0:
                    squares += w[j, a, b] * yy[j, a, b]
                    for h in range(k):
                        moment[a * k + h] += w[j, a, b] * xy[j, b, h]
                        for g in range(k):
                            normal[a * k + h, b * k + g] += w[j, a, b] * xx[j, h, g]
    log_det = invert(normal, cov)
    for i in range(v * k):
        beta[i] = dot(cov[i], moment)
    return value + log_det + squares - dot(beta, moment)


def _first_derivatives(sums: Sums, state: State, slopes: Slopes) -> None:
    """Gradient by the distinct elements of Sigma, and W M W per pattern (see `mmrm_criterion`)."""
    seen, patients, xx, xy, yy = sums
    w, swept, _, cov, beta = state
    s, v = seen.shape
    k = xx.shape[1]
    total, spread, half = np.zeros((v, v)), np.zeros((v, v)), np.zeros((v, v))
    for j in range(s):
        spread.fill(0.0)
        for a in range(v):
            for b in range(a, v):
                if seen[j, a] and seen[j, b]:
                    m = yy[j, a, b]
                    for h in range(k):
                        m -= beta[a * k + h] * xy[j, b, h] + beta[b * k + h] * xy[j, a, h]
                        for g in range(k):
                            m += (beta[a * k + h] * beta[b * k + g] + cov[a * k + h, b * k + g]) * xx[j, h, g]
                    spread[a, b] = spread[b, a] = m
        product(w[j], spread, half)
        product(half, w[j], swept[j])
        for a in range(v):
            for b in range(v):
                total[a, b] += patients[j] * w[j, a, b] - swept[j, a, b]
    e = 0
    for a in range(v):
        for b in range(a, v):
            slopes.gradient[e] = total[a, b] if a == b else total[a, b] + total[b, a]
            e += 1


def _curvature(sums: Sums, state: State, slopes: Slopes) -> None:
    """Hessian as if the fixed effects were known, and its expectation (d, d)."""
    _, exact, expected, _ = slopes
    exact.fill(0.0)
    expected.fill(0.0)
    for j in range(len(sums.patients)):
        _quadratic(state.w[j], state.swept[j], sums.patients[j], exact, expected)
    for e in range(len(exact)):
        for f in range(e):
            exact[e, f] = exact[f, e]
            expected[e, f] = expected[f, e]


def _correction(sums: Sums, state: State, slopes: Slopes) -> None:
    """Make the Hessian exact, and give the change of X' W X with each element of Sigma (d, p, p)."""
    _, exact, _, change = slopes
    d, p = len(exact), len(state.beta)
    force, turned = np.zeros((d, p)), np.zeros((d, p, p))
    change.fill(0.0)
    for j in range(len(sums.patients)):
        _normal_change(state.w[j], sums.xx[j], sums.xy[j], change, force)
    for e in range(d):
        for i in range(p):
            force[e, i] -= dot(change[e, i], state.beta)
        product(state.cov, change[e], turned[e])
    for e in range(d):
        pulled = times(state.cov, force[e])
        for f in range(e, d):
            correction = 2.0 * dot(pulled, force[f])
            for i in range(p):
                for h in range(p):
                    correction += turned[e, i, h] * turned[f, h, i]
            exact[e, f] -= correction
            exact[f, e] = exact[e, f]


def _quadratic(w: FloatArray, swept: FloatArray, count: float, exact: FloatArray, expected: FloatArray) -> None:
    """Add one pattern's 2 tr(W M W E W E') - n tr(W E W E'), and its expectation n tr(W E W E'), for E <= E'."""
    v = len(w)
    e = 0
    for a in range(v):
        for b in range(a, v):
            f = 0
            for c in range(v):
                for q in range(c, v):
                    if f >= e:
                        scale = (0.5 if a == b else 1.0) * (0.5 if c == q else 1.0)
                        plain = scale * 2.0 * (w[q, a] * w[b, c] + w[q, b] * w[a, c])
                        bent = swept[q, a] * w[b, c] + swept[q, b] * w[a, c]
                        bent += swept[c, a] * w[b, q] + swept[c, b] * w[a, q]
                        exact[e, f] += 2.0 * scale * bent - count * plain
                        expected[e, f] += count * plain
                    f += 1
            e += 1


def _normal_change(w: FloatArray, xx: FloatArray, xy: FloatArray, change: FloatArray, force: FloatArray) -> None:
    """Add one pattern's change of X' W X (d, p, p) and of X' W y (d, p) with each element of Sigma."""
    v, k = len(w), len(xx)
    e = 0
    for a in range(v):
        for b in range(a, v):
            half = 0.5 if a == b else 1.0
            for r in range(v):
                for c in range(v):
                    weight = -half * (w[r, a] * w[b, c] + w[r, b] * w[a, c])
                    if weight != 0.0:
                        for h in range(k):
                            force[e, r * k + h] += weight * xy[c, h]
                            for g in range(k):
                                change[e, r * k + h, c * k + g] += weight * xx[h, g]
            e += 1


def _step(slopes: Slopes) -> tuple[FloatArray, float, bool]:
    """Newton's step, or the scoring step where the curvature is not positive; its expected gain; which it was."""
    gradient, exact, expected, _ = slopes
    d = len(gradient)
    unit, scaled, bent, inverse = np.zeros(d), np.zeros(d), np.zeros((d, d)), np.zeros((d, d))
    for e in range(d):
        unit[e] = np.sqrt(expected[e, e]) if expected[e, e] > 0 else 1.0
        scaled[e] = gradient[e] / unit[e]
        for f in range(e + 1):
            bent[e, f] = exact[e, f] / (unit[e] * unit[f])
    determined = not np.isnan(invert_above(bent, inverse, LEAST_INFORMATION))
    if not determined:
        for e in range(d):
            for f in range(e + 1):
                bent[e, f] = expected[e, f] / (unit[e] * unit[f])
            bent[e, e] += LEAST_INFORMATION
        invert_above(bent, inverse, 0.0)
    step, decrement = times(inverse, scaled), 0.0
    for e in range(d):
        decrement += step[e] * scaled[e]
        step[e] /= -unit[e]
    return step, decrement, determined


def _along(
    sigma: FloatArray, step: FloatArray, value: float, decrement: float, sums: Sums, state: State
) -> tuple[float, bool]:
    """Move Sigma along the step, halving it until the criterion falls enough; give the new value."""
    v, length = len(sigma), 1.0
    old = np.empty((v, v))
    for a in range(v):
        for b in range(v):
            old[a, b] = sigma[a, b]
    for _ in range(HALVINGS):
        e = 0
        for a in range(v):
            for b in range(a, v):
                sigma[a, b] = sigma[b, a] = old[a, b] + length * step[e]
                e += 1
        found = _evaluate(sigma, sums, state)
        if found <= value - SUFFICIENT_GAIN * length * decrement + ROUNDING * (1.0 + abs(value)):
            return found, True
        length *= 0.5
    return value, False


def _regular(sigma: FloatArray) -> bool:
    """Tell whether every visit keeps some variance of its own."""
    lower = np.zeros((len(sigma), len(sigma)))
    return not np.isnan(cholesky(sigma, lower, LEAST_CONDITIONAL_VARIANCE))


def _log_likelihood(value: float, sums: Sums, scale: FloatArray, k: int) -> float:
    """Add the constants and undo the scaling of the visits."""
    total = value
    for a in range(len(scale)):
        number = 0.0
        for j in range(len(sums.patients)):
            if sums.seen[j, a]:
                number += sums.patients[j]
        total += (number - k) * np.log(2.0 * np.pi * scale[a] * scale[a])
    return -0.5 * total


def _report(
    coefficients: FloatArray, scale: FloatArray, state: State, slopes: Slopes, reported: int, results: FloatArray
) -> None:
    """Estimate, variance and Satterthwaite degrees of freedom of the reported columns at every visit."""
    v, k = coefficients.shape
    cov, change, d = state.cov, slopes.change, len(slopes.gradient)
    wobble, slope = np.zeros((d, d)), np.zeros(d)
    known = not np.isnan(invert(slopes.exact, wobble))
    for a in range(v):
        for j in range(reported):
            i = a * k + j
            for e in range(d):
                slope[e] = -dot(cov[i], times(change[e], cov[i]))
            spread = 2.0 * dot(slope, times(wobble, slope))
            results[j, a, 0] = coefficients[a, j] + scale[a] * state.beta[i]
            results[j, a, 1] = scale[a] * scale[a] * cov[i, i]
            results[j, a, 2] = 2.0 * cov[i, i] * cov[i, i] / spread if known and spread > 0 else np.nan


FitOne = Callable[[FloatArray, FloatArray, int, FloatArray, FloatArray], None]
FUNCTIONS = (
    _evaluate,
    _first_derivatives,
    _curvature,
    _correction,
    _quadratic,
    _normal_change,
    _step,
    _along,
    _regular,
    _log_likelihood,
    _report,
)


@lru_cache(maxsize=1)
def machine_code() -> FitOne:
    """Turn `fit_one` and what it calls into machine code, which numba keeps on disk; other threads run meanwhile."""
    import numba

    files = (mmrm_kernel_algebra, mmrm_kernel_data, sys.modules[__name__])
    names: dict[str, object] = {}
    for file in files:
        names.update(vars(file))
    for file in files:
        for function in file.FUNCTIONS:
            plain = FunctionType(function.__code__, names, function.__name__)
            names[function.__name__] = numba.njit(nogil=True, error_model="numpy")(plain)
    entry = FunctionType(fit_one.__code__, names, fit_one.__name__)
    # numba would look at the date of this file only: the name on disk carries a check sum of all three.
    stamp = zlib.crc32(b"".join(Path(str(file.__file__)).read_bytes() for file in files))
    entry.__qualname__ = f"{fit_one.__name__}_{stamp:08x}"
    compiled: FitOne = numba.njit(cache=True, nogil=True, error_model="numpy")(entry)
    return compiled
