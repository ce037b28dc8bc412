"""Effects of one group: proportions, rates, means, correlations."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.evidence.checks import choose, columns, require
from exojoint.evidence.effects.types import Effects

Array = NDArray[np.float64]
PROPORTIONS = ("PR", "PLN", "PLO", "PAS", "PFT")
SCALES = {"PR": "identity", "PLN": "log", "PLO": "logit", "PAS": "arcsine", "PFT": "identity"}


def proportion(*, events: ArrayLike, n: ArrayLike, measure: str = "PLO", add: float = 0.5) -> Effects:
    """Proportion of one group, usually as log odds (``PLO``).

    ``PLO`` ``ln(x/(n-x))``, ``1/x + 1/(n-x)``; ``PLN`` ``ln(x/n)``, ``1/x - 1/n``; ``PR`` ``x/n``, ``x(n-x)/n^3``;
    ``PAS`` ``asin(sqrt(x/n))``, ``1/(4n)``; ``PFT`` (Freeman-Tukey)
    ``(asin(sqrt(x/(n+1))) + asin(sqrt((x+1)/(n+1))))/2``, ``1/(4n+2)``.

    Parameters
    ----------
    events, n : (k,)
        Patients with an event, and patients.
    measure : str
        One of the above.
    add : float
        Added to events and to non-events where one of them is zero (``PR``, ``PLN``, ``PLO`` only).

    Raises
    ------
    InputError
        For negative counts, empty groups, more events than patients.
    """
    kind = choose(measure, PROPORTIONS, "measure")
    data = columns(events=events, n=n)
    x, size = data["events"], data["n"]
    require(~(x < 0), "events", "is negative", "a count")
    require(~(size <= 0), "n", "is zero or negative", "the number of patients")
    require(~(x > size), "events", "exceeds the group's size", "at most one event per patient")
    if kind == "PAS":
        return Effects(kind, np.arcsin(np.sqrt(x / size)), 1 / (4 * size), SCALES[kind])
    if kind == "PFT":
        y = 0.5 * (np.arcsin(np.sqrt(x / (size + 1))) + np.arcsin(np.sqrt((x + 1) / (size + 1))))
        return Effects(kind, y, 1 / (4 * size + 2), SCALES[kind])
    zero = (x == 0) | (x == size)
    extra = np.where(zero, add, 0.0)
    x, size = x + extra, size + 2 * extra
    warnings = (f"{add:g} was added to both cells of {int(zero.sum())} rows",) if zero.any() and add > 0 else ()
    with np.errstate(divide="ignore", invalid="ignore"):
        y, v = {
            "PR": (x / size, x * (size - x) / size**3),
            "PLN": (np.log(x / size), 1 / x - 1 / size),
            "PLO": (np.log(x) - np.log(size - x), 1 / x + 1 / (size - x)),
        }[kind]
    return Effects(kind, y, v, SCALES[kind], warnings)


def event_rate(*, events: ArrayLike, time: ArrayLike, add: float = 0.5) -> Effects:
    """Log incidence rate of one group (``IRLN``): ``ln(x/t)``, ``1/x``.

    Parameters
    ----------
    events, time : (k,)
        Events and time under observation.
    add : float
        Added to the events where there are none.

    Raises
    ------
    InputError
        For negative counts and times that are not positive.
    """
    data = columns(events=events, time=time)
    require(~(data["events"] < 0), "events", "is negative", "a count")
    require(~(data["time"] <= 0), "time", "is zero or negative", "a time under observation")
    zero = data["events"] == 0
    x = data["events"] + np.where(zero, add, 0.0)
    warnings = (f"{add:g} was added to the events of {int(zero.sum())} rows",) if zero.any() and add > 0 else ()
    with np.errstate(divide="ignore"):
        return Effects("IRLN", np.log(x / data["time"]), 1 / x, "log", warnings)


def single_mean(*, n: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> Effects:
    """Mean of one group (``MN``): variance ``sd^2/n``.

    Parameters
    ----------
    n, mean, sd : (k,)
        Size, mean and standard deviation.

    Raises
    ------
    InputError
        For sizes below 1 and negative standard deviations.
    """
    data = columns(n=n, mean=mean, sd=sd)
    require(~(data["n"] < 1), "n", "is below 1", "the number of patients")
    require(~(data["sd"] < 0), "sd", "is negative", "a standard deviation")
    return Effects("MN", data["mean"], data["sd"] ** 2 / data["n"])


def correlation(*, r: ArrayLike, n: ArrayLike, corrected: bool = False) -> Effects:
    """Raw correlation (``COR``): variance ``(1 - r^2)^2/(n - 1)``.

    Parameters
    ----------
    r, n : (k,)
        Pearson correlations and numbers of pairs (at least 4).
    corrected : bool
        Take off the small negative bias: ``r (1 + (1 - r^2)/(2 (n - 4)))`` (Olkin and Pratt 1958, first order).

    Raises
    ------
    InputError
        For impossible correlations and fewer than 4 pairs.
    """
    rho, size = _correlations(r, n)
    y = rho
    if corrected:
        require(~(size <= 4), "n", "is at most 4", "at least 5 pairs for the correction")
        y = rho * (1 + (1 - rho**2) / (2 * (size - 4)))
    return Effects("COR", y, (1 - rho**2) ** 2 / (size - 1))


def fisher_z(*, r: ArrayLike, n: ArrayLike) -> Effects:
    """Fisher's transformed correlation (``ZCOR``): ``atanh(r)``, ``1/(n - 3)``.

    Parameters
    ----------
    r, n : (k,)
        Pearson correlations and numbers of pairs (at least 4).

    Raises
    ------
    InputError
        For impossible correlations and fewer than 4 pairs.
    """
    rho, size = _correlations(r, n)
    require(~(np.abs(rho) == 1), "r", "is 1 or -1", "a correlation between them")
    return Effects("ZCOR", np.arctanh(rho), 1 / (size - 3), "fisher")


def _correlations(r: ArrayLike, n: ArrayLike) -> tuple[Array, Array]:
    data = columns(r=r, n=n)
    require(~(np.abs(data["r"]) > 1), "r", "is no correlation", "a number from -1 to 1")
    require(~(data["n"] < 4), "n", "is below 4", "at least 4 pairs")
    return data["r"], data["n"]
