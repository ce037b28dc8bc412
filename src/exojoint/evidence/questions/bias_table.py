"""Everything this room can say about bias in a table of effects, each method beside the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError
from exojoint.evidence.bias.averaging import robust_bayesian_average
from exojoint.evidence.bias.excess import excess_significance
from exojoint.evidence.bias.fail_safe import fail_safe_n
from exojoint.evidence.bias.influence import baujat, cumulative, influence, leave_one_out
from exojoint.evidence.bias.selection import selection_model
from exojoint.evidence.bias.small_study import begg_test, egger_test, pet_peese
from exojoint.evidence.bias.trim_fill import TrimFill, trim_and_fill
from exojoint.evidence.extraction.effect_table import EffectTable
from exojoint.evidence.extraction.reported import GENERIC
from exojoint.evidence.figures.cumulative import cumulative as cumulative_figure
from exojoint.evidence.figures.funnel import funnel
from exojoint.evidence.figures.scatter import baujat as baujat_figure
from exojoint.evidence.figures.scatter import labbe
from exojoint.evidence.figures.style import Picture
from exojoint.evidence.pooling.pool import pool
from exojoint.evidence.questions.from_table import COUNTS, axis_of, scatter_axis
from exojoint.evidence.results import PooledResult, finite_or_none

Array = NDArray[np.float64]
STEP = 0.025  # one-sided p value of a selection model's step
MOST_AVERAGED = 40  # studies: beyond it the averaging over models takes longer than anyone waits at a terminal
CURVE = 400  # points of the pooled line in a L'Abbe plot


@dataclass(frozen=True)
class BiasReport:
    """What each method says.

    Parameters
    ----------
    table : EffectTable
        Rows that can be used.
    pooled : PooledResult
        Without care for bias.
    methods : mapping of name to numbers
        Ready for JSON; a method that could not be fitted says why under ``problem``.
    filled : TrimFill or None
        For the funnel plot.
    """

    table: EffectTable
    pooled: PooledResult
    methods: Mapping[str, Mapping[str, Any]]
    filled: TrimFill | None


def bias_of(table: EffectTable, *, averaged: bool = True) -> BiasReport:
    """Ask every method; one that cannot answer says why and does not stop the others.

    Parameters
    ----------
    table : EffectTable
        From `read_effects`.
    averaged : bool
        Whether to average over models of bias too, which takes seconds.

    Raises
    ------
    InputError
        When no effect can be used at all.
    """
    used = np.isfinite(table.y) & np.isfinite(table.v)
    y, v = table.y[used], table.v[used]
    labels = [label for label, yes in zip(table.labels, used, strict=True) if yes]
    pooled = pool(y, v)
    direction = "less" if pooled.estimate < 0 else "greater"
    kept: list[TrimFill] = []

    def fill() -> dict[str, Any]:
        kept.append(trim_and_fill(y, v))
        return _trim(kept[0])

    methods: dict[str, Callable[[], dict[str, Any]]] = {
        "egger": lambda: _egger(table, used),
        "rank_test": lambda: _test(begg_test(y, v)),
        "trim_and_fill": fill,
        "pet_peese": lambda: _pet(y, v, direction),
        "selection_model": lambda: _selection(y, v, direction),
        "excess_significance": lambda: _excess(y, v),
        "fail_safe_n": lambda: _fail_safe(y, v),
        "leave_one_out": lambda: _leave_one_out(y, v, labels),
        "influence": lambda: _influence(y, v, labels),
    }
    if averaged:
        methods["model_averaging"] = lambda: _averaged(table, y, v, direction)
    found = {name: _asked(method) for name, method in methods.items()}
    return BiasReport(table, pooled, found, kept[0] if kept else None)


def _asked(method: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return method()
    except InputError as error:
        return {"problem": "; ".join(str(problem) for problem in error.problems)}


def _test(test: Any) -> dict[str, Any]:  # noqa: ANN401  a Test of any kind
    return {"test": test.name, "statistic": finite_or_none(test.statistic), "p": finite_or_none(test.p)}


def _egger(table: EffectTable, used: NDArray[np.bool_]) -> dict[str, Any]:
    """The classical test; for standardised differences of known sizes the variant free of the effect itself."""
    y, v = table.y[used], table.v[used]
    if table.measure.startswith("SMD") and "n1" in table.raw and "n2" in table.raw:
        fit = egger_test(y, v, predictor="smd", n1=table.raw["n1"][used], n2=table.raw["n2"][used])
    else:
        fit = egger_test(y, v)
    found = _test(fit.test) | {"predictor": fit.predictor, "warnings": list(fit.warnings)}
    return found | {"slope": finite_or_none(fit.coefficients["slope"]["estimate"])}


def _trim(fit: TrimFill) -> dict[str, Any]:
    adjusted = fit.adjusted
    return {
        "missing": fit.missing, "side": fit.side, "estimate": finite_or_none(adjusted.estimate),
        "lower": finite_or_none(adjusted.lower), "upper": finite_or_none(adjusted.upper),
        "warnings": list(fit.warnings),
    }  # fmt: skip


def _pet(y: Array, v: Array, direction: str) -> dict[str, Any]:
    fit = pet_peese(y, v, direction=direction)
    effect = {name: finite_or_none(fit.effect[name]) for name in ("estimate", "se", "lower", "upper", "p")}
    return effect | {"chosen": fit.chosen, "warnings": list(fit.warnings)}


def _selection(y: Array, v: Array, direction: str) -> dict[str, Any]:
    fit = selection_model(y, v, steps=(STEP, 1.0), alternative=direction)
    first = fit.coefficients[0]
    return {
        **{name: finite_or_none(first[name]) for name in ("estimate", "se", "lower", "upper")},
        "tau2": finite_or_none(fit.tau[0]), "weight_of_the_rest": finite_or_none(float(fit.weights[-1])),
        "p_no_selection": finite_or_none(fit.test.p), "warnings": list(fit.warnings),
    }  # fmt: skip


def _excess(y: Array, v: Array) -> dict[str, Any]:
    try:
        fit = excess_significance(y, v)
    except ValueError:  # its search for the limit meets studies whose power is 1 to the last digit
        return {"problem": "the powers of these studies leave no limit to search for"}
    return {"observed": fit.observed, "expected": finite_or_none(fit.expected), "p": finite_or_none(fit.p)}


def _averaged(table: EffectTable, y: Array, v: Array, direction: str) -> dict[str, Any]:
    if y.size > MOST_AVERAGED:
        return {"problem": f"more than {MOST_AVERAGED} studies: ask robust_bayesian_average itself"}
    standard = table.measure.startswith("SMD") or table.scale == "log"
    if not standard and table.measure != GENERIC:
        return {"problem": "its priors are for standardised differences and logarithms of ratios"}
    fit = robust_bayesian_average(y, v, direction=direction)
    ends = fit.interval()
    note = [] if standard else ["its priors took the effects as standardised differences or logarithms of ratios"]
    return {
        "estimate": fit.mean, "sd": fit.sd, "lower": ends.lower, "upper": ends.upper, "tau": fit.tau,
        "p_effect": fit.probability("effect"), "p_bias": fit.probability("bias"), "warnings": [*fit.warnings, *note],
    }  # fmt: skip


def _fail_safe(y: Array, v: Array) -> dict[str, Any]:
    return {kind: fail_safe_n(y, v, kind=kind).number for kind in ("rosenthal", "rosenberg")}


def _leave_one_out(y: Array, v: Array, labels: list[str]) -> dict[str, Any]:
    parts = leave_one_out(y, v)
    estimates = [part.estimate for part in parts]
    low, high = int(np.argmin(estimates)), int(np.argmax(estimates))
    return {
        "lowest": {"without": labels[low], "estimate": estimates[low]},
        "highest": {"without": labels[high], "estimate": estimates[high]},
        "crosses_zero": bool(any(part.lower <= 0 <= part.upper for part in parts)),
    }


def _influence(y: Array, v: Array, labels: list[str]) -> dict[str, Any]:
    fit = influence(y, v)
    return {"influential": [label for label, yes in zip(labels, fit.influential, strict=True) if yes]}


def figures_of(report: BiasReport, title: str) -> dict[str, Picture]:
    """Return the figures that the table allows: funnel, Baujat, cumulative (with years), L'Abbe (with counts)."""
    table = report.table
    used = np.isfinite(table.y) & np.isfinite(table.v)
    y, v = table.y[used], table.v[used]
    labels = [label for label, yes in zip(table.labels, used, strict=True) if yes]
    axis = axis_of(table)
    selected = report.methods["selection_model"].get("estimate")
    adjusted = selected if isinstance(selected, float) else None
    filled = report.filled.filled if report.filled else ()
    pictures = {
        "funnel": funnel(
            y,
            np.sqrt(v),
            report.pooled.estimate,
            title=title,
            axis=scatter_axis(table),
            filled=filled,
            adjusted=adjusted,
        )
    }
    if y.size >= 3:
        place = baujat(y, v)
        pictures["baujat"] = baujat_figure(place.heterogeneity, place.influence, labels, title=title)
    years = next((header for header in table.sheet.grid.header if header.casefold() == "year"), None)
    if years is not None:
        by = table.sheet.numbers(years, [])[used]
        order = np.argsort(np.where(np.isfinite(by), by, math.inf), kind="stable")
        steps = cumulative(y[order], v[order], np.arange(y.size))
        named = [labels[i] for i in order]
        pictures["cumulative"] = cumulative_figure(
            named, [s.estimate for s in steps], [s.interval for s in steps], axis, title=title
        )
    if all(name in table.raw for name in COUNTS):
        pictures["labbe"] = _labbe(report, used, title)
    return pictures


def _labbe(report: BiasReport, used: NDArray[np.bool_], title: str) -> Picture:
    events1, n1, events2, n2 = (report.table.raw[name][used] for name in COUNTS)
    control = np.linspace(0.0, 1.0, CURVE + 1)[1:-1]
    effect = report.pooled.estimate
    if report.table.measure == "RR":
        treated = control * math.exp(effect)
    elif report.table.measure == "OR":
        odds = control / (1 - control) * math.exp(effect)
        treated = odds / (1 + odds)
    else:
        treated = control + effect if report.table.measure == "RD" else np.full(control.size, np.nan)
    inside = (treated >= 0) & (treated <= 1)
    curve = dict(zip(control[inside].tolist(), treated[inside].tolist(), strict=True))
    return labbe(events2 / n2, events1 / n1, n1 + n2, title=title, curve=curve or None)
