"""Calibration targets with their origin: the question, record or fact that each rests on, and what that says today."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from exojoint.core.errors import Problem, did_you_mean, raise_problems
from exojoint.core.tables import place, read_table
from exojoint.evidence.facts import load_facts
from exojoint.evidence.questions.answer import Answer, answer
from exojoint.evidence.questions.question_file import list_questions, load_question
from exojoint.evidence.records.load import load_records
from exojoint.evidence.records.record import Record
from exojoint.evidence.targets import Target, load_targets

COLUMNS = ("target", "origin", "name", "window", "factor", "note")
ORIGINS = ("question", "record", "fact")
ROUNDED = 0.02  # a target that differs less from its origin is the same number, rounded


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a target comes from.

    Parameters
    ----------
    kind, name : str
        ``question``, ``record`` or ``fact``, and which.
    window : int
        Window of a question.
    factor : float
        From the origin's scale to the target's unit; nan where the origin says it in words or in a list.
    note : str
        How, where that is not plain.
    recalled : bool
        Whether the origin is only remembered: a weak prior.
    """

    kind: str
    name: str
    window: int
    factor: float
    note: str
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class DerivedTarget:
    """One target beside what its origin says today.

    Parameters
    ----------
    target : Target
        As the calibration reads it.
    origin : Origin
        Where it comes from.
    value, low, high : float
        What the origin says, in the target's unit; nan where it says it in words or in a list.
    """

    target: Target
    origin: Origin
    value: float
    low: float
    high: float

    @property
    def agrees(self) -> bool | None:
        """Whether the target is its origin's number, up to rounding; None where the origin has none."""
        if not math.isfinite(self.value):
            return None
        return abs(self.value - self.target.value) <= ROUNDED * max(abs(self.target.value), abs(self.value))

    @property
    def inside(self) -> bool | None:
        """Whether the origin's number lies in the target's window; None where either is missing."""
        if self.target.window is None or not math.isfinite(self.value):
            return None
        return self.target.window[0] <= self.value <= self.target.window[1]


def targets(records: Mapping[str, Record] | None = None) -> tuple[DerivedTarget, ...]:
    """Return every calibration target with its origin and what the origin says of these records.

    Parameters
    ----------
    records : mapping of id to Record, optional
        Those of the package, unless others are given (with an extraction sheet added, say).

    Raises
    ------
    InputError
        With every row of ``derivations.csv`` that names an unknown target, question, record or fact.
    """
    known = load_records() if records is None else records
    origins = load_origins()
    asked = {o.name for o in origins.values() if o.kind == "question"}
    answers = {name: answer(load_question(name), known) for name in sorted(asked)}
    return tuple(_derived(target, origins[target.id], answers, known) for target in load_targets())


@functools.cache
def load_origins() -> Mapping[str, Origin]:
    """Return the origin of each target.

    Raises
    ------
    InputError
        As `targets`.
    """
    path = files("exojoint.evidence").joinpath("records", "derivations.csv")
    known = {"question": list_questions(), "record": tuple(load_records()), "fact": tuple(load_facts())}
    ids = {target.id for target in load_targets()}
    problems: list[Problem] = []
    found: dict[str, Origin] = {}
    for number, row in enumerate(read_table(path, COLUMNS, key="target"), start=2):
        at = place(path.name, number, row["target"])
        if row["target"] not in ids:
            problems.append(Problem(at, "is no target", "an id of targets.csv", did_you_mean(row["target"], ids)))
        if row["origin"] not in ORIGINS:
            problems.append(Problem(at, f"origin '{row['origin'][:40]}' is unknown", ", ".join(ORIGINS)))
        elif row["name"] not in known[row["origin"]]:
            todo = did_you_mean(row["name"], known[row["origin"]])
            problems.append(Problem(at, f"{row['origin']} '{row['name'][:80]}' is unknown", "one that exists", todo))
        else:
            window, factor = int(row["window"] or 0), float(row["factor"] or math.nan)
            recalled = _recalled(row["origin"], row["name"])
            found[row["target"]] = Origin(row["origin"], row["name"], window, factor, row["note"], recalled)
    problems += [
        Problem(path.name, f"has no row for {name}", "an origin for every target") for name in sorted(ids - set(found))
    ]
    raise_problems(problems)
    return found


def _recalled(kind: str, name: str) -> bool:
    if kind == "fact":
        return load_facts()[name].verified == "recalled"
    return kind == "record" and load_records()[name].verified == "recalled"


def _derived(
    target: Target, origin: Origin, answers: Mapping[str, Answer], records: Mapping[str, Record]
) -> DerivedTarget:
    if origin.kind == "question":
        value, low, high = _of_answer(answers[origin.name], origin.window)
    elif origin.kind == "record":
        value, low, high = _of_record(records[origin.name])
    else:
        fact = load_facts()[origin.name]
        value, low, high = (_number(text) for text in (fact.value, fact.low, fact.high))
    low, high = (
        sorted((origin.factor * low, origin.factor * high)) if math.isfinite(low * origin.factor) else (math.nan,) * 2
    )
    return DerivedTarget(target, origin, origin.factor * value, low, high)


def _of_answer(reply: Answer, window: int) -> tuple[float, float, float]:
    estimate = reply.parts[window].estimate
    if estimate is None:
        return math.nan, math.nan, math.nan
    ends = estimate.interval()
    return estimate.value, ends.lower, ends.upper


def _of_record(record: Record) -> tuple[float, float, float]:
    """Effect with its interval, a recollection of it, or the mean of the one group."""
    for column in ("effect", "mean_t"):
        value = record.number(column)
        recalled = _number(record[column].recalled)
        if value is not None or math.isfinite(recalled):
            ends = [
                _or_nan(record.number(f"effect_{end}")) if column == "effect" else math.nan for end in ("low", "high")
            ]
            return recalled if value is None else value, ends[0], ends[1]
    return math.nan, math.nan, math.nan


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
