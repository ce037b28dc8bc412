"""Figures of the verdict: true effect beside the trials, dose-response, operating characteristics."""

from __future__ import annotations

import altair as alt
import numpy as np
import polars as pl
from altair.typing import ChartType
from numpy.typing import NDArray

from exojoint.report.data import RunData
from exojoint.report.drawing import LINES, Drawing, Layout, axis, drawing, grid_of, layered, values
from exojoint.report.labels import label, short, text
from exojoint.report.numbers import number, percent, signed, when
from exojoint.report.palette import ARMS, BAND, INK, SHAPES, TRIAL, TRUTH
from exojoint.runs.verdict import Effect

BINS = 24
MAX_EFFECTS = 6
SAME_DAY = 0.5  # day; two days closer than this are the same visit
TWO_SIDED_95 = 1.96  # standard errors to each side of a 95 % normal interval
POINTERS = {"lower": " (← better)", "higher": " (better →)", "": ""}
POWERS = "replace(format(datum.value, '~e'), 'e+', 'e')"
"""Doses as the scenario writes them: 5e11."""
RATES = ("type1", "power", "assurance")


def effects(data: RunData, layout: Layout) -> Drawing | None:
    """True difference over the knowledge draws, above what trials of this design would estimate."""
    draws = data.table("draws")
    shown = data.heads[:MAX_EFFECTS]
    if draws is None:
        return None
    samples = {item.id: _truth(draws, item) for item in shown}
    shown = tuple(item for item in shown if samples[item.id].size)
    if not shown:
        return None
    width = layout.panel(layout.beside(len(shown)))
    panels = [_effect_panel(data, item, samples[item.id], width) for item in shown]
    said = " ".join(
        f"{text('endpoint', item.endpoint)} at {when(item.day)}: true difference {signed(item.true.mean)} "
        f"({signed(item.true.lo)} to {signed(item.true.hi)}) {text('unit', item.unit)}."
        for item in shown
    )
    alt_text = f"Histograms of true differences and of trial estimates. {said}"
    return drawing("effects", alt.concat(*panels, columns=layout.beside(len(panels))), alt_text)


def _truth(draws: pl.DataFrame, effect: Effect) -> NDArray[np.float64]:
    own = draws.filter(pl.col("effect") == effect.id)
    return _numbers((draws.filter(_belongs(effect)) if own.is_empty() else own)["difference"])


def _numbers(column: pl.Series) -> NDArray[np.float64]:
    return column.drop_nulls().drop_nans().to_numpy()


def _effect_panel(data: RunData, effect: Effect, true: NDArray[np.float64], width: int) -> ChartType:
    lines = {"no difference": 0.0} | {
        line.text: line.difference
        for line in data.manifest.criteria
        if line.endpoint == effect.endpoint and abs(line.day - effect.day) < SAME_DAY
    }
    estimates = _estimates(data, effect)
    edges = _edges(np.concatenate([true, estimates]), list(lines.values()))
    unit, pointer = text("unit", effect.unit), POINTERS[label("endpoint", effect.endpoint).better]
    below = f"{effect.arm} − {effect.control}, {unit}{pointer}"
    samples = [(true, TRUTH, "share of draws"), (estimates, TRIAL, "share of trials")][: 2 if estimates.size else 1]
    parts = [
        _histogram(sample, edges, lines, colour, (below if index == len(samples) - 1 else None, beside), width)
        for index, (sample, colour, beside) in enumerate(samples)
    ]
    title = f"{text('endpoint', effect.endpoint)}, {when(effect.day)}"
    panel: ChartType = alt.vconcat(*parts, spacing=8).properties(title=title)
    return panel


def _estimates(data: RunData, effect: Effect) -> NDArray[np.float64]:
    trials = data.table("trials")
    if trials is None:
        return np.empty(0)
    return _numbers(trials.filter((pl.col("product") == "active") & _belongs(effect))["estimate"])


def _belongs(effect: Effect) -> pl.Expr:
    """Rows of this effect: same arm, endpoint and visit."""
    visit = (pl.col("day") - effect.day).abs() < SAME_DAY
    return (pl.col("arm") == effect.arm) & (pl.col("endpoint") == effect.endpoint) & visit


