"""Effects of small animal studies, corrected for the winner's curse by default and shown beside the naive value."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_ndtr, ndtri

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.bias.averaging import AveragedResult, robust_bayesian_average
from exojoint.evidence.bias.excess import excess_significance
from exojoint.evidence.bias.selection import selection_model
from exojoint.evidence.bias.small_study import pet_peese
from exojoint.evidence.bias.trim_fill import trim_and_fill
from exojoint.evidence.checks import choose, effects_and_variances, level_of
from exojoint.evidence.estimate import Estimate, Interval
from exojoint.evidence.pooling.pool import pool
from exojoint.evidence.results import PooledResult

Array = NDArray[np.float64]
DIRECTIONS = ("greater", "less")
REACH = 40.0  # standard errors below zero that an effect selected by its sign may lie


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One other method of correction.

    Parameters
    ----------
    method : str
        Its name.
    estimate, se : float
        Its result; nan where it could not be computed.
    note : str
        What else it says, or why it failed.
    """

    method: str
    estimate: float
    se: float
    note: str


@dataclass(frozen=True, slots=True)
class AdjustedResult:
    """Naive and adjusted effect side by side.

    Parameters
    ----------
    naive : PooledResult
        Random-effects mean as reported studies give it.
    adjusted : AveragedResult
        Averaged over models of publication bias: the default to build on.
    sensitivity : tuple of Sensitivity
        Selection model, PET-PEESE, trim and fill, excess significance.
    warnings : tuple of str
        What a reader must know.
    """

    naive: PooledResult
    adjusted: AveragedResult
    sensitivity: tuple[Sensitivity, ...]
    warnings: tuple[str, ...] = ()

    @property
    def shrinkage(self) -> float:
        """Adjusted over naive effect; nan where the naive one is zero."""
        return self.adjusted.mean / self.naive.estimate if self.naive.estimate != 0 else math.nan

    def to_estimate(self, rows_used: tuple[str, ...] = (), method: str = "") -> Estimate:
        """Return the adjusted effect as the rooms on the right take it; the naive value stands in its method."""
        said = f"{method}; " if method else ""
        naive = f"naive {self.naive.estimate:.3g} ({self.naive.lower:.3g} to {self.naive.upper:.3g})"
        return self.adjusted.to_estimate(rows_used, f"{said}{naive}")


def adjust_small_studies(
    y: ArrayLike, v: ArrayLike, *, direction: str = "greater", n1: ArrayLike | None = None, n2: ArrayLike | None = None,
    effect_sd: float = 1.0,
) -> AdjustedResult:  # fmt: skip
    """Correct a pooled animal effect for selective publication.

    The default is the Bayesian average over models of bias: it needs no minimum number of studies and never claims more
    than they tell. The other methods are shown as sensitivity, with the reason where one cannot be computed.

    Parameters
    ----------
    y, v : (k,)
        Standardised effects and sampling variances.
    direction : str
        Which effects get published: ``greater`` or ``less``.
    n1, n2 : (k,), optional
        Group sizes; with them PET-PEESE uses the variant for standardised differences.
    effect_sd : float
        As in `robust_bayesian_average`.

    Raises
    ------
    InputError
        For wrong rows.
    """
    side = choose(direction, DIRECTIONS, "direction")
    y_used, v_used, _, warnings = effects_and_variances(y, v)
    naive = pool(y_used, v_used)
    averaged = robust_bayesian_average(y_used, v_used, direction=side, effect_sd=effect_sd)
    attempts = (
        ("step selection, one-sided 0.025", lambda: _selection(y_used, v_used, side)),
        ("PET-PEESE", lambda: _pet_peese(y, v, side, n1, n2)),
        ("trim and fill", lambda: _trim_fill(y_used, v_used, side)),
        ("excess significance", lambda: _excess(y_used, v_used, side)),
    )
    sensitivity = tuple(_attempt(name, compute) for name, compute in attempts)
    return AdjustedResult(naive, averaged, sensitivity, (*warnings, *naive.warnings))


