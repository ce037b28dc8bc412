"""Looks up everything a scenario names and checks that it fits together; all problems are told at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.tables import Parameter, ParameterTable, read_parameters
from exojoint.core.units import parse_quantity
from exojoint.decision.criteria import Criteria, load_criteria, read_criteria
from exojoint.joint.induction import load_induction
from exojoint.joint.model import load_joint
from exojoint.patients.animals import Colony, load_colony
from exojoint.patients.population import Population, load_population, patient_parameters, read_population
from exojoint.product.catalogue import Process, Source, load_process, load_source, product_parameters
from exojoint.product.instruments.nanosight import read_nanosight
from exojoint.product.instruments.nta import NtaExperiment
from exojoint.product.lot import check_material
from exojoint.treatments.animals import VOLUME, animal_rows
from exojoint.treatments.assemble import Knee, assemble
from exojoint.treatments.course import dispositions_for_courses
from exojoint.treatments.dispositions import administration_parameters
from exojoint.treatments.treatment import Treatment, list_treatments, load_treatment
from exojoint.trial.design import Design
from exojoint.trial.design_file import load_design
from exojoint.workflow.plan import AlsoPlan, ArmPlan, Asked, Plan, Product, Rival, gives_vesicles
from exojoint.workflow.scenario import Also, Arm, Scenario, read_scenario

Loaded = TypeVar("Loaded")


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
    found = _Collector()
    arms = [found.get(partial(_arm_plan, scenario, arm)) for arm in scenario.arms]
    population = found.get(lambda: _population(scenario))
    design = found.get(lambda: _design(scenario))
    criteria = found.get(lambda: _criteria(scenario))
    source, process, nta = _lot(scenario, arms, found)
    overrides = found.get(lambda: _overrides(scenario))
    if found.problems or design is None or population is None or criteria is None or overrides is None:
        raise InputError(*found.problems)
    plans = tuple(arm for arm in arms if arm is not None)
    asked, product = Asked(design, criteria), Product(source, process, nta)
    knee, table = _knee(scenario, plans, asked, product, overrides)
    plan = Plan(scenario, plans, knee, population, asked, product, table)
    _cross_checks(plan)
    return replace(plan, rivals=_rivals(plan, overrides))


def _rivals(plan: Plan, overrides: ParameterTable) -> tuple[Rival, ...]:
    """The scenario's own explanation with the weight that is left, then its rivals; none where it weighs none."""
    text = plan.scenario.text
    if not text.rivals:
        return ()
    left = 1.0 - sum(rival.weight for rival in text.rivals)
    found = [Rival(_named(text.mechanism, text.structure), left, "the scenario's own", plan)]
    for rival in text.rivals:
        mechanism, structure = rival.mechanism or text.mechanism, rival.structure or text.structure
        own = text.model_copy(update={"mechanism": mechanism, "structure": structure, "rivals": []})
        scenario = replace(plan.scenario, text=own)
        knee, table = plan.knee, plan.table
        if structure != text.structure:
            knee, table = _knee(scenario, plan.arms, plan.asked, plan.product, overrides)
        other = replace(plan, scenario=scenario, knee=knee, table=table)
        _cross_checks(other)
        found.append(Rival(_named(mechanism, structure), rival.weight, rival.because, other))
    return tuple(found)


def _named(mechanism: str, structure: str) -> str:
    return mechanism if structure == "default" else f"{mechanism}, {structure}"


def _knee(
    scenario: Scenario, arms: Sequence[ArmPlan], asked: Asked, product: Product, overrides: ParameterTable
) -> tuple[Knee, ParameterTable]:
    """The knee of the scenario's structure with the arms' dispositions, and every row that the run may read."""
    text = scenario.text
    joint = load_joint(text.species, text.structure)
    courses = [arm.treatments for arm in arms]
    if asked.design.conduct.rescue is not None:
        courses.append((load_treatment(asked.design.conduct.rescue.treatment),))
    knee = _with_overrides(assemble(joint, dispositions_for_courses(courses, structure=text.structure)), overrides)
    injury = load_induction(joint, text.induction).rows if text.induction else ParameterTable()
    return knee, _whole_table(knee, injury, product, overrides)


def _arm_plan(scenario: Scenario, arm: Arm) -> ArmPlan:
    where = f"{scenario.path.name}, arm '{arm.name}'"
    found = _Collector()
    main = found.get(partial(_given, scenario, where, arm))
    also = []
    for index, more in enumerate(arm.also):
        here = f"{where}, also[{index}]"
        besides = found.get(partial(_given, scenario, here, more))
        if besides is not None:
            also.append(AlsoPlan(more, *besides))
            found.get(partial(_check_besides, here, also[-1]))
    if found.problems or main is None:
        raise InputError(*found.problems)
    return ArmPlan(arm, *main, tuple(also))


