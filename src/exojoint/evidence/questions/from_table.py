"""Analyses of a user's own table: pooled, regressed, clustered; plain results for people, machines and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.bayes import bayes_pool
from exojoint.evidence.effects import back_transform
from exojoint.evidence.estimate import Interval
from exojoint.evidence.extraction.effect_table import EffectTable
from exojoint.evidence.figures.forest import Axis, ForestRow, Summary, forest
from exojoint.evidence.figures.points import Array
from exojoint.evidence.figures.scatter import Line, bubble
from exojoint.evidence.figures.style import Picture
from exojoint.evidence.multilevel.correlated import CheResult, correlated_hierarchical
from exojoint.evidence.pooling.glmm import glmm_odds_ratio, glmm_proportion
from exojoint.evidence.pooling.pool import pool
from exojoint.evidence.pooling.regression import meta_regression
from exojoint.evidence.pooling.tables import mantel_haenszel, peto
from exojoint.evidence.results import Coefficients, PooledResult, RegressionResult, Test, finite_or_none, t_quantile

COUNTS = ("events1", "n1", "events2", "n2")
TABLE_METHODS = ("MH", "PETO", "GLMM")  # from the counts of events, without a variance of each study
BAYES = "BAYES"
SCHEMA = 1  # of the JSON of a pooled table: docs/reference/evidence.md
KEYS = (  # always there, null where a model has no such number
    "estimate", "se", "statistic", "p", "interval", "prediction_interval", "tau2", "se_tau2", "I2", "H2", "Q", "Q_df",
    "Q_p", "k", "method", "measure", "scale", "back_transformed", "estimate_of", "coefficients", "omnibus", "R2",
    "clusters", "rho", "variances", "probability_above_0", "converged", "columns", "rows", "warnings", "schema",
)  # fmt: skip
SIDES = 1.959964  # standard errors to each side of a 95 % normal interval
POINTS_OF_A_LINE = 40
LEAST_P = 1e-4  # smaller p values are not told apart in a figure
SPREAD_WORDS = (("tau\u00b2", "tau2", ""), ("I\u00b2", "I2", " %"))


@dataclass(frozen=True)
class Synthesis:
    """A pooled table.

    Parameters
    ----------
    table : EffectTable
        What was pooled.
    numbers : mapping of str to value
        Ready for JSON: estimate, se, interval, prediction_interval, tau2, I2, Q, k, method, warnings ...
    summary : Summary
        The pooled line of a forest plot.
    weights : (k,)
        Share of each row in percent; nan where a row was left out.
    coefficients : Coefficients or None
        Of a meta-regression.
    """

    table: EffectTable
    numbers: Mapping[str, Any]
    summary: Summary
    weights: NDArray[np.float64]
    coefficients: Coefficients | None = field(default=None)


def pool_table(
    table: EffectTable, *, method: str = "REML", interval: str = "knapp-hartung", moderators: Sequence[str] = (),
    cluster: str | None = None, level: float = 0.95,
) -> Synthesis:  # fmt: skip
    """Pool the effects of a table.

    Parameters
    ----------
    table : EffectTable
        From `read_effects`.
    method, interval, level
        As in `pool`; ``MH``, ``PETO`` and ``GLMM`` (OR, PLO) pool counts of events; ``BAYES`` takes a half-normal
        prior of tau with scale 0.5, for standardised differences and logarithms of ratios.
    moderators : sequence of str
        Columns of the table; the first coefficient is the intercept.
    cluster : str, optional
        Column whose equal words make effects depend on each other: correlated effects with a robust variance.

    Raises
    ------
    InputError
        As the models, and where a method needs counts that the table does not have.
    """
    if cluster is not None:
        other = method.upper() != "REML" or interval.casefold() != "knapp-hartung"
        told = (
            (f"{method} and {interval} do not apply: dependent effects are fitted by REML with CR2",) if other else ()
        )
        spoken = replace(table, warnings=(*table.warnings, *told))
        return _clustered(spoken, table.sheet.words(cluster), table.moderators(moderators), level)
    if moderators:
        fit = meta_regression(
            table.y, table.v, table.moderators(moderators), method=method, interval=interval, level=level
        )
        return _regressed(table, fit, interval, level)
    if method.upper() in TABLE_METHODS:
        return _plain(table, _from_counts(table, method.upper(), level))
    if method.upper() == BAYES:
        return _believed(table, level)
    return _plain(table, pool(table.y, table.v, method=method, interval=interval, level=level))


def _from_counts(table: EffectTable, method: str, level: float) -> PooledResult:
    if method == "GLMM" and table.measure == "PLO":
        return glmm_proportion(**_counts(table, ("events", "n"), method), level=level)
    counts = _counts(table, COUNTS, method)
    if method == "PETO":
        return peto(**counts, level=level)
    if method == "MH":
        return mantel_haenszel(**counts, measure=table.measure, level=level)
    if table.measure != "OR":
        raise InputError(Problem("measure", f"'{table.measure}' has no GLMM here", "OR or PLO", "Give --measure OR."))
    return glmm_odds_ratio(**counts, level=level)


def _counts(table: EffectTable, names: Sequence[str], method: str) -> dict[str, Any]:
    missing = [name for name in names if name not in table.raw]
    if missing:
        todo = "Give group counts and --measure RR, OR or RD."
        raise InputError(Problem("table", f"has no {', '.join(missing)}", f"counts of events for {method}", todo))
    return {name: table.raw[name] for name in names}


def _believed(table: EffectTable, level: float) -> Synthesis:
    """Pool with a prior of tau: the posterior's median, its central interval, and that of a new study."""
    fit = bayes_pool(table.y, table.v)
    ends, new = fit.mean.interval(level), fit.new_study.interval(level)
    estimate, tau = fit.mean.quantile(0.5), fit.tau_quantile(0.5)
    name = f"Bayesian, half-normal prior of tau, scale {fit.prior.scale:g}"
    numbers: dict[str, Any] = {
        "estimate": estimate, "se": fit.mean.sd, "interval": _ends(ends), "prediction_interval": _ends(new),
        "tau2": tau**2, "I2": None, "Q": None, "Q_df": None, "Q_p": None, "k": len(fit.studies), "method": name,
        "probability_above_0": fit.probability_above(0.0), "warnings": [*table.warnings, *fit.warnings],
    }  # fmt: skip
    if not (table.measure.startswith("SMD") or table.scale == "log"):
        numbers["warnings"] += ["the prior takes effects as standardised differences or logarithms of ratios"]
    numbers |= _common(table, estimate, ends, new)
    return Synthesis(table, dict.fromkeys(KEYS) | numbers, Summary(name, estimate, ends, new), _weights(table, tau**2))


