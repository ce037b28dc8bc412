"""Structural uncertainty: what each rival explanation says, in a table, a figure and one sentence."""

from __future__ import annotations

from collections.abc import Iterator

import altair as alt

from exojoint.report.data import RunData
from exojoint.report.drawing import Drawing, Layout, axis, drawing, values
from exojoint.report.labels import difference, short, span, text
from exojoint.report.numbers import ABSENT, count, percent, signed, when
from exojoint.report.palette import ARMS, INK
from exojoint.report.tables import Table
from exojoint.report.words import HEADS, say
from exojoint.runs.verdict import Effect, RivalLine

ROW = 30  # px per explanation
LABEL_WIDTH = 150  # px that a name may take
SMALLEST, LARGEST = 40, 420  # px2 of a point without and with all the weight


def table(data: RunData) -> Table | None:
    """Weight, draws, true effect, chances and verdict of every explanation."""
    rivals, effect = data.verdict.rivals, data.primary
    if rivals is None or effect is None:
        return None
    names = list(dict.fromkeys(name for line in rivals.lines for name in line.probability))
    unit = text("unit", effect.unit)
    heads = ("explanation", "weight\n(draws)", f"true difference\n{percent(effect.level)} interval, {unit}")
    rows = tuple(
        (
            f"{line.name}\n{line.because}",
            f"{percent(line.weight)}\n({count(line.n_draws)})",
            _said(line, effect),
            *(percent(line.probability.get(name)) if name in line.probability else ABSENT for name in names),
            HEADS.get(line.verdict, line.verdict),
        )
        for line in rivals.lines
    )
    note = (
        f"Of the variance of the first effect, {percent(rivals.share_between)} lies between explanations "
        f"({percent(rivals.lo)} to {percent(rivals.hi)}); shares by parameter are those under the first one. "
        "Weights are judgement, not measurement. A verdict from few draws is rough."
    )
    return Table("Rival explanations", (*heads, *names, "verdict\nif it were true"), rows, note)


def _said(line: RivalLine, effect: Effect) -> str:
    if line.true is None:
        return ABSENT
    return f"{difference(line.true.mean, effect.unit)}\n{span(line.true.lo, line.true.hi, effect.unit)}"


def sentences(data: RunData) -> Iterator[str]:
    """How much of what is not known lies between explanations, and which of them would change the verdict."""
    rivals = data.verdict.rivals
    if rivals is None:
        return
    yield say("rivals", "share", share=percent(rivals.share_between), lo=percent(rivals.lo), hi=percent(rivals.hi))
    judged = [line for line in rivals.lines if line.true is not None]
    other = [line for line in judged if line.verdict != data.verdict.verdict]
    if other:
        names = "; ".join(f"{line.name}: {HEADS.get(line.verdict, line.verdict).lower()}" for line in other)
        yield say("rivals", "differ", names=names)
    else:
        yield say("rivals", "agree", n=count(len(judged)))


def figure(data: RunData, layout: Layout) -> Drawing | None:
    """True effect under each explanation: mean and the middle 80 % of its draws, the point as large as its weight."""
    rivals, effect = data.verdict.rivals, data.primary
    if rivals is None or effect is None:
        return None
    known = [(line.name, line.weight, line.true) for line in rivals.lines if line.true is not None]
    known.append(("all together", 1.0, effect.true))
    rows = [
        {"name": name, "weight": weight, "mean": true.mean, "lo": true.lo, "hi": true.hi}
        for name, weight, true in known
    ]
    title = f"{effect.arm} − {effect.control}, {text('unit', effect.unit)}"
    y = alt.Y("name:N", sort=None, axis=axis(None, labelLimit=LABEL_WIDTH, grid=False))
    base = alt.Chart(values(rows)).encode(y=y)
    x = alt.X("mean:Q", axis=axis(title))
    size = alt.Size("weight:Q", scale=alt.Scale(domain=[0, 1], range=[SMALLEST, LARGEST]), legend=None)
    together = alt.condition("datum.name === 'all together'", alt.value(INK), alt.value(ARMS[0]))
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("lo:Q", axis=axis(title)), x2="hi:Q", color=together)
    points = base.mark_point(filled=True, opacity=1).encode(x=x, size=size, color=together)
    zero = alt.Chart(values([{"zero": 0.0}])).mark_rule(color=INK).encode(x="zero:Q")
    chart = alt.layer(zero, bars, points).properties(width=layout.panel(1, LABEL_WIDTH), height=ROW * len(rows))
    said = " ".join(f"{name}: {signed(true.mean)} ({signed(true.lo)} to {signed(true.hi)})." for name, _, true in known)
    facts = {"endpoint": short(effect.endpoint), "when": when(effect.day)}
    return drawing("rivals", chart, f"Intervals by explanation. {said}", **facts)
