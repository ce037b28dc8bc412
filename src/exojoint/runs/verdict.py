"""The verdict as a document: `verdict.json`, schema 1, for people and machines alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from exojoint.core.errors import InputError, Problem
from exojoint.runs.documents import read_json, write_json
from exojoint.runs.migrations import migrate
from exojoint.runs.records import STRICT, from_plain, label, to_plain

VERDICT = "verdict.json"
SCHEMA = 1
Word = Literal["go", "no-go", "learn"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One criterion: the probability that it holds over the knowledge draws, beside the probability it asks for."""

    criterion: str
    threshold: float
    probability: float
    mc_error: float
    met: bool

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Interval:
    """True effect over the knowledge draws: mean and the limits that hold the level of the draws."""

    mean: float
    lo: float
    hi: float

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Effect:
    """One headline effect: the truth of the model beside what a trial of this design would report.

    `true` is known without trial noise; `estimate`, `lo`, `hi` are the simulated trial's mean estimate and mean
    confidence limits; `mc_error` belongs to `true.mean`.
    """

    id: str
    arm: str
    control: str
    endpoint: str
    day: float
    unit: str
    estimand: str
    true: Interval
    estimate: float | None
    lo: float | None
    hi: float | None
    level: float
    mc_error: float
    n_patients: int
    n_failed: int

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Rate:
    """A probability estimated by simulation, with its Monte Carlo standard error and what it counts."""

    value: float
    mc_error: float
    n: int

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Operating:
    """How the trial behaves: false positives on the null product, then power and assurance."""

    type1: Rate | None
    power: Rate | None
    assurance: Rate | None

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Variance:
    """What the spread of the first effect over the draws rests on: shares by grade and by parameter, and the rest."""

    by_grade: Mapping[str, float]
    by_parameter: Mapping[str, float]
    interactions: float

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Mirna:
    """Stoichiometry: copies of a miRNA that reach a cell, beside the number that can silence a target."""

    copies_per_cell: float
    threshold: float = 1000.0  # copies/cell; contracts of verdict.json, schema 1

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Relative error of the solver against a tight-tolerance solve of `n` patients: median and 99th percentile."""

    p50: float
    p99: float
    n: int

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class RivalLine:
    """One explanation: its weight, how many draws believed it, and what would be said if it alone were true.

    `probability` holds, by criterion about effects, the share of its draws that pass; `true` is null without draws.
    """

    name: str
    weight: float
    because: str
    n_draws: int
    true: Interval | None
    verdict: str
    probability: Mapping[str, float] = field(default_factory=dict)

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Rivals:
    """Structural uncertainty: share of the first effect's variance that lies between explanations, with 80 % limits."""

    effect: str
    share_between: float
    lo: float
    hi: float
    lines: tuple[RivalLine, ...]

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class VerdictFile:
    """All of `verdict.json` but its schema number."""

    run: str
    scenario: str
    verdict: Word
    reasons: tuple[Reason, ...]
    effects: tuple[Effect, ...]
    operating: Operating
    variance: Variance
    mirna: Mirna
    accuracy: Accuracy
    lots: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    rivals: Rivals | None = None

    __pydantic_config__ = STRICT


def effect_id(arm: str, endpoint: str, day: float) -> str:
    """Id of a headline effect, as `exojoint trace` takes it: ``effects/exosome/womac_pain/182``."""
    return f"effects/{arm}/{endpoint}/{day:g}"


def write_verdict(folder: Path, verdict: VerdictFile) -> Path:
    """Write `verdict.json`.

    Raises
    ------
    InputError
        When the content contradicts itself (see `check_verdict`).
    ValueError
        When a number is not finite.
    """
    check_verdict(verdict, label(folder, VERDICT))
    content = {"schema": SCHEMA, **to_plain(verdict)}
    if verdict.rivals is None:
        del content["rivals"]  # an optional key: there where a scenario weighs rivals
    return write_json(folder, VERDICT, content)


def read_verdict(folder: Path) -> VerdictFile:
    """Read and check `verdict.json`; older schemas are migrated.

    Raises
    ------
    InputError
        With one problem per wrong key.
    """
    where = label(folder, VERDICT)
    data = migrate(VERDICT, read_json(folder, VERDICT), SCHEMA, where)
    verdict = from_plain(VerdictFile, {key: value for key, value in data.items() if key != "schema"}, where)
    check_verdict(verdict, where)
    return verdict


def check_verdict(verdict: VerdictFile, where: str) -> None:
    """Check what types cannot say: ids are unique and speak of their effect, probabilities are probabilities, lo <= hi.

    Raises
    ------
    InputError
        With one problem per contradiction.
    """
    problems = [*_effect_problems(verdict.effects, where), *_probability_problems(verdict, where)]
    if problems:
        raise InputError(problems[0], *problems[1:])


def _problem(where: str, key: str, what: str, expected: str) -> Problem:
    return Problem(f"{where}, key '{key}'", what, expected, "Correct the stage that wrote it.")


def _effect_problems(effects: tuple[Effect, ...], where: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, effect in enumerate(effects):
        key = f"effects[{index}]"
        wanted = effect_id(effect.arm, effect.endpoint, effect.day)
        if effect.id != wanted or effect.id in seen:
            yield _problem(where, f"{key}.id", f"{effect.id!r} is used twice or names another effect", repr(wanted))
        seen.add(effect.id)
        if effect.true.lo > effect.true.hi or (
            effect.lo is not None and effect.hi is not None and effect.lo > effect.hi
        ):
            yield _problem(where, key, "the lower limit is above the upper one", "lo <= hi")
        if not 0 < effect.level < 1:
            yield _problem(where, f"{key}.level", f"{effect.level}", "a level between 0 and 1")
        if effect.mc_error < 0 or effect.n_failed < 0 or effect.n_patients < effect.n_failed:
            yield _problem(
                where,
                key,
                "a count or an error is negative, or more failed than there were",
                "0 <= n_failed <= n_patients",
            )


def _probabilities(verdict: VerdictFile) -> Iterable[tuple[str, float]]:
    for index, reason in enumerate(verdict.reasons):
        yield f"reasons[{index}].probability", reason.probability
    for name in ("type1", "power", "assurance"):
        rate: Rate | None = getattr(verdict.operating, name)
        if rate is not None:
            yield f"operating.{name}.value", rate.value


def _probability_problems(verdict: VerdictFile, where: str) -> Iterator[Problem]:
    for key, value in _probabilities(verdict):
        if not 0 <= value <= 1:
            yield _problem(where, key, f"{value} is not a probability", "0 to 1")
