"""Builds `sensitivity.html` and `figures/` of a sensitivity study from its folder alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import polars as pl

from exojoint.core.files import atomic_write
from exojoint.report import drawing
from exojoint.report.build import SIMULATED, SYNTHETIC, Shown, environment, figure_folder, write_figure
from exojoint.report.drawing import Drawing, Layout
from exojoint.report.figures_sensitivity import (
    draw_heat_map,
    draw_indices,
    draw_screening,
    draw_tornado,
    headline_name,
)
from exojoint.report.labels import text
from exojoint.report.numbers import count, number, percent, signed
from exojoint.report.tables import Table
from exojoint.runs.documents import member
from exojoint.runs.manifest import Manifest, read_manifest
from exojoint.runs.parquet import read_table
from exojoint.runs.store import is_complete

PAGE = "sensitivity.html"
TABLES = ("headlines", "main_effects", "screening", "indices")
FACTS = ("unknowns", "budget", "paths", "base_points", "singles", "patients")
ROWS = 25  # unknowns of the table of indices


@dataclass(frozen=True, slots=True)
class StudyData:
    """One sensitivity study, read."""

    manifest: Manifest
    tables: Mapping[str, pl.DataFrame]
    intact: bool

    def fact(self, name: str) -> float:
        """A number of the study's settings."""
        return float(self.manifest.settings.get(name) or 0)

    def of(self, table: str, headline: str) -> pl.DataFrame:
        """Rows of one headline."""
        return self.tables[table].filter(pl.col("headline") == headline)

    @property
    def mark(self) -> str:
        """What the numbers are."""
        return SYNTHETIC if self.manifest.settings.get("synthetic") else SIMULATED


def build_sensitivity(folder: Path) -> Path:
    """Write `sensitivity.html`, `figures/*.svg` and `figures/*.png` of a study; returns the path of the page.

    Raises
    ------
    InputError
        When the folder is no study, or a document or table cannot be read.
    """
    manifest = read_manifest(folder)
    data = StudyData(
        manifest, {name: read_table(folder, name) for name in TABLES}, is_complete(folder, manifest.digest)
    )
    place = figure_folder(folder)
    says = f"{data.mark.lower()}, study {manifest.digest}"
    heads = data.tables["headlines"].iter_rows(named=True)
    sections = [_section(data, place, says, index, row) for index, row in enumerate(heads)]
    target = member(folder, PAGE)
    atomic_write(target, _render(data, _heat(data, place, says), sections))
    return target


@dataclass(frozen=True, slots=True)
class Section:
    """What the page says of one headline."""

    anchor: str
    name: str
    lines: tuple[str, ...]
    figures: tuple[Shown, ...]
    table: Table | None


Maker = Callable[[Layout], Drawing | None]


def _shown(maker: Maker, name: str, place: Path, says: str) -> Shown | None:
    """Draw a figure for desk and phone under a name of its own."""
    wide, narrow = (maker(layout) for layout in drawing.LAYOUTS)
    if wide is None or narrow is None:
        return None
    return write_figure(wide, narrow, name, place, says)


def _heat(data: StudyData, place: Path, says: str) -> Shown | None:
    cells = data.tables["indices"].filter(pl.col("kind") == "parameter")
    slopes = data.tables["main_effects"].select("headline", "parameter", up=pl.col("slope") > 0.0)
    cells = cells.rename({"name": "parameter"}).join(slopes, on=["headline", "parameter"], maintain_order="left")
    return _shown(lambda layout: draw_heat_map("study_heat_map", cells, layout, "total"), "heat_map", place, says)


