"""All shipped answers on one page, with their figures, and the targets with their origins."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from exojoint.core.files import atomic_write
from exojoint.evidence.extraction.prisma import flow_of_records
from exojoint.evidence.extraction.status import MEANINGS, STATUSES, extraction_status
from exojoint.evidence.figures.prisma import prisma_diagram
from exojoint.evidence.figures.style import HYPHEN, MINUS, Picture, number, save
from exojoint.evidence.figures.trends import trend_chart
from exojoint.evidence.questions.answer import Answer, Part, answer
from exojoint.evidence.questions.derive import DerivedTarget, targets
from exojoint.evidence.questions.present import picture_of
from exojoint.evidence.questions.question_file import list_questions, load_question
from exojoint.evidence.records.load import load_records, load_studies
from exojoint.evidence.registry.classify import classify_all
from exojoint.evidence.registry.read import registered_trials
from exojoint.evidence.registry.trends import trends
from exojoint.workflow.evidence import Evidence, make_folder
from exojoint.workflow.evidence_text import answer_data, answer_line

PAGE = "answers.html"
NUMBERS = "answers.json"
DASH = "\u2013"


@dataclass(frozen=True)
class _Drawn:
    """An answer with its figures, None where a window has nothing to draw."""

    reply: Answer
    pictures: tuple[Picture | None, ...]


def answers(out: Path | None = None) -> Evidence:
    """Answer every shipped question; with a folder, write a page with all figures, and the numbers as JSON.

    Parameters
    ----------
    out : Path, optional
        Folder for ``answers.html``, ``answers.json`` and the figures (SVG, PNG).
    """
    replies = [answer(load_question(name), load_records()) for name in list_questions()]
    derived = targets()
    numbers = {
        "schema": 1, "answers": [answer_data(reply) for reply in replies], "targets": [target_data(d) for d in derived],
    }  # fmt: skip
    said = "\n".join(line for reply in replies for line in answer_line(reply))
    if out is None:
        return Evidence(said, numbers)
    make_folder(out)
    drawn = [_Drawn(reply, tuple(picture_of(reply, i) for i in range(len(reply.parts)))) for reply in replies]
    return Evidence(said, numbers, written=_written(Path(out), drawn, derived, numbers))


def _written(
    out: Path, drawn: list[_Drawn], derived: tuple[DerivedTarget, ...], numbers: Mapping[str, Any]
) -> tuple[Path, ...]:
    status = extraction_status(load_records().values())
    poolable = [row.study for row in status if row.status == "poolable"]
    flow = prisma_diagram(flow_of_records(load_studies(), poolable, "animal", "Animal studies in the records"))
    chart = trend_chart(trends(classify_all(registered_trials(load_studies())), "source", (2020, 2026)))
    pictures = {f"{item.reply.question.name}_{i}" if i else item.reply.question.name: picture
                for item in drawn for i, picture in enumerate(item.pictures) if picture is not None}  # fmt: skip
    counted = Counter(row.status for row in status)
    page = _template().render(
        style=files("exojoint.report").joinpath("templates", "style.css").read_text(encoding="utf-8"),
        questions=[_question(item) for item in drawn],
        targets=[_row(one) for one in derived],
        counts={
            "records": len(load_records()), "studies": len(load_studies()),
            "status": [(name, counted[name]) for name in STATUSES if counted[name]],
        },
        meanings=MEANINGS,
        flow=flow.svg(),
        trends=chart.svg(),
    )  # fmt: skip
    everything = {**pictures, "prisma": flow, "trials": chart}
    written = [save(picture, out / f"{name}{end}") for name, picture in everything.items() for end in (".svg", ".png")]
    atomic_write(out / NUMBERS, json.dumps(numbers, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
    atomic_write(out / PAGE, page)
    return (out / PAGE, out / NUMBERS, *written)


def _template() -> Any:  # noqa: ANN401  a template of jinja2
    loader = PackageLoader("exojoint.workflow", package_path="")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("evidence_answers.html")


def _typeset(text: str) -> str:
    """Give a text real minus signs."""
    return HYPHEN.sub(MINUS, text)


def _question(item: _Drawn) -> dict[str, Any]:
    question = item.reply.question
    rating = question.rules.rating
    return {
        "name": question.name, "short": question.name.replace("_", " "), "question": question.title,
        "population": question.words["population"], "measure": MEASURED.get(question.measure, question.measure),
        "certainty": _typeset(rating.text) if rating else "", "level": rating.certainty.level if rating else DASH,
        "records": item.reply.records,
        "parts": [_part(item.reply, i, picture) for i, picture in enumerate(item.pictures)],
    }  # fmt: skip


MEASURED = {
    "SMD": "standardised difference", "points": "points of 100", "MD": "difference", "RR": "risk ratio",
    "events": "share of patients", "percent": "percent",
}  # fmt: skip


def _part(reply: Answer, index: int, picture: Picture | None) -> dict[str, Any]:
    part = reply.parts[index]
    prior = reply.prior(index)
    return {
        "window": part.window.name, "words": _typeset(part.words),
        "number": _number(reply, part), "naive": _naive(reply, part),
        "method": f"{part.estimate.method}." if part.estimate else "",
        "prior": f"{number(prior.value)}, SD {number(prior.sd)}" if prior else "",
        "svg": picture.svg() if picture else "",
    }  # fmt: skip


def _number(reply: Answer, part: Part) -> str:
    if part.bound is not None:
        return f"{part.bound.events} of {part.bound.n}; at most {100 * part.bound.upper:.1f} %"
    if part.estimate is None:
        return "no number"
    ends = part.estimate.interval()
    value, low, high = (_shown(reply, v) for v in (part.estimate.value, ends.lower, ends.upper))
    return f"{value} ({low} to {high})"


def _naive(reply: Answer, part: Part) -> str:
    return _shown(reply, part.naive.value) if part.naive else DASH


def _shown(reply: Answer, value: float) -> str:
    return number(math.exp(value) if reply.question.measure == "RR" else value)


def target_data(one: DerivedTarget) -> dict[str, Any]:
    """Return a target with its origin as plain JSON values."""
    target, origin = one.target, one.origin
    return {
        "id": target.id, "quantity": target.quantity, "species": target.species, "value": target.value,
        "unit": target.unit, "window": list(target.window) if target.window else None, "recalled": target.recalled,
        "origin": {"kind": origin.kind, "name": origin.name, "note": origin.note, "recalled": origin.recalled},
        "derived": {name: _finite(getattr(one, name)) for name in ("value", "low", "high")}, "agrees": one.agrees,
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _row(one: DerivedTarget) -> dict[str, Any]:
    target, origin = one.target, one.origin
    says = f"{one.value:.4g}" if math.isfinite(one.value) else DASH
    says += f" ({one.low:.3g} to {one.high:.3g})" if math.isfinite(one.low + one.high) else ""
    window = _typeset(f"{target.window[0]:g} to {target.window[1]:g}") if target.window else DASH
    return {
        "id": target.id, "quantity": target.quantity, "recalled": target.recalled,
        "value": _typeset(f"{target.value:g}"),
        "unit": "" if target.unit == "1" else target.unit, "window": window, "origin": f"{origin.kind} {origin.name}",
        "says": _typeset(says), "note": origin.note,
    }  # fmt: skip


def targets_with_origins() -> Evidence:
    """Say of every calibration target where it comes from and what its origin says today."""
    derived = targets()
    lines = []
    for one in derived:
        row = _row(one)
        mark = {True: "=", False: "differs", None: "in words"}[one.agrees]
        lines.append(f"{row['id']:<5} {row['value']:>7} {row['unit']:<12} {mark:<8} {row['origin']}: {row['says']}")
    return Evidence("\n".join(lines), {"schema": 1, "targets": [target_data(one) for one in derived]})
