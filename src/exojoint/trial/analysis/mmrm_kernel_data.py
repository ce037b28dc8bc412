"""One simulated trial's visits, sorted and summed for the machine-code MMRM (shapes as in `mmrm_kernel`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from exojoint.trial.analysis.mmrm_kernel_algebra import cholesky, dot, invert, times

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# Numerical: squared share of the outcome's size below which residuals are rounding; shrinkage of a first guess.
PERFECT_FIT_TOLERANCE = 1e-22
START_SHRINKAGE = 0.9


class Sums(NamedTuple):
    """Data by pattern: seen (s, v), patients (s,), and sums of x x' (s, k, k), y x' (s, v, k) and y y' (s, v, v)."""

    seen: BoolArray
    patients: FloatArray
    xx: FloatArray
    xy: FloatArray
    yy: FloatArray


def least_squares(y: FloatArray, x: FloatArray, coefficients: FloatArray, scale: FloatArray) -> bool:
    """Replace y (n, v) by its residuals per visit in units of their spread; False where a visit does not allow it."""
    n, v = y.shape
    k = x.shape[1]
    inverse, moment = np.zeros((k, k)), np.zeros(k)
    for a in range(v):
        xx, total, seen = np.zeros((k, k)), 0.0, 0
        for i in range(n):
            if not np.isnan(y[i, a]):
                seen += 1
                total += y[i, a] * y[i, a]
                for j in range(k):
                    for h in range(k):
                        xx[j, h] += x[i, j] * x[i, h]
        if seen <= k or np.isnan(invert(xx, inverse)):
            return False
        for _ in range(2):  # the second pass removes what rounding left of large means
            for h in range(k):
                moment[h] = 0.0
                for i in range(n):
                    if not np.isnan(y[i, a]):
                        moment[h] += x[i, h] * y[i, a]
            move = times(inverse, moment)
            for h in range(k):
                coefficients[a, h] += move[h]
            for i in range(n):
                y[i, a] -= dot(x[i], move)
        rest = 0.0
        for i in range(n):
            if not np.isnan(y[i, a]):
                rest += y[i, a] * y[i, a]
        if rest <= PERFECT_FIT_TOLERANCE * total:
            return False
        scale[a] = np.sqrt(rest / (seen - k))
        for i in range(n):
            y[i, a] /= scale[a]
    return True


def sum_patterns(y: FloatArray, x: FloatArray) -> Sums:
    """Sort patients by the visits they attended, and sum the products of each pattern."""
    n, v = y.shape
    k = x.shape[1]
    pattern, seen, s = np.empty(n, np.int64), np.zeros((n + 1, v), np.bool_), 0
    for i in range(n):
        pattern[i] = -1
        visits = 0
        for a in range(v):
            seen[s, a] = not np.isnan(y[i, a])
            visits += seen[s, a]
        if visits == 0:
            continue
        for j in range(s + 1):  # row s is this patient's own
            equal = True
            for a in range(v):
                equal = equal and seen[j, a] == seen[s, a]
            if equal:
                pattern[i] = j
                break
        if pattern[i] == s:
            s += 1
    patients, xx, xy, yy = np.zeros(s), np.zeros((s, k, k)), np.zeros((s, v, k)), np.zeros((s, v, v))
    for i in range(n):
        j = pattern[i]
        if j < 0:
            continue
        patients[j] += 1.0
        for h in range(k):
            for g in range(k):
                xx[j, h, g] += x[i, h] * x[i, g]
        for a in range(v):
            if seen[j, a]:
                for h in range(k):
                    xy[j, a, h] += y[i, a] * x[i, h]
                for b in range(v):
                    if seen[j, b]:
                        yy[j, a, b] += y[i, a] * y[i, b]
    return Sums(seen[:s], patients, xx, xy, yy)


def first_guess(sums: Sums) -> FloatArray:
    """Correlations of the residuals over patients seen at both visits, shrunk until positive definite (v, v)."""
    seen, patients, yy = sums.seen, sums.patients, sums.yy
    v = seen.shape[1]
    sigma, lower = np.zeros((v, v)), np.zeros((v, v))
    for a in range(v):
        sigma[a, a] = 1.0
        for b in range(v):
            if a != b:
                number, product = 0.0, 0.0
                for j in range(len(patients)):
                    if seen[j, a] and seen[j, b]:
                        number += patients[j]
                        product += yy[j, a, b]
                sigma[a, b] = max(-1.0, min(1.0, product / number)) if number > 0 else 0.0
    while np.isnan(cholesky(sigma, lower, 1.0 - START_SHRINKAGE)):
        for a in range(v):
            for b in range(v):
                if a != b:
                    sigma[a, b] *= START_SHRINKAGE
    return sigma


FUNCTIONS = (least_squares, sum_patterns, first_guess)
