"""Network graphs: which treatments have been compared, how often, in how many people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.figures.style import BLUE, INK, SOFT, Channel, Mark, Picture, draw, values

if TYPE_CHECKING:
    from altair.typing import ChartType

RADIUS = 130  # px
WIDE, HIGH = 1.9, 1.35  # half the axes, in radii of the circle: room for the names
SMALLEST, LARGEST = 120.0, 1500.0
THINNEST, THICKEST = 1.2, 11.0
MOST_NODES = 40
Side = Literal["left", "center", "right"]
SIDES: tuple[Side, ...] = ("left", "center", "right")


def network_graph(nodes: Mapping[str, float], edges: Mapping[tuple[str, str], float], *, title: str) -> Picture:
    """Draw the treatments of a network on a circle.

    Parameters
    ----------
    nodes : mapping of treatment to size
        Participants, or studies; areas are proportional.
    edges : mapping of (treatment, treatment) to number
        Direct comparisons; widths are proportional, numbers are written.
    title : str
        Of the figure.

    Raises
    ------
    InputError
        When an edge names a treatment that is no node, or there are too many to draw.
    """
    import altair as alt

    unknown = [end for edge in edges for end in edge if end not in nodes]
    if unknown or not 0 < len(nodes) <= MOST_NODES:
        what = f"'{unknown[0]}' is no node" if unknown else f"has {len(nodes)} nodes"
        raise InputError(Problem("network", what, f"1 to {MOST_NODES} nodes, and edges between them"))
    names = list(nodes)
    place = {name: _on_circle(index, len(names)) for index, name in enumerate(names)}
    x, y = alt.X("x:Q", scale=_scale(WIDE), axis=None), alt.Y("y:Q", scale=_scale(HIGH), axis=None)
    parts: list[Mark] = _edges(edges, place, x, y) + _nodes(nodes, place, x, y)
    chart: ChartType = alt.layer(*parts).properties(width=round(2 * WIDE * RADIUS), height=round(2 * HIGH * RADIUS))
    caption = "Circles are treatments, areas participants; lines are direct comparisons, with their number of studies."
    told = "; ".join(f"{a} against {b}: {count:g}" for (a, b), count in edges.items())
    return draw("network", title, caption, f"Network graph, {title}. {told}.", chart)


def _scale(reach: float) -> Channel:
    import altair as alt

    return alt.Scale(domain=[-reach, reach], nice=False)


def _on_circle(index: int, n: int) -> tuple[float, float]:
    angle = math.pi / 2 - 2 * math.pi * index / n
    return math.cos(angle), math.sin(angle)


def _edges(
    edges: Mapping[tuple[str, str], float], place: Mapping[str, tuple[float, float]], x: Channel, y: Channel
) -> list[Mark]:
    import altair as alt

    most = max(edges.values(), default=1.0)
    parts = []
    labels = []
    for (a, b), count in edges.items():
        (ax, ay), (bx, by) = place[a], place[b]
        width = THINNEST + (THICKEST - THINNEST) * count / most
        rows = [{"x": ax, "y": ay, "order": 0}, {"x": bx, "y": by, "order": 1}]
        line = alt.Chart(values(rows)).mark_line(color="#9aa5b1", strokeWidth=width, opacity=0.9)
        parts.append(line.encode(x=x, y=y, order="order:Q"))
        labels.append({"x": ax + 0.42 * (bx - ax), "y": ay + 0.42 * (by - ay), "text": f"{count:g}"})
    if labels:
        base = alt.Chart(values(labels))
        parts.append(base.mark_point(filled=True, color="#ffffff", size=230, opacity=1).encode(x=x, y=y))
        parts.append(base.mark_text(fontSize=11, color=SOFT).encode(x=x, y=y, text="text:N"))
    return parts


def _nodes(nodes: Mapping[str, float], place: Mapping[str, tuple[float, float]], x: Channel, y: Channel) -> list[Mark]:
    import altair as alt

    most = max((size for size in nodes.values() if math.isfinite(size)), default=1.0) or 1.0
    rows: list[dict[str, float | str]] = []
    for name, size in nodes.items():
        px, py = place[name]
        area = SMALLEST + (LARGEST - SMALLEST) * (size / most if math.isfinite(size) else 0.3)
        away = 1.0 + (math.sqrt(area / math.pi) + 10) / RADIUS
        rows.append({"x": px, "y": py, "area": area, "tx": px * away, "ty": py * away, "name": name})
    circle = alt.Chart(values(rows)).mark_point(filled=True, color=BLUE, opacity=1, stroke="#ffffff", strokeWidth=2)
    parts: list[Mark] = [circle.encode(x=x, y=y, size=alt.Size("area:Q", scale=None))]
    tx, ty = alt.X("tx:Q", scale=_scale(WIDE), axis=None), alt.Y("ty:Q", scale=_scale(HIGH), axis=None)
    for align in SIDES:
        chosen = [row for row in rows if _align(float(row["x"])) == align]
        if chosen:
            base = alt.Chart(values(chosen))
            text = base.mark_text(align=align, fontSize=12, fontWeight="bold", color=INK, limit=220)
            parts.append(text.encode(x=tx, y=ty, text="name:N"))
    return parts


def _align(px: float) -> Side:
    return "center" if abs(px) < 0.25 else "left" if px > 0 else "right"
