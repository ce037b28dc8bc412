"""Effects within a patient or animal: before and after, or the treated knee against the other knee.

Both measurements come from the same bodies, so their correlation `r` decides how precise the difference is. Few papers
report it: say what was assumed, try other values, and use `correlation_from_sds` where the change's SD is given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, columns, require
from exojoint.evidence.effects.means import small_sample_factor
from exojoint.evidence.effects.types import Effects

Array = NDArray[np.float64]


def _pairs(**given: ArrayLike | None) -> dict[str, Array]:
    data = columns(**given)
    require(~(data["n"] < 2), "n", "is below 2", "at least two pairs")
    if "r" in data:
        require(~(np.abs(data["r"]) > 1), "r", "is no correlation", "a number from -1 to 1")
    for name in ("sd1", "sd2"):
        if name in data:
            require(~(data[name] < 0), name, "is negative", "a standard deviation")
    return data


def change_sd(sd1: ArrayLike, sd2: ArrayLike, r: ArrayLike) -> Array:
    """Standard deviation of a difference of two correlated measurements: ``sqrt(sd1^2 + sd2^2 - 2 r sd1 sd2)``.

    Parameters
    ----------
    sd1, sd2 : (k,)
        Standard deviations of the two measurements.
    r : (k,)
        Their correlation.

    Raises
    ------
    InputError
        For negative standard deviations or impossible correlations.
    """
    data = _pairs(n=2, sd1=sd1, sd2=sd2, r=r)
    return _change_sd(data)


def _change_sd(data: dict[str, Array]) -> Array:
    variance = data["sd1"] ** 2 + data["sd2"] ** 2 - 2 * data["r"] * data["sd1"] * data["sd2"]
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def correlation_from_sds(sd1: ArrayLike, sd2: ArrayLike, sd_change: ArrayLike) -> Array:
    """Correlation that a reported SD of the change implies: ``(sd1^2 + sd2^2 - sd_change^2) / (2 sd1 sd2)``.

    Raises
    ------
    InputError
        When no correlation between -1 and 1 fits the three standard deviations.
    """
    data = columns(sd1=sd1, sd2=sd2, sd_change=sd_change)
    r = (data["sd1"] ** 2 + data["sd2"] ** 2 - data["sd_change"] ** 2) / (2 * data["sd1"] * data["sd2"])
    todo = "Check whether a standard error was read as a standard deviation."
    require(~(np.abs(r) > 1), "sd_change", "fits no correlation", "three SDs of one group", todo)
    return np.asarray(r)


def mean_change(
    *, n: ArrayLike, mean1: ArrayLike, sd1: ArrayLike, mean2: ArrayLike, sd2: ArrayLike, r: ArrayLike
) -> Effects:
    """Mean within-pair difference in the outcome's own unit (``MC``).

    ``y = mean1 - mean2``; ``v = (sd1^2 + sd2^2 - 2 r sd1 sd2) / n``. For knees: 1 the treated, 2 the other knee.

    Parameters
    ----------
    n, mean1, sd1, mean2, sd2, r : (k,)
        Number of pairs, means and standard deviations of the two measurements, their correlation.

    Raises
    ------
    InputError
        For fewer than two pairs, negative standard deviations, impossible correlations.
    """
    data = _pairs(n=n, mean1=mean1, sd1=sd1, mean2=mean2, sd2=sd2, r=r)
    return Effects("MC", data["mean1"] - data["mean2"], _change_sd(data) ** 2 / data["n"])


def standardised_mean_change(
    *, n: ArrayLike, mean1: ArrayLike, sd1: ArrayLike, mean2: ArrayLike, r: ArrayLike, sd2: ArrayLike | None = None,
    by: str = "raw",
) -> Effects:  # fmt: skip
    """Within-pair difference by the SD of one measurement (``raw``: ``SMCR``) or of the change (``change``: ``SMCC``).

    ``raw``: ``g = J(n-1) (mean1 - mean2)/sd1``, ``v = 2 (1-r)/n + g^2/(2n)``: comparable with `SMD` of parallel groups.
    ``change``: ``g = J(n-1) (mean1 - mean2)/sd_change``, ``v = 1/n + g^2/(2n)``.

    Parameters
    ----------
    n, mean1, sd1, mean2, r : (k,)
        Number of pairs, means, SD of the first measurement, correlation.
    sd2 : (k,), optional
        SD of the second measurement; needed for ``change``.
    by : str
        ``raw`` or ``change``.

    Raises
    ------
    InputError
        As `mean_change`; and when the standard deviation to divide by is zero.

    References
    ----------
    Becker BJ. Br J Math Stat Psychol 1988;41:257-278. Gibbons RD et al. J Educ Stat 1993;18:271-279.
    """
    data = _pairs(n=n, mean1=mean1, sd1=sd1, mean2=mean2, sd2=sd2, r=r)
    by_change = choose(by, ("raw", "change"), "by") == "change"
    if by_change and "sd2" not in data:
        raise InputError(Problem("sd2", "is missing", "the SD of the second measurement, for the SD of the change"))
    divisor = _change_sd(data) if by_change else data["sd1"]
    require(~(divisor == 0), "sd1", "leaves no spread to divide by", "a standard deviation above 0", "Use MC.")
    g = small_sample_factor(data["n"] - 1) * (data["mean1"] - data["mean2"]) / divisor
    first = 1 / data["n"] if by_change else 2 * (1 - data["r"]) / data["n"]
    return Effects("SMCC" if by_change else "SMCR", g, first + g**2 / (2 * data["n"]))


def ratio_of_means_paired(
    *, n: ArrayLike, mean1: ArrayLike, sd1: ArrayLike, mean2: ArrayLike, sd2: ArrayLike, r: ArrayLike
) -> Effects:
    """Log ratio of two correlated means (``ROMC``).

    ``y = ln(mean1/mean2)``; ``v = sd1^2/(n mean1^2) + sd2^2/(n mean2^2) - 2 r sd1 sd2/(n mean1 mean2)``.

    Parameters
    ----------
    n, mean1, sd1, mean2, sd2, r : (k,)
        As `mean_change`; both means of a row have one sign.

    Raises
    ------
    InputError
        As `mean_change`; and for means of different sign, or zero.
    """
    data = _pairs(n=n, mean1=mean1, sd1=sd1, mean2=mean2, sd2=sd2, r=r)
    require(
        ~(data["mean1"] * data["mean2"] <= 0), "mean1, mean2", "differ in sign or are zero", "two means of one sign"
    )
    a, b = data["sd1"] / data["mean1"], data["sd2"] / data["mean2"]
    return Effects(
        "ROMC", np.log(data["mean1"] / data["mean2"]), (a**2 + b**2 - 2 * data["r"] * a * b) / data["n"], "log"
    )


def difference_of_changes(
    *, n1: ArrayLike, pre1: ArrayLike, post1: ArrayLike, sd_pre1: ArrayLike, sd_post1: ArrayLike,
    n2: ArrayLike, pre2: ArrayLike, post2: ArrayLike, sd_pre2: ArrayLike, sd_post2: ArrayLike, r: ArrayLike,
) -> Effects:  # fmt: skip
    """Difference between two independent groups in their mean change from baseline (``MD`` of changes).

    ``y = (post1 - pre1) - (post2 - pre2)``; each group adds ``sd_change^2 / n``, with the SD of the change from the two
    standard deviations and the correlation `r`.

    Parameters
    ----------
    n1, pre1, post1, sd_pre1, sd_post1, n2, pre2, post2, sd_pre2, sd_post2 : (k,)
        Sizes, means and standard deviations before and after, by group.
    r : (k,)
        Correlation of baseline and end within a patient, usually assumed.

    Raises
    ------
    InputError
        As `mean_change`.
    """
    first = mean_change(n=n1, mean1=post1, sd1=sd_post1, mean2=pre1, sd2=sd_pre1, r=r)
    second = mean_change(n=n2, mean1=post2, sd1=sd_post2, mean2=pre2, sd2=sd_pre2, r=r)
    return Effects("MD", first.y - second.y, first.v + second.v)


def paired_odds_ratio(*, only1: ArrayLike, only2: ArrayLike, add: float = 0.5) -> Effects:
    """Log odds ratio of matched pairs (``MPOR``) from the discordant pairs: ``ln(only1/only2)``, ``1/only1 + 1/only2``.

    Parameters
    ----------
    only1, only2 : (k,)
        Pairs with the event in the first member only, in the second only.
    add : float
        Added to both counts where one is zero.

    Raises
    ------
    InputError
        For negative counts.
    """
    data = columns(only1=only1, only2=only2)
    for name, count in data.items():
        require(~(count < 0), name, "is negative", "a count")
    zero = (data["only1"] == 0) | (data["only2"] == 0)
    a, b = (count + np.where(zero, add, 0.0) for count in (data["only1"], data["only2"]))
    warnings = (f"{add:g} was added to {int(zero.sum())} rows with an empty cell",) if zero.any() else ()
    with np.errstate(divide="ignore", invalid="ignore"):
        return Effects("MPOR", np.log(a / b), 1 / a + 1 / b, "log", warnings)
