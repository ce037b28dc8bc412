"""Minus twice the (restricted) log-likelihood of an MMRM as a function of Sigma, with exact derivatives.

Constants are left out. With W the inverse of a pattern's part of Sigma, M the sum of r r' + X Phi X' over its patients,
n their number, and Phi the covariance of the fixed effects (the X Phi X' term belongs to REML only),

    gradient by Sigma             n W - W M W
    second derivative (E, E')     -n tr(W E W E') + 2 tr(W M W E W E') - [tr(Phi Q Phi Q')] - 2 u' Phi u'

where Q = X' dW X and u = X' dW r are the first-order changes of the normal equations (Lindstrom and Bates 1988, J Am
Stat Assoc 83:1014, give the same by Cholesky factors of random effects).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.trial.analysis.mmrm_moments import Moments, triangle

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The criterion at one Sigma.

    Attributes
    ----------
    value : minus twice the log-likelihood without constants.
    coefficients, cov : (p,), (p, p) generalised least squares and their covariance.
    precision : (s, v, v), W per pattern, zero at unseen visits.
    swept : (s, v, v), W M W per pattern.
    gradient : (g, v, v), derivative by the elements of each group's Sigma seen as free (not yet symmetrised).
    """

    value: float
    coefficients: FloatArray
    cov: FloatArray
    precision: FloatArray
    swept: FloatArray
    gradient: FloatArray


@dataclass(frozen=True, slots=True)
class Curvature:
    """Second derivatives by the distinct elements of all groups' Sigma, k = groups x v (v + 1) / 2.

    Attributes
    ----------
    exact, expected : (k, k), of the criterion, and what it is on average where the model holds (without the
        correction for estimating the fixed effects).
    normal_change : (k, p, p), change of X' W X with each element.
    """

    exact: FloatArray
    expected: FloatArray
    normal_change: FloatArray


def evaluate(moments: Moments, sigma: FloatArray, reml: bool) -> Evaluation | None:
    """Evaluate at `sigma` (g, v, v); None where a matrix is not positive definite."""
    both = moments.seen[:, :, None] & moments.seen[:, None, :]
    unseen = np.eye(sigma.shape[1]) * ~moments.seen[:, None, :]
    blocks = np.where(both, sigma[moments.group], 0.0) + unseen
    try:
        lower = np.linalg.cholesky(blocks)
        precision = np.where(both, np.linalg.inv(blocks), 0.0)
        normal = normal_equations(moments, precision)
        p = moments.n_columns - 1
        root = np.linalg.cholesky(normal[:p, :p])
        inverse_root = np.linalg.solve(root, np.eye(p))
    except np.linalg.LinAlgError:
        return None
    cov = inverse_root.T @ inverse_root
    coefficients = cov @ normal[:p, p]
    log_det = 2.0 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    value = moments.n_patients @ log_det + normal[p, p] - coefficients @ normal[:p, p]
    if reml:
        value += 2.0 * np.log(np.diag(root)).sum()
    spread = residual_products(moments, coefficients, cov if reml else np.zeros_like(cov))
    swept = precision @ spread @ precision
    by_pattern = moments.n_patients[:, None, None] * precision - swept
    gradient = np.zeros_like(sigma)
    np.add.at(gradient, moments.group, by_pattern)
    return Evaluation(float(value), coefficients, cov, precision, swept, gradient)


def normal_equations(moments: Moments, weights: FloatArray) -> FloatArray:
    """Sum z_a z_b' times the symmetric `weights` (s, v, v) over patients and visit pairs -> (P, P)."""
    pair_weight = _multiplicity(moments) * weights[moments.pair_pattern, moments.pair_first, moments.pair_second]
    return _unpack(pair_weight @ moments.products, moments.n_columns)


