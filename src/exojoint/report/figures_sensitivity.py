"""Figures of sensitivity: how far each unknown moves a headline (tornado), what each headline rests on (heat map)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import altair as alt
import polars as pl
from altair.typing import ChartType

from exojoint.report.data import RunData
from exojoint.report.drawing import Drawing, Layout, axis, drawing, layered, values
from exojoint.report.labels import short, text
from exojoint.report.numbers import percent, signed, when
from exojoint.report.palette import ARMS, GRID, INK, SOFT, TEXT

SHOWN = 12  # unknowns of a tornado
CELLS = 20  # unknowns of a heat map
LABEL_WIDTH = {"wide": 215, "narrow": 150}  # px that the longest row label may take
ROW = 22  # px per row
HEAD = 130  # px for the slanted names of the columns
FAINTEST, STRONGEST = 0.0, 0.65  # opacity of a cell for a share of 0 and of 1: numbers stay readable on both
WORTH = 0.005  # share below which a cell stays empty
SIDES = ("unknown low", "unknown high")


def headline_name(row: Mapping[str, object]) -> str:
    """A headline in a few words, from a row of a table of headlines."""
    day = float(str(row["day"]))
    if not row["endpoint"]:
        return str(row["title"])
    once = ", one injection" if str(row["headline"]).endswith("/once") else ""
    return f"{short(str(row['endpoint']))}, {when(day)}{once}"


def tornado(data: RunData, layout: Layout) -> Drawing | None:
    """Swing of the first effect when one unknown after the other is low and high."""
    table = data.table("main_effects")
    if table is None or data.primary is None:
        return None
    own = table.filter(pl.col("headline") == table["headline"][0])
    lines = [
        line.difference
        for line in data.manifest.criteria
        if line.endpoint == own["endpoint"][0] and line.day == own["day"][0]
    ]
    return draw_tornado("tornado", own, lines, layout)


def heat_map(data: RunData, layout: Layout) -> Drawing | None:
    """Share of each headline's variance by unknown, from single effects."""
    table = data.table("main_effects")
    if table is None:
        return None
    cells = table.with_columns(up=pl.col("slope") > 0.0)
    return draw_heat_map("heat_map", cells, layout)


def draw_tornado(name: str, table: pl.DataFrame, lines: Sequence[float], layout: Layout) -> Drawing | None:
    """Tornado of one headline.

    Parameters
    ----------
    name : of the figure and of its words
    table : columns parameter, low, middle, high, reach, unit, endpoint, day, headline, title
    lines : values of criteria, drawn dashed
    """
    swing = (pl.max_horizontal("low", "high", "middle") - pl.min_horizontal("low", "high", "middle")).alias("swing")
    known = table.filter(pl.col("low").is_finite() & pl.col("high").is_finite()).with_columns(swing)
    shown = known.filter(pl.col("swing") > 0.0).sort("swing", "parameter", descending=[True, False]).head(SHOWN)
    if shown.is_empty():
        return None
    bars, middle = _swings(shown), float(shown["middle"][0])
    first = shown.row(0, named=True)
    said = " ".join(
        f"{row['parameter']}: {signed(row['low'])} when low, {signed(row['high'])} when high."
        for row in shown.iter_rows(named=True)
    )
    unit = text("unit", first["unit"])
    head = headline_name(first)
    chart = _tornado_chart(bars, middle, lines, f"{head}, {unit}" if unit else head, layout)
    facts = {"headline": head, "reach": f"{first['reach']:.1f}", "middle": signed(middle), "unit": unit}
    return drawing(name, chart, f"Bars by unknown, from low to high. {said}", **facts)


def _swings(shown: pl.DataFrame) -> list[dict[str, object]]:
    return [
        {"row": row["parameter"], "from": row["middle"], "to": row[column], "side": side}
        for row in shown.iter_rows(named=True)
        for column, side in zip(("low", "high"), SIDES, strict=True)
    ]