def _plain(table: EffectTable, result: PooledResult) -> Synthesis:
    label = f"{result.fit.method}, {result.interval.method}"
    summary = Summary(label, result.estimate, result.interval, result.prediction)
    numbers = result.to_dict() | _common(table, result.estimate, result.interval, result.prediction)
    numbers["warnings"] = [*table.warnings, *result.warnings]
    return Synthesis(table, dict.fromkeys(KEYS) | numbers, summary, _weights(table, result.tau2))


def _regressed(table: EffectTable, fit: RegressionResult, interval: str, level: float) -> Synthesis:
    first = fit.coefficients[0]
    ends = Interval(first["lower"], first["upper"], level, interval.casefold(), first["df"])
    q = fit.heterogeneity.q
    numbers = {
        "estimate": first["estimate"], "se": first["se"], "statistic": finite_or_none(first["statistic"]),
        "p": finite_or_none(first["p"]), "interval": _ends(ends), "prediction_interval": None,
        "tau2": fit.tau2, "I2": finite_or_none(fit.heterogeneity.i2), "Q": finite_or_none(q.statistic), "Q_df": q.df,
        "Q_p": finite_or_none(q.p), "k": fit.fit.k, "method": f"meta-regression, {fit.fit.method}",
        "R2": finite_or_none(fit.r2), "coefficients": _coefficients(fit.coefficients),
        "omnibus": _tested(fit.omnibus), "warnings": [*table.warnings, *fit.warnings],
    }  # fmt: skip
    numbers |= _common(table, first["estimate"], ends, None) | {"estimate_of": fit.names[0]}
    summary = Summary(f"{fit.names[0]} ({fit.fit.method})", first["estimate"], ends)
    return Synthesis(table, dict.fromkeys(KEYS) | numbers, summary, _weights(table, fit.tau2), fit.coefficients)


