"""Figures of points: Baujat, bubbles against a moderator, L'Abbe of event rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from exojoint.evidence.figures.points import (
    HEIGHT,
    NAMED,
    WIDTH,
    Array,
    bubbles,
    names,
    numbers,
    path,
    x_channel,
    y_channel,
)
from exojoint.evidence.figures.style import BLUE, GRID, RED, SOFT, Mark, Picture, draw, number, spread, values

if TYPE_CHECKING:
    from altair.typing import ChartType

SQUARE = 360  # px of a side of a L'Abbe plot


def baujat(contribution: ArrayLike, influence: ArrayLike, labels: Sequence[str], *, title: str) -> Picture:
    """Draw a Baujat plot: which studies make the heterogeneity, and which move the result.

    Parameters
    ----------
    contribution : (k,)
        Of each study to Cochran's Q.
    influence : (k,)
        Squared standardised shift of the pooled effect without the study.
    labels : sequence of str
        Names of the studies.
    title : str
        Of the figure.

    References
    ----------
    Baujat B, Mahe C, Pignon JP, Hill C. Stat Med 2002;21:2641-2652.
    """
    import altair as alt

    q, shift = numbers(contribution), numbers(influence)
    right, top = (float(part.max(initial=0.0)) or 1.0 for part in (q, shift))
    dx, dy = (0.0, right * 1.08), (0.0, top * 1.1)
    x, y = x_channel("contribution to Q", dx), y_channel("influence on the pooled effect", dy)
    rows = [{"x": a, "y": b} for a, b in zip(q.tolist(), shift.tolist(), strict=True)]
    points = alt.Chart(values(rows)).mark_point(filled=True, color=BLUE, size=56, opacity=0.9).encode(x=x, y=y)
    far = np.argsort(-np.hypot(q / right, shift / top))[:NAMED].tolist()
    named = names([(float(q[i]), float(shift[i]), labels[i]) for i in far], x, y, (dx, dy))
    chart: ChartType = alt.layer(points, *named).properties(width=WIDTH, height=HEIGHT)
    caption = "Right: studies that differ from the rest. Top: studies that move the result. The farthest are named."
    told = f"Baujat plot, {title}. Farthest from the origin: {', '.join(labels[i] for i in far)}."
    return draw("baujat", title, caption, told, chart)


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted line with its band.

    Parameters
    ----------
    x, fit, low, high : (m,)
        Moderator, fitted effect, ends of its interval.
    """

    x: Array
    fit: Array
    low: Array
    high: Array


def bubble(
    moderator: ArrayLike, effects: ArrayLike, weights: ArrayLike, *, title: str, x_title: str, axis: str = "effect",
    line: Line | None = None, labels: Sequence[str] = (),
) -> Picture:  # fmt: skip
    """Draw effects against a moderator.

    Parameters
    ----------
    moderator, effects, weights : (k,)
        Of each study; areas are proportional to weights.
    title, x_title, axis : str
        Of the figure, the moderator, the effect.
    line : Line, optional
        Fitted regression.
    labels : sequence of str
        Names; those of the studies farthest from the line are written.
    """
    import altair as alt

    m, y, w = numbers(moderator), numbers(effects), numbers(weights)
    bands = [*line.low.tolist(), *line.high.tolist()] if line is not None else []
    dx, dy = spread(float(m.min()), float(m.max())), spread(float(y.min()), float(y.max()), [0.0, *bands])
    x, v = x_channel(x_title, dx), y_channel(axis, dy)
    parts: list[Mark] = [path([(dx[0], 0.0), (dx[1], 0.0)], x, v, dashed=True, colour=SOFT)]
    if line is not None:
        ends = zip(line.x.tolist(), line.low.tolist(), line.high.tolist(), strict=True)
        band = alt.Chart(values([{"x": a, "y": b, "end": c} for a, b, c in ends])).mark_area(color=BLUE, opacity=0.15)
        parts.append(band.encode(x=x, y=v, y2="end:Q"))
        parts.append(path(list(zip(line.x.tolist(), line.fit.tolist(), strict=True)), x, v, colour=BLUE))
    parts.append(bubbles(m, y, w, x, v, BLUE))
    if labels:
        fit = np.interp(m, line.x, line.fit) if line is not None else np.full(m.size, float(np.average(y, weights=w)))
        far = np.argsort(-np.abs(y - fit))[:NAMED].tolist()
        parts += names([(float(m[i]), float(y[i]), labels[i]) for i in far], x, v, (dx, dy))
    chart: ChartType = alt.layer(*parts).properties(width=WIDTH, height=HEIGHT)
    words = ["Each bubble is a study; its area is its weight."]
    words += ["Line and band: meta-regression with its interval."] if line is not None else []
    told = f"{m.size} studies, {x_title} from {number(float(m.min()))} to {number(float(m.max()))}"
    return draw("bubble", title, " ".join(words), f"Bubble plot, {title}: {told}.", chart)


def labbe(
    rate_control: ArrayLike, rate_treated: ArrayLike, sizes: ArrayLike, *, title: str,
    curve: Mapping[float, float] | None = None,
) -> Picture:  # fmt: skip
    """Draw a L'Abbe plot: event rate with treatment against event rate without.

    Parameters
    ----------
    rate_control, rate_treated : (k,)
        Shares between 0 and 1.
    sizes : (k,)
        Participants; areas are proportional.
    title : str
        Of the figure.
    curve : mapping of control rate to treated rate, optional
        What the pooled effect means at each control rate.

    References
    ----------
    L'Abbe KA, Detsky AS, O'Rourke K. Ann Intern Med 1987;107:224-233.
    """
    import altair as alt

    c, t, n = numbers(rate_control), numbers(rate_treated), numbers(sizes)
    top = min(1.0, 1.08 * max(float(c.max(initial=0.0)), float(t.max(initial=0.0))) or 1.0)
    scale = alt.Scale(domain=[0, top], nice=False)
    titles = ("events in the comparison group", "events in the treated group")
    axes = [alt.Axis(title=words, format="%", tickCount=5, gridColor=GRID) for words in titles]
    x, y = alt.X("x:Q", scale=scale, axis=axes[0]), alt.Y("y:Q", scale=scale, axis=axes[1])
    parts: list[Mark] = [path([(0.0, 0.0), (top, top)], x, y, dashed=True, colour=SOFT)]
    if curve:
        parts.append(path([(a, b) for a, b in sorted(curve.items()) if a <= top and b <= top], x, y, colour=RED))
    parts.append(bubbles(c, t, n, x, y, BLUE))
    chart: ChartType = alt.layer(*parts).properties(width=SQUARE, height=SQUARE)
    words = ["Each circle is a study, its area the number of participants. Dashed diagonal: no difference."]
    words += ["Solid line: the pooled effect."] if curve else []
    told = f"{c.size} studies; {int((t < c).sum())} below the diagonal (fewer events with treatment)"
    return draw("labbe", title, " ".join(words), f"L'Abbe plot, {title}: {told}.", chart)
