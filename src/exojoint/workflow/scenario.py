"""The question as a file: reads a scenario, checks every key and unit, and reports all that is wrong at once.

A scenario is TOML; every quantity is text with a unit; unknown keys are errors (schema 1). What a name points at
(treatment, population, design, criteria, source, process) is looked up by the checks of `checks.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.files import read_toml
from exojoint.core.units import parse_quantity
from exojoint.joint.induction import list_inductions
from exojoint.joint.tables import STRUCTURES
from exojoint.workflow.knowledge import KINDS

MAX_SCENARIO_BYTES = 1_000_000
SCHEMA = 1
MECHANISMS = ("membrane", "mirna", "mixed", "none")
SPECIES = ("human", "rat", "mouse", "rabbit")

Count = Annotated[int, Field(ge=1, le=1_000_000, strict=True)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LotText(_Table):
    """`[lot]`: where the vesicles come from."""

    source: str
    process: str
    lots_per_trial: Count = 3
    nta: str | None = None
    material: Literal["vesicles", "beads"] = "vesicles"
    null_product: bool = False


class AlsoText(_Table):
    """`[[arms.also]]`: what the same patients get besides, together or before or after."""

    treatment: str
    dose: str | None = None
    volume: str | None = None
    days: Annotated[list[float], Field(min_length=1, max_length=500)]
    stop: float | None = None
    needle: bool = True


class ArmText(_Table):
    """`[[arms]]`: what one group of patients gets."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    treatment: str
    dose: str | None = None
    volume: str | None = None
    days: Annotated[list[float], Field(min_length=1, max_length=500)]
    n: Count
    control: bool = False
    also: Annotated[list[AlsoText], Field(max_length=20)] = []


class RivalText(_Table):
    """`[[rivals]]`: another explanation of what vesicles do or how a knee works, and how much weight it is given.

    What is not said is as in the scenario. The scenario's own explanation keeps the weight that the rivals leave.
    """

    mechanism: str | None = None
    structure: str | None = None
    weight: Annotated[float, Field(gt=0.0, lt=1.0)]
    because: Annotated[str, Field(max_length=300)] = "assumed"


class SimulationText(_Table):
    """`[simulation]`: how much computing the answer gets."""

    knowledge_draws: Annotated[int, Field(ge=2, le=100_000, strict=True)] = 64
    patients_per_draw: Annotated[int, Field(ge=20, le=1_000_000, strict=True)] = 200
    trials_per_draw: Count = 20
    patients_per_driver: Annotated[int, Field(ge=4, le=10_000, strict=True)] = 24


class ScenarioText(_Table):
    """The file as written."""

    schema_: Annotated[int, Field(alias="schema", strict=True)]
    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    question: Annotated[str, Field(min_length=1, max_length=500)]
    species: str = "human"
    population: str
    design: str
    criteria: str
    structure: str = "default"
    mechanism: str = "membrane"
    induction: str | None = None
    knowledge: str = "posterior"
    seed: Annotated[int, Field(ge=0, lt=2**63, strict=True)]
    parameters: str | None = None
    lot: LotText | None = None
    arms: Annotated[list[ArmText], Field(min_length=1, max_length=20)]
    simulation: SimulationText = SimulationText()
    rivals: Annotated[list[RivalText], Field(max_length=12)] = []


@dataclass(frozen=True, slots=True)
class Also:
    """A further treatment of an arm: days from randomisation, when tablets stop, whether it has a needle of its own."""

    treatment: str
    dose_text: str | None
    volume_ml: float | None
    days: tuple[float, ...]
    stop: float | None
    needle: bool


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm with its quantities in canonical units: dose in `dose_unit`, volume in mL, days from randomisation."""

    name: str
    treatment: str
    dose_text: str | None
    volume_ml: float | None
    days: tuple[float, ...]
    n: int
    control: bool
    also: tuple[Also, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A checked scenario. `folder` is where relative paths start; `text` is the file as read (kept in the manifest)."""

    path: Path
    text: ScenarioText
    arms: tuple[Arm, ...]

    @property
    def folder(self) -> Path:
        """Folder that relative paths in the file start from."""
        return self.path.parent

    @property
    def control(self) -> Arm:
        """The control arm (exactly one, by the checks)."""
        return next(arm for arm in self.arms if arm.control)

    def canonical(self) -> dict[str, object]:
        """Content of the scenario as plain data, the same for any formatting of the file."""
        return self.text.model_dump(mode="json", by_alias=True)