def _clustered(table: EffectTable, groups: Sequence[str], moderators: Mapping[str, Any], level: float) -> Synthesis:
    fit: CheResult = correlated_hierarchical(table.y, table.v, groups, moderators=moderators or None, level=level)
    first = fit.robust.coefficients[0]
    ends = Interval(first["lower"], first["upper"], level, "CR2, Satterthwaite", first["df"])
    tau2 = float(sum(fit.working.components.values()))
    half = float(t_quantile(level, first["df"])) * math.sqrt(first["se"] ** 2 + tau2)
    prediction = Interval(first["estimate"] - half, first["estimate"] + half, level, "prediction", first["df"])
    numbers = {
        "estimate": first["estimate"], "se": first["se"], "statistic": finite_or_none(first["statistic"]),
        "p": finite_or_none(first["p"]), "interval": _ends(ends),
        "prediction_interval": None if moderators else _ends(prediction), "tau2": tau2,
        "I2": None if moderators else _share(table, tau2),
        "Q": finite_or_none(fit.working.q.statistic), "Q_df": fit.working.q.df, "Q_p": finite_or_none(fit.working.q.p),
        "k": int(np.isfinite(table.y).sum()), "clusters": len(set(groups)), "rho": fit.rho,
        "variances": dict(fit.working.components), "method": "correlated and hierarchical effects, CR2",
        "coefficients": _coefficients(fit.robust.coefficients), "warnings": [*table.warnings, *fit.warnings],
    }  # fmt: skip
    numbers |= _common(table, first["estimate"], ends, None if moderators else prediction)
    summary = Summary("CHE, robust", first["estimate"], ends, None if moderators else prediction)
    return Synthesis(
        table,
        dict.fromkeys(KEYS) | numbers,
        summary,
        _weights(table, tau2),
        fit.robust.coefficients if moderators else None,
    )


def _tested(test: Test) -> dict[str, float | None]:
    found = {"statistic": test.statistic, "df": test.df, "df2": test.df2, "p": test.p}
    return {name: finite_or_none(value) for name, value in found.items()}


def _share(table: EffectTable, tau2: float) -> float | None:
    """I2 of variances between and within studies together: their share beside a typical sampling variance, percent."""
    w = 1.0 / table.v[np.isfinite(table.y) & np.isfinite(table.v)]
    typical = (w.size - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum()) if w.size > 1 else math.nan
    return finite_or_none(100.0 * tau2 / (tau2 + typical))


def _coefficients(found: Coefficients) -> dict[str, dict[str, float | None]]:
    return {name: {key: finite_or_none(value) for key, value in found[name].items()} for name in found.names}


def _ends(interval: Interval) -> dict[str, Any]:
    return {
        "lower": finite_or_none(interval.lower), "upper": finite_or_none(interval.upper), "level": interval.level,
        "method": interval.method, "df": finite_or_none(interval.df),
    }  # fmt: skip


