"""Tables of the trial and its patients: words and numbers already formatted, so that the template only places them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from exojoint.report.data import RunData
from exojoint.report.labels import difference, short, span, text
from exojoint.report.numbers import ABSENT, count, number, percent, signed, when
from exojoint.runs.verdict import Effect

MEASURES = ("type1", "power", "assurance")
PLAIN_MEASURES = frozenset({"bias", "se_ratio"})
"""Measures that are no shares."""

EVENT_COLUMNS = frozenset({"arm", "event", "n", "n_patients", "n_events", "n_injections"})


@dataclass(frozen=True, slots=True)
class Table:
    """A table: caption, column heads, rows of cells; the first cell of a row is its head."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def with_unit(name: str, unit: str | None) -> str:
    """A name with its unit in brackets, if it has one."""
    shown = text("unit", unit or "")
    return f"{name} ({shown})" if shown else name


def effects(data: RunData) -> Table | None:
    """True differences beside what trials would estimate."""
    if not data.verdict.effects:
        return None
    level = percent(data.verdict.effects[0].level)
    true, seen = f"true difference\n{level} interval", f"trial's estimate\n{level} interval"
    heads = ("effect", true, "MC\nerror", seen, "estimate\n− truth", "patients\n(failed)")
    note = (
        "True difference: over the knowledge draws, without trial noise. MC error: of its mean. "
        "Estimate − truth shows the bias of the analysis."
    )
    rows = tuple(_effect_row(item) for item in data.verdict.effects)
    return Table("True effects beside what trials estimate", heads, rows, note)


def _effect_row(effect: Effect) -> tuple[str, ...]:
    unit, true = effect.unit, effect.true
    seen, bias = ABSENT, ABSENT
    if effect.estimate is not None:
        seen = f"{difference(effect.estimate, unit)}\n{span(effect.lo, effect.hi, unit)}"
        bias = signed(effect.estimate - true.mean, 2)
    return (
        f"{short(effect.endpoint)}, {when(effect.day)}\n{effect.arm} − {effect.control}, {text('unit', unit)}",
        f"{difference(true.mean, unit)}\n{span(true.lo, true.hi, unit)}",
        number(effect.mc_error, 2),
        seen,
        bias,
        f"{count(effect.n_patients)}\n({count(effect.n_failed)})",
    )


def estimands(data: RunData) -> Table | None:
    """What exactly each difference means."""
    if not data.verdict.effects:
        return None
    rows = tuple((f"{short(item.endpoint)}, {when(item.day)}", item.estimand) for item in data.verdict.effects)
    return Table("Estimands", ("effect", "estimand"), tuple(dict.fromkeys(rows)))


def operating(data: RunData) -> Table | None:
    """Operating characteristics of the headline effects: type I error before power, each with its Monte Carlo error."""
    table = data.table("performance")
    if table is None:
        return None
    wanted = {(item.endpoint, round(item.day)) for item in data.heads}
    rows = [row for row in table.iter_rows(named=True) if row["measure"] in MEASURES]
    rows = [row for row in rows if row["day"] is not None and (row["endpoint"], round(row["day"])) in wanted]
    rows.sort(key=lambda row: MEASURES.index(row["measure"]))
    note = "The n of an assurance counts knowledge draws, of a type I error trials."
    return _rates("Operating characteristics", rows, note) if rows else None


def performance(data: RunData) -> Table | None:
    """Every measure of the trial's performance, at every visit."""
    table = data.table("performance")
    if table is None:
        return None
    order = [*MEASURES, *(name for name in table["measure"].unique(maintain_order=True) if name not in MEASURES)]
    rows = sorted(table.iter_rows(named=True), key=lambda row: order.index(row["measure"]))
    return _rates("All measures of the trial at all visits", rows, "Biases are in the unit of the endpoint.")


def _rates(caption: str, rows: Sequence[Mapping[str, Any]], note: str) -> Table:
    several = len({row.get("arm") for row in rows} - {None, ""}) > 1
    heads = ("measure", "endpoint", "value", "MC error", "n")
    return Table(caption, heads, tuple(_rate(row, several) for row in rows), note)


def _rate(row: Mapping[str, Any], with_arm: bool) -> tuple[str, ...]:
    if row["measure"] in PLAIN_MEASURES:
        value, error = number(row["value"]), number(row["mc_error"], 2)
    else:
        value, error = percent(row["value"], 1), percent(row["mc_error"], 2)
    place = f"{short(row['endpoint'])}, {when(row['day'])}" if row["endpoint"] else ABSENT
    arm = f" ({row['arm']})" if with_arm and row.get("arm") else ""
    return text("measure", row["measure"]) + arm, place, value, error, count(row["n"])


def adverse_events(data: RunData) -> Table | None:
    """Adverse events by arm, over all draws."""
    table = data.table("adverse_events")
    if table is None or not set(table.columns) >= EVENT_COLUMNS:
        return None
    numbers = pl.col("n", "n_patients", "n_events", "n_injections").sum()
    sums = table.group_by("event", "arm", maintain_order=True).agg(numbers).sort("event", maintain_order=True)
    cells = tuple(
        (
            row["event"],
            row["arm"],
            percent(row["n_patients"] / row["n"] if row["n"] else None, 1),
            number(100 * row["n_events"] / row["n_injections"] if row["n_injections"] else None),
        )
        for row in sums.iter_rows(named=True)
    )
    return Table("Adverse events", ("event", "arm", "patients", "per 100 injections"), cells)


def population(data: RunData) -> Table | None:
    """Wanted and reached margins of the population."""
    table = data.table("population")
    if table is None:
        return None
    cells = tuple(
        (
            with_unit(f"{text('variable', row['variable'])}, {text('statistic', row['statistic'])}", row["unit"]),
            number(row["wanted"]),
            number(row["achieved_raw"]),
            number(row["achieved_weighted"]),
        )
        for row in table.iter_rows(named=True)
    )
    return Table("Population", ("margin", "wanted", "before\nweighting", "after\nweighting"), cells)


def outcomes(data: RunData) -> Table:
    """How the solves ended; failed patients are counted, not dropped."""
    found = data.manifest.engine.outcomes
    total = sum(found.values()) or 1
    cells = tuple(
        (text("outcome", name), count(number_of), percent(number_of / total, 2))
        for name, number_of in sorted(found.items(), key=lambda item: (item[0] != "ok", -item[1]))
    )
    return Table("How the solves ended", ("outcome", "patients", "share"), cells)


def accuracy(data: RunData) -> str:
    """How exactly the equations were solved."""
    found = data.verdict.accuracy
    return (
        f"Relative error of the solver against a much stricter solve of {count(found.n)} patients: "
        f"median {number(found.p50, 2)}, 99th percentile {number(found.p99, 2)}. Mode: {data.manifest.engine.mode}."
    )
