"""Coefficients, tests and quantiles: how an estimate is judged, the same way in every model of this room."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, fdtrc, ndtri, stdtr, stdtrit

from exojoint.core.errors import InputError, Problem, did_you_mean

Array = NDArray[np.float64]


def t_quantile(level: float, df: float | Array) -> Array:
    """Return the two-sided quantile of t, or of the normal where `df` is infinite."""
    df = np.asarray(df, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        finite = stdtrit(np.where(np.isfinite(df) & (df > 0), df, 1.0), 0.5 + level / 2)
    normal = float(ndtri(0.5 + level / 2))
    return np.asarray(np.where(np.isinf(df), normal, np.where(df > 0, finite, np.nan)))


def two_sided_p(statistic: float | Array, df: float | Array) -> Array:
    """Return the two-sided p value of a t statistic (normal where `df` is infinite)."""
    statistic, df = np.asarray(statistic, dtype=np.float64), np.asarray(df, dtype=np.float64)
    large = np.where(np.isinf(df), 1e300, np.where(df > 0, df, np.nan))
    return np.asarray(2.0 * stdtr(large, -np.abs(statistic)))


@dataclass(frozen=True, slots=True)
class Test:
    """One hypothesis test.

    Parameters
    ----------
    name : str
        What is tested, and how.
    statistic, df, p : float
        Test statistic, (numerator) degrees of freedom, p value (two-sided where there are two sides).
    df2 : float
        Denominator degrees of freedom of an F; infinite for a chi-squared, and for a normal.
    """

    __test__ = False  # not a class of tests, whatever a collector thinks of its name

    name: str
    statistic: float
    df: float
    p: float
    df2: float = math.inf


def chi2_test(name: str, statistic: float, df: float) -> Test:
    """Chi-squared test; with 0 degrees of freedom there is nothing to test and p is 1."""
    return Test(name, statistic, df, float(chdtrc(df, statistic)) if df > 0 else 1.0)


def f_test(name: str, statistic: float, df: float, df2: float) -> Test:
    """F test; a chi-squared over its degrees of freedom when `df2` is infinite."""
    if math.isinf(df2):
        return chi2_test(name, statistic * df, df)
    return Test(name, statistic, df, float(fdtrc(df, df2, max(statistic, 0.0))) if df2 > 0 else math.nan, df2)


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Estimated coefficients with their covariance and the distribution that judges them.

    Parameters
    ----------
    names : tuple of str
        Of the p coefficients.
    values : (p,)
        Estimates.
    covariance : (p, p)
        Of the estimates.
    df : (p,)
        Degrees of freedom of each coefficient's t; infinite for the normal.
    level : float
        Of the intervals.
    """

    names: tuple[str, ...]
    values: Array
    covariance: Array
    df: Array
    level: float = 0.95

    @property
    def se(self) -> Array:
        """Standard errors, (p,)."""
        return np.asarray(np.sqrt(np.maximum(np.diag(self.covariance), 0.0)))

    @property
    def statistic(self) -> Array:
        """Estimates over standard errors, (p,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.values / self.se)

    @property
    def p(self) -> Array:
        """Two-sided p values, (p,)."""
        return two_sided_p(self.statistic, self.df)

    @property
    def lower(self) -> Array:
        """Lower ends of the intervals, (p,)."""
        return np.asarray(self.values - t_quantile(self.level, self.df) * self.se)

    @property
    def upper(self) -> Array:
        """Upper ends of the intervals, (p,)."""
        return np.asarray(self.values + t_quantile(self.level, self.df) * self.se)

    def index(self, name: str | int) -> int:
        """Position of a coefficient by name or number.

        Raises
        ------
        InputError
            When there is none of this name.
        """
        if isinstance(name, int):
            return name
        if name not in self.names:
            expected = f"one of {', '.join(self.names)}"
            raise InputError(Problem("coefficient", f"'{name}' is unknown", expected, did_you_mean(name, self.names)))
        return self.names.index(name)

    def __getitem__(self, name: str | int) -> dict[str, float]:
        """One coefficient: estimate, se, statistic, df, p, lower, upper."""
        i = self.index(name)
        columns = {
            "estimate": self.values, "se": self.se, "statistic": self.statistic, "df": self.df, "p": self.p,
            "lower": self.lower, "upper": self.upper,
        }  # fmt: skip
        return {key: float(column[i]) for key, column in columns.items()}

    def contrast(self, weights: ArrayLike) -> dict[str, float]:
        """Linear combination ``weights @ values``, judged with the smallest df of its coefficients.

        Parameters
        ----------
        weights : (p,)
            One weight per coefficient.
        """
        w = np.asarray(weights, dtype=np.float64)
        value, se = float(w @ self.values), math.sqrt(max(float(w @ self.covariance @ w), 0.0))
        df = min((float(d) for d, weight in zip(self.df, w, strict=True) if weight != 0), default=math.inf)
        half = float(t_quantile(self.level, df)) * se
        statistic = value / se if se > 0 else math.nan
        p = float(two_sided_p(statistic, df))
        return {
            "estimate": value, "se": se, "statistic": statistic, "df": df, "p": p,
            "lower": value - half, "upper": value + half,
        }  # fmt: skip

    def wald(self, names: tuple[str | int, ...], name: str = "Wald test") -> Test:
        """Joint test that the named coefficients are zero (chi-squared, or F where df are finite).

        The statistic is nan where the coefficients have no covariance of full rank.
        """
        rows = [self.index(item) for item in names]
        block = self.covariance[np.ix_(rows, rows)]
        if not np.isfinite(block).all() or np.linalg.matrix_rank(block, hermitian=True) < len(rows):
            return Test(name, math.nan, len(rows), math.nan, float(np.min(self.df[rows])))
        q = float(self.values[rows] @ np.linalg.solve(block, self.values[rows]))
        return f_test(name, q / len(rows), len(rows), float(np.min(self.df[rows])))
