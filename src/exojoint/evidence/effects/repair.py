"""Repairs of what papers report: standard errors shown as bars, medians, arms to combine, p values.

Every repair that assumes something returns a flag for each row, so that the record keeps what was done to its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtrit

from exojoint.evidence.checks import columns, level_of, require

Array = NDArray[np.float64]
SUSPICIOUS_SMD = (
    5.0  # |g| rarely reaches this; SEM read as SD inflates g by sqrt(n), 2.2 to 3.5 fold with 5 to 12 animals
)


@dataclass(frozen=True, slots=True)
class Repaired:
    """A group's mean and standard deviation after a repair.

    Parameters
    ----------
    mean, sd : (k,)
        In the outcome's unit.
    flags : tuple of str
        One per row: what was done, empty where nothing was.
    """

    mean: Array
    sd: Array
    flags: tuple[str, ...]


def sd_from_sem(sem: ArrayLike, n: ArrayLike) -> Array:
    """Standard deviation from a standard error of the mean: ``sem sqrt(n)``.

    Raises
    ------
    InputError
        For negative standard errors and sizes below 1.
    """
    data = columns(sem=sem, n=n)
    require(~(data["sem"] < 0), "sem", "is negative", "a standard error")
    require(~(data["n"] < 1), "n", "is below 1", "the number of animals")
    return np.asarray(data["sem"] * np.sqrt(data["n"]))


def sd_from_interval(lower: ArrayLike, upper: ArrayLike, n: ArrayLike, level: float = 0.95) -> Array:
    """Standard deviation of a group from the t interval of its mean: ``sqrt(n) (upper - lower) / (2 t(n-1))``.

    Raises
    ------
    InputError
        For ends in the wrong order and sizes below 2.
    """
    data = columns(lower=lower, upper=upper, n=n)
    require(~(data["upper"] < data["lower"]), "upper", "is below lower", "ends in order")
    require(~(data["n"] < 2), "n", "is below 2", "at least two patients")
    t = stdtrit(data["n"] - 1, 0.5 + level_of(level) / 2)
    return np.asarray(np.sqrt(data["n"]) * (data["upper"] - data["lower"]) / (2 * t))


def variance_from_interval(lower: ArrayLike, upper: ArrayLike, level: float = 0.95) -> Array:
    """Sampling variance of an effect from its normal interval; give log ends for a ratio.

    Raises
    ------
    InputError
        For ends in the wrong order.
    """
    data = columns(lower=lower, upper=upper)
    require(~(data["upper"] < data["lower"]), "upper", "is below lower", "ends in order")
    return np.asarray(((data["upper"] - data["lower"]) / (2 * ndtri(0.5 + level_of(level) / 2))) ** 2)


def variance_from_p(effect: ArrayLike, p: ArrayLike, df: ArrayLike | None = None) -> Array:
    """Sampling variance of an effect from its two-sided p value: ``(effect / t)^2`` (normal without `df`).

    Raises
    ------
    InputError
        For p values outside (0, 1) and effects of zero, which say nothing about their error.
    """
    data = columns(effect=effect, p=p, df=df)
    require(~((data["p"] <= 0) | (data["p"] >= 1)), "p", "is not between 0 and 1", "an exact two-sided p value")
    require(~(data["effect"] == 0), "effect", "is zero", "an effect other than zero")
    quantile = stdtrit(data["df"], 1 - data["p"] / 2) if "df" in data else ndtri(1 - data["p"] / 2)
    return np.asarray((data["effect"] / quantile) ** 2)


def suspect_sem(
    *, n1: ArrayLike, mean1: ArrayLike, sd1: ArrayLike, n2: ArrayLike, mean2: ArrayLike, sd2: ArrayLike
) -> tuple[str, ...]:
    """Flag rows whose reported SD is probably a standard error of the mean.

    A row is suspect when its standardised difference exceeds `SUSPICIOUS_SMD` in size and would not do so with both SDs
    multiplied by sqrt(n). It is a question to the paper's methods section, not an answer: nothing is changed.

    Parameters
    ----------
    n1, mean1, sd1, n2, mean2, sd2 : (k,)
        Group sizes, means and the spreads as reported.

    Returns
    -------
    tuple of str
        One per row, empty where nothing is suspected.
    """
    data = columns(n1=n1, mean1=mean1, sd1=sd1, n2=n2, mean2=mean2, sd2=sd2)
    difference = np.abs(data["mean1"] - data["mean2"])

    def size(factor1: Array, factor2: Array) -> Array:
        spread = np.sqrt(((data["sd1"] * factor1) ** 2 + (data["sd2"] * factor2) ** 2) / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(difference / spread)

    as_sd = size(np.ones_like(difference), np.ones_like(difference))
    as_sem = size(np.sqrt(data["n1"]), np.sqrt(data["n2"]))
    text = "SD may be a standard error: standardised difference {:.1f}, {:.1f} if it is"
    return tuple(
        text.format(a, b) if a > SUSPICIOUS_SMD >= b else "" for a, b in zip(as_sd, as_sem, strict=True)
    )  # fmt: skip


def repair_sem(*, n: ArrayLike, mean: ArrayLike, spread: ArrayLike, is_sem: ArrayLike) -> Repaired:
    """Turn spreads into standard deviations where the record says that they are standard errors.

    Parameters
    ----------
    n, mean, spread : (k,)
        Size, mean, and the reported SD or SEM.
    is_sem : (k,)
        1 where `spread` is a standard error of the mean, else 0.

    Returns
    -------
    Repaired
        With the flag ``SD = SEM x sqrt(n)`` on each row that was changed.
    """
    data = columns(n=n, mean=mean, spread=spread, is_sem=is_sem)
    changed = data["is_sem"] != 0
    sd = np.where(changed, sd_from_sem(data["spread"], data["n"]), data["spread"])
    flags = tuple(f"SD = SEM x sqrt({n:g})" if yes else "" for n, yes in zip(data["n"], changed, strict=True))
    return Repaired(data["mean"], sd, flags)


def combine_groups(n: ArrayLike, mean: ArrayLike, sd: ArrayLike) -> tuple[float, float, float]:
    """Size, mean and standard deviation of several arms taken as one.

    ``N = sum n``, ``M = sum n mean / N``, ``SD^2 = (sum (n-1) sd^2 + sum n (mean - M)^2) / (N - 1)``.

    Parameters
    ----------
    n, mean, sd : (arms,)
        Of the arms to combine.

    Returns
    -------
    n, mean, sd : float
        Exactly what the pooled raw data would give.

    References
    ----------
    Cochrane Handbook, chapter 6, table 6.5.a.
    """
    data = columns(n=n, mean=mean, sd=sd)
    require(~(data["n"] < 1), "n", "is below 1", "the number of patients in the arm")
    total = float(data["n"].sum())
    centre = float((data["n"] * data["mean"]).sum() / total)
    squares = ((data["n"] - 1) * data["sd"] ** 2 + data["n"] * (data["mean"] - centre) ** 2).sum()
    return total, centre, float(np.sqrt(squares / (total - 1))) if total > 1 else 0.0
