"""A scenario with every name looked up: what will be simulated, checked before any work starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exojoint.core.knowledge import KnowledgeSpace, knowledge_space
from exojoint.core.tables import ParameterTable
from exojoint.decision.criteria import Criteria
from exojoint.joint.induction import Induction, load_induction
from exojoint.joint.model import JointModel
from exojoint.patients.animals import Colony
from exojoint.patients.population import Population, patient_parameters
from exojoint.product.catalogue import Process, Source
from exojoint.product.instruments.nta import NtaExperiment
from exojoint.treatments.assemble import Knee
from exojoint.treatments.dispositions import administration_parameters
from exojoint.treatments.treatment import Treatment
from exojoint.trial.design import Design
from exojoint.trial.synopsis import synopsis as design_synopsis
from exojoint.workflow.knowledge import Known, known
from exojoint.workflow.scenario import Also, Arm, Scenario

PARTICLE = "particle"
SHARE_OF_MECHANISM: Mapping[str, float] = {"membrane": 1.0, "mirna": 0.0, "mixed": 0.5, "none": 1.0}
"""Share of the protein/membrane mechanism by scenario name (specification, `wP`); `none` also sets potencies to 0."""


def gives_vesicles(treatment: Treatment) -> bool:
    """Whether a treatment's dose comes out of a lot."""
    return "exosome" in treatment.dispositions and treatment.giving.amount_unit == PARTICLE


@dataclass(frozen=True)
class AlsoPlan:
    """A further treatment of an arm, with its dose in the treatment's unit."""

    also: Also
    treatment: Treatment
    amount: float
    volume_ml: float


@dataclass(frozen=True)
class ArmPlan:
    """One arm with its treatment and its dose in the treatment's unit (0 where it gives no active amount).

    `also` holds what the same patients get besides; a vesicle product is always the arm's own treatment.
    """

    arm: Arm
    treatment: Treatment
    amount: float
    volume_ml: float
    also: tuple[AlsoPlan, ...] = ()

    @property
    def name(self) -> str:
        """Name of the arm."""
        return self.arm.name

    @property
    def gives_vesicles(self) -> bool:
        """Whether the arm's dose comes out of a lot."""
        return gives_vesicles(self.treatment)

    @property
    def treatments(self) -> tuple[Treatment, ...]:
        """Everything that a patient of this arm gets."""
        return (self.treatment, *(more.treatment for more in self.also))


@dataclass(frozen=True, slots=True)
class Product:
    """Where lots come from: source and process (None where no arm gives vesicles), and a measured lot if any."""

    source: Source | None
    process: Process | None
    nta: NtaExperiment | None


@dataclass(frozen=True, slots=True)
class Asked:
    """How patients are observed, and what counts as a yes."""

    design: Design
    criteria: Criteria


@dataclass(frozen=True)
class Rival:
    """One explanation with the weight it is given; its plan differs from the others' in mechanism or structure."""

    name: str
    weight: float
    because: str
    plan: Plan


@dataclass(frozen=True)
class Plan:
    """Everything that a run needs, looked up and checked; nothing here is random.

    `table` holds every row the run may read (joint, treatments, product, patients), `space` the unknown ones. `rivals`
    are the other explanations that the scenario weighs (see `exojoint.workflow.rivals`).
    """

    scenario: Scenario
    arms: tuple[ArmPlan, ...]
    knee: Knee
    population: Population | Colony
    asked: Asked
    product: Product
    table: ParameterTable
    rivals: tuple[Rival, ...] = ()

    @property
    def design(self) -> Design:
        """How patients are allocated, observed and analysed."""
        return self.asked.design

    @property
    def criteria(self) -> Criteria:
        """What counts as go and as no-go."""
        return self.asked.criteria

    @cached_property
    def space(self) -> KnowledgeSpace:
        """The unknown rows of the table and their axes."""
        return knowledge_space(self.table)

    @cached_property
    def known(self) -> Known:
        """How what is not known is drawn: from the shipped posterior where the knee was calibrated, else the prior."""
        text = self.scenario.text
        own = [name for name, row in self.table.items() if "/" not in row.table]  # rows of the scenario's own table
        return known(text.knowledge, text.species, text.structure, self.space, own)

    @property
    def induction(self) -> Induction | None:
        """What makes animals ill; None for people."""
        name = self.scenario.text.induction
        return load_induction(self.joint, name) if name else None

    @property
    def joint(self) -> JointModel:
        """The joint of the knee."""
        return self.knee.joint

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
            lines += [f"    and {_besides(more)}" for more in plan.also]
        lines += [f"  {rival.weight:.0%} of the draws: {rival.name} ({rival.because})" for rival in self.rivals]
        simulation = text.simulation
        lines.append(
            f"  {simulation.knowledge_draws} knowledge draws x {simulation.patients_per_draw} patients x "
            f"{len(self.arms)} arms, {simulation.knowledge_draws * simulation.trials_per_draw} trials; "
            f"{len(self.knee.state_names)} states, "
            f"{len(self.table)} parameter rows, {self.space.n_axes} unknowns; {self.known.because}"
        )
        return "\n".join([*lines, "", design_synopsis(self.design), "", "No errors."])

    def data(self) -> dict[str, Any]:
        """The synopsis for a machine."""
        return {
            "scenario": self.scenario.canonical(),
            "states": len(self.knee.state_names),
            "parameters": len(self.table),
            "unknowns": self.space.n_axes,
            "errors": [],
        }


def _besides(more: AlsoPlan) -> str:
    dose = f"{more.also.dose_text} of " if more.also.dose_text else ""
    days = ", ".join(f"{day:g}" for day in more.also.days)
    until = "" if more.also.stop is None else f" until day {more.also.stop:g}"
    return f"{dose}{more.treatment.title} on days {days}{until}"
