"""Correlations: what a correlation of normal scores means for the covariates, and how to reach it beside phenotypes.

Expectations of products are sums over Hermite coefficients: for standard normals with correlation r,
E[f(X) g(Y)] = sum of r^n f_n g_n, with f_n the coefficient of f in the normalised Hermite polynomial of order n.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from exojoint.patients.copula import BY_SEX, VARIABLES
from exojoint.patients.margins import Margin, Mixture

Floats = NDArray[np.float64]
Pairs = Mapping[tuple[str, str], float]

# Enough for three digits of a correlation with a covariate of two levels.
HERMITE_TERMS = 16
GRID_SIZE = 2000
# Correlations inside a class beyond this would make two covariates one.
LARGEST = 0.98


def expected_correlations(pairs: Pairs, margins: Mapping[str, Margin]) -> dict[tuple[str, str], float]:
    """Correlation of the covariates themselves whose normal scores have the given ones.

    It is smaller, because margins have bounds and levels: two grades of equal size keep four fifths.
    """
    plain = Mixture((1.0,), (0.0,), 1.0)
    return {
        (first, second): _product(_coefficients(margins[first], plain), _coefficients(margins[second], plain), r)
        for (first, second), r in pairs.items()
    }


def within_correlation(pairs: Pairs, margins: Mapping[str, Margin], scores: Mapping[str, Mixture]) -> Floats:
    """Correlation matrix (6, 6) of residual scores inside a class that gives the wanted one over the whole population.

    Parameters
    ----------
    pairs : wanted correlation of normal scores over the population; other pairs are independent inside a class
    margins, scores : of every covariate

    Raises
    ------
    ValueError
        When a pair, or all pairs together, cannot hold beside the classes' shifts.
    """
    wanted = expected_correlations(pairs, margins)
    matrix = np.eye(len(VARIABLES))
    for (first, second), target in wanted.items():
        inside = _solve(first, second, target, margins, scores)
        row, column = VARIABLES.index(first), VARIABLES.index(second)
        matrix[row, column] = matrix[column, row] = inside
    if float(np.linalg.eigvalsh(matrix)[0]) < 1e-6:
        raise ValueError("the correlations cannot hold together")
    return matrix


def _solve(
    first: str, second: str, target: float, margins: Mapping[str, Margin], scores: Mapping[str, Mixture]
) -> float:
    """Correlation inside a class at which the covariates correlate by `target` over the population."""
    a, b = (_coefficients(margins[name], scores[name]) for name in (first, second))
    if (first in BY_SEX) != (second in BY_SEX) or len(a) != len(b):
        # Sex and phenotype are independent of each other: each side is averaged over its own classes.
        a, b = (_averaged(values, scores[name]) for values, name in ((a, first), (b, second)))
        shares = np.ones(1)
    else:
        shares = np.array(scores[first].shares)

    def miss(inside: float) -> float:
        return float(shares @ [_product(x[None], y[None], inside) for x, y in zip(a, b, strict=True)]) - target

    if miss(-LARGEST) * miss(LARGEST) > 0.0:
        raise ValueError(
            f"a correlation {first}-{second} of {target:.2f} cannot hold beside the shifts of the phenotypes"
        )
    return float(brentq(miss, -LARGEST, LARGEST, xtol=1e-6))


def _averaged(coefficients: Floats, score: Mixture) -> Floats:
    """Coefficients (1, terms + 1) averaged over classes."""
    mean: Floats = (np.array(score.shares) @ coefficients)[None]
    return mean


def _product(a: Floats, b: Floats, correlation: float) -> float:
    """Expected product of two standardised covariates with one row of coefficients each."""
    return float(np.sum(correlation ** np.arange(HERMITE_TERMS + 1) * a[0] * b[0]))


def _coefficients(margin: Margin, score: Mixture) -> Floats:
    """Hermite coefficients (classes, terms + 1) of the standardised covariate in its residual score, class by class."""
    z: Floats = ndtri((np.arange(GRID_SIZE) + 0.5) / GRID_SIZE)
    basis = [np.ones_like(z), z]
    for order in range(1, HERMITE_TERMS):
        basis.append((z * basis[-1] - np.sqrt(order) * basis[-2]) / np.sqrt(order + 1.0))
    scale = margin.sd if margin.sd > 0.0 else 1.0
    rows = []
    for shift in score.shifts:
        value = (margin.quantile(score.share_below(shift + score.within * z)) - margin.mean) / scale
        rows.append([float(np.mean(value * polynomial)) for polynomial in basis])
    return np.array(rows)