def _check_besides(where: str, more: AlsoPlan) -> None:
    """One lot per patient, and only tablets and programmes can stop."""
    if gives_vesicles(more.treatment):
        what, expected = f"{more.treatment.name} comes out of a lot", "a vesicle product as the arm's own treatment"
        raise InputError(Problem(where, what, expected, "Exchange the two."))
    if more.also.stop is not None and {dose.kind for dose in more.treatment.giving.doses} != {"input"}:
        what, expected = f"{more.treatment.name} cannot be stopped once it is given", "tablets, a brace, a programme"
        raise InputError(
            Problem(f"{where}, key 'stop'", what, expected, "Remove the key; an injection wanes by itself.")
        )


def _given(scenario: Scenario, where: str, arm: Arm | Also) -> tuple[Treatment, float, float]:
    """Treatment, amount in its unit and volume in mL."""
    known = list_treatments()
    if arm.treatment not in known:
        todo = did_you_mean(arm.treatment, known) or "Use a name of `exojoint list treatments`."
        raise InputError(
            Problem(
                f"{where}, key 'treatment'", f"{arm.treatment!r} is not a treatment", f"one of {', '.join(known)}", todo
            )
        )
    treatment = load_treatment(arm.treatment)
    usual = treatment.giving.volume_ml
    if usual and scenario.text.induction is not None:
        usual = animal_rows(scenario.text.species)[VOLUME]
    volume = usual if arm.volume_ml is None else arm.volume_ml
    unit = treatment.giving.amount_unit
    if unit == "":
        if arm.dose_text is not None:
            raise InputError(
                Problem(f"{where}, key 'dose'", f"{treatment.name} has no active amount", "no dose", "Remove the key.")
            )
        return treatment, 0.0, volume
    if arm.dose_text is None:
        expected = f'an amount with a unit, such as "5e11 particles" or "40 mg" (here: {unit})'
        raise InputError(Problem(f"{where}, key 'dose'", "the dose is missing", expected, "Add the dose."))
    amount = parse_quantity(arm.dose_text, unit, f"{where}, key 'dose'")
    if amount < 0:
        raise InputError(
            Problem(f"{where}, key 'dose'", f"{arm.dose_text!r} is negative", "0 or more", "Correct the dose.")
        )
    return treatment, amount, volume


def _file(scenario: Scenario, name: str) -> Path:
    return scenario.folder / name


def _population(scenario: Scenario) -> Population | Colony:
    name = scenario.text.population
    if scenario.text.induction is not None:
        return load_colony(name, scenario.text.species)
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
    nta = found.get(lambda: _measured(scenario, text.nta or "", text.material)) if text.nta else None
    return source, process, nta


def _measured(scenario: Scenario, name: str, material: str) -> NtaExperiment:
    experiment = read_nanosight(_file(scenario, name))
    check_material(experiment, material)
    return experiment


def _with_overrides(knee: Knee, overrides: ParameterTable) -> Knee:
    mine = [row for name, row in overrides.items() if name in knee.parameters]
    if not mine:
        return knee
    changed = {row.name: row for row in mine}
    return replace(knee, parameters=ParameterTable(changed.get(name, row) for name, row in knee.parameters.items()))


def _whole_table(knee: Knee, injury: ParameterTable, product: Product, overrides: ParameterTable) -> ParameterTable:
    """Every row that the run may read, each with the room of its table."""
    structure, source, process = knee.joint.structure, product.source, product.process
    rows = {name: _in_room(row, "joint") for name, row in knee.joint.parameters.items()}
    rows |= {name: _in_room(row, "joint") for name, row in injury.items()}
    for part in knee.dispositions:
        rows |= {name: _in_room(row, "treatments") for name, row in part.parameters.items()}
    rows |= {name: _in_room(row, "treatments") for name, row in administration_parameters(structure).items()}
    rows |= {name: _in_room(row, "patients") for name, row in patient_parameters().items() if name not in rows}
    if source is not None and process is not None:
        made = product_parameters(source.name, process.name, reach="patient")
        rows |= {name: _in_room(row, "product") for name, row in made.items()}
    table = ParameterTable(rows.values())
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


def _in_room(row: Parameter, room: str) -> Parameter:
    return dataclasses.replace(row, table=f"{room}/{row.table}")


def _cross_checks(plan: Plan) -> None:
    _ = plan.known  # refuses a posterior that was made for other tables
    problems = []
    where = plan.scenario.path.name
    last = max(plan.design.days)
    for arm in plan.arms:
        for day in (d for d in (max(more.also.days) for more in arm.also) if d > last):
            what = f"a dose on day {day:g} comes after the last visit"
            todo = "Drop it or choose a longer design."
            problems.append(Problem(f"{where}, arm '{arm.name}', key 'also'", what, f"days up to {last:g}", todo))
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
    measured = [f"{e.name} at day {day:g}" for e in plan.design.endpoints for day in e.days[1:]]
    for endpoint, day in plan.criteria.needs:
        asked = f"{endpoint} at day {day:g}"
        if asked not in measured:
            todo = did_you_mean(asked, measured) or "Choose other criteria or another design."
            what = f"a criterion asks for {asked}, which {plan.design.name} does not measure"
            problems.append(Problem(f"{where}, key 'criteria'", what, "an endpoint and day of the design", todo))
    if problems:
        raise InputError(*problems)
