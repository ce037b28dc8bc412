"""Forest plots: every row with its interval and weight, the pooled effect, and what a new study would show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from exojoint.evidence.estimate import Interval
from exojoint.evidence.figures.style import (
    BLUE,
    GOLD,
    INK,
    RED,
    ROW,
    SOFT,
    Channel,
    Mark,
    Picture,
    draw,
    number,
    spread,
    values,
)

if TYPE_CHECKING:
    from altair.typing import ChartType

ROLES = {"used": BLUE, "beside": SOFT, "recalled": GOLD, "adjusted": RED, "total": RED}
WORDS = {
    "used": "pooled or chosen",
    "beside": "beside it, not pooled",
    "recalled": "recalled, never pooled",
    "adjusted": "adjusted for bias",
    "total": "all studies together",
}
SMALLEST, LARGEST = 24.0, 190.0  # px2 of a square
PLOT = 330  # px of the middle panel
CLIP = 3.0  # an interval more than this many times as wide as the others is cut, with an arrow
LETTER = 6.1  # px of a letter of a label, on average


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One line of a forest plot.

    Parameters
    ----------
    label : str
        Study, or what was pooled.
    effect, low, high : float
        On the scale of the analysis; nan where an end is not known.
    weight : float
        Share in percent; nan where the row has none.
    role : str
        ``used``, ``beside``, ``recalled``, ``adjusted`` or ``total``.
    note : str
        Short words beside the label: time, number of studies.
    """

    label: str
    effect: float
    low: float
    high: float
    weight: float = math.nan
    role: str = "used"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """The pooled line of a forest plot.

    Parameters
    ----------
    label : str
        E.g. ``REML, Knapp-Hartung``.
    effect : float
        Pooled effect.
    interval : Interval
        Of the mean.
    prediction : Interval or None
        Of a new study.
    """

    label: str
    effect: float
    interval: Interval
    prediction: Interval | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """The scale of a forest plot.

    Parameters
    ----------
    title : str
        Effect and unit.
    ratio : bool
        Whether effects are logarithms to be shown as ratios.
    left, right : str
        What the two sides mean, e.g. ``favours vesicles``.
    null : float
        Where nothing happens, on the scale of the analysis.
    """

    title: str
    ratio: bool = False
    left: str = ""
    right: str = ""
    null: float = 0.0

    def shown(self, value: float) -> float:
        """Return a value as the reader sees it."""
        return math.exp(min(value, 700.0)) if self.ratio and math.isfinite(value) else value


def forest(
    name: str, title: str, rows: Sequence[ForestRow], axis: Axis, summaries: Sequence[Summary] = (), caption: str = ""
) -> Picture:
    """Draw a forest plot.

    Parameters
    ----------
    name, title : str
        File name, and what it shows.
    rows : sequence of ForestRow
        In their order from the top.
    axis : Axis
        Scale and sides.
    summaries : sequence of Summary
        Pooled lines below the rows.
    caption : str
        What to add to the standard words.
    """
    import altair as alt

    lines = _lines(rows, summaries, axis)
    panels = [_labels(lines), _middle(rows, summaries, axis, len(lines)), _numbers(lines)]
    chart: ChartType = alt.hconcat(*panels, spacing=6)
    return draw(name, title, _caption(rows, summaries, axis, caption), _alt(title, lines, axis), chart)


@dataclass(frozen=True, slots=True)
class _Line:
    """The words of one line: label, note beside it, numbers, weight."""

    label: str
    note: str
    numbers: str
    weight: str
    colour: str
    bold: bool = False


def _lines(rows: Sequence[ForestRow], summaries: Sequence[Summary], axis: Axis) -> list[_Line]:
    lines = []
    for row in rows:
        weight = f"{row.weight:.1f} %" if math.isfinite(row.weight) else ""
        words = _interval_words(axis, row.effect, row.low, row.high)
        lines.append(_Line(row.label, row.note, words, weight, INK if row.role == "used" else ROLES[row.role]))
    for item in summaries:
        words = _interval_words(axis, item.effect, item.interval.lower, item.interval.upper)
        lines.append(_Line(item.label, "", words, "", INK, bold=True))
        if item.prediction is not None:
            ends = [number(axis.shown(end)) for end in (item.prediction.lower, item.prediction.upper)]
            known = math.isfinite(item.prediction.lower)
            lines.append(
                _Line("a new study (prediction)", "", f"{ends[0]} to {ends[1]}" if known else "not defined", "", RED)
            )
    return lines


def _height(n: int) -> int:
    return ROW * n + 8


def _y(n: int, field: str = "line") -> Channel:
    import altair as alt

    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[n + 0.2, -0.2], nice=False), axis=None)


Side = Literal["left", "right"]


