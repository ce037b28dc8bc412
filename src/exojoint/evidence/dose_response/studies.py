"""Studies with several doses: contrasts against the lowest one, with the covariance that the shared group causes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, root

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, columns, require
from exojoint.evidence.effects.covariance import checked_covariance, shared_control_covariance
from exojoint.evidence.effects.measures import effect_sizes

Array = NDArray[np.float64]
COVARIANCES = ("greenland-longnecker", "hamling")
LARGEST_MISFIT = 1e-6  # relative, of the two conditions on effective counts
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
    _check_ratios(ratio, counts, kind)
    a = pseudo_cases(ratio["log_ratio"], counts["cases"], counts["totals"], kind)
    n = counts["totals"]
    own = {"case-control": 1 / a + 1 / (n - a), "cohort": 1 / a - 1 / n, "person-time": 1 / a}[kind]
    total = own[0] + own[1:]
    correlation = own[0] / np.sqrt(np.outer(total, total))
    np.fill_diagonal(correlation, 1.0)
    return checked_covariance(correlation * np.sqrt(np.outer(ratio["v"], ratio["v"])), "log_ratio, v")


def _check_ratios(ratio: dict[str, Array], counts: dict[str, Array], design: str) -> None:
    if counts["cases"].size != ratio["v"].size + 1:
        raise InputError(Problem("cases, totals", f"have {counts['cases'].size} rows", f"{ratio['v'].size + 1} rows"))
    require(counts["cases"] > 0, "cases", "is not positive", "cases in every group")
    if design != "person-time":
        require(counts["totals"] > counts["cases"], "totals", "is not above the cases", "cases and non-cases")


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


def hamling_covariance(
    log_ratio: ArrayLike, v: ArrayLike, cases: ArrayLike, totals: ArrayLike, design: str = "case-control"
) -> Array:
    """Covariance of adjusted log ratios of one study by Hamling's effective counts.

    Counts are sought that give every adjusted ratio *and* its reported variance exactly, with the reference's share of
    the patients without the event (case-control; else of all) and their number per case as observed. The shared part is
    then the reference's own variance.

    Parameters
    ----------
    log_ratio, v, cases, totals, design
        As in `greenland_longnecker_covariance`.

    Returns
    -------
    (k, k)
        With `v` on the diagonal.

    Raises
    ------
    InputError
        As there; and when no counts fulfil the conditions.

    References
    ----------
    Hamling J et al. Stat Med 2008;27:954-970.
    """
    kind = choose(design, DESIGNS, "design")
    ratio, counts = columns(log_ratio=log_ratio, v=v), columns(cases=cases, totals=totals)
    _check_ratios(ratio, counts, kind)
    others = counts["totals"] - counts["cases"] if kind == "case-control" else counts["totals"]
    a0, b0 = effective_reference(np.exp(ratio["log_ratio"]), ratio["v"], counts["cases"], others, kind)
    own = {"case-control": 1 / a0 + 1 / b0, "cohort": 1 / a0 - 1 / b0, "person-time": 1 / a0}[kind]
    matrix = np.full((ratio["v"].size, ratio["v"].size), own)
    np.fill_diagonal(matrix, ratio["v"])
    return checked_covariance(matrix, "log_ratio, v")


def effective_reference(ratios: Array, v: Array, cases: Array, others: Array, design: str) -> tuple[float, float]:
    """Hamling's effective counts of the reference group: cases, and patients without the event (or all, or time).

    Parameters
    ----------
    ratios, v : (k,)
        Adjusted ratios and the variances of their logarithms.
    cases, others : (k + 1,)
        As observed, the reference first.
    design : str
        As in `greenland_longnecker_covariance`.
    """
    sign = {"case-control": 1.0, "cohort": -1.0, "person-time": 0.0}[design]
    share, per_case = others[0] / others.sum(), others.sum() / cases.sum()

    def misfit(logs: Array) -> Array:
        a0, b0 = np.exp(logs)
        rest = np.maximum(v - 1 / a0 - sign / b0, 1e-12 * v)
        a = (1 + sign * a0 * ratios / b0) / rest
        b = a * b0 / (a0 * ratios)
        return np.array([math.log(b0 / (b0 + b.sum()) / share), math.log((b0 + b.sum()) / (a0 + a.sum()) / per_case)])

    found = root(misfit, np.log([cases[0], others[0]]), method="hybr", options={"xtol": 1e-12})
    if not found.success or float(np.abs(misfit(found.x)).max()) > LARGEST_MISFIT:
        todo = "Use greenland-longnecker, or check that the variances belong to these counts."
        raise InputError(Problem("cases, totals", "no effective counts fit the ratios", "ratios of these groups", todo))
    a0, b0 = np.exp(found.x)
    return float(a0), float(b0)


def study_from_ratios(
    name: str, dose: ArrayLike, log_ratio: ArrayLike, v: ArrayLike, *, cases: ArrayLike, totals: ArrayLike,
    design: str = "case-control", covariance: str = "greenland-longnecker", unit: str = "",
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
    covariance : str
        ``greenland-longnecker`` or ``hamling``.
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
    way = {"greenland-longnecker": greenland_longnecker_covariance, "hamling": hamling_covariance}[
        choose(covariance, COVARIANCES, "covariance")
    ]
    matrix = way(data["log_ratio"][1:], data["v"][1:], data["cases"], data["totals"], design)
    first = float(data["dose"][0])
    return DoseStudy(name, data["dose"][1:], first, data["log_ratio"][1:], matrix, unit, f"log ratio, {design}")


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
