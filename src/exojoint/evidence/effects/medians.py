"""Mean and standard deviation from a median with quartiles or range, for outcomes that are roughly normal.

The summary is also tested for skewness; the flag then says that the conversion should not be trusted.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import columns, require
from exojoint.evidence.effects.repair import Repaired

Array = NDArray[np.float64]
# Optimal weights of Luo D et al. Stat Methods Med Res 2018;27:1785-1805, equations 7, 11 and 15.
LUO_RANGE, LUO_QUARTILES = (4.0, 0.75), (0.7, 0.39)
LUO_FIVE_RANGE, LUO_FIVE_MEDIAN = (2.2, 0.75), (0.72, 0.55)
# Blom's plotting constants in Wan X et al. BMC Med Res Methodol 2014;14:135.
BLOM, BLOM_N = 0.375, 0.25


def mean_sd_from_median(
    *, n: ArrayLike, median: ArrayLike, q1: ArrayLike | None = None, q3: ArrayLike | None = None,
    minimum: ArrayLike | None = None, maximum: ArrayLike | None = None, mean_by: str = "luo",
) -> Repaired:  # fmt: skip
    """Estimate mean and standard deviation from a median with range, with quartiles, or with both.

    Standard deviation (Wan 2014): range over ``2 z((n-0.375)/(n+0.25))``, quartile range over
    ``2 z((0.75 n-0.125)/(n+0.25))``, or the mean of the two. Mean (Luo 2018): ``w (a+b)/2 + (1-w) median`` with
    ``w = 4/(4+n^0.75)`` for the range and ``0.7 + 0.39/n`` for the quartiles; with both, ``w1 = 2.2/(2.2+n^0.75)`` for
    the range and ``w2 = 0.7 - 0.72/n^0.55`` for the quartiles.

    Parameters
    ----------
    n, median : (k,)
        Size and median of the group.
    q1, q3, minimum, maximum : (k,), optional
        Quartiles, range; at least one pair, the same for all rows.
    mean_by : str
        ``luo``, or ``wan`` for the older means ``(a+2m+b)/4``, ``(q1+m+q3)/3``, ``(a+2q1+2m+2q3+b)/8``.

    Returns
    -------
    Repaired
        Each flag names the method, and skewness where the five numbers show it.

    Raises
    ------
    InputError
        When neither pair is whole, numbers are out of order, or a group has fewer than 2 members.

    References
    ----------
    Wan X et al. BMC Med Res Methodol 2014;14:135. Luo D et al. Stat Methods Med Res 2018;27:1785-1805.
    """
    data = columns(n=n, median=median, q1=q1, q3=q3, minimum=minimum, maximum=maximum)
    has_range, has_quartiles = {"minimum", "maximum"} <= set(data), {"q1", "q3"} <= set(data)
    if (
        not (has_range or has_quartiles)
        or ("q1" in data) != ("q3" in data)
        or ("minimum" in data) != ("maximum" in data)
    ):
        raise InputError(Problem("q1, q3, minimum, maximum", "no whole pair", "both quartiles, both ends, or all four"))
    require(~(data["n"] < 2), "n", "is below 2", "at least two patients")
    _require_order(data)
    require(np.array([mean_by in ("luo", "wan")]), "mean_by", f"'{mean_by}' is unknown", "luo or wan")
    spreads = [spread(data) for spread, known in ((_sd_range, has_range), (_sd_quartiles, has_quartiles)) if known]
    sd = np.mean(spreads, axis=0)
    mean = (_luo_mean if mean_by == "luo" else _wan_mean)(data, has_range, has_quartiles)
    source = " and ".join(["range"] * has_range + ["quartiles"] * has_quartiles)
    text = f"mean and SD from median and {source} (Wan 2014{', Luo 2018' if mean_by == 'luo' else ''})"
    return Repaired(mean, sd, tuple(f"{text}; {flag}" if flag else text for flag in skewness_flags(data)))


def _require_order(data: dict[str, Array]) -> None:
    names = [name for name in ("minimum", "q1", "median", "q3", "maximum") if name in data]
    for low, high in pairwise(names):
        require(~(data[low] > data[high]), f"{low}, {high}", "are out of order", "minimum, q1, median, q3, maximum")


def _sd_range(data: dict[str, Array]) -> Array:
    z = ndtri((data["n"] - BLOM) / (data["n"] + BLOM_N))
    return np.asarray((data["maximum"] - data["minimum"]) / (2 * z))


def _sd_quartiles(data: dict[str, Array]) -> Array:
    z = ndtri((0.75 * data["n"] - 0.125) / (data["n"] + BLOM_N))
    return np.asarray((data["q3"] - data["q1"]) / (2 * z))


def _luo_mean(data: dict[str, Array], has_range: bool, has_quartiles: bool) -> Array:
    n, median = data["n"], data["median"]
    if has_range and has_quartiles:
        w1 = LUO_FIVE_RANGE[0] / (LUO_FIVE_RANGE[0] + n ** LUO_FIVE_RANGE[1])
        w2 = LUO_QUARTILES[0] - LUO_FIVE_MEDIAN[0] / n ** LUO_FIVE_MEDIAN[1]
        middle, quartiles = (data["minimum"] + data["maximum"]) / 2, (data["q1"] + data["q3"]) / 2
        return np.asarray(w1 * middle + w2 * quartiles + (1 - w1 - w2) * median)
    if has_range:
        w = LUO_RANGE[0] / (LUO_RANGE[0] + n ** LUO_RANGE[1])
        return np.asarray(w * (data["minimum"] + data["maximum"]) / 2 + (1 - w) * median)
    w = LUO_QUARTILES[0] + LUO_QUARTILES[1] / n
    return np.asarray(w * (data["q1"] + data["q3"]) / 2 + (1 - w) * median)


def _wan_mean(data: dict[str, Array], has_range: bool, has_quartiles: bool) -> Array:
    median = data["median"]
    if has_range and has_quartiles:
        ends, quartiles = data["minimum"] + data["maximum"], data["q1"] + data["q3"]
        return np.asarray((ends + 2 * quartiles + 2 * median) / 8)
    if has_range:
        return np.asarray((data["minimum"] + 2 * median + data["maximum"]) / 4)
    return np.asarray((data["q1"] + median + data["q3"]) / 3)


def skewness_flags(data: dict[str, Array]) -> tuple[str, ...]:
    """Flag summaries that are too lopsided for a normal sample of their size (5 % level).

    Range: ``|a+b-2m|/(b-a)`` above ``1.01/ln(n+9) + 2.43/(n+1)``. Quartiles: ``|q1+q3-2m|/(q3-q1)`` above
    ``2.66/sqrt(n) - 5.92/n^2``. Both: the larger of ``2.65 ln(0.6 n)/sqrt(n)`` times the first and of the second, above
    ``2.97/sqrt(n) - 39.1/n^3``. A test of this project confirms the three levels by simulation.

    Parameters
    ----------
    data : mapping
        Columns ``n``, ``median`` and ``q1``, ``q3`` and/or ``minimum``, ``maximum``, each (k,).

    Returns
    -------
    tuple of str
        One per row, empty where nothing is suspected.

    References
    ----------
    Shi J, Luo D, Wan X, et al. Detecting the skewness of data from the five-number summary. Stat Methods Med Res 2023.
    """
    n, median = data["n"], data["median"]
    with np.errstate(divide="ignore", invalid="ignore"):
        tails = middle = np.zeros_like(n)
        if "minimum" in data:
            tails = np.abs(data["minimum"] + data["maximum"] - 2 * median) / (data["maximum"] - data["minimum"])
        if "q1" in data:
            middle = np.abs(data["q1"] + data["q3"] - 2 * median) / (data["q3"] - data["q1"])
        if "minimum" not in data:
            lopsided = middle > 2.66 / np.sqrt(n) - 5.92 / n**2
        elif "q1" not in data:
            lopsided = tails > 1.01 / np.log(n + 9) + 2.43 / (n + 1)
        else:
            statistic = np.fmax(2.65 * np.log(0.6 * n) / np.sqrt(n) * tails, middle)
            lopsided = statistic > 2.97 / np.sqrt(n) - 39.1 / n**3
    return tuple("skewed: do not trust" if bad else "" for bad in lopsided)
