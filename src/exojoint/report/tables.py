"""Tables of the page: words and numbers already formatted, so that the template only places them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from exojoint.report.data import RunData
from exojoint.report.labels import difference, label, short, span, text
from exojoint.report.labels import grades as all_grades
from exojoint.report.numbers import ABSENT, count, number, percent, signed, when
from exojoint.runs.verdict import Effect

MEASURES = ("type1", "power", "assurance")
MAX_LOTS = 24
MAX_TEXTS = 4


@dataclass(frozen=True, slots=True)
class Table:
    """A table: caption, column heads, rows of cells; the first cell of a row is its head."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def effects(data: RunData) -> Table | None:
    """True differences beside what trials would estimate."""
    if not data.verdict.effects:
        return None
    level = percent(data.verdict.effects[0].level)
    true, seen = f"true difference\n{level} interval", f"trial's estimate\n{level} interval"
    heads = ("effect", true, "MC\nerror", seen, "estimate\n− truth", "estimand", "patients\n(failed)")
    note = (
        "True difference: over the knowledge draws, without trial noise. MC error: of its mean. "
        "Estimate − truth shows the bias of the analysis."
    )
    return Table(
        "True effects beside what trials estimate",
        heads,
        tuple(_effect_row(item) for item in data.verdict.effects),
        note,
    )


def _effect_row(effect: Effect) -> tuple[str, ...]:
    unit, true = effect.unit, effect.true
    seen, bias = ABSENT, ABSENT
    if effect.estimate is not None:
        seen = f"{difference(effect.estimate, unit)}\n{span(effect.lo, effect.hi, unit)}"
        bias = signed(effect.estimate - true.mean, 2)
    return (
        f"{short(effect.endpoint)}, {when(effect.day)}\n{effect.arm} − {effect.control}, {text('unit', unit)}",
        f"{difference(true.mean, unit)}\n{span(true.lo, true.hi, unit)}",
        number(effect.mc_error, 2),
        seen,
        bias,
        effect.estimand,
        f"{count(effect.n_patients)}\n({count(effect.n_failed)})",
    )


def operating(data: RunData) -> Table | None:
    """Operating characteristics: type I error before power, each with its Monte Carlo error."""
    table = data.table("performance")
    if table is None:
        return None
    rank = {name: index for index, name in enumerate(MEASURES)}
    rows = sorted(table.iter_rows(named=True), key=lambda row: rank.get(row["measure"], len(rank)))
    cells = tuple(
        (
            text("measure", row["measure"]),
            f"{short(row['endpoint'])}, {when(row['day'])}",
            percent(row["value"], 1),
            percent(row["mc_error"], 2),
            count(row["n"]),
        )
        for row in rows
    )
    note = "The n of an assurance counts knowledge draws, of the others trials or analyses."
    return Table("Operating characteristics", ("measure", "endpoint", "value", "MC error", "n"), cells, note)


def population(data: RunData) -> Table | None:
    """Wanted and reached margins of the population."""
    table = data.table("population")
    if table is None:
        return None
    cells = tuple(
        (f"{text('variable', row['variable'])}, {text('statistic', row['statistic'])}", text("unit", row["unit"]),
         number(row["wanted"]), number(row["achieved_raw"]), number(row["achieved_weighted"]))
        for row in table.iter_rows(named=True)
    )  # fmt: skip
    return Table("Population", ("margin", "unit", "wanted", "before weighting", "after weighting"), cells)


def lots(data: RunData) -> Table | None:
    """All lots in one table of properties: median and range, or share, or the words that occur."""
    table = data.table("lots")
    if table is None:
        return None
    cells = tuple(
        (name.replace("_", " "), text("unit", data.lot_units.get(name, "")), _spread(table[name]))
        for name in table.columns
        if name != "lot"
    )
    caption = f"{count(table.height)} lots: median (range), share, or what occurs"
    return Table(
        caption, ("property", "unit", "lots"), cells, "How lots differ is variability; it is not what we do not know."
    )


def _spread(column: pl.Series) -> str:
    known = column.drop_nulls()
    if known.is_empty():
        return ABSENT
    if known.dtype == pl.Boolean:
        yes = int(known.sum())
        return f"{count(yes)} of {count(known.len())} yes"
    if known.dtype.is_numeric():
        low, middle, high = (float(known.quantile(share) or 0.0) for share in (0.0, 0.5, 1.0))
        return number(middle) if low == high else f"{number(middle)} ({number(low)} to {number(high)})"
    words = known.cast(pl.String).unique(maintain_order=True).to_list()
    return ", ".join(words[:MAX_TEXTS]) + (f" and {len(words) - MAX_TEXTS} more" if len(words) > MAX_TEXTS else "")


def single_lots(data: RunData) -> Table | None:
    """The first lots, one row each."""
    table = data.table("lots")
    if table is None:
        return None
    heads = tuple(
        f"{name.replace('_', ' ')} ({unit})"
        if (unit := text("unit", data.lot_units.get(name, "")))
        else name.replace("_", " ")
        for name in table.columns
    )
    cells = tuple(tuple(_cell(value) for value in row) for row in table.head(MAX_LOTS).iter_rows())
    more = table.height - len(cells)
    return Table("Single lots", heads, cells, f"{count(more)} more in lots.parquet." if more > 0 else "")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    return number(value) if isinstance(value, float) else ABSENT if value is None else str(value)


def outcomes(data: RunData) -> Table:
    """How the solves ended; failed patients are counted, not dropped."""
    found = data.manifest.engine.outcomes
    total = sum(found.values()) or 1
    cells = tuple(
        (text("outcome", name), count(number_of), percent(number_of / total, 2))
        for name, number_of in sorted(found.items(), key=lambda item: (item[0] != "ok", -item[1]))
    )
    return Table("How the solves ended", ("outcome", "patients", "share"), cells)


def grades(data: RunData) -> Table | None:
    """Evidence grades with their meaning, share of variance and number of parameters."""
    variance = data.verdict.variance.by_grade
    found = [item.grade for item in data.lineage.parameters] if data.lineage else []
    if not variance:
        return None
    order = [name for name in all_grades() if name in variance or name in found]
    cells = tuple(
        (
            text("grade", name),
            label("grade", name).meaning,
            percent(variance.get(name, 0.0), 1),
            count(found.count(name)),
        )
        for name in order
    )
    heads = ("grade", "meaning", "share of variance", "parameters")
    note = (
        f"Interactions: {percent(data.verdict.variance.interactions, 1)} of the variance belong to no single parameter."
    )
    return Table("Evidence grades", heads, cells, note)


def accuracy(data: RunData) -> str:
    """How exactly the equations were solved."""
    found = data.verdict.accuracy
    return (
        f"Relative error of the solver against a much stricter solve of {count(found.n)} patients: "
        f"median {number(found.p50, 2)}, 99th percentile {number(found.p99, 2)}. Mode: {data.manifest.engine.mode}."
    )


def shares(data: RunData, most: int = 15) -> Table | None:
    """Parameters by share of variance, with grade, value and source."""
    found = data.verdict.variance.by_parameter
    if not found or data.lineage is None:
        return None
    known = {item.name: item for item in data.lineage.parameters}
    cells = tuple(
        (name, percent(share, 1), text("grade", known[name].grade),
         f"{number(known[name].value)} {text('unit', known[name].unit)}".strip(), ", ".join(known[name].sources))
        for name, share in sorted(found.items(), key=lambda item: -item[1])[:most] if name in known
    )  # fmt: skip
    return Table(
        "Parameters that carry most of the variance", ("parameter", "share", "grade", "value", "source"), cells
    )
