"""What this room gives to the rooms on its right: a number with its uncertainty, and how it was reached."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from scipy.special import ndtri

from exojoint.core.distributions import Distribution
from exojoint.core.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence, credible or prediction interval.

    Parameters
    ----------
    lower, upper : float
        Ends, on the scale of the effect.
    level : float
        Between 0 and 1.
    method : str
        How it was made, e.g. ``knapp-hartung``.
    df : float
        Degrees of freedom of the t distribution behind it; infinite for the normal.
    """

    lower: float
    upper: float
    level: float
    method: str
    df: float = math.inf

    def covers(self, value: float) -> bool:
        """Whether a value lies inside."""
        return self.lower <= value <= self.upper


@dataclass(frozen=True, slots=True)
class Estimate:
    """A pooled number as the joint and the trials take it: what we believe, how firmly, and on what.

    Parameters
    ----------
    value : float
        Centre (median) of what we believe about the mean effect.
    uncertainty : Distribution
        What we do not know about the mean: ``normal(s)`` about `value`. Shrinks with data.
    between_study_sd : float
        How much true effects differ between studies (tau). Does not shrink.
    rows_used : tuple of str
        Records behind the number, in their order.
    method : str
        How it was reached: measure, model, corrections, widenings; one line for the report.
    """

    value: float
    uncertainty: Distribution
    between_study_sd: float
    rows_used: tuple[str, ...]
    method: str

    @property
    def sd(self) -> float:
        """Standard deviation of what we do not know about the mean; 0 when it is fixed."""
        return self.uncertainty.arguments[0] if self.uncertainty.uncertain else 0.0

    @property
    def uncertainty_cell(self) -> str:
        """The uncertainty as a parameter table writes it, e.g. ``normal(0.12)``."""
        return f"normal({self.sd:.6g})" if self.uncertainty.uncertain else "fixed"

    def interval(self, level: float = 0.95) -> Interval:
        """Central interval of the mean effect."""
        half = float(ndtri(0.5 + level / 2)) * self.sd
        return Interval(self.value - half, self.value + half, level, "normal")

    def for_a_new_setting(self) -> Estimate:
        """Return what we believe about the effect in one new study: the mean's uncertainty and tau together.

        A human knee is one more setting, so a prior taken from animals uses this and not the mean.
        """
        total = math.hypot(self.sd, self.between_study_sd)
        uncertainty = Distribution("normal", (total,)) if total > 0 else self.uncertainty
        return replace(self, uncertainty=uncertainty, method=f"{self.method}; for a new setting (tau added)")

    def widened(self, factor: float, reason: str) -> Estimate:
        """Return the same centre with its standard deviation multiplied, and say why in `method`.

        Raises
        ------
        InputError
            When the factor is below 1: doubt about the evidence never makes us surer.
        """
        if not (math.isfinite(factor) and factor >= 1):
            problem = Problem("factor", f"{factor:g} would narrow the estimate", "a factor of at least 1")
            raise InputError(problem)
        uncertainty = Distribution("normal", (self.sd * factor,)) if self.sd > 0 else self.uncertainty
        return replace(self, uncertainty=uncertainty, method=f"{self.method}; widened x{factor:g} ({reason})")


def normal_estimate(
    value: float, sd: float, between_study_sd: float, rows_used: tuple[str, ...], method: str
) -> Estimate:
    """Make an `Estimate` from a centre and a standard deviation.

    Raises
    ------
    InputError
        When a number is not finite or a standard deviation is negative.
    """
    for name, number in (("value", value), ("sd", sd), ("between_study_sd", between_study_sd)):
        if not math.isfinite(number) or (name != "value" and number < 0):
            raise InputError(Problem(name, f"{number} cannot be used", "a finite number, not negative for a spread"))
    uncertainty = Distribution("normal", (sd,)) if sd > 0 else Distribution("fixed")
    return Estimate(value, uncertainty, between_study_sd, rows_used, method)
