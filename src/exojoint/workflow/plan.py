"""A scenario with every name looked up: what will be simulated, checked before any work starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.knowledge import KnowledgeSpace, knowledge_space
from exojoint.core.tables import ParameterTable, read_parameters
from exojoint.core.units import parse_quantity
from exojoint.decision.criteria import Criteria, EffectCriterion, load_criteria, read_criteria
from exojoint.joint.model import JointModel, load_joint
from exojoint.patients.population import Population, load_population, patient_parameters, read_population
from exojoint.product.catalogue import Process, Source, load_process, load_source, product_parameters
from exojoint.product.instruments.nanosight import read_nanosight
from exojoint.product.instruments.nta import NtaExperiment
from exojoint.treatments.assemble import Knee, assemble
from exojoint.treatments.dispositions import administration_parameters
from exojoint.treatments.treatment import Treatment, dispositions_for, list_treatments, load_treatment
from exojoint.trial.design import Design
from exojoint.trial.design_file import load_design
from exojoint.workflow.scenario import Arm, Scenario, read_scenario

Loaded = TypeVar("Loaded")

PARTICLE = "particle"
SHARE_OF_MECHANISM: Mapping[str, float] = {"membrane": 1.0, "mirna": 0.0, "mixed": 0.5, "none": 1.0}
"""Share of the protein/membrane mechanism by scenario name (specification, `wP`); `none` also sets potencies to 0."""


@dataclass(frozen=True)
class ArmPlan:
    """One arm with its treatment and its dose in the treatment's unit (0 where it gives no active amount)."""

    arm: Arm
    treatment: Treatment
    amount: float
    volume_ml: float

    @property
    def name(self) -> str:
        """Name of the arm."""
        return self.arm.name

    @property
    def gives_vesicles(self) -> bool:
        """Whether the arm's dose comes out of a lot."""
        return "exosome" in self.treatment.dispositions and self.treatment.giving.amount_unit == PARTICLE


