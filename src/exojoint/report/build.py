"""Builds `report.html` and `figures/` of a run: one file that needs nothing else, made from the run folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from exojoint.core.errors import InputError, Problem
from exojoint.core.files import atomic_write
from exojoint.report import drawing, rivals, tables, tables_ground
from exojoint.report.conclusion import summary
from exojoint.report.credibility_page import page
from exojoint.report.data import RunData, load_run
from exojoint.report.figures import FIGURES as MAKERS
from exojoint.report.labels import glossary
from exojoint.report.numbers import clean, count, percent
from exojoint.report.words import HEADS, changes, conclusions, criteria, mirna, plain, say, signs
from exojoint.runs.documents import member
from exojoint.runs.manifest import Citation

REPORT = "report.html"
FIGURES = "figures"
CONTENTS = {
    "why": "Why",
    "plain": "In plain language",
    "effects": "Effects",
    "operating": "Trial",
    "course": "Course",
    "vesicles": "Vesicles and dose",
    "patients": "Patients",
    "lots": "Lots",
    "drivers": "Drivers",
    "methods": "Methods",
    "credibility": "Credibility",
    "references": "References",
    "glossary": "Glossary",
    "reproduce": "Reproduce",
}
"""Sections of the page: anchor and name."""
FIGURE_NAMES = (
    *(
        "effects",
        "operating",
        "means",
        "individuals",
        "vesicles",
        "dose_response",
        "population",
        "drivers",
        "tornado",
        "heat_map",
        "rivals",
        "evidence",
    ),
)
SIMULATED = "SIMULATED"
SYNTHETIC = "SIMULATED · SYNTHETIC DATA"
SAFE_LINKS = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure in the page: its words and its pictures for desk and phone."""

    name: str
    title: str
    caption: str
    wide: str
    narrow: str


def build_report(run_folder: Path) -> Path:
    """Write `report.html` and `figures/*.svg`, `figures/*.png` of a run; returns the path of the report.

    Parameters
    ----------
    run_folder
        A run, or work in progress that is sealed. Nothing outside it is read or written.

    Raises
    ------
    InputError
        When the folder is no run, a document or table cannot be read, or a path in it is a symbolic link.
    """
    data = load_run(run_folder)
    target = member(run_folder, REPORT)
    figures = _figures(data, figure_folder(run_folder))
    atomic_write(target, render(data, figures))
    return target


def render(data: RunData, figures: Mapping[str, Shown]) -> str:
    """The page as text; everything that comes from the run is escaped, except our own pictures."""
    return environment().get_template("report.html").render(_content(data, figures))