def read_scenario(
    path: Path, *, seed: int | None = None, patients: int | None = None, trials: int | None = None
) -> Scenario:
    """Read a scenario file; `seed`, `patients` (per draw) and `trials` (in all) replace what the file says.

    Raises
    ------
    InputError
        With one problem per wrong key, unit or value; nothing has been computed or written.
    """
    data = read_toml(path, MAX_SCENARIO_BYTES)
    try:
        text = ScenarioText.model_validate(data)
    except ValidationError as error:
        raise InputError(*_problems(path, error)) from None
    text = _override(text, path, seed, patients, trials)
    problems: list[Problem] = []
    arms = tuple(_arm(path, index, arm, problems) for index, arm in enumerate(text.arms))
    problems += _closed_lists(path, text) + _induced(path, text) + _rivals(path, text) + _arm_set(path, arms)
    if problems:
        raise InputError(*problems)
    return Scenario(path, text, arms)


def _override(
    text: ScenarioText, path: Path, seed: int | None, patients: int | None, trials: int | None
) -> ScenarioText:
    simulation = text.simulation.model_dump()
    if patients is not None:
        simulation["patients_per_draw"] = patients
    if trials is not None:
        simulation["trials_per_draw"] = max(1, math.ceil(trials / text.simulation.knowledge_draws))
    try:
        return ScenarioText.model_validate(
            text.model_dump(by_alias=True) | {"simulation": simulation, "seed": text.seed if seed is None else seed}
        )
    except ValidationError as error:
        raise InputError(*_problems(path, error, "command line, ")) from None


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "lot": LotText, "arms": ArmText, "also": AlsoText, "simulation": SimulationText, "rivals": RivalText,
    }  # fmt: skip
    table: type[BaseModel] = ScenarioText
    for part in location:
        table = tables.get(str(part), table)
    return [field.alias or name for name, field in table.model_fields.items()]


def _problems(path: Path, error: ValidationError, prefix: str = "") -> list[Problem]:
    found = []
    for item in error.errors():
        location = item["loc"]
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
        where = f"{prefix}{path.name}, key '{key}'"
        known = _known_keys(location[:-1])
        if item["type"] == "extra_forbidden":
            hint = did_you_mean(str(location[-1]), known)
            todo = f"{hint} Otherwise remove the key.".strip()
            found.append(Problem(where, "this key is not known", f"one of {', '.join(known)}", todo))
        elif item["type"] == "missing":
            found.append(Problem(where, "this key is missing", "a value", f"Add '{location[-1]}' to the file."))
        else:
            message = item["msg"][0].lower() + item["msg"][1:]
            shown = repr(item["input"])
            got = shown if len(shown) <= 60 else shown[:57] + "..."
            found.append(Problem(where, f"{got} does not fit", message, "Correct the value."))
    return found


def _arm(path: Path, index: int, arm: ArmText, problems: list[Problem]) -> Arm:
    where = f"{path.name}, key 'arms[{index}]"
    volume = _volume(where, arm.volume, problems)
    problems += _days(where, arm.days)
    also = []
    for position, more in enumerate(arm.also):
        here = f"{where}.also[{position}]"
        problems += _days(here, more.days)
        if more.stop is not None and not more.days[0] < more.stop < math.inf:
            what = f"stops on day {more.stop:g}, before it starts"
            problems.append(Problem(f"{here}.stop'", what, f"a day after {more.days[0]:g}", "Correct one of them."))
        liquid = _volume(here, more.volume, problems)
        also.append(Also(more.treatment, more.dose, liquid, tuple(more.days), more.stop, more.needle))
    return Arm(arm.name, arm.treatment, arm.dose, volume, tuple(arm.days), arm.n, arm.control, tuple(also))


def _volume(where: str, said: str | None, problems: list[Problem]) -> float | None:
    if said is None:
        return None
    try:
        volume = parse_quantity(said, "mL", f"{where}.volume'")
    except InputError as error:
        problems.extend(error.problems)
        return None
    if not 0 < volume <= 100:
        expected = "more than 0 and at most 100 mL"
        problems.append(Problem(f"{where}.volume'", f"{said!r}", expected, "Correct the volume."))
    return volume


