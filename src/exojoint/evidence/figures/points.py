"""Channels and marks that the figures of points share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.evidence.figures.style import GRID, INK, Channel, Mark, values

Array = NDArray[np.float64]
Ends = tuple[float, float]
WIDTH, HEIGHT = 470, 330  # px
SMALLEST, LARGEST = 30.0, 420.0  # px2 of a bubble
NAMED = 5  # points that get their label beside them
GAP = 10  # px between a point and its label
CLEAR, APART = 14, 190  # px between two labels, up and sideways
DASHES, SOLID = [5, 4], [1, 0]


def numbers(values_: ArrayLike) -> Array:
    """Return a float array."""
    return np.asarray(values_, dtype=np.float64)


def x_channel(title: str, domain: tuple[float, float], *, clamp: bool = False) -> Channel:
    """Horizontal channel of the field ``x``."""
    import altair as alt

    axis = alt.Axis(title=title, tickCount=6, grid=False)
    return alt.X("x:Q", scale=alt.Scale(domain=list(domain), nice=False, clamp=clamp), axis=axis)


def y_channel(title: str, domain: tuple[float, float]) -> Channel:
    """Vertical channel of the field ``y``."""
    import altair as alt

    axis = alt.Axis(title=title, tickCount=5, gridColor=GRID)
    return alt.Y("y:Q", scale=alt.Scale(domain=list(domain), nice=False), axis=axis)


def path(
    points: Sequence[tuple[float, float]], x: Channel, y: Channel, *, dashed: bool = False, colour: str = INK
) -> Mark:
    """Return a line through points in their order."""
    import altair as alt

    rows = [{"x": px, "y": py, "order": i} for i, (px, py) in enumerate(points)]
    line = alt.Chart(values(rows)).mark_line(color=colour, strokeDash=DASHES if dashed else SOLID, strokeWidth=1.5)
    return line.encode(x=x, y=y, order="order:Q")


def areas(sizes: Array) -> Array:
    """Return areas (px2) that grow with sizes; the largest is `LARGEST`."""
    return np.asarray(SMALLEST + (LARGEST - SMALLEST) * sizes / max(float(sizes.max(initial=0.0)), 1e-300))


def bubbles(px: Array, py: Array, sizes: Array, x: Channel, y: Channel, colour: str) -> Mark:
    """Return see-through circles whose areas are proportional to sizes."""
    import altair as alt

    rows = [{"x": a, "y": b, "area": c} for a, b, c in zip(px, py, areas(sizes), strict=True)]
    mark = alt.Chart(values(rows)).mark_point(filled=True, color=colour, opacity=0.45, stroke=colour, strokeWidth=1.2)
    return mark.encode(x=x, y=y, size=alt.Size("area:Q", scale=None))


def _apart(points: Sequence[tuple[float, float, str]], ends: tuple[Ends, Ends]) -> list[tuple[float, float, str]]:
    """Points whose labels stand clear of each other."""
    (left, right), (low, high) = ends
    kept: list[tuple[float, float, str]] = []
    places: list[tuple[float, float]] = []
    for px, py, label in points:
        place = (px - left) / (right - left) * WIDTH, (py - low) / (high - low) * HEIGHT
        if all(abs(place[1] - other[1]) > CLEAR or abs(place[0] - other[0]) > APART for other in places):
            kept.append((px, py, label))
            places.append(place)
    return kept


Side = Literal["left", "right"]


def names(points: Sequence[tuple[float, float, str]], x: Channel, y: Channel, ends: tuple[Ends, Ends]) -> list[Mark]:
    """Return labels beside points, on the side where there is room; one that would cover another is left out.

    Parameters
    ----------
    points : sequence of (x, y, label)
        The most important first.
    x, y : channels
        Of the figure.
    ends : ((low, high), (low, high))
        Ends of both axes.
    """
    import altair as alt

    middle = sum(ends[0]) / 2
    points = _apart(points, ends)
    sides: tuple[tuple[Side, int], ...] = (("left", GAP), ("right", -GAP))
    parts = []
    for align, shift in sides:
        rows = [{"x": px, "y": py, "label": name} for px, py, name in points if (px > middle) == (align == "right")]
        if rows:
            text = alt.Chart(values(rows)).mark_text(align=align, dx=shift, fontSize=11, color=INK, limit=200)
            parts.append(text.encode(x=x, y=y, text="label:N"))
    return parts