def _edges(sample: NDArray[np.float64], lines: list[float]) -> NDArray[np.float64]:
    """Limits of the bars: nearly all of the sample and every line, with a little air."""
    lo, hi = (float(limit) for limit in np.quantile(sample, (0.002, 0.998)))
    lo, hi = min(lo, *lines), max(hi, *lines)
    air = 0.03 * (hi - lo) or 1.0
    return np.linspace(lo - air, hi + air, BINS + 1)


def _histogram(
    sample: NDArray[np.float64],
    edges: NDArray[np.float64],
    lines: dict[str, float],
    colour: str,
    titles: tuple[str | None, str],
    width: int,
) -> ChartType:
    heights = np.histogram(np.clip(sample, edges[0], edges[-1]), edges)[0] / sample.size
    bins = [
        {"from": float(edges[i]), "to": float(edges[i + 1]), "share": float(height), "foot": 0.0}
        for i, height in enumerate(heights)
        if height
    ]
    scale = alt.Scale(domain=[float(edges[0]), float(edges[-1])], nice=False)
    x, y = (
        alt.X("from:Q", scale=scale, axis=axis(titles[0], labels=titles[0] is not None)),
        alt.Y("share:Q", axis=axis(titles[1], format="%", tickCount=3)),
    )
    bars = alt.Chart(values(bins)).mark_bar(color=colour, opacity=0.8).encode(x=x, x2="to:Q", y=y, y2="foot:Q")
    rules = [
        alt.Chart(values([{"from": value}]))
        .mark_rule(color=INK, strokeWidth=1.4, strokeDash=[5, 3] if value else [1, 0])
        .encode(x=x)
        for value in lines.values()
    ]
    panel: ChartType = alt.layer(bars, *rules).properties(width=width, height=92)
    return panel


def dose_response(data: RunData, layout: Layout) -> Drawing | None:
    """Difference from the control against the label dose, one panel per endpoint."""
    table = data.table("dose_response")
    if table is None:
        return None
    table = table.filter(pl.col("dose") > 0)
    if table.is_empty():
        return None
    keys = table.select("endpoint", "day").unique(maintain_order=True).rows()[:MAX_EFFECTS]
    width = layout.panel(layout.beside(len(keys)))
    parts = [
        table.filter((pl.col("endpoint") == name) & ((pl.col("day") - day).abs() < SAME_DAY)).sort("dose")
        for name, day in keys
    ]
    panels = [_dose_panel(part, data, width) for part in parts]
    alt_text = "Difference from control by dose. " + " ".join(_best_dose(part, data) for part in parts)
    return drawing("dose_response", grid_of(panels, layout), alt_text)


def _endpoint_unit(data: RunData, endpoint: str) -> str:
    units = [effect.unit for effect in data.verdict.effects if effect.endpoint == endpoint]
    curves = data.table("curves")
    if not units and curves is not None:
        units = curves.filter(pl.col("endpoint") == endpoint)["unit"].to_list()
    return text("unit", units[0]) if units else ""


def _dose_panel(rows: pl.DataFrame, data: RunData, width: int) -> ChartType:
    endpoint = rows["endpoint"][0]
    unit = _endpoint_unit(data, endpoint)
    better = {"lower": "; lower is better", "higher": "; higher is better", "": ""}[label("endpoint", endpoint).better]
    dose = alt.X(
        "dose:Q",
        scale=alt.Scale(type="log", nice=False, padding=8),
        axis=axis(
            f"label dose, {text('unit', rows['unit'][0])}", labelExpr=POWERS, values=rows["dose"].to_list(), grid=False
        ),
    )
    y_axis = axis(f"{unit}{better}".lstrip("; "))
    base = alt.Chart(values(rows))
    band = base.mark_area(opacity=BAND, color=TRUTH).encode(x=dose, y=alt.Y("lo:Q", axis=y_axis), y2="hi:Q")
    line = base.mark_line(strokeWidth=2, color=TRUTH, point=alt.OverlayMarkDef(color=TRUTH, size=34)).encode(
        x=dose, y=alt.Y("mean:Q", axis=y_axis)
    )
    zero = (
        alt.Chart(values([{"mean": 0.0}])).mark_rule(color=INK, strokeWidth=1.2).encode(y=alt.Y("mean:Q", axis=y_axis))
    )
    lines = [
        {"mean": line.difference}
        for line in data.manifest.criteria
        if line.endpoint == endpoint and abs(line.day - rows["day"][0]) < SAME_DAY
    ]
    asked = alt.Chart(values(lines)).mark_rule(color=INK, strokeWidth=1.2, strokeDash=[5, 4])
    title = f"{text('endpoint', endpoint)}, {when(rows['day'][0])}"
    parts = [band, zero, line, *([asked.encode(y=alt.Y("mean:Q", axis=y_axis))] if lines else [])]
    return layered(*parts, width=width, height=170, title=title)


