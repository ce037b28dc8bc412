"""Figures of the course: group means with what we do not know, single patients, vesicles by place and depth."""

from __future__ import annotations

import altair as alt
import numpy as np
import polars as pl
from altair.typing import ChartType

from exojoint.report.data import RunData
from exojoint.report.drawing import Drawing, Layout, axis, drawing, grid_of, layered, thinned, values
from exojoint.report.labels import text
from exojoint.report.numbers import DAYS_PER_WEEK, number, when
from exojoint.report.palette import BAND, INK, arm_range, shape_range

MAX_PATIENTS = 30
MAX_MARKS = 9
MAX_ENDPOINTS = 9
LETTER = 6.5  # px; mean width of a letter in a legend
LEGEND_SYMBOL = 5  # letters that the symbol and its gaps take
MAX_TICKS = 6
TICK_STEPS = (1, 2, 4, 7, 13, 26, 52, 104, 260, 10_000)
"""Steps of a time axis: weeks, and days of whole weeks."""
FIRST_DAYS = 28.0  # day; how long the close view of the vesicles lasts
DECADES = 6
"""Levels more than this many decades below the highest are not drawn: there are no vesicles left."""
UM_PER_MM = 1000.0
DASHES = ([1, 0], [7, 3], [2, 2], [8, 2, 2, 2])
COMPARTMENTS = ("depot", "fluid", "lining", "plasma")


def arm_colour(arms: tuple[str, ...], legend: alt.Legend | None) -> alt.Color:
    """Colour of the arms, the same in every figure."""
    return alt.Color("arm:N", scale=alt.Scale(domain=list(arms), range=arm_range(arms)), title=None, legend=legend)


def _arm_legend(arms: tuple[str, ...], layout: Layout) -> alt.Legend:
    """Names of the arms in a row, or below each other where a phone is too narrow for the row."""
    below = sum(len(arm) + LEGEND_SYMBOL for arm in arms) * LETTER > layout.width
    return alt.Legend(columns=1) if below else alt.Legend()