def _tornado_chart(
    bars: list[dict[str, object]], middle: float, lines: Sequence[float], title: str, layout: Layout
) -> ChartType:
    order = list(dict.fromkeys(str(bar["row"]) for bar in bars))
    y = alt.Y("row:N", sort=order, axis=axis(None, labelLimit=LABEL_WIDTH[layout.name], grid=False))
    x = alt.X("from:Q", axis=axis(title), scale=alt.Scale(zero=False))
    colour = alt.Color("side:N", title=None, scale=alt.Scale(domain=list(SIDES), range=[ARMS[0], ARMS[1]]))
    base = alt.Chart(values(bars))
    swing = base.mark_bar(height={"band": 0.6}, opacity=0.85).encode(x=x, x2="to:Q", y=y, color=colour)
    # Ends differ in shape too: two colours alone would not do for everybody.
    shape = alt.Shape("side:N", title=None, scale=alt.Scale(domain=list(SIDES), range=["square", "circle"]))
    ends = base.mark_point(size=42, opacity=1, filled=True, stroke=INK, strokeWidth=0.8).encode(
        x=alt.X("to:Q"), y=y, color=colour, shape=shape
    )
    parts: list[ChartType] = [swing, ends]
    parts.append(alt.Chart(values([{"from": middle}])).mark_rule(color=INK, strokeWidth=1.2).encode(x=x))
    marks = [{"from": line} for line in lines]
    if marks:
        rule = alt.Chart(values(marks)).mark_rule(color=INK, strokeWidth=1.2, strokeDash=[5, 4])
        parts.append(rule.encode(x=x))
    return layered(*parts, title="", width=layout.panel(1, margin=LABEL_WIDTH[layout.name] + 20), height=alt.Step(ROW))


def draw_heat_map(name: str, table: pl.DataFrame, layout: Layout, share: str = "share") -> Drawing | None:
    """Heat map of unknowns by headlines.

    Parameters
    ----------
    table : columns headline, title, endpoint, day, parameter, `share` and `up` (whether a higher value raises it)
    share : column with the share of the headline's variance
    """
    known = table.with_columns(cell=pl.col(share).fill_nan(0.0).fill_null(0.0).clip(0.0, 1.0))
    best = known.group_by("parameter", maintain_order=True).agg(pl.col("cell").max())
    best = best.filter(pl.col("cell") >= WORTH).sort("cell", "parameter", descending=[True, False]).head(CELLS)
    if best.is_empty():
        return None
    order = best["parameter"].to_list()
    rows = known.filter(pl.col("parameter").is_in(order))
    cells = [
        {
            "row": row["parameter"], "column": headline_name(row), "share": row["cell"],
            "says": _said(row["cell"], row["up"]),
        }
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    said = []
    for (head,), own in rows.group_by(["headline"], maintain_order=True):
        first = own.sort("cell", descending=True).row(0, named=True)
        said.append(f"{head}: mostly {first['parameter']} ({percent(first['cell'])}).")
    return drawing(name, _heat_chart(cells, order, layout), f"Table of shares. {' '.join(said)}", shown=str(len(order)))


def _said(share: float, up: bool | None) -> str:
    if share < WORTH:
        return ""
    return f"{100 * share:.0f}{'' if up is None else '↑' if up else '↓'}"


def _heat_chart(cells: list[dict[str, object]], order: list[str], layout: Layout) -> ChartType:
    columns = list(dict.fromkeys(str(cell["column"]) for cell in cells))
    width = (layout.width - LABEL_WIDTH[layout.name] - 30) // max(1, len(columns))
    y = alt.Y(
        "row:N", sort=order, axis=axis(None, labelLimit=LABEL_WIDTH[layout.name], grid=False, ticks=False, domain=False)
    )
    slanted = axis(
        None,
        orient="top",
        labelAngle=-50,
        labelAlign="left",
        labelLimit=HEAD + 60,
        grid=False,
        ticks=False,
        domain=False,
    )
    x = alt.X("column:N", sort=columns, axis=slanted)
    base = alt.Chart(values(cells))
    depth = alt.Opacity(
        "share:Q", legend=None, scale=alt.Scale(type="sqrt", domain=[0, 1], range=[FAINTEST, STRONGEST])
    )
    fill = base.mark_rect(color=ARMS[0], stroke=GRID, strokeWidth=1).encode(x=x, y=y, opacity=depth)
    says = base.mark_text(fontSize=TEXT, color=INK).encode(x=x, y=y, text="says:N")
    chart: ChartType = alt.layer(fill, says).properties(width=alt.Step(min(width, 84)), height=alt.Step(ROW))
    return chart


def draw_indices(name: str, table: pl.DataFrame, layout: Layout, **facts: str) -> Drawing | None:
    """First-order and total shares with their intervals, one row per unknown or group of one headline.

    Parameters
    ----------
    table : columns name, first, first_lo, first_hi, total, total_lo, total_hi, largest first
    """
    shown = table.filter(pl.col("total").is_finite()).head(CELLS)
    if shown.is_empty():
        return None
    kinds = ("alone", "with interactions")
    marks = [
        {"row": row["name"], "kind": kind, "share": row[order], "lo": row[f"{order}_lo"],
         "hi": row[f"{order}_hi"]}
        for row in shown.iter_rows(named=True)
        for order, kind in zip(("first", "total"), kinds, strict=True)
    ]  # fmt: skip
    order = list(dict.fromkeys(str(mark["row"]) for mark in marks))
    y = alt.Y("row:N", sort=order, axis=axis(None, labelLimit=LABEL_WIDTH[layout.name], grid=False))
    offset = alt.YOffset("kind:N", sort=list(kinds))
    x = alt.X("share:Q", axis=axis("share of variance", format="%"))
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=list(kinds), range=[ARMS[0], ARMS[1]]))
    shape = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=list(kinds), range=["circle", "square"]))
    base = alt.Chart(values(marks))
    spans = base.mark_rule(strokeWidth=1.6).encode(x=alt.X("lo:Q"), x2="hi:Q", y=y, yOffset=offset, color=colour)
    points = base.mark_point(filled=True, size=44, opacity=1).encode(
        x=x, y=y, yOffset=offset, color=colour, shape=shape
    )
    zero = alt.Chart(values([{"share": 0.0}])).mark_rule(color=SOFT, strokeWidth=1).encode(x=x)
    said = " ".join(
        f"{row['name']}: {percent(row['first'])} alone, {percent(row['total'])} with interactions."
        for row in shown.iter_rows(named=True)
    )
    chart = layered(
        zero, spans, points, title="", width=layout.panel(1, margin=LABEL_WIDTH[layout.name] + 20), height=alt.Step(12)
    )
    return drawing(name, chart, f"Points with intervals. {said}", **facts)