def _best_dose(rows: pl.DataFrame, data: RunData) -> str:
    endpoint = rows["endpoint"][0]
    last = rows.row(rows.height - 1, named=True)
    unit = _endpoint_unit(data, endpoint)
    return (
        f"{text('endpoint', endpoint)} at {number(last['dose'])} {text('unit', last['unit'])}: {signed(last['mean'])} "
        f"({signed(last['lo'])} to {signed(last['hi'])}) {unit}."
    )


def operating(data: RunData, layout: Layout) -> Drawing | None:
    """How the trial behaves: false positives first, then power and assurance, each with its Monte Carlo error."""
    table = data.table("performance")
    if table is None:
        return None
    wanted = [(item.endpoint, item.day) for item in data.heads]
    rows = table.filter(pl.col("measure").is_in(RATES)).filter(
        pl.any_horizontal(
            pl.lit(False),
            *((pl.col("endpoint") == name) & ((pl.col("day") - day).abs() < SAME_DAY) for name, day in wanted),
        )
    )
    if rows.is_empty():
        return None
    null, active = rows.filter(pl.col("measure") == "type1"), rows.filter(pl.col("measure") != "type1")
    alpha = data.manifest.settings.get("alpha")
    stated = float(alpha) if isinstance(alpha, int | float) else None
    panels = []
    if not null.is_empty():
        panels.append(_rate_panel(null, "False positives (no effect in)", stated, layout))
    if not active.is_empty():
        panels.append(_rate_panel(active, "Power and assurance (effect in)", None, layout))
    said = " ".join(
        f"{text('measure', row['measure'])}, {text('endpoint', row['endpoint'])}: {percent(row['value'], 1)}."
        for row in rows.iter_rows(named=True)
    )
    chart: ChartType = alt.concat(*panels, columns=layout.columns).resolve_scale(
        color="independent", shape="independent"
    )
    return drawing("operating", chart, f"Rates with error bars. {said}")


def _rate_panel(rows: pl.DataFrame, title: str, stated: float | None, layout: Layout) -> ChartType:
    error = TWO_SIDED_95 * pl.col("mc_error")
    rows = rows.with_columns(
        lo=(pl.col("value") - error).clip(0, 1),
        hi=(pl.col("value") + error).clip(0, 1),
        row=pl.Series([f"{short(row['endpoint'])}|{when(row['day'])}" for row in rows.iter_rows(named=True)]),
        kind=pl.Series([text("measure", name) for name in rows["measure"]]),
    )
    kinds = rows["kind"].unique(maintain_order=True).to_list()
    top = 1.0 if stated is None else max(2.5 * stated, float(rows["hi"].max() or 0.0) * 1.1)  # type: ignore[arg-type]  # a float column
    x = alt.X("value:Q", scale=alt.Scale(domain=[0, top]), axis=axis("share of trials", format="%", tickCount=4))
    y = alt.Y("row:N", sort=None, axis=axis(None, labelLimit=150, labelExpr=LINES, grid=False))
    offset = alt.YOffset("kind:N", sort=kinds) if len(kinds) > 1 else alt.Undefined
    legend = alt.Legend(orient="bottom", columns=layout.columns) if len(kinds) > 1 else None
    colour = alt.Color(
        "kind:N", scale=alt.Scale(domain=kinds, range=list(ARMS[: len(kinds)])), title=None, legend=legend
    )
    shape = alt.Shape(
        "kind:N", scale=alt.Scale(domain=kinds, range=list(SHAPES[: len(kinds)])), title=None, legend=legend
    )
    base = alt.Chart(values(rows.select("row", "kind", "value", "lo", "hi")))
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("lo:Q"), x2="hi:Q", y=y, yOffset=offset, color=colour)
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=x, y=y, yOffset=offset, color=colour, shape=shape
    )
    layers = [bars, points]
    if stated is not None:
        rule = alt.Chart(values([{"value": stated}])).mark_rule(color=INK, strokeDash=[5, 3], strokeWidth=1.4)
        layers.append(rule.encode(x=x))
    height = alt.Step(step=46, **{"for": "position"})
    return layered(*layers, title=title, width=layout.panel(layout.columns, margin=140), height=height)
