"""Pools of virtual patients, burned in, and their courses under every arm and lot: the engine's calls of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.core.streams import Stream
from exojoint.engine import Event, Kernel, Outcome, Trajectory, solve
from exojoint.joint.burn_in import BurnedIn, burn_in
from exojoint.joint.starting import starting_state
from exojoint.joint.tables import REFERENCE
from exojoint.patients.animals import Colony, usable_animals
from exojoint.patients.sampling import Patients, match_effusion, recruit, reweigh, with_knowledge
from exojoint.product.delivery import deliver, fill_scores
from exojoint.product.lot import Lot, lot_parameters
from exojoint.treatments.administer import Amount, administer
from exojoint.treatments.dispositions import administration_parameters
from exojoint.treatments.treatment import load_treatment
from exojoint.workflow.colony import animals_of, injury_events, rest_animals
from exojoint.workflow.giving import Dosing, give, give_to_animal
from exojoint.workflow.plan import SHARE_OF_MECHANISM, ArmPlan, Plan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Knowledge = Mapping[str, float]

PORE = "pore"
MECHANISM = "frac_protein"  # share of the protein/membrane mechanism
FULL_DOSE = 1.0  # fraction of the full daily dose of rescue medication


@dataclass(frozen=True)
class Pool:
    """Patients at rest before treatment.

    `parameters` (n, n_parameters) and `state` (n, n_states) are those after burn-in; `outcome` (n,) says how it ended
    (NaN rows where it failed). `weights` (n,) sum to n; `draw` (n,) is the index into `knowledge` of each patient.
    """

    patients: tuple[Patients, ...]
    knowledge: tuple[Knowledge, ...]
    parameters: Floats
    state: Floats
    outcome: NDArray[np.uint8]
    weights: Floats
    draw: Ints

    @property
    def n(self) -> int:
        """Patients in all draws."""
        return len(self.weights)


def rest_pool(
    plan: Plan, kernel: Kernel, knowledge: Sequence[Knowledge], luck: Sequence[Stream], n: int, threads: int
) -> Pool:
    """Draw `n` patients for each knowledge draw and let them rest under the frozen structure of their knee.

    Parameters
    ----------
    knowledge, luck : one per draw; the same stream gives the same patients (shared luck)
    """
    ids = np.arange(n, dtype=np.int64)
    people = _people(plan, knowledge, luck, ids)
    both = list(zip(people, knowledge, strict=True))
    parameters = np.concatenate([_parameters(plan, values, group) for group, values in both])
    if isinstance(plan.population, Colony):
        rested = rest_animals(plan, kernel, parameters, threads)
        parameters, state = np.array(rested.parameters), np.array(rested.state)
    else:
        state = np.concatenate([_start(plan, values, group) for group, values in both])
        pain = np.concatenate([group.pain_latent for group in people])
        rested = burn_in(plan.joint, kernel, parameters, state, pain, threads=threads)
        parameters, state = _recorded_effusion(plan, people, np.array(rested.parameters), np.array(rested.state))
    settled = rested.settled.reshape(len(people), n)
    people = tuple(
        group if fine.all() else _without_failed(plan, group, fine) for group, fine in zip(people, settled, strict=True)
    )
    weights = np.concatenate([group.weights for group in people])
    draw = np.repeat(np.arange(len(people)), n)
    return Pool(people, tuple(knowledge), parameters, state, rested.outcome, weights, draw)


def _people(plan: Plan, knowledge: Sequence[Knowledge], luck: Sequence[Stream], ids: Ints) -> tuple[Patients, ...]:
    """Patients, or animals, of every knowledge draw; one stream recruits the same ones."""
    both, colony = list(zip(knowledge, luck, strict=True)), plan.population
    if isinstance(colony, Colony):
        return tuple(animals_of(plan, colony, values, stream, ids) for values, stream in both)
    table = plan.knee.parameters
    lucks = {stream.key: stream for stream in luck}
    recruits = {key: recruit(colony, plan.joint, table, stream, ids) for key, stream in lucks.items()}
    return tuple(with_knowledge(recruits[stream.key], values) for values, stream in both)


def _without_failed(plan: Plan, people: Patients, usable: NDArray[np.bool_]) -> Patients:
    if isinstance(plan.population, Colony):
        return usable_animals(people, usable)
    return reweigh(plan.population, people, usable)


def _parameters(plan: Plan, values: Knowledge, people: Patients) -> Floats:
    names = plan.knee.parameter_names
    matrix = np.tile(plan.knee.defaults(), (len(people.ids), 1))
    for column, name in enumerate(names):
        if name in people.parameters:
            matrix[:, column] = people.parameters[name]
        elif name in values:
            matrix[:, column] = values[name]
    if MECHANISM in names:
        matrix[:, names.index(MECHANISM)] = SHARE_OF_MECHANISM[plan.scenario.text.mechanism]
    return matrix


def _start(plan: Plan, values: Knowledge, people: Patients) -> Floats:
    """(n, n_states) before burn-in: structure by grade, dispositions empty."""
    within = people.collagen_z if plan.joint.structure != REFERENCE else None
    joint = starting_state(plan.joint, people.kl, bmi=people.parameters["bmi_target"], collagen_z=within, values=values)
    state = np.tile(plan.knee.initial(), (len(people.ids), 1))
    state[:, : joint.shape[1]] = joint
    return state


def _recorded_effusion(
    plan: Plan, people: Sequence[Patients], parameters: Floats, state: Floats
) -> tuple[Floats, Floats]:
    """Scale the synovial volume to the recorded effusion; no other state of a resting knee depends on it."""
    names, states = plan.knee.parameter_names, plan.knee.state_names
    wanted = np.concatenate([group.covariates["effusion_volume"].to_numpy() for group in people])
    volume = states.index("volume")
    factor = match_effusion(state[:, volume], wanted)
    state[:, volume] *= factor
    for name in ("volume_rest", "volume_inflammation"):
        parameters[:, names.index(name)] *= factor
    return parameters, state


@dataclass(frozen=True)
class Course:
    """Rows to solve under one arm: `patient` and `lot` are (m,) indices into the pool and the lots of her draw."""

    arm: ArmPlan
    lots: tuple[tuple[Lot, ...], ...]
    patient: Ints
    lot: Ints

    @property
    def n_lots(self) -> int:
        """Lots that every draw has (1 where the arm gives none)."""
        return max(1, len(self.lots[0])) if self.lots else 1

    @classmethod
    def full(cls, arm: ArmPlan, lots: Sequence[tuple[Lot, ...]], n_pool: int) -> Course:
        """Every patient with every lot of her draw (one lot-free column where the arm gives none)."""
        used = tuple(lots) if arm.gives_vesicles else ()
        n_lots = max(1, len(used[0])) if used else 1
        patient, lot = np.divmod(np.arange(n_pool * n_lots, dtype=np.int64), n_lots)
        return cls(arm, used, patient, lot)


@dataclass(frozen=True)
class Solved:
    """One arm of a draw: the rows that were solved and their trajectories."""

    course: Course
    trajectory: Trajectory

    def values(self, n_pool: int) -> Floats:
        """(n_pool, n_lots, days, outputs)."""
        found = self.trajectory.values
        return found.reshape(n_pool, self.course.n_lots, *found.shape[1:])


def solve_course(
    plan: Plan,
    kernel: Kernel,
    pool: Pool,
    course: Course,
    stream: Stream,
    days: Floats,
    outputs: Sequence[str],
    *,
    rescue_day: Floats | None = None,
    amount: Floats | None = None,
    threads: int = 1,
    rtol: float | None = None,
) -> Trajectory:
    """Follow the rows of a course.

    `rescue_day` (m,) starts rescue medication (NaN: never), `amount` (m,) replaces the label dose.
    """
    parameters, state, events = course_inputs(plan, pool, course, stream, amount)
    if rescue_day is not None and plan.design.conduct.rescue is not None:
        drug = load_treatment(plan.design.conduct.rescue.treatment)
        events += administer(drug, days=[rescue_day], amount=FULL_DOSE, context=False)
    return solve(kernel, parameters, state, events, days, outputs, threads=threads, rtol=rtol)


def course_inputs(
    plan: Plan, pool: Pool, course: Course, stream: Stream, amount: Floats | None = None
) -> tuple[Floats, Floats, list[Event]]:
    """Parameters (m, n_parameters), states at day 0 (m, n_states) and events of the rows of a course."""
    parameters = pool.parameters[course.patient].copy()
    _set_lots(plan, pool, course, parameters)
    return parameters, pool.state[course.patient], _events(plan, pool, course, stream, amount)


def _set_lots(plan: Plan, pool: Pool, course: Course, parameters: Floats) -> None:
    """Put the lots' potency, transport, charge and release into the rows."""
    if not course.lots:
        return
    names = plan.knee.parameter_names
    draw = pool.draw[course.patient]
    silent = plan.scenario.text.mechanism == "none"
    for k, values in enumerate(pool.knowledge):
        pore = float(values.get(PORE, plan.table[PORE].value))
        mine = np.flatnonzero(draw == k)
        for index, lot in enumerate(course.lots[k]):
            rows = mine[course.lot[mine] == index]
            for name, value in lot_parameters(lot, pore).items():
                own = 0.0 if silent and name.startswith("potency_") else value
                if name in names:
                    parameters[rows, names.index(name)] = own


