"""Results that all models of this room share: pooled effects, regressions, heterogeneity, and what the fit did."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from exojoint.evidence.effects.types import back_transform
from exojoint.evidence.estimate import Estimate, Interval, normal_estimate
from exojoint.evidence.inference import Coefficients, Test, t_quantile

__all__ = [
    "Coefficients",
    "Fit",
    "Heterogeneity",
    "PooledPrediction",
    "PooledResult",
    "RegressionResult",
    "Test",
    "finite_or_none",
    "t_quantile",
]

Array = NDArray[np.float64]


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