def _in_weeks(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(week=pl.col("day") / DAYS_PER_WEEK)


def _week_axis(frame: pl.DataFrame, title: str = "weeks since the first injection") -> alt.X:
    last = max(1.0, float(frame["week"].max() or 1.0))  # type: ignore[arg-type]  # a float column
    step = next(step for step in TICK_STEPS if last / step <= MAX_TICKS)
    ticks = [step * index for index in range(int(last // step) + 1)]
    return alt.X("week:Q", axis=axis(title, values=ticks), scale=alt.Scale(domain=[0, last], nice=False))


def means(data: RunData, layout: Layout) -> Drawing | None:
    """Group means over time, one panel per endpoint: line for the mean, band for what we do not know."""
    curves = data.table("curves")
    if curves is None:
        return None
    curves = _in_weeks(thinned(curves))
    headline = [effect.endpoint for effect in data.verdict.effects]
    known = curves["endpoint"].unique(maintain_order=True).to_list()
    names = [name for name in dict.fromkeys([*headline, *known]) if name in known][:MAX_ENDPOINTS]
    panels = [_mean_panel(curves.filter(pl.col("endpoint") == name), data.arms, layout, len(names)) for name in names]
    return drawing(
        "means",
        grid_of(panels, layout),
        f"Lines with bands over time for {', '.join(data.arms)}. "
        + " ".join(_last_means(curves, name) for name in names),
    )


def _mean_panel(curves: pl.DataFrame, arms: tuple[str, ...], layout: Layout, count: int) -> ChartType:
    endpoint, unit = curves["endpoint"][0], curves["unit"][0]
    marks = curves.filter(pl.col("day").is_in(_marked_days(curves)))
    legend = _arm_legend(arms, layout)
    x, colour = _week_axis(curves), arm_colour(arms, legend)
    y_axis = axis(text("unit", unit) or None)
    band = alt.Chart(values(curves)).mark_area(opacity=BAND).encode(
        x=x, y=alt.Y("lo:Q", axis=y_axis, scale=alt.Scale(zero=False)), y2="hi:Q", color=colour
    )  # fmt: skip
    line = alt.Chart(values(curves)).mark_line(strokeWidth=2).encode(x=x, y=alt.Y("mean:Q", axis=y_axis), color=colour)
    shape = alt.Shape("arm:N", scale=alt.Scale(domain=list(arms), range=shape_range(arms)), title=None, legend=legend)
    point = alt.Chart(values(marks)).mark_point(filled=True, size=34, opacity=1).encode(
        x=x, y=alt.Y("mean:Q", axis=y_axis), color=colour, shape=shape
    )  # fmt: skip
    width = layout.panel(layout.beside(count))
    return layered(band, line, point, width=width, height=190, title=text("endpoint", endpoint))


def _marked_days(curves: pl.DataFrame) -> list[float]:
    """Days that get a point: those nearest to evenly spaced ones, so that points do not pile up."""
    days = curves["day"].unique().sort().to_numpy()
    wanted = np.linspace(days[0], days[-1], MAX_MARKS)
    return sorted({float(days[np.abs(days - day).argmin()]) for day in wanted})


def _last_means(curves: pl.DataFrame, endpoint: str) -> str:
    rows = curves.filter(pl.col("endpoint") == endpoint)
    last = rows.filter(pl.col("day") == rows["day"].max())
    said = "; ".join(
        f"{row['arm']} {number(row['mean'])} ({number(row['lo'])} to {number(row['hi'])})"
        for row in last.iter_rows(named=True)
    )
    return f"{text('endpoint', endpoint)} at {when(last['day'][0])}: {said}."


def individuals(data: RunData, layout: Layout) -> Drawing | None:
    """Single patients of one knowledge draw, one panel per arm: how patients differ, not what we do not know."""
    table = data.table("trajectories")
    if table is None:
        return None
    endpoint = _shown_endpoint(data, table)
    rows = _in_weeks(thinned(table.filter(pl.col("endpoint") == endpoint)))
    rows = rows.filter(pl.col("draw") == rows["draw"].min())
    patients = rows["patient"].unique().sort()[:MAX_PATIENTS].to_list()
    rows = rows.filter(pl.col("patient").is_in(patients))
    arms = tuple(arm for arm in data.arms if arm in set(rows["arm"].to_list()))
    bounds = (float(rows["value"].min() or 0.0), float(rows["value"].max() or 1.0))  # type: ignore[arg-type]  # a float column
    width = layout.panel(layout.beside(len(arms)))
    panels = [_patient_panel(rows.filter(pl.col("arm") == arm), data, bounds, width) for arm in arms]
    span = f"{number(bounds[0])} and {number(bounds[1])} {text('unit', rows['unit'][0])}"
    return drawing(
        "individuals",
        grid_of(panels, layout),
        f"Thin lines of {len(patients)} patients per group over time for {', '.join(arms)}; values between {span}.",
        endpoint=text("endpoint", endpoint),
        patients=str(len(patients)),
    )


def _shown_endpoint(data: RunData, table: pl.DataFrame) -> str:
    known = table["endpoint"].unique(maintain_order=True).to_list()
    return data.primary.endpoint if data.primary and data.primary.endpoint in known else str(known[0])


def _patient_panel(rows: pl.DataFrame, data: RunData, bounds: tuple[float, float], width: int) -> ChartType:
    arm, endpoint = rows["arm"][0], rows["endpoint"][0]
    x, colour = _week_axis(rows), arm_colour(data.arms, None)
    scale = alt.Scale(domain=list(bounds), zero=False, nice=True)
    y_axis = axis(text("unit", rows["unit"][0]) or None)
    lines = alt.Chart(values(rows)).mark_line(strokeWidth=0.8, opacity=0.45).encode(
        x=x, y=alt.Y("value:Q", axis=y_axis, scale=scale), detail="patient:N", color=colour
    )  # fmt: skip
    mean = rows.group_by("week", maintain_order=True).agg(pl.col("value").mean())
    thick = (
        alt.Chart(values(mean))
        .mark_line(strokeWidth=2.4, color=INK)
        .encode(x=x, y=alt.Y("value:Q", axis=y_axis, scale=scale))
    )
    layers: list[alt.Chart] = [lines, thick]
    curves = data.table("curves")
    if curves is not None:
        ranges = _in_weeks(curves.filter((pl.col("arm") == arm) & (pl.col("endpoint") == endpoint)))
        layers += [
            alt.Chart(values(ranges)).mark_line(strokeWidth=1.4, strokeDash=[2, 3], color=INK, clip=True).encode(
                x=x, y=alt.Y(f"{column}:Q", axis=y_axis, scale=scale)
            )
            for column in ("patient_q10", "patient_q90")
        ]  # fmt: skip
    return layered(*layers, width=width, height=190, title=arm)


def vesicles(data: RunData, layout: Layout) -> Drawing | None:
    """Vesicles by place (depot, joint fluid, lining, plasma) and by depth in the cartilage, closely and in full."""
    table = data.table("vesicles")
    if table is None:
        return None
    rows = table.filter(pl.col("arm") == table["arm"][0])
    floor = float(rows["median"].max() or 0.0) * 10.0**-DECADES  # type: ignore[arg-type]  # a float column
    seen = pl.col("median") > floor
    rows = rows.with_columns(place=_place(rows)).filter(seen.any().over("compartment"))
    if rows.is_empty() or floor <= 0:
        return None
    end = float(rows.filter(seen)["day"].max() or 0.0)  # type: ignore[arg-type]  # a float column
    rows = rows.filter(pl.col("day") <= max(end, FIRST_DAYS)).with_columns(
        median=pl.when(seen).then("median"),
        hi=pl.when(pl.col("hi") > floor).then("hi"),
        lo=pl.when(pl.col("hi") > floor).then(pl.col("lo").clip(floor)),
    )
    inside = pl.col("compartment").is_in(COMPARTMENTS)
    blocks = [
        _vesicle_block(part, name, floor, layout)
        for part, name in ((rows.filter(inside), "joint"), (rows.filter(~inside), "cartilage"))
        if not part.is_empty()
    ]
    chart = alt.vconcat(*blocks, spacing=26).resolve_scale(color="independent", strokeDash="independent")
    peaks = " ".join(_peak(rows, place) for place in rows["place"].unique(maintain_order=True))
    alt_text = f"Lines over time on a logarithmic scale. {peaks}"
    return drawing("vesicles", chart, alt_text, arm=str(rows["arm"][0]), days=f"{FIRST_DAYS:.0f}")


def _place(rows: pl.DataFrame) -> pl.Series:
    names = []
    for compartment, depth in zip(rows["compartment"], rows["depth_um"].fill_nan(None), strict=True):
        below = "" if depth is None else f" ({number(depth / UM_PER_MM, 2)} mm deep)"
        names.append(text("compartment", compartment) + below)
    return pl.Series(names)


def _peak(rows: pl.DataFrame, place: str) -> str:
    own = rows.filter(pl.col("place") == place)
    best = own.row(int(own["median"].arg_max() or 0), named=True)
    return f"{place}: at most {number(best['median'])} {text('unit', best['unit'])} on day {number(best['day'], 2)}."


def _vesicle_block(rows: pl.DataFrame, name: str, floor: float, layout: Layout) -> ChartType:
    close = rows.filter(pl.col("day") < FIRST_DAYS).with_columns(week=pl.col("day"))
    panels = [
        _vesicle_panel(close, floor, layout, f"In the {name}: first {FIRST_DAYS:.0f} days", "days"),
        _vesicle_panel(_in_weeks(rows), floor, layout, f"In the {name}: whole course", "weeks"),
    ]
    block: ChartType = alt.concat(*panels, columns=layout.columns).resolve_scale(color="shared", strokeDash="shared")
    return block


def _vesicle_panel(rows: pl.DataFrame, floor: float, layout: Layout, title: str, time: str) -> ChartType:
    places = rows["place"].unique(maintain_order=True).to_list()
    x = _week_axis(rows, f"{time} since the first injection")
    scale = alt.Scale(type="log", domainMin=floor, nice=False)
    y_axis = axis(text("unit", rows["unit"][0]), format="~g", tickCount=4)
    legend = alt.Legend(
        columns=4 if layout.columns > 1 else 1, symbolType="stroke", symbolSize=300, symbolStrokeWidth=2
    )
    colour = alt.Color("place:N", scale=alt.Scale(domain=places, range=arm_range(places)), title=None, legend=legend)
    dash_scale = alt.Scale(domain=places, range=[DASHES[index % len(DASHES)] for index in range(len(places))])
    dash = alt.StrokeDash("place:N", scale=dash_scale, title=None, legend=legend)
    base = alt.Chart(values(rows))
    y = alt.Y("lo:Q", axis=y_axis, scale=scale)
    band = base.mark_area(opacity=BAND * 0.7, clip=True).encode(x=x, y=y, y2="hi:Q", color=colour)
    line = base.mark_line(strokeWidth=1.8, clip=True).encode(
        x=x, y=alt.Y("median:Q", axis=y_axis, scale=scale), color=colour, strokeDash=dash
    )
    return layered(band, line, width=layout.panel(layout.columns), height=180, title=title)