@dataclass(frozen=True)
class Plan:
    """Everything that a run needs, looked up and checked; nothing here is random.

    `table` holds every row the run may read (joint, dispositions, product, patients), `space` the unknown ones.
    """

    scenario: Scenario
    arms: tuple[ArmPlan, ...]
    joint: JointModel
    knee: Knee
    population: Population
    design: Design
    criteria: Criteria
    source: Source | None
    process: Process | None
    nta: NtaExperiment | None
    table: ParameterTable
    space: KnowledgeSpace

    @property
    def control(self) -> ArmPlan:
        """The control arm."""
        return next(plan for plan in self.arms if plan.arm.control)

    @property
    def active(self) -> tuple[ArmPlan, ...]:
        """All arms but the control, in the scenario's order."""
        return tuple(plan for plan in self.arms if not plan.arm.control)

    @property
    def primary_id(self) -> str:
        """Id of the headline effect: first active arm, primary endpoint, headline day."""
        primary = self.design.primary
        return f"effects/{self.active[0].name}/{primary.name}/{primary.headline:g}"

    def knowledge(self, z: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Values (k,) of all unknown rows for standard-normal rows z (k, n_axes), with the scenario's mechanism set."""
        return self.space.values(z)

    def owners(self) -> dict[str, str]:
        """Room or disposition that reads each unknown row, for grouping what drives a verdict."""
        found = dict.fromkeys(self.joint.parameters, "joint")
        for part in self.knee.dispositions:
            found |= dict.fromkeys(part.parameters, part.name)
        found |= dict.fromkeys(administration_parameters(), "administration")
        found |= dict.fromkeys(patient_parameters(), "patients")
        return {name: found.get(name, "product") for name in self.table}

    def synopsis(self) -> str:
        """What would be run, in words."""
        text = self.scenario.text
        lines = [
            f"{text.name}: {text.question}",
            f"species {text.species}, population {self.population.name}, structure {text.structure}, "
            f"mechanism {text.mechanism}",
        ]
        for plan in self.arms:
            dose = f"{plan.arm.dose_text} of " if plan.arm.dose_text else ""
            days = ", ".join(f"{day:g}" for day in plan.arm.days)
            given = f"{dose}{plan.treatment.title} in {plan.volume_ml:g} mL on days {days}"
            lines.append(f"  arm {plan.name}: {given}; n = {plan.arm.n}{' (control)' if plan.arm.control else ''}")
        simulation = text.simulation
        lines.append(
            f"  {simulation.knowledge_draws} knowledge draws x {simulation.patients_per_draw} patients x "
            f"{len(self.arms)} arms, {simulation.knowledge_draws * simulation.trials_per_draw} trials; "
            f"{len(self.knee.state_names)} states, "
            f"{len(self.table)} parameter rows, {self.space.n_axes} unknowns"
        )
        return "\n".join([*lines, "No errors."])

    def data(self) -> dict[str, Any]:
        """The synopsis for a machine."""
        return {
            "scenario": self.scenario.canonical(),
            "states": len(self.knee.state_names),
            "parameters": len(self.table),
            "unknowns": self.space.n_axes,
            "errors": [],
        }


class _Collector:
    """Runs loaders and keeps what is wrong, so that all of it is told at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def get(self, load: Callable[[], Loaded]) -> Loaded | None:
        try:
            return load()
        except InputError as error:
            self.problems.extend(error.problems)
            return None


def make_plan(path: Path, *, seed: int | None = None, patients: int | None = None, trials: int | None = None) -> Plan:
    """Read a scenario and look up all it names.

    Raises
    ------
    InputError
        With every problem of the scenario and of the files it names.
    """
    scenario = read_scenario(path, seed=seed, patients=patients, trials=trials)
    text, found = scenario.text, _Collector()
    arms = [found.get(partial(_arm_plan, scenario, arm)) for arm in scenario.arms]
    population = found.get(lambda: _population(scenario))
    design = found.get(lambda: _design(scenario))
    criteria = found.get(lambda: _criteria(scenario))
    joint = found.get(lambda: load_joint(text.species, text.structure))
    source, process, nta = _lot(scenario, arms, found)
    overrides = found.get(lambda: _overrides(scenario))
    if found.problems or joint is None or design is None or population is None or criteria is None or overrides is None:
        raise InputError(*found.problems)
    plans = tuple(arm for arm in arms if arm is not None)
    names = [plan.treatment.name for plan in plans]
    if design.conduct.rescue is not None:
        names.append(design.conduct.rescue.treatment)
    knee = _with_overrides(assemble(joint, dispositions_for(names, structure=text.structure)), overrides)
    table = _whole_table(knee, source, process, overrides)
    plan = Plan(
        scenario, plans, joint, knee, population, design, criteria, source, process, nta, table, knowledge_space(table)
    )
    _cross_checks(plan)
    return plan


def _arm_plan(scenario: Scenario, arm: Arm) -> ArmPlan:
    where = f"{scenario.path.name}, arm '{arm.name}'"
    known = list_treatments()
    if arm.treatment not in known:
        todo = did_you_mean(arm.treatment, known) or "Use a name of `exojoint list treatments`."
        raise InputError(
            Problem(
                f"{where}, key 'treatment'", f"{arm.treatment!r} is not a treatment", f"one of {', '.join(known)}", todo
            )
        )
    treatment = load_treatment(arm.treatment)
    volume = treatment.giving.volume_ml if arm.volume_ml is None else arm.volume_ml
    unit = treatment.giving.amount_unit
    if unit == "":
        if arm.dose_text is not None:
            raise InputError(
                Problem(f"{where}, key 'dose'", f"{treatment.name} has no active amount", "no dose", "Remove the key.")
            )
        return ArmPlan(arm, treatment, 0.0, volume)
    if arm.dose_text is None:
        expected = f'an amount with a unit, such as "5e11 particles" or "40 mg" (here: {unit})'
        raise InputError(Problem(f"{where}, key 'dose'", "the dose is missing", expected, "Add the dose."))
    amount = parse_quantity(arm.dose_text, unit, f"{where}, key 'dose'")
    if amount < 0:
        raise InputError(
            Problem(f"{where}, key 'dose'", f"{arm.dose_text!r} is negative", "0 or more", "Correct the dose.")
        )
    return ArmPlan(arm, treatment, amount, volume)


def _file(scenario: Scenario, name: str) -> Path:
    return scenario.folder / name


def _population(scenario: Scenario) -> Population:
    name = scenario.text.population
    return read_population(_file(scenario, name)) if name.endswith(".toml") else load_population(name)


def _design(scenario: Scenario) -> Design:
    name = scenario.text.design
    return load_design(str(_file(scenario, name)) if name.endswith(".toml") else name)


def _criteria(scenario: Scenario) -> Criteria:
    name = scenario.text.criteria
    return read_criteria(_file(scenario, name)) if name.endswith(".toml") else load_criteria(name)


def _overrides(scenario: Scenario) -> ParameterTable:
    name = scenario.text.parameters
    return read_parameters(_file(scenario, name)) if name else ParameterTable()


def _lot(
    scenario: Scenario, arms: list[ArmPlan | None], found: _Collector
) -> tuple[Source | None, Process | None, NtaExperiment | None]:
    text = scenario.text.lot
    if text is None:
        if any(arm is not None and arm.gives_vesicles for arm in arms):
            found.problems.append(
                Problem(
                    f"{scenario.path.name}, key 'lot'",
                    "an arm gives vesicles and there is no lot",
                    "a [lot] table with source and process",
                    "Add it.",
                )
            )
        return None, None, None
    source = found.get(lambda: load_source(text.source))
    process = found.get(lambda: load_process(text.process))
    nta = found.get(lambda: read_nanosight(_file(scenario, text.nta or ""))) if text.nta else None
    return source, process, nta


def _with_overrides(knee: Knee, overrides: ParameterTable) -> Knee:
    mine = [row for name, row in overrides.items() if name in knee.parameters]
    if not mine:
        return knee
    changed = {row.name: row for row in mine}
    return replace(knee, parameters=ParameterTable(changed.get(name, row) for name, row in knee.parameters.items()))


def _whole_table(
    knee: Knee, source: Source | None, process: Process | None, overrides: ParameterTable
) -> ParameterTable:
    table = knee.parameters.merge(administration_parameters())
    table = table.merge(patient_parameters().select(name for name in patient_parameters() if name not in table))
    if source is not None and process is not None:
        table = table.merge(product_parameters(source.name, process.name, reach="patient"))
    unknown = [row for name, row in overrides.items() if name not in table]
    if unknown:
        raise InputError(
            *(
                Problem(
                    row.place,
                    "no table has a row of this name",
                    "the name of a shipped row",
                    did_you_mean(row.name, table),
                )
                for row in unknown
            )
        )
    return ParameterTable(overrides.get(name, row) for name, row in table.items())


def _cross_checks(plan: Plan) -> None:
    problems = []
    where = plan.scenario.path.name
    last = max(plan.design.days)
    for arm in plan.arms:
        if max(arm.arm.days) > last:
            problems.append(
                Problem(
                    f"{where}, arm '{arm.name}'",
                    f"a dose on day {max(arm.arm.days):g} comes after the last visit",
                    f"days up to {last:g}",
                    "Drop it or choose a longer design.",
                )
            )
    for name in plan.design.observables:
        if name not in plan.joint.observables:
            problems.append(
                Problem(
                    f"{where}, key 'design'",
                    f"{plan.design.name} reads {name}, which is not defined for the {plan.joint.species}",
                    "a design with this species' endpoints",
                    "Choose another design.",
                )
            )
    for item in plan.criteria.criteria:
        if isinstance(item, EffectCriterion):
            measured = {f"{e.name} at day {day:g}" for e in plan.design.endpoints for day in e.days[1:]}
            asked = f"{item.endpoint} at day {item.day:g}"
            if asked not in measured:
                todo = did_you_mean(asked, measured) or "Choose other criteria or another design."
                problems.append(
                    Problem(
                        f"{where}, key 'criteria'",
                        f"{item.name!r} asks for {asked}, which {plan.design.name} does not measure",
                        "an endpoint and day of the design",
                        todo,
                    )
                )
    if problems:
        raise InputError(*problems)