def residual_products(moments: Moments, coefficients: FloatArray, cov: FloatArray) -> FloatArray:
    """Sum r r' + X cov X' over the patients of each pattern -> (s, v, v)."""
    p = len(coefficients)
    direction = np.append(-coefficients, 1.0)
    kernel = np.outer(direction, direction)
    kernel[:p, :p] += cov
    rows, columns = triangle(moments.n_columns)
    by_pair = moments.products @ (kernel[rows, columns] * np.where(rows == columns, 1.0, 2.0))
    spread = np.zeros((len(moments.group), moments.seen.shape[1], moments.seen.shape[1]))
    spread[moments.pair_pattern, moments.pair_first, moments.pair_second] = by_pair
    spread[moments.pair_pattern, moments.pair_second, moments.pair_first] = by_pair
    return spread


def curvature(moments: Moments, at: Evaluation, reml: bool) -> Curvature:
    """Second derivatives at an evaluation."""
    n_groups, v = at.gradient.shape[:2]
    first, second = triangle(v)
    size, p = len(first), moments.n_columns - 1
    exact, expected = (np.zeros((n_groups * size, n_groups * size)) for _ in range(2))
    change = np.zeros((n_groups * size, moments.n_columns, moments.n_columns))
    half = np.where(first == second, 0.5, 1.0)
    counted = moments.n_patients[:, None, None] * at.precision
    for g in range(n_groups):
        mine = moments.group == g
        block = slice(g * size, (g + 1) * size)
        exact[block, block] = _quadratic(2.0 * at.swept[mine] - counted[mine], at.precision[mine])
        expected[block, block] = _quadratic(counted[mine], at.precision[mine])
        change[block] = _normal_change(moments, at.precision, mine, half)
    normal_change = change[:, :p, :p]
    force = change[:, :p, p] - normal_change @ at.coefficients
    exact -= 2.0 * force @ at.cov @ force.T
    if reml:
        turned = at.cov @ normal_change
        exact -= turned.reshape(len(turned), -1) @ turned.transpose(0, 2, 1).reshape(len(turned), -1).T
    return Curvature(exact, expected, normal_change)


def _normal_change(moments: Moments, precision: FloatArray, mine: NDArray[np.bool_], half: FloatArray) -> FloatArray:
    """Change of the augmented normal equations with each element of one group's Sigma -> (size, P, P)."""
    pairs = np.flatnonzero(mine[moments.pair_pattern])
    pattern = moments.pair_pattern[pairs]
    left, right = precision[pattern, moments.pair_first[pairs]], precision[pattern, moments.pair_second[pairs]]
    first, second = triangle(precision.shape[1])
    weight = -(left[:, first] * right[:, second] + left[:, second] * right[:, first]) * half
    weight *= _multiplicity(moments)[pairs, None]
    return _unpack(weight.T @ moments.products[pairs], moments.n_columns)


def _quadratic(left: FloatArray, right: FloatArray) -> FloatArray:
    """Sum over patterns of tr(left E right E') for all pairs of distinct elements E, E' of a symmetric matrix."""
    v = left.shape[1]
    tensor = (left.reshape(len(left), -1).T @ right.reshape(len(right), -1)).reshape(v, v, v, v)
    a, b = triangle(v)
    a1, b1, c, d = a[:, None], b[:, None], a[None, :], b[None, :]
    total = tensor[d, a1, b1, c] + tensor[d, b1, a1, c] + tensor[c, a1, b1, d] + tensor[c, b1, a1, d]
    half = np.where(a == b, 0.5, 1.0)
    result: FloatArray = total * np.outer(half, half)
    return result


def _multiplicity(moments: Moments) -> FloatArray:
    return np.where(moments.pair_first == moments.pair_second, 1.0, 2.0)


def _unpack(packed: FloatArray, size: int) -> FloatArray:
    full = np.empty((*packed.shape[:-1], size, size))
    rows, columns = triangle(size)
    full[..., rows, columns] = packed
    full[..., columns, rows] = packed
    return full