def _column(lines: Sequence[tuple[int, str, str, bool]], n: int, x: float, align: Side = "left") -> list[Mark]:
    """Texts below each other: (line, text, colour, bold)."""
    import altair as alt

    parts = []
    for bold in (False, True):
        chosen = [
            {"line": i + 0.5, "text": text, "colour": colour} for i, text, colour, b in lines if b == bold and text
        ]
        if chosen:
            base = alt.Chart(values(chosen)).mark_text(
                align=align, fontSize=11.5, fontWeight="bold" if bold else "normal", limit=460
            )
            parts.append(base.encode(y=_y(n), x=alt.value(x), text="text:N", color=alt.Color("colour:N", scale=None)))
    return parts


def _labels(lines: Sequence[_Line]) -> ChartType:
    import altair as alt

    n = len(lines)
    width = 14 + LETTER * max((len(line.label) for line in lines), default=4)
    beside = LETTER * max((len(line.note) for line in lines), default=0)
    parts = _column([(i, line.label, line.colour, line.bold) for i, line in enumerate(lines)], n, 0)
    parts += _column([(i, line.note, SOFT, False) for i, line in enumerate(lines)], n, width)
    chart: ChartType = alt.layer(*parts).properties(width=width + beside, height=_height(n))
    return chart


def _numbers(lines: Sequence[_Line]) -> ChartType:
    import altair as alt

    n = len(lines)
    width = 12 + LETTER * max((len(line.numbers) for line in lines), default=4)
    colours = [line.colour if line.colour == RED else INK for line in lines]
    parts = _column([(i, line.numbers, colours[i], line.bold) for i, line in enumerate(lines)], n, 4)
    parts += _column([(i, line.weight, SOFT, False) for i, line in enumerate(lines)], n, width + 44, "right")
    weighted = any(line.weight for line in lines)
    chart: ChartType = alt.layer(*parts).properties(width=width + (48 if weighted else 0), height=_height(n))
    return chart


def _interval_words(axis: Axis, effect: float, low: float, high: float) -> str:
    if not math.isfinite(effect):
        return "no number"
    centre = number(axis.shown(effect))
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{centre} (no interval)"
    return f"{centre} ({number(axis.shown(low))} to {number(axis.shown(high))})"


