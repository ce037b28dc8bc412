"""Tables of what the answer stands on: lots, parameters, evidence grades."""

from __future__ import annotations

import polars as pl

from exojoint.report.data import RunData
from exojoint.report.labels import grades as all_grades
from exojoint.report.labels import label, text
from exojoint.report.numbers import ABSENT, count, number, percent
from exojoint.report.tables import Table, with_unit
from exojoint.report.words import meant

LOT_KEYS = frozenset({"lot", "draw", "release_reasons"})
MAX_LOTS = 24
MAX_TEXTS = 4
MAX_LETTERS = 90
FAILS = "(fails)"  # how a lot marks a property that kept it from release


def lots(data: RunData) -> Table | None:
    """All lots in one table of properties: median and range, or share, or the words that occur."""
    table = data.table("lots")
    if table is None:
        return None
    cells = tuple(
        (with_unit(text("lot", name), data.lot_units.get(name, "")), said)
        for name in table.columns
        if name not in LOT_KEYS and (said := _spread(table[name])) != ABSENT
    )
    caption = f"{count(table.height)} lots: median (range), share, or what occurs"
    note = "How lots differ is variability; it is not what we do not know."
    return Table(caption, ("property", "lots"), cells, note)


def _spread(column: pl.Series) -> str:
    known = column.drop_nulls()
    if known.dtype == pl.Boolean:
        return f"{count(int(known.sum()))} of {count(known.len())} yes"
    if known.dtype.is_numeric():
        known = known.cast(pl.Float64).drop_nans()
        low, middle, high = (number(known.quantile(share)) for share in (0.0, 0.5, 1.0))
        return middle if low == high else f"{middle} ({low} to {high})"
    words = known.cast(pl.String)
    distinct = words.filter(words != "").unique(maintain_order=True).to_list()
    if not distinct:
        return ABSENT
    if len(distinct) == 1:
        return _cell(distinct[0])
    if len(distinct) > MAX_TEXTS or max(map(len, distinct)) > MAX_LETTERS:
        return f"{count(len(distinct))} different"
    return ", ".join(distinct)


def refusals(data: RunData) -> Table | None:
    """Why lots were not released: how many lots failed on which property (a lot may fail on several)."""
    table = data.table("lots")
    if table is None or "release_reasons" not in table.columns:
        return None
    pieces = table["release_reasons"].cast(pl.String).drop_nulls().str.split("; ").explode()
    failed = pieces.filter(pieces.str.contains(FAILS, literal=True)).str.split(": ").list.first()
    sums = sorted(failed.value_counts().rows(), key=lambda row: (-row[1], row[0]))
    cells = tuple((str(name), count(lots_that_failed)) for name, lots_that_failed in sums)
    return Table("Why lots were not released", ("property", "lots that failed it"), cells) if cells else None


def single_lots(data: RunData) -> Table | None:
    """The first lots, one row each."""
    table = data.table("lots")
    if table is None:
        return None
    heads = tuple(with_unit(text("lot", name), data.lot_units.get(name, "")) for name in table.columns)
    cells = tuple(tuple(_cell(value) for value in row) for row in table.head(MAX_LOTS).iter_rows())
    more = table.height - len(cells)
    return Table("Single lots", heads, cells, f"{count(more)} more in lots.parquet." if more > 0 else "")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    if isinstance(value, float) or value is None:
        return number(value)
    said = str(value)
    return said if len(said) <= MAX_LETTERS else said[: MAX_LETTERS - 1] + "…"


def grades(data: RunData) -> Table | None:
    """Evidence grades with their meaning, share of variance and number of parameters."""
    variance = data.verdict.variance
    found = [item.grade for item in data.lineage.parameters] if data.lineage else []
    if not variance.by_grade:
        return None
    order = [name for name in all_grades() if name in variance.by_grade or name in found]
    cells = tuple(
        (
            text("grade", name),
            label("grade", name).meaning,
            percent(variance.by_grade.get(name, 0.0), 1),
            count(found.count(name)),
        )
        for name in order
    )
    heads = ("grade", "meaning", "share of variance", "parameters")
    note = f"Interactions: {percent(variance.interactions, 1)} of the variance belong to no single parameter."
    return Table("Evidence grades", heads, cells, note)


def shares(data: RunData, most: int = 15) -> Table | None:
    """Parameters by share of variance, with grade, value, source and meaning."""
    found = data.verdict.variance.by_parameter
    if not found or data.lineage is None:
        return None
    known = {item.name: item for item in data.lineage.parameters}
    cells = tuple(
        (
            f"{name}\n{meant(known[name].note)}".strip(),
            percent(share, 1),
            text("grade", known[name].grade),
            f"{number(known[name].value)} {text('unit', known[name].unit)}".strip(),
            ", ".join(known[name].sources),
        )
        for name, share in sorted(found.items(), key=lambda item: -item[1])[:most]
        if name in known
    )
    heads = ("parameter", "share", "grade", "value", "source")
    return Table("Parameters that carry most of the variance", heads, cells)