def _events(plan: Plan, pool: Pool, course: Course, stream: Stream, amount: Floats | None) -> list[Event]:
    doses = _dosings(pool, course, stream, amount)
    if isinstance(plan.population, Colony):
        rows = course.patient
        rested = BurnedIn(pool.parameters[rows], pool.state[rows], pool.outcome[rows])
        injury = injury_events(plan, pool.patients, pool.knowledge, rested, rows)
        return injury + give_to_animal(course.arm, plan.joint.species, doses)
    inert = plan.scenario.text.lot is not None and plan.scenario.text.lot.null_product
    return give(course.arm, doses, inert=inert, rows=_administration(plan, pool, course))


def _dosings(pool: Pool, course: Course, stream: Stream, amount: Floats | None) -> list[Dosing]:
    """Doses of the arm's own treatment: as the label says, or as its lots deliver it."""
    arm = course.arm
    if not arm.gives_vesicles:
        return [Dosing(arm.arm.days, arm.amount)]
    return [
        Dosing((day,), *_delivered(pool, course, stream.child("administration", f"{day:g}"), amount))
        for day in arm.arm.days
    ]


def _administration(plan: Plan, pool: Pool, course: Course) -> dict[str, Amount]:
    """Rows of the administration table: as this draw knows them, one value per row of the course, or the table's."""
    draw = pool.draw[course.patient]
    rows: dict[str, Amount] = {}
    for name in administration_parameters(plan.joint.structure):
        known = [float(values.get(name, plan.table[name].value)) for values in pool.knowledge]
        rows[name] = np.array(known)[draw]
    return rows


