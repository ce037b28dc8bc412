"""Verbs of the records: which questions there are, how far studies are extracted, a user's sheet, a review's flow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from exojoint.core.errors import InputError, Problem
from exojoint.core.files import atomic_write
from exojoint.evidence.bias.risk import summary
from exojoint.evidence.extraction.duplicates import find_duplicates
from exojoint.evidence.extraction.importer import import_records
from exojoint.evidence.extraction.prisma import flow_of_records, read_flow
from exojoint.evidence.extraction.ris import read_ris
from exojoint.evidence.extraction.status import STATUSES, extraction_status
from exojoint.evidence.extraction.template import columns_csv, template_csv
from exojoint.evidence.extraction.works import work_of
from exojoint.evidence.figures.prisma import prisma_diagram
from exojoint.evidence.figures.style import Picture
from exojoint.evidence.questions.doses import doses_figure, study_doses
from exojoint.evidence.questions.question_file import list_questions, load_question
from exojoint.evidence.questions.risk_table import lights_of, risk_of
from exojoint.evidence.records.load import load_records, load_studies
from exojoint.workflow.evidence import Evidence, result
from exojoint.workflow.evidence_text import SHOWN, dose_data


def questions() -> list[dict[str, str]]:
    """Names and titles of the questions that `pool` answers."""
    return [{"name": name, "title": load_question(name).title} for name in list_questions()]


def status(sheet: Path | None = None) -> Evidence:
    """Say how far each study has been extracted: of the package's records, or of a sheet.

    Raises
    ------
    InputError
        With every problem of the sheet.
    """
    records = load_records() if sheet is None else import_records(Path(sheet)).records
    rows = extraction_status(records.values())
    counts = Counter(row.status for row in rows)
    lines = [f"{len(rows)} studies, {len(records)} rows"]
    lines += [f"  {name}: {counts[name]}" for name in STATUSES if counts[name]]
    near = [row for row in rows if row.missing and row.status in ("point only", "means only")]
    lines += [f"  {row.label} lacks {', '.join(row.missing)}" for row in near[:SHOWN]]
    numbers = {"counts": dict(counts), "studies": [asdict(row) | {"missing": list(row.missing)} for row in rows]}
    return Evidence("\n".join(lines), numbers)


def import_sheet(sheet: Path, columns: Mapping[str, str] | None = None) -> Evidence:
    """Check an extraction sheet (CSV, XLSX) or a search export (RIS): every fault at once, and what stands twice.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    path = Path(sheet)
    warnings: tuple[str, ...] = ()
    if path.suffix.lower() == ".ris":
        works, count = read_ris(path), "works"
    else:
        found = import_records(path, columns)
        first = {record.study: record for record in reversed(tuple(found.records.values()))}
        works, count, warnings = tuple(work_of(record) for record in first.values()), "studies", found.warnings
    known = [work_of(study) for study in load_studies().values() if study.text("citation")]
    twice = [item for item in find_duplicates([*known, *works]) if item.dropped in {work.id for work in works}]
    lines = [f"{path.name}: {len(works)} {count} read, {len(twice)} known already or twice"]
    lines += [f"  {item.dropped} is {item.kept} ({item.reason})" for item in twice[:SHOWN]]
    lines += [f"  note: {text}" for text in warnings]
    return Evidence(
        "\n".join(lines),
        {"read": len(works), "duplicates": [asdict(item) for item in twice], "warnings": list(warnings)},
    )


def template(path: Path) -> Path:
    """Write the empty extraction sheet, and beside it what its columns mean.

    Raises
    ------
    InputError
        When the folder does not exist.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise InputError(Problem(str(path), "is in no folder", "a folder that exists", "Make the folder first."))
    atomic_write(target, template_csv())
    atomic_write(target.with_name(f"{target.stem}-columns.csv"), columns_csv())
    return target


def risk(sheet: Path, *, plot: Path | None = None, figures: Path | None = None) -> Evidence:
    """Count and draw the risk of bias of the studies of a sheet: SYRCLE for animals, RoB 2 for trials.

    Raises
    ------
    InputError
        With every problem of the sheet, and when no study is judged.
    """
    path = Path(sheet)
    judged = risk_of(import_records(path).records.values())
    if not judged:
        raise InputError(Problem(path.name, "has no judgements", "rob_tool and rob_1, rob_2 ... of at least one study"))
    lines, numbers = [], {}
    for tool, studies in judged.items():
        counts = summary(studies)
        lines.append(f"{tool}, {len(studies)} studies")
        lines += [f"  {item}: {', '.join(f'{n} {word}' for word, n in row.items())}" for item, row in counts.items()]
        numbers[tool] = {
            "items": counts,
            "studies": {one.study: {**one.judgements, "overall": one.overall} for one in studies},
        }

    def draw() -> dict[str, Picture]:
        title = f"{path.stem}: risk of bias"
        return {f"risk_{t.replace(' ', '').lower()}": lights_of(s, t, title) for t, s in judged.items()}

    return result("\n".join(lines), numbers, draw, plot, figures)


def doses(sheet: Path | None = None, *, plot: Path | None = None) -> Evidence:
    """Bring the doses of vesicle studies to particles, each with the range that its unit and its wording leave.

    Parameters
    ----------
    sheet : extraction sheet; the package's studies without one
    plot : file for a figure

    Raises
    ------
    InputError
        With every problem of the sheet.
    """
    records = load_studies().values() if sheet is None else import_records(Path(sheet)).records.values()
    found = study_doses(records)
    lines = [f"{len(found)} studies of vesicles with a dose in words, in particles per injection (5 to 95 %)"]
    for one in found:
        low, median, high = one.particles
        shown = f"{median:.2g} ({low:.2g} to {high:.2g}), from {one.unit}" if one.unit else "not a whole dose"
        doubts = f" [{', '.join(one.flags)}]" if one.flags else ""
        lines.append(f"  {one.label} ({one.species}): {shown}, {one.origin}{doubts}")
    numbers = {"schema": 1, "doses": [dose_data(one) for one in found]}

    def draw() -> dict[str, Picture]:
        drawn = doses_figure(found, "Doses of vesicles, in particles per injection")
        return {} if drawn is None else {"doses": drawn}

    return result("\n".join(lines), numbers, draw, plot, None)


def prisma(source: Path | None = None, *, plot: Path | None = None) -> Evidence:
    """Count the flow of a review (a screening table or a TOML of counts); without a file, that of the records.

    Raises
    ------
    InputError
        When a decision is impossible or the boxes do not add up.
    """
    if source is not None:
        flow = read_flow(Path(source))
    else:
        pooled = [row.study for row in extraction_status(load_records().values()) if row.status == "poolable"]
        flow = flow_of_records(load_studies(), pooled, "animal", "Animal studies in the records")
    streams = {
        name: {"found": dict(s.found), **dict(s.counts), "reasons": dict(s.reasons)}
        for name, s in (("formal", flow.formal), ("other", flow.other))
    }
    numbers = {
        "title": flow.title,
        **streams,
        "studies": flow.studies,
        "reports": flow.reports,
        "pooled": flow.pooled,
        "note": flow.note,
    }
    picture = prisma_diagram(flow)
    return result(picture.alt, numbers, lambda: {"prisma": picture}, plot, None)