def _domain(rows: Sequence[ForestRow], summaries: Sequence[Summary], axis: Axis) -> tuple[float, float]:
    """Ends of the axis: all effects, and all intervals that are not absurdly wide."""
    ends = [(row.low, row.high) for row in rows] + [(s.interval.lower, s.interval.upper) for s in summaries]
    known = [(low, high) for low, high in ends if math.isfinite(low) and math.isfinite(high)]
    widths = sorted(high - low for low, high in known)
    limit = CLIP * widths[len(widths) // 2] if widths else math.inf
    kept = [end for low, high in known if high - low <= limit for end in (low, high)]
    centres = [row.effect for row in rows if math.isfinite(row.effect)] + [s.effect for s in summaries]
    room = max(centres, default=0.0) - min(centres, default=0.0) + (limit if math.isfinite(limit) else 1.0)
    predictions = [end for s in summaries if s.prediction for end in (s.prediction.lower, s.prediction.upper)]
    middle = summaries[0].effect if summaries else axis.null
    kept += [end for end in predictions if math.isfinite(end) and abs(end - middle) <= CLIP * max(room, 1e-12)]
    everything = [*kept, *centres, axis.null]
    return spread(min(everything), max(everything))


def _middle(rows: Sequence[ForestRow], summaries: Sequence[Summary], axis: Axis, n: int) -> ChartType:
    import altair as alt

    domain = _domain(rows, summaries, axis)
    low, high = (axis.shown(end) for end in domain)
    scale = alt.Scale(domain=[low, high], nice=False, type="log" if axis.ratio else "linear", clamp=True)
    ticks = alt.Axis(title=axis.title, grid=False, **_ticks(low, high, axis))
    x = alt.X("value:Q", scale=scale, axis=ticks)
    place = {"value": axis.shown(axis.null), "line": 0.1, "foot": n + 0.2}
    null = alt.Chart(values([place])).mark_rule(color=SOFT, strokeDash=[4, 3])
    parts: list[Mark] = [null.encode(x=x, y=_y(n), y2="foot:Q"), *_bars(rows, axis, domain, x, n)]
    line = len(rows) + 0.5
    for item in summaries:
        parts += _diamond(item, line, axis, domain, x, n)
        line += 2 if item.prediction else 1
    parts += _sides(axis, n)
    chart: ChartType = alt.layer(*parts).properties(width=PLOT, height=_height(n))
    return chart


def _ticks(low: float, high: float, axis: Axis) -> dict[str, Any]:
    """Few ticks; for ratios 1, 2 and 5 in each power of ten, or powers alone where there are many."""
    if not axis.ratio:
        return {"tickCount": 6}
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    fine = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    inside = [value for value in fine if low <= value <= high]
    return {
        "format": "~g",
        "values": inside if len(inside) <= 9 else [10.0**power for power in powers if low <= 10.0**power <= high],
    }


def _bars(rows: Sequence[ForestRow], axis: Axis, domain: tuple[float, float], x: Channel, n: int) -> list[Mark]:
    import altair as alt

    heaviest = max((row.weight for row in rows if math.isfinite(row.weight)), default=math.nan)
    bars, points, arrows = [], [], []
    for index, row in enumerate(rows):
        place = {"line": index + 0.5, "colour": ROLES[row.role]}
        if math.isfinite(row.low) and math.isfinite(row.high):
            ends = [axis.shown(min(max(end, domain[0]), domain[1])) for end in (row.low, row.high)]
            bars.append(place | {"value": ends[0], "end": ends[1]})
            cut = ((row.low < domain[0], ends[0], "triangle-left"), (row.high > domain[1], ends[1], "triangle-right"))
            arrows += [place | {"value": end, "shape": shape} for over, end, shape in cut if over]
        if math.isfinite(row.effect):
            share = row.weight / heaviest if math.isfinite(row.weight) and heaviest > 0 else 0.25
            area = SMALLEST + (LARGEST - SMALLEST) * share
            points.append(place | {"value": axis.shown(row.effect), "area": area, "hollow": row.role != "used"})
    shade = alt.Color("colour:N", scale=None)
    marks: list[Mark] = [
        alt.Chart(values(bars)).mark_rule(strokeWidth=1.6).encode(x=x, x2="end:Q", y=_y(n), color=shade)
    ]
    for hollow in (False, True):
        chosen = [point for point in points if point["hollow"] == hollow]
        form = "diamond" if hollow else "square"
        base = alt.Chart(values(chosen)).mark_point(shape=form, filled=not hollow, opacity=1, strokeWidth=1.6)
        if chosen:
            marks.append(base.encode(x=x, y=_y(n), color=shade, size=alt.Size("area:Q", scale=None)))
    if arrows:
        base = alt.Chart(values(arrows)).mark_point(filled=True, opacity=1, size=60)
        marks.append(base.encode(x=x, y=_y(n), color=shade, shape=alt.Shape("shape:N", scale=None)))
    return marks


def _diamond(item: Summary, line: float, axis: Axis, domain: tuple[float, float], x: Channel, n: int) -> list[Mark]:
    import altair as alt

    def inside(value: float) -> float:
        return axis.shown(min(max(value, domain[0]), domain[1]))

    corners = [(item.interval.lower, 0.0), (item.effect, 0.33), (item.interval.upper, 0.0)]
    shape = [{"value": inside(value), "line": line - half, "foot": line + half} for value, half in corners]
    marks: list[Mark] = [alt.Chart(values(shape)).mark_area(color=INK, opacity=1).encode(x=x, y=_y(n), y2="foot:Q")]
    if item.prediction is not None and math.isfinite(item.prediction.lower):
        ends = {"value": inside(item.prediction.lower), "end": inside(item.prediction.upper), "line": line + 1}
        bar = alt.Chart(values([ends])).mark_rule(strokeWidth=5, color=RED, strokeCap="round")
        marks.append(bar.encode(x=x, x2="end:Q", y=_y(n)))
    return marks


def _sides(axis: Axis, n: int) -> list[Mark]:
    """What the two sides mean, above the plot."""
    import altair as alt

    sides: tuple[tuple[Side, str, int], ...] = (
        ("left", axis.left and f"\u2190 {axis.left}", 2),
        ("right", axis.right and f"{axis.right} \u2192", PLOT - 2),
    )
    return [
        alt.Chart(values([{"line": -0.1, "text": text}]))
        .mark_text(align=side, fontSize=11, color=SOFT, baseline="bottom")
        .encode(y=_y(n), x=alt.value(place), text="text:N")
        for side, text, place in sides
        if text
    ]


def _caption(rows: Sequence[ForestRow], summaries: Sequence[Summary], axis: Axis, more: str) -> str:
    level = summaries[0].interval.level if summaries else 0.95
    words = [f"Squares: effects with {100 * level:g} % intervals; the area of a square is its weight."]
    if summaries:
        words.append("Black diamond: pooled effect.")
    if any(item.prediction for item in summaries):
        words.append("Thick bar: prediction interval, where the true effect of a new study is expected.")
    roles = [
        WORDS[role] for role in ("beside", "recalled", "adjusted", "total") if any(row.role == role for row in rows)
    ]
    if roles:
        words.append(f"Hollow diamonds: {'; '.join(roles)}.")
    if axis.ratio:
        words.append("Logarithmic axis.")
    return " ".join([*words, more]).strip()


def _alt(title: str, lines: Sequence[_Line], axis: Axis) -> str:
    told = "; ".join(f"{line.label}: {line.numbers}" for line in lines)
    return f"Forest plot, {title}. {axis.title}. {told}."
