"""Small dense algebra to be turned into machine code: plain loops, so that the order of sums is always the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# Numerical: share of its diagonal below which a pivot of normal equations says that a column repeats others.
ALIAS_TOLERANCE = 1e-12


def cholesky(a: FloatArray, lower: FloatArray, least: float) -> float:
    """Lower triangle of a (m, m); gives its log determinant, NaN where a pivot is below `least` of its diagonal."""
    m, log_det = len(a), 0.0
    for i in range(m):
        for j in range(i + 1):
            total = a[i, j]
            for h in range(j):
                total -= lower[i, h] * lower[j, h]
            if i == j:
                if not total > least * a[i, i] or not total > 0.0:
                    return np.nan
                lower[i, i] = np.sqrt(total)
                log_det += np.log(total)
            else:
                lower[i, j] = total / lower[j, j]
    return log_det


def invert_above(a: FloatArray, inverse: FloatArray, least: float) -> float:
    """Inverse of a positive definite matrix; gives its log determinant, or NaN as `cholesky`."""
    m = len(a)
    lower, root = np.zeros((m, m)), np.zeros((m, m))
    log_det = cholesky(a, lower, least)
    if np.isnan(log_det):
        return log_det
    for j in range(m):
        root[j, j] = 1.0 / lower[j, j]
        for i in range(j + 1, m):
            total = 0.0
            for h in range(j, i):
                total -= lower[i, h] * root[h, j]
            root[i, j] = total / lower[i, i]
    for i in range(m):
        for j in range(i + 1):
            total = 0.0
            for h in range(i, m):
                total += root[h, i] * root[h, j]
            inverse[i, j] = inverse[j, i] = total
    return log_det


def invert(a: FloatArray, inverse: FloatArray) -> float:
    """Inverse of a well-determined matrix; gives its log determinant, NaN where a column repeats others."""
    return invert_above(a, inverse, ALIAS_TOLERANCE)


def invert_part(sigma: FloatArray, seen: BoolArray, w: FloatArray) -> float:
    """Inverse of the rows and columns that were seen, in place among zeros; gives the log determinant."""
    visits, m = np.zeros(len(seen), np.int64), 0
    for a in range(len(seen)):
        if seen[a]:
            visits[m] = a
            m += 1
    part, inverse = np.empty((m, m)), np.zeros((m, m))
    for i in range(m):
        for j in range(m):
            part[i, j] = sigma[visits[i], visits[j]]
    log_det = invert_above(part, inverse, 0.0)
    for i in range(m):
        for j in range(m):
            w[visits[i], visits[j]] = inverse[i, j]
    return log_det


def dot(a: FloatArray, b: FloatArray) -> float:
    """Sum of products, always in the same order."""
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


def times(a: FloatArray, b: FloatArray) -> FloatArray:
    """Matrix (m, n) times vector (n,)."""
    result = np.empty(len(a))
    for i in range(len(a)):
        result[i] = dot(a[i], b)
    return result


def product(a: FloatArray, b: FloatArray, out: FloatArray) -> None:
    """Matrix times matrix into `out`."""
    for i in range(len(a)):
        for j in range(b.shape[1]):
            out[i, j] = 0.0
        for h in range(len(b)):
            weight = a[i, h]
            if weight != 0.0:
                for j in range(b.shape[1]):
                    out[i, j] += weight * b[h, j]


FUNCTIONS = (cholesky, invert_above, invert, invert_part, dot, times, product)