def _common(table: EffectTable, estimate: float, ends: Interval, prediction: Interval | None) -> dict[str, Any]:
    """What every result says: the measure, the reader's scale, and the rows."""
    numbers: dict[str, Any] = {
        "schema": SCHEMA,
        "measure": table.measure,
        "scale": table.scale,
        "columns": table.columns,
    }
    if table.scale != "identity":
        values = {"estimate": estimate, "lower": ends.lower, "upper": ends.upper}
        if prediction is not None:
            values |= {"prediction_lower": prediction.lower, "prediction_upper": prediction.upper}
        numbers["back_transformed"] = {
            name: finite_or_none(float(back_transform(v, table.scale))) for name, v in values.items()
        }
    rows = zip(table.labels, table.y.tolist(), np.sqrt(table.v).tolist(), strict=True)
    numbers["rows"] = [{"study": label, "effect": finite_or_none(y), "se": finite_or_none(se)} for label, y, se in rows]
    return numbers


def _weights(table: EffectTable, tau2: float) -> Array:
    used = np.isfinite(table.y) & np.isfinite(table.v)
    weight = np.where(used, 1.0 / (np.where(used, table.v, 1.0) + tau2), np.nan)
    return np.asarray(100.0 * weight / np.nansum(weight))


def axis_of(table: EffectTable) -> Axis:
    """Return the axis of a table's figures."""
    ratio = table.scale == "log"
    return Axis(f"{table.measure}, logarithmic axis" if ratio else table.measure, ratio)


def scatter_axis(table: EffectTable) -> str:
    """Return the title of an axis that shows effects on the scale of the analysis."""
    return f"log {table.measure}" if table.scale == "log" else table.measure


def forest_of(synthesis: Synthesis, title: str) -> Picture:
    """Draw the rows of a pooled table with their weights."""
    table = synthesis.table
    rows = [
        ForestRow(label, float(y), float(y - SIDES * se), float(y + SIDES * se), float(weight))
        for label, y, se, weight in zip(table.labels, table.y, np.sqrt(table.v), synthesis.weights, strict=True)
    ]
    return forest("forest", title, rows, axis_of(table), (synthesis.summary,), _spread_words(synthesis.numbers))


def _spread_words(numbers: Mapping[str, Any]) -> str:
    """How much studies differ, under the figure."""
    told = [f"{name} {numbers[key]:.3g}{unit}" for name, key, unit in SPREAD_WORDS if numbers[key] is not None]
    if numbers["Q"] is not None and numbers["Q_p"] is not None:
        p = f"p {numbers['Q_p']:.2g}" if numbers["Q_p"] >= LEAST_P else f"p < {LEAST_P:g}"
        told.append(f"Q {numbers['Q']:.4g} ({numbers['Q_df']:g} df, {p})")
    return f"Between studies: {', '.join(told)}." if told else ""


def bubble_of(synthesis: Synthesis, moderator: str, title: str) -> Picture:
    """Draw effects against the one numeric moderator of a meta-regression.

    Raises
    ------
    InputError
        When the moderator is not a number, or not the only one.
    """
    table, found = synthesis.table, synthesis.coefficients
    x = table.moderators([moderator])[moderator]
    if found is None or isinstance(x, list) or found.names != (found.names[0], moderator):
        problem = Problem("bubble", f"'{moderator}' is not the one numeric moderator", "a regression on one number")
        raise InputError(problem)
    used = np.isfinite(table.y) & np.isfinite(table.v) & np.isfinite(x)
    grid = np.linspace(float(x[used].min()), float(x[used].max()), POINTS_OF_A_LINE)
    fits = [found.contrast([1.0, float(value)]) for value in grid]
    line = Line(grid, *(np.array([fit[name] for fit in fits]) for name in ("estimate", "lower", "upper")))
    labels = [label for label, yes in zip(table.labels, used, strict=True) if yes]
    return bubble(
        x[used], table.y[used], synthesis.weights[used], title=title, x_title=moderator, axis=scatter_axis(table),
        line=line, labels=labels,
    )  # fmt: skip
