"""Trials per year by class: the chart beside the table of `exojoint.evidence.registry.trends`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exojoint.evidence.figures.style import CLASSES, INK, PAPER, Channel, Picture, draw, values
from exojoint.evidence.registry.classify import UNKNOWN
from exojoint.evidence.registry.trends import OTHER, Trends

if TYPE_CHECKING:
    from altair.typing import ChartType

WIDTH, HEIGHT = 560, 260
GREYS = {UNKNOWN: "#8a94a0", OTHER: "#c3cad1"}


def _bars(trends: Trends) -> list[dict[str, str | int]]:
    """One piece of a bar per year and class that has trials, stacked in the order of the classes."""
    rows: list[dict[str, str | int]] = []
    for position, year in enumerate(trends.years):
        start = 0
        for name, counts in trends.counts.items():
            if counts[position]:
                rows.append({"year": str(year), "y": start, "to": start + counts[position], "class": name})
            start += counts[position]
    return rows


def trend_chart(trends: Trends, *, title: str = "") -> Picture:
    """Draw stacked bars, one per year.

    Parameters
    ----------
    trends : Trends
        Counts by year and class.
    title : str
        Of the figure.
    """
    import altair as alt

    names = list(trends.counts)
    rows = _bars(trends)
    sums = [sum(counts[i] for counts in trends.counts.values()) for i in range(len(trends.years))]
    years = [str(year) for year in trends.years]
    totals = [{"year": year, "y": total, "text": f"{total}"} for year, total in zip(years, sums, strict=True) if total]
    scale = alt.Scale(domain=years, paddingInner=0.12)
    x = alt.X("year:N", sort=years, scale=scale, axis=alt.Axis(title="year of start", labelAngle=0))
    y = alt.Y(
        "y:Q",
        scale=alt.Scale(domain=[0, max(sums, default=0) * 1.12 or 1], nice=False),
        axis=_whole(max(sums, default=0)),
    )
    own = [name for name in names if name not in GREYS]
    palette = [GREYS.get(name) or CLASSES[own.index(name) % len(CLASSES)] for name in names]
    legend = alt.Legend(title=trends.by, columns=4)
    colour = alt.Color("class:N", sort=names, scale=alt.Scale(domain=names, range=palette), legend=legend)
    bars = alt.Chart(values(rows)).mark_bar(stroke=PAPER, strokeWidth=1).encode(x=x, y=y, y2="to:Q", color=colour)
    text = alt.Chart(values(totals)).mark_text(dy=-7, color=INK, fontSize=11.5).encode(x=x, y=y, text="text:N")
    chart: ChartType = alt.layer(bars, text).properties(width=WIDTH, height=HEIGHT)
    caption = f"{trends.total} trials that started from {trends.years[0]} to {trends.years[-1]}"
    caption += (
        "".join(
            f"; {count} {words}"
            for count, words in ((trends.outside, "outside these years"), (trends.undated, "without a date"))
            if count
        )
        + "."
    )
    told = (
        f"Trials per year by {trends.by}. "
        + "; ".join(f"{name}: {sum(counts)}" for name, counts in trends.counts.items())
        + "."
    )
    return draw("registry_trends", title or f"Registered vesicle trials by {trends.by}", caption, told, chart)


def _whole(most: int) -> Channel:
    """An axis of counts: whole numbers only."""
    import altair as alt

    step = max(1, -(-most // 5))
    return alt.Axis(title="registered trials", values=list(range(0, most + step, step)), format="d")
