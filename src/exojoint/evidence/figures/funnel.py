"""Funnel plots with contours of significance: does what is missing lie where nothing was significant?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from exojoint.evidence.figures.points import HEIGHT, WIDTH, numbers, path, x_channel, y_channel
from exojoint.evidence.figures.style import BLUE, RED, SOFT, Channel, Mark, Picture, draw, number, spread, values

if TYPE_CHECKING:
    from altair.typing import ChartType

# Two-sided normal quantiles of p = 0.01, 0.05, 0.10: the contours of Peters JL et al, J Clin Epidemiol 2008;61:991-996.
CONTOURS = (
    ("p < 0.01", math.inf, "#ffffff"),
    ("0.01 to 0.05", 2.5758, "#c9d2da"),
    ("0.05 to 0.10", 1.9600, "#dfe4e9"),
    ("p > 0.10", 1.6449, "#f3f5f7"),
)
SIDES = 1.96  # standard errors to each side of a 95 % normal interval
STEPS = 60  # of a contour, where the axis cuts it off


def funnel(
    effects: ArrayLike, standard_errors: ArrayLike, estimate: float, *, title: str, axis: str = "effect",
    filled: Sequence[tuple[float, float]] = (), adjusted: float | None = None, null: float = 0.0,
) -> Picture:  # fmt: skip
    """Draw a contour-enhanced funnel plot.

    Parameters
    ----------
    effects, standard_errors : (k,)
        On the scale of the analysis.
    estimate : float
        Pooled effect.
    title, axis : str
        Of the figure and of the effect.
    filled : sequence of (effect, standard error)
        Studies that trim-and-fill imputes; drawn hollow.
    adjusted : float, optional
        Effect after an adjustment for bias.
    null : float
        Where the contours are centred.
    """
    import altair as alt

    y, se = numbers(effects), numbers(standard_errors)
    bottom = float(max([*se.tolist(), *(s for _e, s in filled)], default=1.0)) * 1.06
    inner = [*y.tolist(), *(e for e, _s in filled), estimate]
    domain = spread(min(inner), max(inner), (estimate - SIDES * bottom, estimate + SIDES * bottom, null), air=0.02)
    x, v = x_channel(axis, domain, clamp=True), y_channel("standard error (precise studies on top)", (bottom, 0.0))
    ends = [(estimate - SIDES * bottom, bottom), (estimate, 0.0), (estimate + SIDES * bottom, bottom)]
    parts: list[Mark] = _contours(null, bottom, domain, v)
    parts += [path(ends, x, v, dashed=True, colour=SOFT), path([(estimate, bottom), (estimate, 0.0)], x, v)]
    if adjusted is not None:
        parts.append(path([(adjusted, bottom), (adjusted, 0.0)], x, v, dashed=True, colour=RED))
    parts.append(_points(list(zip(y.tolist(), se.tolist(), strict=True)), x, v, hollow=False))
    if filled:
        parts.append(_points(list(filled), x, v, hollow=True))
    chart: ChartType = alt.layer(*parts).properties(width=WIDTH, height=HEIGHT)
    told = f"{y.size} studies, pooled effect {number(estimate)}"
    told += f", standard errors {number(float(se.min()), 3)} to {number(float(se.max()), 3)}"
    return draw("funnel", title, _caption(filled, adjusted), f"Funnel plot, {title}: {told}.", chart)


def _points(points: Sequence[tuple[float, float]], x: Channel, y: Channel, *, hollow: bool) -> Mark:
    import altair as alt

    colour = RED if hollow else BLUE
    base = alt.Chart(values([{"x": e, "y": s} for e, s in points]))
    return base.mark_point(filled=not hollow, color=colour, opacity=0.85, size=52, strokeWidth=1.6).encode(x=x, y=y)


def _caption(filled: Sequence[tuple[float, float]], adjusted: float | None) -> str:
    words = [
        "Points are studies. Solid line: pooled effect; dashed: where 95 % of studies would lie if all were alike."
    ]
    words += ["Shades: p of a single study against no effect; points crowding just inside p < 0.05 suggest selection."]
    words += ["Hollow points: imputed by trim-and-fill."] if filled else []
    words += [f"Dashed coloured line: adjusted effect {number(adjusted)}."] if adjusted is not None else []
    return " ".join(words)


def _contours(null: float, bottom: float, domain: tuple[float, float], y: Channel) -> list[Mark]:
    """Shaded wedges of equal p value, the widest first."""
    import altair as alt

    scale = alt.Scale(domain=[name for name, _z, _c in CONTOURS], range=[colour for _n, _z, colour in CONTOURS])
    legend = alt.Legend(title="p of one study", symbolType="square", symbolStrokeColor=SOFT, symbolStrokeWidth=0.8)
    parts = []
    for name, z, _colour in CONTOURS:
        rows = []
        for se in np.linspace(bottom, 0.0, STEPS).tolist():
            reach = z * se if math.isfinite(z) else math.inf
            rows.append({"x": max(null - reach, domain[0]), "end": min(null + reach, domain[1]), "y": se, "p": name})
        area = alt.Chart(values(rows)).mark_area(orient="horizontal", opacity=1, line=False)
        colour = alt.Color("p:N", scale=scale, legend=legend)
        parts.append(area.encode(x=x_channel("", domain), x2="end:Q", y=y, color=colour))
    return parts
