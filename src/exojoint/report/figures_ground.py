"""Figures of the ground: what drives the verdict, on which evidence it rests, which population was reached."""

from __future__ import annotations

import altair as alt
from altair.typing import ChartType

from exojoint.report.data import RunData
from exojoint.report.drawing import LINES, Drawing, Layout, axis, drawing, layered, values
from exojoint.report.labels import grades as all_grades
from exojoint.report.labels import text
from exojoint.report.numbers import percent, when
from exojoint.report.palette import ARMS, GRADES, INK, OTHER, TEXT

SHOWN = 12
LABEL_WIDTH = 160  # px that the longest row label may take
ROW = 22  # px per row
TALL_ROW = 31  # px per row with a label of two lines
UNGRADED = "other"

Bar = tuple[str, float, str]
"""Name, share of variance, grade."""


def drivers(data: RunData, layout: Layout) -> Drawing | None:
    """Share of the variance of the first effect by parameter, coloured by the grade of its evidence."""
    shares = data.verdict.variance.by_parameter
    effect = data.primary
    if not shares or effect is None:
        return None
    grade = {item.name: item.grade for item in data.lineage.parameters} if data.lineage else {}
    order = sorted(shares, key=lambda name: -shares[name])
    rows: list[Bar] = [(name, shares[name], grade.get(name, UNGRADED)) for name in order[:SHOWN]]
    if len(order) == SHOWN + 1:
        rows.append((order[-1], shares[order[-1]], grade.get(order[-1], UNGRADED)))
    elif order[SHOWN:]:
        rows.append((f"{len(order) - SHOWN} others", sum(shares[name] for name in order[SHOWN:]), UNGRADED))
    rows.append(("interactions", data.verdict.variance.interactions, UNGRADED))
    said = " ".join(f"{row} {percent(share)} ({text('grade', graded)})." for row, share, graded in rows)
    return drawing(
        "drivers",
        _driver_chart(rows, layout),
        f"Bars by parameter. {said}",
        endpoint=text("endpoint", effect.endpoint),
        when=when(effect.day),
    )


def _driver_chart(rows: list[Bar], layout: Layout) -> ChartType:
    bars = [
        {"row": row, "share": share, "grade": text("grade", grade), "says": percent(share)}
        for row, share, grade in rows
    ]
    used = {grade for _, _, grade in rows}
    present = [name for name in (*all_grades(), UNGRADED) if name in used]
    scale = alt.Scale(
        domain=[text("grade", name) for name in present], range=[GRADES.get(name, OTHER) for name in present]
    )
    legend = alt.Legend(columns=4 if layout.columns > 1 else 2, offset=8)
    y = alt.Y("row:N", sort=None, axis=axis(None, labelLimit=LABEL_WIDTH, grid=False))
    top = max(0.05, max(share for _, share, _ in rows)) * 1.15
    x = alt.X("share:Q", axis=axis("share of variance", format="%"), scale=alt.Scale(domainMax=top))
    base = alt.Chart(values(bars))
    colour = alt.Color("grade:N", scale=scale, title=None, legend=legend)
    shown = base.mark_bar(height={"band": 0.72}).encode(x=x, y=y, color=colour)
    says = base.mark_text(align="left", dx=4, fontSize=TEXT, color=INK).encode(x=x, y=y, text="says:N")
    width = layout.panel(1, margin=LABEL_WIDTH + 20)
    chart: ChartType = alt.layer(shown, says).properties(width=width, height=alt.Step(ROW))
    return chart


def evidence(data: RunData, layout: Layout) -> Drawing | None:
    """Evidence grades: how much of the variance and how many of the parameters belong to each."""
    variance = data.verdict.variance.by_grade
    if not variance:
        return None
    found = [item.grade for item in data.lineage.parameters] if data.lineage else []
    names = dict.fromkeys([*all_grades(), *sorted(variance)])
    order = [name for name in names if name in variance or name in found]
    rows: list[Bar] = []
    for name in order:
        rows.append((text("grade", name), variance.get(name, 0.0), "of the variance"))
        if found:
            rows.append((text("grade", name), found.count(name) / len(found), "of the parameters"))
    said = " ".join(f"{text('grade', name)} {percent(variance.get(name, 0.0))}." for name in order)
    alt_text = f"Bars by evidence grade, share of variance. {said}"
    return drawing("evidence", _evidence_chart(rows, layout), alt_text)


def _evidence_chart(rows: list[Bar], layout: Layout) -> ChartType:
    kinds = ["of the variance", "of the parameters"]
    y = alt.Y("row:N", sort=None, axis=axis(None, labelLimit=LABEL_WIDTH, grid=False))
    x = alt.X("share:Q", axis=axis("share", format="%"))
    fill = alt.Fill("kind:N", scale=alt.Scale(domain=kinds, range=[ARMS[0], "transparent"]), title="share")
    bars = alt.Chart(values({"row": row, "share": share, "kind": kind} for row, share, kind in rows))
    chart: ChartType = (
        bars.mark_bar(stroke=ARMS[0], strokeWidth=1.2)
        .encode(x=x, y=y, yOffset=alt.YOffset("kind:N", sort=kinds), fill=fill)
        .properties(width=layout.panel(1, margin=LABEL_WIDTH - 40), height=alt.Step(13))
    )
    return chart


def population(data: RunData, layout: Layout) -> Drawing | None:
    """Population wanted and reached: difference of each margin from its target before and after weighting."""
    table = data.table("population")
    if table is None:
        return None
    rows: list[Bar] = []
    for row in table.drop_nulls(["wanted", "achieved_raw", "achieved_weighted"]).iter_rows(named=True):
        if row["wanted"]:
            name = f"{text('variable', row['variable'])}|{text('statistic', row['statistic'])}"
            for kind, column in (("before weighting", "achieved_raw"), ("after weighting", "achieved_weighted")):
                rows.append((name, (row[column] - row["wanted"]) / abs(row["wanted"]), kind))
    if not rows:
        return None
    worst = max(abs(difference) for _, difference, kind in rows if kind == "after weighting")
    says = f"Points by margin; after weighting the largest difference is {percent(worst, 1)} of the wanted value."
    return drawing("population", _population_chart(rows, layout), says)


def _population_chart(rows: list[Bar], layout: Layout) -> ChartType:
    kinds = ["before weighting", "after weighting"]
    y = alt.Y("row:N", sort=None, axis=axis(None, labelLimit=LABEL_WIDTH, labelExpr=LINES))
    x = alt.X("difference:Q", axis=axis("difference from wanted", format="+%"))
    colour = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[ARMS[1], ARMS[0]]), title=None)
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=["square", "circle"]), title=None)
    points = alt.Chart(values({"row": row, "difference": share, "kind": kind} for row, share, kind in rows))
    marks = points.mark_point(size=46, opacity=1, strokeWidth=1.6).encode(x=x, y=y, color=colour, shape=shape)
    zero = alt.Chart(values([{"difference": 0.0}])).mark_rule(color=INK, strokeWidth=1.2).encode(x=x)
    return layered(zero, marks, title="", width=layout.panel(1, margin=LABEL_WIDTH + 10), height=alt.Step(TALL_ROW))
