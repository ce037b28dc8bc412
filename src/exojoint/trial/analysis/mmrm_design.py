"""The fixed effects of an MMRM brought to a form in which arithmetic is safe, and the way back.

Columns are made orthogonal and the outcome becomes its least-squares residual in units of its own spread: the
likelihood then sees numbers near one whatever the units of the trial. Aliased columns (rank deficiency) are found here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# A column whose part outside the columns before it is smaller than this share of its length is aliased, as in R's lm.
ALIAS_TOLERANCE = 1e-7
# Residuals below this share of the outcome's size are rounding: the model reproduces the data.
PERFECT_FIT_TOLERANCE = 1e-11


@dataclass(frozen=True, slots=True)
class Design:
    """A standardised design.

    Attributes
    ----------
    z : (N, p + 1) orthogonal columns of squared length N, then the scaled least-squares residual.
    kept, aliased : column indices of the caller's X; aliased columns are combinations of kept ones.
    combination : (p, n_aliased), aliased column = X[:, kept] @ combination.
    back : (p, p), coefficients of kept columns = least_squares + scale * back @ coefficients of z.
    least_squares : (p,) ordinary least squares of the (weighted) data.
    scale : residual standard deviation used as the unit; 0 where the fit is perfect.
    log_volume : log determinant of `back`.
    """

    z: FloatArray
    kept: IntArray
    aliased: IntArray
    combination: FloatArray
    back: FloatArray
    least_squares: FloatArray
    scale: float
    log_volume: float


def standardise(y: FloatArray, X: FloatArray) -> Design:
    """Drop aliased columns of X (N, p), take least squares of y (N,), and scale both."""
    n = len(y)
    kept = independent_columns(X)
    aliased = np.setdiff1d(np.arange(X.shape[1]), kept)
    q, r = np.linalg.qr(X[:, kept])
    combination = np.linalg.solve(r, q.T @ X[:, aliased]) if len(kept) else np.zeros((0, len(aliased)))
    projected = q.T @ y
    residual = y - q @ projected
    # A second projection removes what rounding left of large means.
    again = q.T @ residual
    residual -= q @ again
    spread = float(np.linalg.norm(residual))
    freedom = n - len(kept)
    perfect = freedom <= 0 or spread <= PERFECT_FIT_TOLERANCE * max(float(np.linalg.norm(y)), np.finfo(float).tiny)
    scale = 0.0 if perfect else spread / np.sqrt(freedom)
    back = np.linalg.solve(r, np.eye(len(kept))) * np.sqrt(n)
    z = np.column_stack([q * np.sqrt(n), residual / (scale if scale > 0 else 1.0)])
    log_volume = float(np.log(np.abs(np.diag(back))).sum())
    return Design(z, kept, aliased, combination, back, np.linalg.solve(r, projected + again), scale, log_volume)


def independent_columns(X: FloatArray) -> IntArray:
    """Find the columns of X (N, p) that are not combinations of columns before them."""
    length = np.linalg.norm(X, axis=0)
    n, p = X.shape
    if n >= p and np.all(length > 0):
        diagonal = np.abs(np.diag(np.linalg.qr(X / length, mode="r")))
        if diagonal.min(initial=np.inf) > ALIAS_TOLERANCE:
            return np.arange(p)
    return _one_by_one(X, length)


def _one_by_one(X: FloatArray, length: FloatArray) -> IntArray:
    """Gram-Schmidt with a second pass: slower, but right after the first dependent column."""
    basis = np.zeros((len(X), 0))
    kept: list[int] = []
    for j in np.flatnonzero(length > 0):
        column = X[:, j] / length[j]
        for _ in range(2):
            column = column - basis @ (basis.T @ column)
        left = float(np.linalg.norm(column))
        if left > ALIAS_TOLERANCE and len(kept) < len(X):
            basis = np.column_stack([basis, column / left])
            kept.append(int(j))
    return np.array(kept, dtype=np.int64)
