"""Risk-of-bias traffic lights: colour, sign and word for each judgement, so that none is needed alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.evidence.figures.style import INK, PAPER, ROW, Channel, Picture, draw, values

if TYPE_CHECKING:
    from altair.typing import ChartType

YELLOW = "#e6b800"  # white signs cannot be read on it
JUDGEMENTS: Mapping[str, tuple[str, str, str]] = {
    "low": ("#009e73", "+", "low"),
    "unclear": (YELLOW, "?", "unclear"),
    "some concerns": (YELLOW, "\u2212", "some concerns"),
    "high": ("#c8470a", "\u00d7", "high"),
    "": ("#d9dee3", "", "not judged"),
}
CELL = 44  # px of a column
LETTER = 6.1


def traffic_lights(
    judgements: Mapping[str, Mapping[str, str]], items: Sequence[str], *, title: str, tool: str
) -> Picture:
    """Draw the judgements of every study, and the share of each judgement per item below.

    Parameters
    ----------
    judgements : mapping of study to (mapping of item to judgement)
        ``low``, ``unclear``, ``some concerns``, ``high``; missing items are grey.
    items : sequence of str
        Items in their order.
    title, tool : str
        Of the figure; ``SYRCLE`` or ``RoB 2``.

    Raises
    ------
    InputError
        For an unknown judgement.
    """
    import altair as alt

    for study, given in judgements.items():
        for item, word in given.items():
            if word not in JUDGEMENTS:
                known = tuple(name for name in JUDGEMENTS if name)
                raise InputError(
                    Problem(f"{study} {item}", f"'{word}' is unknown", ", ".join(known), did_you_mean(word, known))
                )
    used = [
        word
        for word in JUDGEMENTS
        if any(given.get(item, "") == word for given in judgements.values() for item in items)
    ]
    colour = alt.Color(
        "word:N",
        scale=alt.Scale(domain=[JUDGEMENTS[word][2] for word in used], range=[JUDGEMENTS[word][0] for word in used]),
        legend=alt.Legend(title=None, orient="top", symbolType="circle", symbolSize=120),
    )
    panels = [_lights(judgements, items, colour), _shares(judgements, items, colour, used)]
    chart: ChartType = alt.vconcat(*panels, spacing=16)
    caption = (
        f"{tool}. Rows are studies, columns items: "
        + "; ".join(f"{i} {item}" for i, item in enumerate(items, 1))
        + ". Bars: share of studies."
    )
    told = "; ".join(
        f"{study}: " + ", ".join(f"{i} {given.get(item, '') or 'not judged'}" for i, item in enumerate(items, 1))
        for study, given in judgements.items()
    )
    return draw("risk_of_bias", title, caption, f"Risk of bias, {title}. {told}.", chart)


def _lights(judgements: Mapping[str, Mapping[str, str]], items: Sequence[str], colour: Channel) -> ChartType:
    import altair as alt

    cells = []
    for study, given in judgements.items():
        for index, item in enumerate(items, 1):
            shade, sign, word = JUDGEMENTS[given.get(item, "")]
            ink = INK if shade == YELLOW else PAPER
            cells.append({"study": study, "item": str(index), "word": word, "sign": sign, "ink": ink})
    order = [str(index) for index in range(1, len(items) + 1)]
    x = alt.X("item:N", sort=order, axis=alt.Axis(title=None, orient="top", labelAngle=0, ticks=False, domain=False))
    y = alt.Y(
        "study:N",
        sort=list(judgements),
        axis=alt.Axis(title=None, ticks=False, domain=False, labelColor=INK, labelLimit=320),
    )
    base = alt.Chart(values(cells))
    dots = base.mark_point(filled=True, size=330, opacity=1).encode(x=x, y=y, color=colour)
    signs = [
        alt.Chart(values([cell for cell in cells if cell["ink"] == ink]))
        .mark_text(fontSize=14, fontWeight="bold", color=ink)
        .encode(x=x, y=y, text="sign:N")
        for ink in (INK, PAPER)
    ]
    chart: ChartType = alt.layer(dots, *signs).properties(width=CELL * len(items), height=(ROW + 4) * len(judgements))
    return chart


def _shares(
    judgements: Mapping[str, Mapping[str, str]], items: Sequence[str], colour: Channel, used: Sequence[str]
) -> ChartType:
    import altair as alt

    rows = []
    for index, item in enumerate(items, 1):
        start = 0.0
        for word in used:
            share = sum(given.get(item, "") == word for given in judgements.values()) / max(len(judgements), 1)
            if share:
                rows.append(
                    {"item": f"{index} {item}", "start": start, "end": start + share, "word": JUDGEMENTS[word][2]}
                )
            start += share
    y = alt.Y("item:N", sort=None, axis=alt.Axis(title=None, ticks=False, domain=False, labelColor=INK, labelLimit=320))
    x = alt.X(
        "start:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(title="share of studies", format="%", tickCount=4)
    )
    bars = alt.Chart(values(rows)).mark_bar(height=13).encode(x=x, x2="end:Q", y=y, color=colour)
    chart: ChartType = bars.properties(width=max(CELL * len(items), 260), height=(ROW - 2) * len(items))
    return chart