def _attempt(name: str, compute: Callable[[], tuple[float, float, str]]) -> Sensitivity:
    try:
        return Sensitivity(name, *compute())
    except InputError as error:
        return Sensitivity(name, math.nan, math.nan, "; ".join(problem.what for problem in error.problems))


def _selection(y: Array, v: Array, side: str) -> tuple[float, float, str]:
    found = selection_model(y, v, alternative=side)
    return found.estimate, found.se, f"weight of other studies {found.weights[-1]:.2f}, p {found.test.p:.2g}"


def _pet_peese(
    y: ArrayLike, v: ArrayLike, side: str, n1: ArrayLike | None, n2: ArrayLike | None
) -> tuple[float, float, str]:
    found = pet_peese(y, v, direction=side, n1=n1, n2=n2)
    return found.estimate, found.effect["se"], f"{found.chosen}; asymmetry p {found.pet.test.p:.2g}"


def _trim_fill(y: Array, v: Array, side: str) -> tuple[float, float, str]:
    found = trim_and_fill(y, v, side="left" if side == "greater" else "right")
    return found.estimate, found.se, f"{found.missing} studies filled in"


def _excess(y: Array, v: Array, side: str) -> tuple[float, float, str]:
    found = excess_significance(y, v, alternative=side, test="exact")
    return math.nan, math.nan, f"{found.observed} significant, {found.expected:.1f} expected, p {found.p:.2g}"


@dataclass(frozen=True, slots=True)
class ConditionalEstimate:
    """A single significant result, corrected for having been selected.

    Parameters
    ----------
    naive, estimate : float
        As reported, and the conditional maximum-likelihood estimate.
    interval : Interval
        Exact conditional interval.
    """

    naive: float
    estimate: float
    interval: Interval


def conditional_estimate(
    y: float, v: float, *, alpha: float = 0.05, two_sided: bool = True, level: float = 0.95
) -> ConditionalEstimate:
    """Correct one significant effect for the winner's curse: its likelihood given that it was significant.

    ``L(m) = phi((y - m)/s) / P(|Y| > c | m)`` with ``c = z s``; the interval inverts the truncated distribution of y.

    Parameters
    ----------
    y, v : float
        Effect and sampling variance; ``|y|/sqrt(v)`` must exceed the bar.
    alpha : float
        Level at which results were published.
    two_sided : bool
        Whether effects of both signs would have been; else only those of y's sign.
    level : float
        Of the interval.

    Raises
    ------
    InputError
        When the effect is not significant: then nothing was selected.

    References
    ----------
    Zhong H, Prentice RL. Biostatistics 2008;9:621-634.
    """
    level = level_of(level)
    if not (v > 0 and math.isfinite(v) and math.isfinite(y)):
        raise InputError(Problem("y, v", f"{y:g} with variance {v:g}", "a finite effect and a variance above 0"))
    s, sign = math.sqrt(v), math.copysign(1.0, y)
    z, bar = abs(y) / s, float(-ndtri(alpha / 2 if two_sided else alpha))
    if z <= bar:
        raise InputError(
            Problem("y", f"z = {z:.2f} is not beyond {bar:.2f}", "a significant effect", "Use it as it is.")
        )

    def log_selected(m: float) -> float:
        upper = float(log_ndtr(m - bar))
        return float(np.logaddexp(upper, log_ndtr(-bar - m))) if two_sided else upper

    found = minimize_scalar(
        lambda m: 0.5 * (z - m) ** 2 + log_selected(m), bounds=(0.0 if two_sided else -REACH, z), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip

    def below(m: float) -> float:
        """Chance of a published z at most the observed one."""
        return -math.expm1(float(log_ndtr(m - z)) - log_selected(m))

    tail = (1 - level) / 2
    low = _crossing(below, 1 - tail, -REACH, z + 10)
    high = _crossing(below, tail, -REACH, z + 10)
    ends = sorted((sign * low * s, sign * high * s))
    interval = Interval(ends[0], ends[1], level, "conditional on significance")
    return ConditionalEstimate(y, sign * float(found.x) * s, interval)


def _crossing(below: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Mean at which the chance of a smaller published result falls to the target."""
    if below(low) < target:
        return low
    return float(brentq(lambda m: below(m) - target, low, high, xtol=1e-10))