def draw_screening(name: str, table: pl.DataFrame, layout: Layout, **facts: str) -> Drawing | None:
    """Elementary effects of one headline: mean size with its interval, and how much effects differ (sigma).

    Parameters
    ----------
    table : columns parameter, mu_star, lo, hi, sigma, unit
    """
    shown = table.filter(pl.col("mu_star") > 0.0).sort("mu_star", "parameter", descending=[True, False]).head(CELLS)
    if shown.is_empty():
        return None
    kinds = ("mean size (mu*)", "spread (sigma)")
    rows = [
        {"row": row["parameter"], "kind": kind, "size": row[column],
         "lo": row["lo"] if column == "mu_star" else None, "hi": row["hi"] if column == "mu_star" else None}
        for row in shown.iter_rows(named=True)
        for column, kind in zip(("mu_star", "sigma"), kinds, strict=True)
    ]  # fmt: skip
    order = list(dict.fromkeys(str(row["row"]) for row in rows))
    unit = text("unit", str(shown["unit"][0]))
    y = alt.Y("row:N", sort=order, axis=axis(None, labelLimit=LABEL_WIDTH[layout.name], grid=False))
    x = alt.X("size:Q", axis=axis(f"change per standard deviation{f', {unit}' if unit else ''}"))
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=list(kinds), range=[ARMS[0], ARMS[1]]))
    shape = alt.Shape("kind:N", title=None, scale=alt.Scale(domain=list(kinds), range=["circle", "square"]))
    base = alt.Chart(values(rows))
    spans = base.transform_filter("isValid(datum.lo)").mark_rule(strokeWidth=1.6)
    points = base.mark_point(size=46, opacity=1, strokeWidth=1.6).encode(x=x, y=y, color=colour, shape=shape)
    layers = (spans.encode(x=alt.X("lo:Q"), x2="hi:Q", y=y, color=colour), points)
    said = " ".join(f"{row['parameter']}: {signed(row['mu_star'])}." for row in shown.iter_rows(named=True))
    chart = layered(
        *layers, title="", width=layout.panel(1, margin=LABEL_WIDTH[layout.name] + 20), height=alt.Step(ROW)
    )
    return drawing(name, chart, f"Points by unknown. {said}", **facts)