def _days(where: str, days: list[float]) -> list[Problem]:
    problems = []
    for position, day in enumerate(days):
        if not math.isfinite(day) or day < 0:
            at, what = f"{where}.days[{position}]'", f"day {day:g} is before randomisation"
            problems.append(Problem(at, what, "days from 0 on", "Day 0 is randomisation."))
    if sorted(set(days)) != list(days):
        what = "days are not ascending"
        problems.append(Problem(f"{where}.days'", what, "each day once, ascending", "Sort the days."))
    return problems


def _closed_lists(path: Path, text: ScenarioText) -> list[Problem]:
    problems = []
    if text.schema_ != SCHEMA:
        problems.append(
            Problem(
                f"{path.name}, key 'schema'",
                f"schema {text.schema_} is not known",
                f"schema = {SCHEMA}",
                "See docs/reference/scenario.md.",
            )
        )
    for key, value, known in (
        ("species", text.species, SPECIES),
        ("structure", text.structure, STRUCTURES),
        ("mechanism", text.mechanism, MECHANISMS),
        ("knowledge", text.knowledge, KINDS),
    ):
        if value not in known:
            todo = did_you_mean(value, known) or "Use a name from the list."
            problems.append(
                Problem(f"{path.name}, key '{key}'", f"{value!r} is not known", f"one of {', '.join(known)}", todo)
            )
    return problems


def _rivals(path: Path, text: ScenarioText) -> list[Problem]:
    """Rivals are known by name, differ from each other, and leave some weight to the scenario's own explanation."""
    problems, seen = [], {(text.mechanism, text.structure)}
    for index, rival in enumerate(text.rivals):
        where = f"{path.name}, key 'rivals[{index}]"
        for key, value, known in (
            ("mechanism", rival.mechanism, MECHANISMS),
            ("structure", rival.structure, STRUCTURES),
        ):
            if value is not None and value not in known:
                todo = did_you_mean(value, known) or "Use a name from the list."
                expected = f"one of {', '.join(known)}"
                problems.append(Problem(f"{where}.{key}'", f"{value!r} is not known", expected, todo))
        own = (rival.mechanism or text.mechanism, rival.structure or text.structure)
        if own in seen:
            what = f"mechanism {own[0]} in structure {own[1]} is there already"
            problems.append(Problem(f"{where}'", what, "another mechanism or structure", "Remove it or change it."))
        seen.add(own)
    total = sum(rival.weight for rival in text.rivals)
    if total >= 1.0:
        what, expected = f"the weights add up to {total:g}", "less than 1; the rest is the scenario's own explanation"
        problems.append(Problem(f"{path.name}, key 'rivals'", what, expected, "Lower some of them."))
    return problems


def _induced(path: Path, text: ScenarioText) -> list[Problem]:
    """Animals are given their disease by an induction, people bring theirs."""
    where, known = f"{path.name}, key 'induction'", list_inductions(text.species)
    if text.induction is None and known:
        expected = f"one of {', '.join(known)}"
        return [Problem(where, f"the {text.species} is healthy and nothing is done to it", expected, "Add the key.")]
    if text.induction is not None and text.induction not in known:
        expected = f"one of {', '.join(known)}" if known else "no induction"
        todo = did_you_mean(text.induction, known) or "Remove the key or change the species."
        return [Problem(where, f"{text.induction!r} is not known for the {text.species}", expected, todo)]
    return []


def _arm_set(path: Path, arms: tuple[Arm, ...]) -> list[Problem]:
    where = f"{path.name}, key 'arms'"
    problems = []
    if len(arms) < 2:
        problems.append(
            Problem(
                where,
                "there is one arm only",
                "at least two arms, one of them with control = true",
                "Add a control arm.",
            )
        )
    names = [arm.name for arm in arms]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(
            Problem(where, f"two arms are called {name!r}", "a name of its own for each arm", "Rename one.")
        )
    controls = sum(arm.control for arm in arms)
    if len(arms) >= 2 and controls != 1:
        problems.append(
            Problem(
                where,
                f"{controls} arms say control = true",
                "exactly one control arm",
                "Mark the comparator with control = true.",
            )
        )
    return problems
