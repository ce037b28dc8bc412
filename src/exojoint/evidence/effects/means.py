"""Effects of two independent groups measured in means: differences, standardised differences, ratios.

Group 1 is treated, group 2 is the control; a positive effect means that group 1 is higher. Standard deviations are
between animals or patients; turn standard errors of means into them with `repair.sd_from_sem` first.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from exojoint.evidence.checks import choose, columns, require
from exojoint.evidence.effects.types import Effects

Array = NDArray[np.float64]
SMD_VARIANCES = ("LS", "LS2", "UB", "AV")
SMDH_DFS = ("pooled", "satterthwaite")
SMDH_VARIANCES = ("LS", "bonett")


def small_sample_factor(df: ArrayLike) -> Array:
    """Return Hedges' exact correction J for the upward bias of a standardised difference.

    ``J(m) = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2))``; nan for m < 2, where the mean of d does not exist.

    Parameters
    ----------
    df : array
        Degrees of freedom m of the standard deviation.

    References
    ----------
    Hedges LV. J Educ Stat 1981;6:107-128, equation 6e.
    """
    m = np.asarray(df, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.exp(gammaln(m / 2) - 0.5 * np.log(m / 2) - gammaln((m - 1) / 2))
    return np.asarray(np.where(m >= 2, factor, np.nan))


def _two_groups(**given: ArrayLike) -> tuple[Array, ...]:
    data = columns(**given)
    for name in ("n1", "n2"):
        require(~(data[name] < 1), name, "is below 1", "the number of animals or patients in the group")
    for name in ("sd1", "sd2"):
        require(~(data[name] < 0), name, "is negative", "a standard deviation", "Was a change or a t value given?")
    return tuple(data[name] for name in ("n1", "mean1", "sd1", "n2", "mean2", "sd2"))


def mean_difference(
    *, n1: ArrayLike, mean1: ArrayLike, sd1: ArrayLike, n2: ArrayLike, mean2: ArrayLike, sd2: ArrayLike,
    pooled_sd: bool = False,
) -> Effects:  # fmt: skip
    """Difference of means in the outcome's own unit (``MD``).

    ``y = mean1 - mean2``; ``v = sd1^2/n1 + sd2^2/n2``, or ``s^2 (1/n1 + 1/n2)`` with the pooled variance
    ``s^2 = ((n1-1) sd1^2 + (n2-1) sd2^2) / (n1+n2-2)``.

    Parameters
    ----------
    n1, mean1, sd1, n2, mean2, sd2 : (k,)
        Group sizes, means and standard deviations.
    pooled_sd : bool
        Assume one standard deviation for both groups.

    Raises
    ------
    InputError
        For group sizes below 1, negative standard deviations, columns of different length.
    """
    n1, mean1, sd1, n2, mean2, sd2 = _two_groups(n1=n1, mean1=mean1, sd1=sd1, n2=n2, mean2=mean2, sd2=sd2)
    s1, s2 = (_pooled_variance(n1, sd1, n2, sd2),) * 2 if pooled_sd else (sd1**2, sd2**2)
    return Effects("MD", mean1 - mean2, s1 / n1 + s2 / n2)


def _pooled_variance(n1: Array, sd1: Array, n2: Array, sd2: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2))


def standardised_mean_difference(
    *, n1: ArrayLike, mean1: ArrayLike, sd1: ArrayLike, n2: ArrayLike, mean2: ArrayLike, sd2: ArrayLike,
    variance: str = "LS", corrected: bool = True,
) -> Effects:  # fmt: skip
    """Standardised mean difference with the pooled standard deviation: Hedges' g (``SMD``).

    ``g = J(m) (mean1 - mean2) / s`` with ``m = n1 + n2 - 2``; Cohen's d when not `corrected` (J = 1).
    Variances: ``LS``  ``1/n1 + 1/n2 + g^2 / (2 (n1 + n2))``; ``LS2`` ``J^2 (1/n1 + 1/n2 + d^2 / (2 (n1 + n2)))``;
    ``UB`` (unbiased) ``1/n1 + 1/n2 + (1 - (m-2) / (m J^2)) g^2``; ``AV`` as LS with the mean of all rows' g (weights
    n1 + n2) in place of each row's own: weights then do not depend on the effects, which removes the pull to small
    effects that small groups have otherwise (validation/evidence_intervals).

    Parameters
    ----------
    n1, mean1, sd1, n2, mean2, sd2 : (k,)
        Group sizes, means and standard deviations.
    variance : str
        ``LS``, ``LS2``, ``UB`` or ``AV``.
    corrected : bool
        Use the exact small-sample factor J.

    Raises
    ------
    InputError
        As `mean_difference`; and when both standard deviations of a row are zero.

    References
    ----------
    Hedges LV. J Educ Stat 1981;6:107-128. Hedges LV, Olkin I. Statistical methods for meta-analysis. 1985.
    """
    kind = choose(variance, SMD_VARIANCES, "variance")
    n1, mean1, sd1, n2, mean2, sd2 = _two_groups(n1=n1, mean1=mean1, sd1=sd1, n2=n2, mean2=mean2, sd2=sd2)
    _require_spread(sd1, sd2)
    m = n1 + n2 - 2
    with np.errstate(invalid="ignore", divide="ignore"):
        d = (mean1 - mean2) / np.sqrt(_pooled_variance(n1, sd1, n2, sd2))
    return smd_from_d(d, n1, n2, m, kind, corrected)


def smd_from_d(d: Array, n1: Array, n2: Array, m: Array, kind: str, corrected: bool) -> Effects:
    """Turn Cohen's d (or ``t sqrt(1/n1 + 1/n2)``) into Hedges' g with its variance.

    Parameters
    ----------
    d, n1, n2, m : (k,)
        Uncorrected difference, group sizes, degrees of freedom.
    kind : str
        Variance, as in `standardised_mean_difference`.
    corrected : bool
        Use the factor J.
    """
    factor = small_sample_factor(m)
    j = factor if corrected else np.ones_like(d)
    g = j * d
    base = 1 / n1 + 1 / n2
    if kind == "LS":
        v = base + g**2 / (2 * (n1 + n2))
    elif kind == "LS2":
        v = j**2 * (base + d**2 / (2 * (n1 + n2)))
    elif kind == "AV":
        known = np.isfinite(g)
        centre = float(np.average(g[known], weights=(n1 + n2)[known])) if known.any() else math.nan
        v = np.where(known, base + centre**2 / (2 * (n1 + n2)), math.nan)
    else:
        v = base + (1 - (m - 2) / (m * factor**2)) * g**2
    return Effects("SMD", g, v, warnings=_too_small(m))


def _too_small(m: Array) -> tuple[str, ...]:
    few = int((m < 2).sum())
    return (f"{few} rows have fewer than 2 degrees of freedom: no standardised difference",) if few else ()


def _require_spread(sd1: Array, sd2: Array) -> None:
    todo = "A standardised difference needs a spread; use MD or ROM for this row."
    require(~((sd1 == 0) & (sd2 == 0)), "sd1, sd2", "are both zero", "at least one above 0", todo)


def smd_unequal_variances(
    *, n1: ArrayLike, mean1: ArrayLike, sd1: ArrayLike, n2: ArrayLike, mean2: ArrayLike, sd2: ArrayLike,
    df: str = "pooled", variance: str = "LS",
) -> Effects:  # fmt: skip
    """Standardised mean difference by the average variance, for groups that differ in spread (``SMDH``).

    ``g = J(m) (mean1 - mean2) / s`` with ``s^2 = (sd1^2 + sd2^2)/2``;
    ``v = J^2 [g^2 (sd1^4/(n1-1) + sd2^4/(n2-1)) / (8 s^4) + (sd1^2/(n1-1) + sd2^2/(n2-1)) / s^2]``.
    ``bonett`` is without the factor J^2, as if g had the error of d.

    Parameters
    ----------
    n1, mean1, sd1, n2, mean2, sd2 : (k,)
        Group sizes, means and standard deviations.
    df : str
        Degrees of freedom of J: ``pooled`` (n1 + n2 - 2) or ``satterthwaite``
        (``(sd1^2+sd2^2)^2 / (sd1^4/(n1-1) + sd2^4/(n2-1))``).
    variance : str
        ``LS`` or ``bonett``.

    Raises
    ------
    InputError
        As `standardised_mean_difference`.

    References
    ----------
    Bonett DG. Psychol Methods 2008;13:99-109. Bonett DG. Psychol Methods 2009;14:225-238.
    """
    kind, by = choose(df, SMDH_DFS, "df"), choose(variance, SMDH_VARIANCES, "variance")
    n1, mean1, sd1, n2, mean2, sd2 = _two_groups(n1=n1, mean1=mean1, sd1=sd1, n2=n2, mean2=mean2, sd2=sd2)
    _require_spread(sd1, sd2)
    with np.errstate(invalid="ignore", divide="ignore"):
        fourth = sd1**4 / (n1 - 1) + sd2**4 / (n2 - 1)
        m = n1 + n2 - 2 if kind == "pooled" else (sd1**2 + sd2**2) ** 2 / fourth
        s2 = (sd1**2 + sd2**2) / 2
        j = small_sample_factor(m)
        g = j * (mean1 - mean2) / np.sqrt(s2)
        v = g**2 * fourth / (8 * s2**2) + (sd1**2 / (n1 - 1) + sd2**2 / (n2 - 1)) / s2
    return Effects("SMDH", g, v if by == "bonett" else j**2 * v, warnings=_too_small(m))


def glass_delta(
    *, n1: ArrayLike, mean1: ArrayLike, n2: ArrayLike, mean2: ArrayLike, sd2: ArrayLike, corrected: bool = True
) -> Effects:
    """Standardised mean difference by the control group's standard deviation (``SMD1``).

    ``g = J(n2 - 1) (mean1 - mean2) / sd2``; ``v = 1/n1 + 1/n2 + g^2 / (2 n2)``.

    Parameters
    ----------
    n1, mean1, n2, mean2, sd2 : (k,)
        Group sizes, means, and the control group's standard deviation.
    corrected : bool
        Use the factor J.

    Raises
    ------
    InputError
        As `mean_difference`.
    """
    n1, mean1, _, n2, mean2, sd2 = _two_groups(n1=n1, mean1=mean1, sd1=sd2, n2=n2, mean2=mean2, sd2=sd2)
    require(~(sd2 == 0), "sd2", "is zero", "a standard deviation above 0")
    j = small_sample_factor(n2 - 1) if corrected else np.ones_like(n2)
    g = j * (mean1 - mean2) / sd2
    return Effects("SMD1", g, 1 / n1 + 1 / n2 + g**2 / (2 * n2))


def ratio_of_means(
    *, n1: ArrayLike, mean1: ArrayLike, sd1: ArrayLike, n2: ArrayLike, mean2: ArrayLike, sd2: ArrayLike,
    pooled_sd: bool = False, corrected: bool = False,
) -> Effects:  # fmt: skip
    """Log ratio of means (``ROM``), for outcomes that are always positive.

    ``y = ln(mean1 / mean2)``; ``v = sd1^2/(n1 mean1^2) + sd2^2/(n2 mean2^2)``. With `corrected`, the second-order
    terms ``(a - b)/2`` and ``(a^2 + b^2)/2`` (a, b: the two terms of v) are added to y and v.

    Parameters
    ----------
    n1, mean1, sd1, n2, mean2, sd2 : (k,)
        Group sizes, means and standard deviations; both means of a row have one sign.
    pooled_sd, corrected : bool
        One standard deviation for both groups; Lajeunesse's small-sample correction.

    Raises
    ------
    InputError
        As `mean_difference`; and for means of different sign, or zero.

    References
    ----------
    Hedges LV et al. Ecology 1999;80:1150-1156. Lajeunesse MJ. Ecology 2015;96:2056-2063.
    """
    n1, mean1, sd1, n2, mean2, sd2 = _two_groups(n1=n1, mean1=mean1, sd1=sd1, n2=n2, mean2=mean2, sd2=sd2)
    todo = "A ratio has no meaning here: use MD or SMD."
    require(~(mean1 * mean2 <= 0), "mean1, mean2", "differ in sign or are zero", "two means of one sign", todo)
    s1, s2 = (_pooled_variance(n1, sd1, n2, sd2),) * 2 if pooled_sd else (sd1**2, sd2**2)
    a, b = s1 / (n1 * mean1**2), s2 / (n2 * mean2**2)
    y, v = np.log(mean1 / mean2), a + b
    if corrected:
        y, v = y + 0.5 * (a - b), v + 0.5 * (a**2 + b**2)
    return Effects("ROM", y, v, "log")


def normalised_mean_difference(
    *, n1: ArrayLike, mean1: ArrayLike, sd1: ArrayLike, n2: ArrayLike, mean2: ArrayLike, sd2: ArrayLike,
    mean_sham: ArrayLike, sd_sham: ArrayLike | None = None, n_sham: ArrayLike | None = None,
) -> Effects:  # fmt: skip
    """Share of the induced disease that treatment takes away, in percent (``NMD``), for animal outcomes.

    ``y = 100 (mean2 - mean1) / (mean2 - mean_sham)``: 100 is a return to the healthy (sham) level, 0 no change, so a
    benefit is positive whatever the direction of the score; ``v = 100^2 (sd1^2/n1 + sd2^2/n2)/(mean2 - mean_sham)^2``.
    Where the sham group's spread is given, the delta method adds the error of the denominator.

    Parameters
    ----------
    n1, mean1, sd1 : (k,)
        Treated diseased animals.
    n2, mean2, sd2 : (k,)
        Untreated diseased animals (the control).
    mean_sham : (k,)
        Healthy animals: the level at which nothing is left to gain.
    sd_sham, n_sham : (k,), optional
        Spread and number of the healthy animals; both or neither.

    Raises
    ------
    InputError
        As `mean_difference`; and where control and sham do not differ.

    References
    ----------
    Vesterinen HM et al. J Neurosci Methods 2014;221:92-102.
    """
    base = _two_groups(n1=n1, mean1=mean1, sd1=sd1, n2=n2, mean2=mean2, sd2=sd2)
    more = columns(k=base[0], mean_sham=mean_sham, sd_sham=sd_sham, n_sham=n_sham)
    n1, mean1, sd1, n2, mean2, sd2 = (np.broadcast_to(column, more["k"].shape) for column in base)
    induced = mean2 - more["mean_sham"]
    require(~(induced == 0), "mean2, mean_sham", "are equal", "a disease that differs from health", "Use MD or SMD.")
    y = 100.0 * (mean2 - mean1) / induced
    var1, var2 = sd1**2 / n1, sd2**2 / n2
    if "sd_sham" not in more or "n_sham" not in more:
        return Effects("NMD", y, 100.0**2 * (var1 + var2) / induced**2)
    # y/100 = 1 - (mean1 - sham)/(mean2 - sham): three independent means.
    slope2 = (mean1 - more["mean_sham"]) / induced**2
    slope_sham = (mean2 - mean1) / induced**2
    v = var1 / induced**2 + slope2**2 * var2 + slope_sham**2 * more["sd_sham"] ** 2 / more["n_sham"]
    return Effects("NMD", y, 100.0**2 * v)