def _section(data: StudyData, place: Path, says: str, index: int, row: dict[str, object]) -> Section:
    key, head = str(row["headline"]), headline_name(row)
    found = data.of("indices", key).sort("total", "name", descending=[True, False], nulls_last=True)
    single, rooms, grades = (
        found.filter(pl.col("kind").is_in(kinds)) for kinds in (["parameter", "rest"], ["room"], ["grade"])
    )
    grades = grades.with_columns(pl.col("name").map_elements(lambda name: text("grade", name), return_dtype=pl.String))
    facts = {"headline": head, "base": f"{data.fact('base_points'):.0f}", "paths": f"{data.fact('paths'):.0f}"}
    lines = [
        line.difference
        for line in data.manifest.criteria
        if line.endpoint == row["endpoint"] and line.day == row["day"] and row["variant"] == "planned"
    ]
    makers: dict[str, Maker] = {
        "tornado": lambda layout: draw_tornado("study_tornado", data.of("main_effects", key), lines, layout),
        "indices": lambda layout: draw_indices("study_indices", single, layout, **facts),
        "rooms": lambda layout: draw_indices("study_rooms", rooms, layout, **facts),
        "grades": lambda layout: draw_indices("study_grades", grades, layout, **facts),
        "screening": lambda layout: draw_screening("study_screening", data.of("screening", key), layout, **facts),
    }
    drawn = [_shown(maker, f"{name}_{index + 1}", place, says) for name, maker in makers.items()]
    figures = tuple(item for item in drawn if item is not None)
    return Section(f"headline-{index + 1}", head, _words(row, single), figures, _table(head, single))


def _words(row: dict[str, object], single: pl.DataFrame) -> tuple[str, ...]:
    unit = text("unit", str(row["unit"]))
    mean, lo, hi, error = (float(str(row[name])) for name in ("mean", "lo", "hi", "mc_error"))
    value = signed if row["endpoint"] else number
    said = [
        f"Mean {value(mean)} {unit} (Monte Carlo error {number(error, 2)}); the middle 80 % of what is possible lies "
        f"between {value(lo)} and {value(hi)} {unit}.".replace("  ", " ").replace(" .", "."),
        f"{count(int(str(row['runs'])))} runs, {count(int(str(row['failed'])))} failed.",
    ]
    leading = single.filter(pl.col("kind") == "parameter").head(3)
    if leading.height:
        names = ", ".join(
            f"{item['name']} ({percent(item['total'])}, 95 % interval {percent(item['total_lo'])} to "
            f"{percent(item['total_hi'])})"
            for item in leading.iter_rows(named=True)
        )
        said.append(f"What would take away most of its variance if it were known: {names}.")
    alone, rest = (
        float(single.filter(pl.col("kind") == kind)["first"].fill_nan(0.0).sum() or 0.0)
        for kind in ("parameter", "rest")
    )
    said.append(
        f"The unknowns with indices of their own explain {percent(max(0.0, alone))} of the variance one by one, all "
        f"others together {percent(max(0.0, rest))}; what is left is interaction."
    )
    return tuple(said)


def _table(head: str, single: pl.DataFrame) -> Table | None:
    if single.is_empty():
        return None
    cells = tuple(
        (
            row["name"],
            _with_interval(row, "first"),
            _with_interval(row, "total"),
            row["owner"],
            text("grade", row["grade"]) if row["grade"] else "",
            count(row["n_axes"]),
        )
        for row in single.head(ROWS).iter_rows(named=True)
    )
    heads = ("unknown", "alone (95 % interval)", "with interactions (95 % interval)", "read by", "grade", "unknowns")
    more = single.height - len(cells)
    return Table(f"Sobol indices: {head}", heads, cells, f"{count(more)} more in indices.csv." if more > 0 else "")


def _with_interval(row: dict[str, object], order: str) -> str:
    value, lo, hi = (float(str(row[name])) for name in (order, f"{order}_lo", f"{order}_hi"))
    return f"{percent(value, 1)} ({percent(lo, 1)} to {percent(hi, 1)})"


def _render(data: StudyData, heat: Shown | None, sections: list[Section]) -> str:
    manifest, fact = data.manifest, data.fact
    style = files("exojoint.report.templates").joinpath("style.css").read_text(encoding="utf-8")
    outcomes = manifest.engine.outcomes
    content = {
        "style": style, "version": manifest.program.versions.get("exojoint", ""), "mark": data.mark,
        "scenario": manifest.question.scenario, "question": manifest.question.question, "digest": manifest.digest,
        "intact": data.intact, "heat": heat, "sections": sections, "seed": manifest.question.seed,
        "arm": manifest.settings.get("arm"), "control": manifest.settings.get("control"),
        "prior": bool(manifest.settings.get("prior")), "kept": percent(fact("kept")),
        "numbers": {name: count(int(fact(name))) for name in FACTS},
        "runs": count(sum(outcomes.values())), "failed": count(outcomes.get("failed", 0)),
    }  # fmt: skip
    return environment().get_template("sensitivity.html").render(content)