def environment() -> Environment:
    """Templates of the room: everything is escaped, an unknown name is an error."""
    found = Environment(
        finalize=_printable,
        loader=PackageLoader("exojoint.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["percent"] = percent
    return found


def _printable(value: object) -> object:
    """Names without control characters; what the template marks as safe (our pictures, our style) as it is."""
    return clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _content(data: RunData, figures: Mapping[str, Shown]) -> dict[str, Any]:
    style = files("exojoint.report.templates").joinpath("style.css").read_text(encoding="utf-8")
    verdict, manifest = data.verdict, data.manifest
    return {
        "style": style,
        "version": manifest.program.versions.get("exojoint", ""),
        "mark": mark(data),
        "scenario": verdict.scenario,
        "question": manifest.question.question,
        "scenario_text": manifest.question.text,
        "digest": manifest.digest,
        "verdict": verdict.verdict,
        "verdict_head": HEADS[verdict.verdict],
        "verdict_text": say("verdict", verdict.verdict),
        "summary": summary(data),
        "contents": [item for item in CONTENTS.items() if data.credibility or item[0] != "credibility"],
        "credibility": page(data.credibility),
        "warnings": [signs(warning) for warning in verdict.warnings],
        "intact": data.intact,
        "criteria": criteria(data),
        "conclusions": list(conclusions(data)),
        "changes": [*changes(data), *rivals.sentences(data)],
        "plain": list(plain(data)),
        "mirna": mirna(data),
        "accuracy": tables.accuracy(data),
        "tables": _tables(data),
        "figures": {name: figures.get(name) for name in FIGURE_NAMES},
        "lots_summary": [(key.replace("_", " "), _said(value)) for key, value in sorted(verdict.lots.items())],
        "settings": [(key.replace("_", " "), _said(value)) for key, value in sorted(manifest.settings.items())],
        "citations": [_linked(item) for item in manifest.citations],
        "glossary": glossary(),
        "ids": [item.id for item in data.lineage.headlines] if data.lineage else [],
        "reproduce": _reproduce(data),
    }


def mark(data: RunData) -> str:
    """What the numbers are: always simulated, and synthetic when an input is."""
    return SYNTHETIC if data.synthetic else SIMULATED


def _tables(data: RunData) -> dict[str, tables.Table | None]:
    return {
        "effects": tables.effects(data),
        "estimands": tables.estimands(data),
        "operating": tables.operating(data),
        "performance": tables.performance(data),
        "adverse_events": tables.adverse_events(data),
        "population": tables.population(data),
        "outcomes": tables.outcomes(data),
        "lots": tables_ground.lots(data),
        "refusals": tables_ground.refusals(data),
        "single_lots": tables_ground.single_lots(data),
        "shares": tables_ground.shares(data),
        "grades": tables_ground.grades(data),
        "rivals": rivals.table(data),
    }


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _linked(citation: Citation) -> Citation:
    """A citation whose address is a web address, or none: no other kind of link leaves the page."""
    safe = citation.url.startswith(SAFE_LINKS)
    return citation if safe else Citation(citation.key, citation.text, "")


def _reproduce(data: RunData) -> list[tuple[str, str]]:
    question, program = data.manifest.question, data.manifest.program
    return [
        ("run (digest)", data.manifest.digest),
        ("seed", str(question.seed)),
        ("code", program.code),
        ("tables", f"{len(program.tables)} with checksums in manifest.json"),
        *(("input file", f"{item.name} ({item.n_bytes:,} bytes, sha256 {item.sha256})") for item in question.files),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(program.versions.items()))),
        ("processor family", program.cpu_family),
        ("files intact", "yes, all checksums agree" if data.intact else "NO: a file has changed"),
    ]


def figure_folder(run_folder: Path) -> Path:
    """Folder of a run's or study's pictures; made if needed, refused if it is a link or a file."""
    folder = run_folder / FIGURES
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        where = f"{run_folder.name}/{FIGURES}"
        raise InputError(Problem(where, "this is not a folder of the run", "a folder, or nothing", "Remove it."))
    folder.mkdir(exist_ok=True)
    return folder


def _figures(data: RunData, folder: Path) -> dict[str, Shown]:
    """Draw every figure for desk and phone, and write the desk's one as SVG and PNG."""
    says = f"{mark(data).lower()}, run {data.manifest.digest}"
    shown = {}
    for make in MAKERS:
        wide, narrow = (make(data, layout) for layout in drawing.LAYOUTS)
        if wide is None or narrow is None:
            continue
        shown[wide.name] = write_figure(wide, narrow, wide.name, folder, says)
    return shown


def write_figure(wide: drawing.Drawing, narrow: drawing.Drawing, name: str, folder: Path, says: str) -> Shown:
    """Write the desk's drawing as `name`.svg and `name`.png; gives both drawings for the page.

    Parameters
    ----------
    wide, narrow : the same figure for desk and phone
    says : what the numbers are, printed in the files
    """
    wide, narrow = (replace(item, name=name) for item in (wide, narrow))
    desk, phone = (drawing.to_svg(drawing.specification(drawn.chart)) for drawn in (wide, narrow))
    svg, png = drawing.standalone(wide, desk, says)
    atomic_write(member(folder, f"{name}.svg"), svg)
    atomic_write(member(folder, f"{name}.png"), png)
    inside = (drawing.inline(wide, desk, drawing.WIDE), drawing.inline(narrow, phone, drawing.NARROW))
    return Shown(name, wide.title, wide.caption, *inside)
