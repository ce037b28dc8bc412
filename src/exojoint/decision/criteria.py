"""Criteria of a decision: what must be likely or unlikely before money is spent, read from a file.

A criterion asks for the chance, over what we do not know, that the *true* difference of an arm from control passes a
margin, or for the value of an operating characteristic of the trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.files import read_toml
from exojoint.core.units import parse_quantity
from exojoint.patients.quantities import Quantity, Section

Side = Literal["go", "no-go"]
SIDES: tuple[str, ...] = ("go", "no-go")
COMPARISONS = ("at least", "at most")
SYMBOLS = {"at least": ">=", "at most": "<="}
COMMON = ("name", "side", "endpoint", "day", "probability", "threshold")
SCHEMA = 1
# Any margin of a score, thickness or volume in its own unit stays far inside; catches typing errors of a power of ten.
WIDEST_MARGIN = 1e6
LAST_DAY = 36525.0


@dataclass(frozen=True, slots=True)
class EffectCriterion:
    """Chance that the true difference (arm minus control) passes a margin, against a threshold.

    Attributes
    ----------
    name : in words
    side : a met "go" criterion speaks for, a met "no-go" criterion against
    endpoint, day : observable and day of the difference
    difference : "at most" or "at least" the margin
    margin : in the endpoint's unit, with its life
    probability : "at least" or "at most" the threshold
    threshold : chance between 0 and 1, with its life
    """

    name: str
    side: Side
    endpoint: str
    day: float
    difference: str
    margin: Quantity
    probability: str
    threshold: Quantity

    def text(self, arm: str, control: str) -> str:
        """The criterion as one line of a report."""
        event = f"true {self.endpoint} of {arm} minus {control} at day {self.day:g} {SYMBOLS[self.difference]} "
        event += f"{self.margin.value:g} {self.margin.unit}"
        return f"{self.side}: {self.name}: P({event}) {SYMBOLS[self.probability]} {self.threshold.value:g}"


@dataclass(frozen=True, slots=True)
class PerformanceCriterion:
    """Value of an operating characteristic (assurance, power, type1) against a threshold; attributes as above."""

    name: str
    side: Side
    measure: str
    endpoint: str
    day: float
    probability: str
    threshold: Quantity

    def text(self) -> str:
        """The criterion as one line of a report."""
        subject = f"{self.measure} of {self.endpoint} at day {self.day:g}"
        return f"{self.side}: {self.name}: {subject} {SYMBOLS[self.probability]} {self.threshold.value:g}"


Criterion = EffectCriterion | PerformanceCriterion


@dataclass(frozen=True, slots=True)
class Criteria:
    """Everything a decision is judged by.

    Attributes
    ----------
    name, meaning : from the file
    criteria : in the file's order
    near : a result closer to its threshold than this many Monte Carlo errors is flagged
    mcid_within_patient : change that one patient notices; shown so that nobody mixes it with the between-arm margin
    """

    name: str
    meaning: str
    criteria: tuple[Criterion, ...]
    near: Quantity
    mcid_within_patient: Quantity

    @property
    def needs(self) -> tuple[tuple[str, float], ...]:
        """(endpoint, day) of every true difference that the run must provide, each once."""
        wanted = ((item.endpoint, item.day) for item in self.criteria if isinstance(item, EffectCriterion))
        return tuple(dict.fromkeys(wanted))


def list_criteria() -> tuple[str, ...]:
    """Names that `load_criteria` accepts."""
    folder = files("exojoint.decision") / "criteria"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_criteria(name: str) -> Criteria:
    """Criteria by name.

    Raises
    ------
    InputError
        For an unknown name (with a suggestion), or with every wrong key of the file at once.
    """
    known = list_criteria()
    if name not in known:
        todo = did_you_mean(name, known) or "Choose one of them."
        raise InputError(Problem(f"criteria '{name}'", "unknown criteria", f"one of {', '.join(known)}", todo))
    return read_criteria(files("exojoint.decision") / "criteria" / f"{name}.toml")


def read_criteria(path: Path | Traversable) -> Criteria:
    """Criteria from a file.

    Raises
    ------
    InputError
        With every wrong key, naming file and key.
    """
    data: dict[str, Any] = read_toml(path)
    problems: list[Problem] = []
    top = Section(data, path.name, problems)
    top.check_keys(("schema", "name", "meaning", "context", "criteria"), ("schema", "name", "meaning", "context"))
    if data.get("schema", SCHEMA) != SCHEMA:
        top.complain("schema", f"{data['schema']!r} is unknown", f"schema = {SCHEMA}", "Use the current form.")
    context = top.section("context")
    context.check_keys(("mcid_within_patient", "near"), ("mcid_within_patient", "near"))
    mcid = context.quantity("mcid_within_patient", "point", 0.0, 100.0)
    near = context.quantity("near", "1", 0.0, 10.0)
    found = _criteria(data.get("criteria"), top, problems)
    name, meaning = top.text("name"), top.text("meaning")
    raise_problems(problems)
    assert mcid is not None  # noqa: S101  a missing key has raised above
    assert near is not None  # noqa: S101  a missing key has raised above
    return Criteria(name, " ".join(meaning.split()), found, near, mcid)


def _criteria(data: object, top: Section, problems: list[Problem]) -> tuple[Criterion, ...]:
    """All criteria of a file; there must be one for each side, or nothing could ever be decided."""
    if not isinstance(data, list) or not data:
        top.complain("criteria", "no criteria", "at least one [[criteria]] per side", "Add [[criteria]] tables.")
        return ()
    found = []
    for number, item in enumerate(data, start=1):
        section = Section(item, f"{top.where} [[criteria]] {number}", problems)
        is_measure = isinstance(item, dict) and "measure" in item
        found.append(_performance(section) if is_measure else _effect(section))
    kept = tuple(item for item in found if item is not None)
    for side in SIDES:
        if len(kept) == len(data) and all(item.side != side for item in kept):
            top.complain("criteria", f"no criterion for '{side}'", f"at least one with side = '{side}'", "Add one.")
    return kept


def _effect(section: Section) -> EffectCriterion | None:
    """One criterion on a true difference, or None with notes."""
    before = len(section.problems)
    keys = (*COMMON, "difference", "margin")
    section.check_keys(keys, keys)
    name, side, endpoint, day, probability, threshold = _common(section)
    difference = section.choice("difference", COMPARISONS)
    margin = section.quantity("margin", section.unit_of("margin"), -WIDEST_MARGIN, WIDEST_MARGIN)
    if len(section.problems) > before or margin is None or threshold is None:
        return None
    return EffectCriterion(name, side, endpoint, day, difference, margin, probability, threshold)


def _performance(section: Section) -> PerformanceCriterion | None:
    """One criterion on an operating characteristic, or None with notes."""
    before = len(section.problems)
    keys = (*COMMON, "measure")
    section.check_keys(keys, keys)
    name, side, endpoint, day, probability, threshold = _common(section)
    measure = section.choice("measure", ("assurance", "power", "type1"))
    if len(section.problems) > before or threshold is None:
        return None
    return PerformanceCriterion(name, side, measure, endpoint, day, probability, threshold)


def _common(section: Section) -> tuple[str, Side, str, float, str, Quantity | None]:
    """Keys that both kinds share."""
    side: Side = "no-go" if section.choice("side", SIDES) == "no-go" else "go"
    threshold = section.quantity("threshold", "1", 0.0, 1.0)
    comparison = section.choice("probability", COMPARISONS)
    return section.text("name"), side, section.text("endpoint"), _day(section), comparison, threshold


def _day(section: Section) -> float:
    """Day of the difference, from a text such as "182 day" or "26 week"."""
    text = section.text("day")
    if not text:
        return 0.0
    try:
        day = parse_quantity(text, "day", f"{section.where} `day`")
    except InputError as error:
        section.problems.extend(error.problems)
        return 0.0
    if not 0.0 < day <= LAST_DAY:
        section.complain("day", f"'{text}' is out of range", "a day after day 0", "Correct it.")
    return day
