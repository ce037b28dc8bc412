"""Studies with several doses: contrasts against the lowest one, with the covariance that the shared group causes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, columns, require
from exojoint.evidence.effects.covariance import checked_covariance, shared_control_covariance
from exojoint.evidence.effects.measures import effect_sizes

Array = NDArray[np.float64]
DESIGNS = ("case-control", "cohort", "person-time")


@dataclass(frozen=True, slots=True)
class DoseStudy:
    """One study: effects of doses against a reference dose.

    Parameters
    ----------
    name : str
        Study.
    dose : (k,)
        Doses compared with the reference.
    reference_dose : float
        Dose of the shared group, often 0.
    y : (k,)
        Effects against the reference (log ratios, differences).
    covariance : (k, k)
        Of their sampling errors.
    unit : str
        Of the doses.
    measure : str
        What the effects are.
    """

    name: str
    dose: Array
    reference_dose: float
    y: Array
    covariance: Array
    unit: str = ""
    measure: str = ""


def greenland_longnecker_covariance(
    log_ratio: ArrayLike, v: ArrayLike, cases: ArrayLike, totals: ArrayLike, design: str = "case-control"
) -> Array:
    """Covariance of adjusted log ratios that share a reference group.

    Pseudo-counts A that have the adjusted ratios and the observed margins give the correlation
    ``r_ij = s_0 / sqrt(s_i s_j)`` with ``s_i = s_0 + 1/A_i + 1/B_i`` (case-control, s_0 = 1/A_0 + 1/B_0),
    ``1/A_i - 1/N_i`` (cohort) or ``1/A_i`` (person-time) in place of the last two terms. The covariance is
    ``r sqrt(v_i v_j)``.

    Parameters
    ----------
    log_ratio, v : (k,)
        Adjusted log odds, risk or rate ratios against the reference, and their variances.
    cases, totals : (k + 1,)
        Cases, and subjects (case-control: cases and controls; person-time: time), the reference group first.
    design : str
        ``case-control`` (odds ratios), ``cohort`` (risk ratios) or ``person-time`` (rate ratios).

    Returns
    -------
    (k, k)

    Raises
    ------
    InputError
        For columns of wrong length, counts that are not positive, more cases than subjects.

    References
    ----------
    Greenland S, Longnecker MP. Am J Epidemiol 1992;135:1301-1309. Orsini N et al. Stata J 2006;6:40-57.
    """
    kind = choose(design, DESIGNS, "design")
    ratio, counts = columns(log_ratio=log_ratio, v=v), columns(cases=cases, totals=totals)
    if counts["cases"].size != ratio["v"].size + 1:
        raise InputError(Problem("cases, totals", f"have {counts['cases'].size} rows", f"{ratio['v'].size + 1} rows"))
    require(counts["cases"] > 0, "cases", "is not positive", "cases in every group")
    if kind != "person-time":
        require(counts["totals"] > counts["cases"], "totals", "is not above the cases", "cases and non-cases")
    a = pseudo_cases(ratio["log_ratio"], counts["cases"], counts["totals"], kind)
    n = counts["totals"]
    own = {"case-control": 1 / a + 1 / (n - a), "cohort": 1 / a - 1 / n, "person-time": 1 / a}[kind]
    total = own[0] + own[1:]
    correlation = own[0] / np.sqrt(np.outer(total, total))
    np.fill_diagonal(correlation, 1.0)
    return checked_covariance(correlation * np.sqrt(np.outer(ratio["v"], ratio["v"])), "log_ratio, v")


def pseudo_cases(log_ratio: Array, cases: Array, totals: Array, design: str) -> Array:
    """Cases per group that have the adjusted ratios exactly, with all cases and all group sizes as observed, (k + 1,).

    Parameters
    ----------
    log_ratio : (k,)
        Adjusted log ratios.
    cases, totals : (k + 1,)
        As observed, the reference first.
    design : str
        As in `greenland_longnecker_covariance`.
    """
    ratios, sum_cases = np.concatenate([[1.0], np.exp(log_ratio)]), float(cases.sum())
    if design != "case-control":
        weights = ratios * totals
        return np.asarray(sum_cases * weights / weights.sum())

    def excess(log_odds: float) -> float:
        odds = ratios * np.exp(log_odds)
        return float((totals * odds / (1 + odds)).sum()) - sum_cases

    odds = ratios * np.exp(brentq(excess, -60.0, 60.0, xtol=1e-13))
    return np.asarray(totals * odds / (1 + odds))


def study_from_ratios(
    name: str, dose: ArrayLike, log_ratio: ArrayLike, v: ArrayLike, *, cases: ArrayLike, totals: ArrayLike,
    design: str = "case-control", unit: str = "",
) -> DoseStudy:  # fmt: skip
    """Make a study from adjusted log ratios; the first row of every column is the reference group.

    Parameters
    ----------
    name : str
        Study.
    dose, log_ratio, v, cases, totals : (k + 1,)
        One row per group; the reference has log ratio 0, and its variance is not used.
    design : str
        As in `greenland_longnecker_covariance`.
    unit : str
        Of the doses.

    Raises
    ------
    InputError
        For wrong rows, or a log ratio of the reference that is not 0.
    """
    data = columns(dose=dose, log_ratio=log_ratio, v=v, cases=cases, totals=totals)
    if data["log_ratio"][0] != 0:
        raise InputError(Problem(name, "the first row is not the reference", "a log ratio of 0 in the first row"))
    covariance = greenland_longnecker_covariance(
        data["log_ratio"][1:], data["v"][1:], data["cases"], data["totals"], design
    )
    first = float(data["dose"][0])
    return DoseStudy(name, data["dose"][1:], first, data["log_ratio"][1:], covariance, unit, f"log ratio, {design}")


def study_from_arms(measure: str, name: str, dose: ArrayLike, *, unit: str = "", **arms: ArrayLike) -> DoseStudy:
    """Make a study from one row per dose group; the first row is the reference.

    Parameters
    ----------
    measure : str
        MD, SMD, ROM, RR, OR, RD or IRR.
    name : str
        Study.
    dose : (k + 1,)
        Dose of each group.
    unit : str
        Of the doses.
    **arms : (k + 1,)
        ``n, mean, sd`` or ``n, events`` or ``events, time``, as the measure needs.

    Raises
    ------
    InputError
        For wrong rows or missing columns.
    """
    data = columns(dose=dose, **arms)
    doses = data.pop("dose")
    given = {f"{key}1": column[1:] for key, column in data.items()}
    given |= {f"{key}2": np.full(doses.size - 1, column[0]) for key, column in data.items()}
    effects = effect_sizes(measure, **given)
    require(np.isfinite(effects.y), name, "gives no effect", "whole groups")
    known = {key: column for key, column in given.items() if key in ("n1", "n2", "mean2", "sd2", "events2")}
    covariance = shared_control_covariance(measure, effects.y, effects.v, [name] * effects.y.size, **known)
    return DoseStudy(name, doses[1:], float(doses[0]), effects.y, covariance, unit, effects.measure)