def _delivered(pool: Pool, course: Course, stream: Stream, amount: Floats | None) -> tuple[Floats, Floats]:
    """True particles and endotoxin units (m,) of one administration; fill error per patient, count error per lot."""
    draw = pool.draw[course.patient]
    local = course.patient % (pool.n // len(pool.knowledge))
    score = fill_scores(stream, np.arange(local.max(initial=0) + 1, dtype=np.int64))
    particles, endotoxin = np.zeros(len(draw)), np.zeros(len(draw))
    label, volume = course.arm.amount, course.arm.volume_ml
    for k, values in enumerate(pool.knowledge):
        mine = np.flatnonzero(draw == k)
        for index, lot in enumerate(course.lots[k]):
            rows = mine[course.lot[mine] == index]
            given = deliver(lot, label, volume, stream, local[rows], values, score[local[rows]])
            share = 1.0 if amount is None else amount[rows] / label if label else 0.0
            particles[rows] = given.particles * share
            endotoxin[rows] = given.endotoxin_eu
    return particles, endotoxin


def failures(pool: Pool) -> dict[str, int]:
    """How many patients ended their burn-in in which way."""
    names = {int(outcome): outcome.name for outcome in Outcome}
    names[int(Outcome.not_settled)] = "burn_in_not_settled"
    values, counts = np.unique(pool.outcome, return_counts=True)
    return {names[int(value)]: int(count) for value, count in zip(values, counts, strict=True)}
