"""What can be said where no effect was printed: differences a trial could have seen, and events that did not happen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import betaincinv, stdtrit
from scipy.stats import nct

from exojoint.core.errors import InputError, Problem

ALPHA = 0.05  # two-sided error of the trial's own tests
LARGEST = 20.0  # standardised differences beyond this need no trial


def detectable_difference(pairs: int, power: float, alpha: float = ALPHA) -> float:
    """Return the smallest standardised paired difference that a trial finds with a given power.

    Parameters
    ----------
    pairs : int
        Pairs analysed.
    power, alpha : float
        Of a two-sided paired t test.

    Raises
    ------
    InputError
        For fewer than three pairs or a power that no trial has.
    """
    if pairs < 3 or not alpha < power < 1:
        raise InputError(Problem("silent", f"{pairs} pairs, power {power:g}", "at least 3 pairs, alpha < power < 1"))
    df = pairs - 1
    bar = float(stdtrit(df, 1 - alpha / 2))

    def missing(d: float) -> float:
        shift = d * math.sqrt(pairs)
        return float(nct.sf(bar, df, shift) + nct.cdf(-bar, df, shift)) - power

    return float(brentq(missing, 0.0, LARGEST))


def largest_unseen(pairs: int, alpha: float = ALPHA) -> float:
    """Return the largest standardised paired difference that can be observed without being significant."""
    return float(stdtrit(pairs - 1, 1 - alpha / 2)) / math.sqrt(pairs)


@dataclass(frozen=True, slots=True)
class EventBound:
    """How frequent an event may be, given how often it was seen.

    Parameters
    ----------
    events, n : int
        Seen events, and patients.
    upper : float
        Upper 95 % bound of the probability: one-sided where nothing was seen, else the end of the two-sided interval.
    lower : float
        Lower end of the two-sided exact interval; 0 where nothing was seen.
    rule_of_three : float or None
        3/n, the shorthand where nothing was seen.
    """

    events: int
    n: int
    upper: float
    lower: float
    rule_of_three: float | None


def event_bound(events: int, n: int) -> EventBound:
    """Return exact bounds (Clopper and Pearson) of a probability.

    Raises
    ------
    InputError
        For impossible counts.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934;26:404-413. Hanley JA, Lippman-Hand A. JAMA 1983;249:1743-1745 (3/n).
    """
    if n < 1 or not 0 <= events <= n:
        raise InputError(Problem("events", f"{events} of {n}", "0 <= events <= n, n at least 1"))
    if events == 0:
        return EventBound(0, n, 1.0 - 0.05 ** (1.0 / n), 0.0, min(3.0 / n, 1.0))
    lower = float(betaincinv(events, n - events + 1, 0.025))
    upper = float(betaincinv(events + 1, n - events, 0.975)) if events < n else 1.0
    return EventBound(events, n, upper, lower, None)
