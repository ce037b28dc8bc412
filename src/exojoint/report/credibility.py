"""Credibility of a run as a document, `credibility.json`, and as the page shows it.

The form follows ICH M15 (question, context of use, influence, consequence, model risk) and ASME V&V 40 (verification,
validation, uncertainty, applicability). The workflow writes it beside the verdict; nothing here is computed anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from exojoint.core.errors import InputError, Problem
from exojoint.runs.documents import read_json, write_json
from exojoint.runs.records import STRICT, from_plain, label, to_plain

CREDIBILITY = "credibility.json"
SCHEMA = 1
Level = Literal["low", "medium", "high"]
Mark = Literal["yes", "no", "not asked"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A level with the reasons for it, in words about this run."""

    level: Level
    reasons: tuple[str, ...]

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Risk:
    """Model risk: how much the decision leans on the model, what a wrong one costs, and both together."""

    influence: Judgement
    consequence: Judgement
    model: Judgement

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Check:
    """One act of verification: of the code, of a calculation, or of this run (`kind`).

    `where` names the test that repeats it; empty where the run itself is the evidence.
    """

    kind: Literal["code", "calculation", "this run"]
    what: str
    found: str
    where: str
    ok: Mark

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Seen:
    """A published number beside what the model says of it: median and 80 % interval."""

    published: float | None
    lo: float
    middle: float
    hi: float
    statement: str
    probability: float | None

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class TwinLine:
    """One value of a twin; `near` says whether it tests a treatment of this run in this species."""

    id: str
    what: str
    unit: str
    grade: str
    seen: Seen
    agrees: bool
    near: bool
    why: str

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One calibration target: published value, window, and what the calibrated model says (None: not shipped)."""

    id: str
    quantity: str
    unit: str
    published: float
    window: tuple[float, float] | None
    recalled: bool
    model: float | None
    met: Mark

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Aspect:
    """One aspect of the distance between this run and what the twins have tested."""

    name: str
    run: str
    tested: str
    inside: bool

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Goal:
    """What the model risk asks for, and what there is."""

    name: str
    asked: str
    found: str
    met: bool

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the model: checks of the program, twins, targets, and sentences that sum up the twins."""

    checks: tuple[Check, ...]
    summary: tuple[str, ...]
    twins: tuple[TwinLine, ...]
    targets: tuple[TargetLine, ...]

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Credibility:
    """All of `credibility.json` but its schema number.

    Parameters
    ----------
    question
        Question of interest.
    context
        Context of use, in sentences about this run.
    risk, evidence
        As their classes say.
    uncertainty
        What is not known and how it was carried, in sentences.
    aspects
        Applicability.
    goals
        What this model risk asks for, beside what there is.
    conclusion
        What the model may be used for, in sentences.
    """

    question: str
    context: tuple[str, ...]
    risk: Risk
    evidence: Evidence
    uncertainty: tuple[str, ...]
    aspects: tuple[Aspect, ...]
    goals: tuple[Goal, ...]
    conclusion: tuple[str, ...]

    __pydantic_config__ = STRICT


def write_credibility(folder: Path, record: Credibility) -> Path:
    """Write `credibility.json` into a run that is not sealed yet."""
    return write_json(folder, CREDIBILITY, {"schema": SCHEMA, **to_plain(record)})


def read_credibility(folder: Path) -> Credibility | None:
    """Read `credibility.json`; None where a run has none.

    Raises
    ------
    InputError
        When the document is not JSON, of another schema, or has wrong keys.
    """
    if not (folder / CREDIBILITY).exists():
        return None
    data = read_json(folder, CREDIBILITY)
    where = label(folder, CREDIBILITY)
    if data.get("schema") != SCHEMA:
        problem = Problem(where, f"schema {data.get('schema')!r} is not known", f"schema {SCHEMA}", "Run it again.")
        raise InputError(problem)
    return from_plain(Credibility, {key: value for key, value in data.items() if key != "schema"}, where)
