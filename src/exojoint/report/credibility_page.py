"""The credibility of a run as the page shows it: tables and sentences, already formatted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from exojoint.report.credibility import Aspect, Check, Credibility, Goal, Mark, TargetLine, TwinLine
from exojoint.report.numbers import ABSENT, number, percent
from exojoint.report.tables import Table

MARKS: Mapping[Mark, str] = {"yes": "✓ yes", "no": "✗ no", "not asked": ABSENT}


def page(record: Credibility | None) -> dict[str, Any] | None:
    """Everything that the template places; None without a document."""
    if record is None:
        return None
    near = [line for line in record.evidence.twins if line.near]
    return {
        "question": record.question,
        "context": record.context,
        "risk": [
            ("Model influence", record.risk.influence),
            ("Decision consequence", record.risk.consequence),
            ("Model risk", record.risk.model),
        ],
        "goals": _goals(record.goals),
        "run_checks": _checks("Checks of this run", [item for item in record.evidence.checks if not item.where]),
        "checks": _checks("Checks of the program", [item for item in record.evidence.checks if item.where]),
        "summary": record.evidence.summary,
        "near": _twins("Twins that test a treatment of this run in this species", near),
        "twins": _twins("All twins", record.evidence.twins),
        "targets": _targets(record.evidence.targets),
        "uncertainty": record.uncertainty,
        "aspects": _aspects(record.aspects),
        "conclusion": record.conclusion,
    }


def _goals(goals: Sequence[Goal]) -> Table:
    rows = tuple((goal.name, goal.asked, goal.found, MARKS["yes" if goal.met else "no"]) for goal in goals)
    return Table("What this model risk asks for", ("goal", "asked", "found", "met"), rows)


def _checks(caption: str, checks: Sequence[Check]) -> Table | None:
    if not checks:
        return None
    if not any(item.where for item in checks):
        rows = tuple((item.what, item.found, MARKS[item.ok]) for item in checks)
        return Table(caption, ("what was compared", "found", "holds"), rows)
    cells = tuple((f"{item.what}\n{item.kind}", item.found, PurePosixPath(item.where).stem) for item in checks)
    note = "Figures were measured when the test was written; it repeats the comparison with every run of the tests."
    return Table(caption, ("what was compared", "found", "test"), cells, note)


def _twins(caption: str, lines: Sequence[TwinLine]) -> Table | None:
    if not lines:
        return None
    rows = tuple(
        (
            "\n".join(filter(None, (line.id, line.what + _recalled(line.grade == "recalled"), line.why))),
            _published(line),
            _predicted(line),
            MARKS["yes" if line.agrees else "no"],
        )
        for line in lines
    )
    return Table(caption, ("published result", "published", "predicted, 80 %", "agrees"), rows)


def _recalled(recalled: bool) -> str:
    return " (recalled)" if recalled else ""


def _published(line: TwinLine) -> str:
    found = line.seen.published
    return line.seen.statement if found is None else f"{number(found)} {_unit(line.unit)}".strip()


def _predicted(line: TwinLine) -> str:
    seen = line.seen
    shown = f"{number(seen.middle)} ({number(seen.lo)} to {number(seen.hi)})"
    return shown if seen.probability is None else f"{shown}; statement {percent(seen.probability)}"


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit.replace("percent/year", "% a year").replace("percent", "%")


def _targets(lines: Sequence[TargetLine]) -> Table | None:
    if not lines:
        return None
    rows = tuple(
        (
            f"{line.id}\n{line.quantity}{_recalled(line.recalled)}",
            f"{number(line.published)} {_unit(line.unit)}".strip(),
            ABSENT if line.window is None else f"{number(line.window[0])} to {number(line.window[1])}",
            number(line.model),
            MARKS[line.met],
        )
        for line in lines
    )
    return Table(
        "Published results that the model was calibrated to", ("target", "published", "window", "model", "met"), rows
    )


def _aspects(aspects: Sequence[Aspect]) -> Table:
    rows = tuple((item.name, item.run, item.tested, MARKS["yes" if item.inside else "no"]) for item in aspects)
    return Table("Applicability", ("aspect", "this run", "tested on twins", "inside"), rows)
