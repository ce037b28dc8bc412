"""Results that all models of this room share: coefficients, tests, heterogeneity, and what the fit did."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, fdtrc, ndtri, stdtr, stdtrit

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.evidence.effects.types import back_transform
from exojoint.evidence.estimate import Estimate, Interval, normal_estimate

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
        value, se = float(w @ self.values), float(np.sqrt(max(w @ self.covariance @ w, 0.0)))
        df = min((float(d) for d, weight in zip(self.df, w, strict=True) if weight != 0), default=math.inf)
        half = float(t_quantile(self.level, df)) * se
        statistic = value / se if se > 0 else math.nan
        p = float(two_sided_p(statistic, df))
        return {
            "estimate": value, "se": se, "statistic": statistic, "df": df, "p": p,
            "lower": value - half, "upper": value + half,
        }  # fmt: skip

    def wald(self, names: tuple[str | int, ...], name: str = "Wald test") -> Test:
        """Joint test that the named coefficients are zero (chi-squared, or F where df are finite)."""
        rows = [self.index(item) for item in names]
        block = self.covariance[np.ix_(rows, rows)]
        q = float(self.values[rows] @ np.linalg.solve(block, self.values[rows]))
        return f_test(name, q / len(rows), len(rows), float(np.min(self.df[rows])))


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How much true effects differ, and whether the differences exceed sampling error.

    Parameters
    ----------
    tau2, se_tau2 : float
        Between-study variance and its standard error (nan where the estimator has none).
    q : Test
        Cochran's Q (residual Q of a regression).
    i2, h2 : float
        Share of the variance that is between studies, in percent; total over sampling variance.
    """

    tau2: float
    se_tau2: float
    q: Test
    i2: float
    h2: float

    @property
    def tau(self) -> float:
        """Between-study standard deviation."""
        return math.sqrt(self.tau2)


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted, and how the computation ended.

    Parameters
    ----------
    method : str
        Estimator of the between-study variance, e.g. ``REML``.
    k, p : int
        Number of effects and of coefficients.
    loglik : float
        (Restricted) log-likelihood with all constants; nan where the method has none.
    converged : bool
        False when the result is the best value found and not a proven solution.
    """

    method: str
    k: int
    p: int
    loglik: float = math.nan
    converged: bool = True

    def aic(self, parameters: int) -> float:
        """Akaike's criterion for a model with this number of parameters in all."""
        return 2.0 * parameters - 2.0 * self.loglik


