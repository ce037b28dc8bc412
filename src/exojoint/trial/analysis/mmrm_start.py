"""A first guess of the visit covariance, from the residuals of least squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exojoint.trial.analysis.mmrm_criterion import residual_products
from exojoint.trial.analysis.mmrm_moments import Moments

FloatArray = NDArray[np.float64]

# Numerical: smallest variance of a guess, in units of the residual variance.
LEAST_VARIANCE = 1e-4
# A correlation matrix with a smaller eigenvalue than the first is shrunk until it has none below the second: a guess
# that is the data's own may be close to singular, a made-up one should keep away from it.
SINGULAR_EIGENVALUE = 1e-9
LEAST_EIGENVALUE = 0.02


def rough_covariance(moments: Moments) -> FloatArray:
    """Average products of residuals over all patients seen at both visits -> (g, v, v), positive definite."""
    p = moments.n_columns - 1
    spread = residual_products(moments, np.zeros(p), np.zeros((p, p)))
    both = moments.seen[:, :, None] & moments.seen[:, None, :]
    n_groups, v = int(moments.group.max()) + 1, moments.seen.shape[1]
    total, count = np.zeros((n_groups, v, v)), np.zeros((n_groups, v, v))
    np.add.at(total, moments.group, spread)
    np.add.at(count, moments.group, moments.n_patients[:, None, None] * both)
    return np.stack([_positive(t, c) for t, c in zip(total, count, strict=True)])


def _positive(total: FloatArray, count: FloatArray) -> FloatArray:
    """Turn sums and counts (v, v) into a covariance whose correlations are shrunk as little as needed."""
    average = np.where(count > 0, total / np.maximum(count, 1.0), 0.0)
    variance = np.diag(average)
    sd = np.sqrt(np.where(np.diag(count) > 0, np.maximum(variance, LEAST_VARIANCE), 1.0))
    unit = np.eye(len(sd))
    r = np.clip(average / np.outer(sd, sd), -1.0, 1.0) * (1.0 - unit) + unit
    if np.linalg.eigvalsh(r)[0] < SINGULAR_EIGENVALUE:
        while np.linalg.eigvalsh(r)[0] < LEAST_EIGENVALUE:
            r = unit + 0.9 * (r - unit)
    guess: FloatArray = r * np.outer(sd, sd)
    return guess
