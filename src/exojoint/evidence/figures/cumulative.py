"""Cumulative forest plots: what the pooled effect was after each study in the order of publication."""

from __future__ import annotations

from collections.abc import Sequence

from exojoint.evidence.estimate import Interval
from exojoint.evidence.figures.forest import Axis, ForestRow, forest
from exojoint.evidence.figures.style import Picture


def cumulative(
    labels: Sequence[str], effects: Sequence[float], intervals: Sequence[Interval], axis: Axis, *, title: str
) -> Picture:
    """Draw the pooled effect after each study.

    Parameters
    ----------
    labels : sequence of str
        Studies in the order in which they were added.
    effects : sequence of float
        Pooled effect of all studies so far.
    intervals : sequence of Interval
        Of that effect.
    axis : Axis
        Scale and sides.
    title : str
        Of the figure.
    """
    rows = [
        ForestRow(
            label if index == 0 else f"+ {label}", effect, interval.lower, interval.upper, note=f"k = {index + 1}"
        )
        for index, (label, effect, interval) in enumerate(zip(labels, effects, intervals, strict=True))
    ]
    picture = forest("cumulative", title, rows, axis)
    level = intervals[0].level if intervals else 0.95
    caption = f"Each line pools all studies down to it ({100 * level:g} % intervals). "
    caption += "An effect that shrinks as studies are added was overestimated by the first."
    return Picture(
        "cumulative", title, caption, picture.alt.replace("Forest plot", "Cumulative forest plot"), picture.body
    )