@dataclass(frozen=True, slots=True)
class PooledResult:
    """One pooled effect.

    Parameters
    ----------
    estimate, se : float
        Mean effect and its standard error (after Knapp-Hartung's adjustment where that was asked for).
    interval : Interval
        Confidence interval of the mean.
    prediction : Interval
        Interval for the true effect of a new study.
    test : Test
        That the mean is zero.
    heterogeneity : Heterogeneity
        tau2, Q, I2, H2.
    fit : Fit
        Method, number of studies, log-likelihood.
    warnings : tuple of str
        What a reader must know before using the numbers.
    """

    estimate: float
    se: float
    interval: Interval
    prediction: Interval
    test: Test
    heterogeneity: Heterogeneity
    fit: Fit
    warnings: tuple[str, ...] = ()

    @property
    def lower(self) -> float:
        """Lower end of the confidence interval."""
        return self.interval.lower

    @property
    def upper(self) -> float:
        """Upper end of the confidence interval."""
        return self.interval.upper

    @property
    def statistic(self) -> float:
        """Estimate over standard error."""
        return self.test.statistic

    @property
    def p(self) -> float:
        """Two-sided p value of the mean."""
        return self.test.p

    @property
    def tau2(self) -> float:
        """Between-study variance."""
        return self.heterogeneity.tau2

    @property
    def q(self) -> float:
        """Cochran's Q."""
        return self.heterogeneity.q.statistic

    @property
    def i2(self) -> float:
        """I2 in percent."""
        return self.heterogeneity.i2

    @property
    def h2(self) -> float:
        """H2."""
        return self.heterogeneity.h2

    @property
    def k(self) -> int:
        """Number of studies."""
        return self.fit.k

    def back(self, scale: str) -> dict[str, float]:
        """Estimate, interval and prediction interval on the reader's scale (``log`` gives ratios)."""
        values = {
            "estimate": self.estimate, "lower": self.lower, "upper": self.upper,
            "prediction_lower": self.prediction.lower, "prediction_upper": self.prediction.upper,
        }  # fmt: skip
        return {name: float(back_transform(value, scale)) for name, value in values.items()}

    def to_estimate(self, rows_used: tuple[str, ...] = (), method: str = "") -> Estimate:
        """Return the result as the rooms on the right take it.

        The standard deviation is half the confidence interval over 1.96, so that a t interval of few studies widens it.

        Parameters
        ----------
        rows_used : tuple of str
            Records behind the effects.
        method : str
            Said before the model, e.g. the question and the measure.
        """
        half = 0.5 * (self.upper - self.lower)
        sd = half / float(ndtri(0.5 + self.interval.level / 2))
        how = f"{self.fit.method}, {self.interval.method} interval, k = {self.k}"
        text = "; ".join(part for part in (method, how, *self.warnings) if part)
        return normal_estimate(self.estimate, sd, math.sqrt(self.tau2), rows_used, text)

    def to_dict(self) -> dict[str, object]:
        """Return plain numbers and text, ready for JSON (nan and infinity become None)."""
        return {
            "estimate": finite_or_none(self.estimate), "se": finite_or_none(self.se),
            "statistic": finite_or_none(self.statistic), "p": finite_or_none(self.p),
            "interval": _plain(self.interval), "prediction_interval": _plain(self.prediction),
            "tau2": finite_or_none(self.tau2), "se_tau2": finite_or_none(self.heterogeneity.se_tau2),
            "I2": finite_or_none(self.i2), "H2": finite_or_none(self.h2), "Q": finite_or_none(self.q),
            "Q_df": self.heterogeneity.q.df, "Q_p": finite_or_none(self.heterogeneity.q.p), "k": self.k,
            "method": self.fit.method, "converged": self.fit.converged, "warnings": list(self.warnings),
        }  # fmt: skip


def finite_or_none(value: float) -> float | None:
    """Return a float that JSON can hold, or None."""
    return float(value) if math.isfinite(value) else None


def _plain(interval: Interval) -> dict[str, object]:
    return {key: finite_or_none(v) if isinstance(v, float) else v for key, v in asdict(interval).items()}


@dataclass(frozen=True, slots=True)
class RegressionResult:
    """A meta-regression.

    Parameters
    ----------
    coefficients : Coefficients
        Intercept and slopes.
    heterogeneity : Heterogeneity
        Residual tau2, residual Q, I2, H2.
    omnibus : Test
        That all coefficients but the intercept are zero (all, where there is no intercept).
    r2 : float
        Share of tau2 that the moderators explain, in percent; nan without an intercept-only counterpart.
    fit : Fit
        Method, number of studies, log-likelihood.
    warnings : tuple of str
        What a reader must know before using the numbers.
    """

    coefficients: Coefficients
    heterogeneity: Heterogeneity
    omnibus: Test
    r2: float
    fit: Fit
    warnings: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.coefficients.names

    @property
    def values(self) -> Array:
        """Estimates, (p,)."""
        return self.coefficients.values

    @property
    def se(self) -> Array:
        """Standard errors, (p,)."""
        return self.coefficients.se

    @property
    def tau2(self) -> float:
        """Residual between-study variance."""
        return self.heterogeneity.tau2

    def predict(self, row: ArrayLike) -> PooledPrediction:
        """Mean effect, and the effect of a new study, at given moderators.

        Parameters
        ----------
        row : (p,)
            Values of the columns `names`, 1 for the intercept.
        """
        mean = self.coefficients.contrast(row)
        quantile = float(t_quantile(self.coefficients.level, float(np.min(self.coefficients.df))))
        half = quantile * math.sqrt(mean["se"] ** 2 + self.tau2)
        ends = (mean["estimate"] - half, mean["estimate"] + half)
        return PooledPrediction(mean["estimate"], mean["se"], (mean["lower"], mean["upper"]), ends)


@dataclass(frozen=True, slots=True)
class PooledPrediction:
    """Mean effect at given moderators with its confidence and prediction intervals (ends)."""

    estimate: float
    se: float
    confidence: tuple[float, float]
    prediction: tuple[float, float]
