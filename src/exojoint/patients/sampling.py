"""Virtual patients of one knowledge draw: who they are, how their knees differ, and what each weighs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.core.streams import Stream
from exojoint.core.tables import ParameterTable
from exojoint.joint.model import JointModel
from exojoint.joint.starting import grade_tone
from exojoint.patients.balance import Balance, balance
from exojoint.patients.copula import VARIABLES, Draws, draw
from exojoint.patients.effects import effect_scores, random_effects
from exojoint.patients.mapping import REPLACED, Numbers, knee_parameters
from exojoint.patients.population import Population
from exojoint.patients.targets import feature_matrix, targets

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Patients:
    """A pool of virtual patients of one knowledge draw.

    Attributes
    ----------
    ids : (n,)
    covariates : one row per patient: patient, age (year), sex (woman/man), bmi (kg/m2), kl, varus (degree), phenotype,
        pain_baseline (latent, 0-100), effusion_volume (mL)
    parameters : every parameter of the knee that differs between these patients -> (n,), in the table's unit
    collagen_z : (n,), standard-normal score of each patient's collagen within her grade, for the starting state
    balance : weights and how well they meet the population's table
    """

    ids: Ints
    covariates: pl.DataFrame
    parameters: Mapping[str, Floats]
    collagen_z: Floats
    balance: Balance

    @property
    def weights(self) -> Floats:
        """(n,), positive, sum n; a trial draws its patients with probability proportional to weight."""
        return self.balance.weights

    @property
    def effective_sample_size(self) -> float:
        """Number of equally weighted patients that carry the same information."""
        return self.balance.effective_sample_size

    @property
    def kl(self) -> Floats:
        """(n,) Kellgren-Lawrence grade, which sets the starting structure of the knee."""
        grade: Floats = self.covariates["kl"].to_numpy()
        return grade

    @property
    def pain_latent(self) -> Floats:
        """(n,) latent pain before treatment, 0-100, which the burn-in reproduces."""
        pain: Floats = self.covariates["pain_baseline"].to_numpy()
        return pain


@dataclass(frozen=True)
class Recruits:
    """People before anything is known about knees: their records, their luck and their weights, for any knowledge draw.

    Attributes
    ----------
    population : they were recruited from it
    table : numbers of the whole knee, joint and dispositions
    ids : (n,)
    draws : covariates
    scores : parameter -> standard-normal score of each patient's random effect, (n,)
    tone_score, collagen_z : (n,), scores of the patient's own synovial tone and of collagen within the grade
    balance : weights
    """

    population: Population
    table: ParameterTable
    ids: Ints
    draws: Draws
    scores: Mapping[str, Floats]
    tone_score: Floats
    collagen_z: Floats
    balance: Balance


def recruit(
    population: Population, joint: JointModel, parameter_table: ParameterTable, stream: Stream, ids: Ints
) -> Recruits:
    """People with these ids; the expensive half of `sample_patients`, worth sharing between knowledge draws.

    Raises
    ------
    InputError
        When the joint is an animal's: populations are of people.
    """
    if joint.species != "human":
        what = f"the joint is of a {joint.species}"
        raise InputError(Problem(f"population '{population.name}'", what, "a human joint", "Set species = 'human'."))
    draws = draw(population.copula, stream, ids)
    scores = effect_scores(parameter_table, stream, ids, REPLACED)
    tone, collagen = (stream.child(name).normal(ids, 1)[:, 0] for name in ("tone", "collagen"))
    return Recruits(population, parameter_table, ids, draws, scores, tone, collagen, weigh(population, draws))


def with_knowledge(recruits: Recruits, knowledge: Mapping[str, float]) -> Patients:
    """The same people with the knees that one knowledge draw gives them."""
    population, draws = recruits.population, recruits.draws
    number = Numbers(knowledge, recruits.table, population.rows)
    effects = random_effects(recruits.table, knowledge, recruits.scores, number["max_fraction"])
    tone = grade_tone(draws.values["kl"])
    own = knee_parameters(population, draws, effects, tone, number, recruits.tone_score)
    record = _record(population, draws, recruits.ids)
    return Patients(recruits.ids, record, effects | own, recruits.collagen_z, recruits.balance)


def sample_patients(
    population: Population,
    joint: JointModel,
    parameter_table: ParameterTable,
    knowledge: Mapping[str, float],
    stream: Stream,
    ids: Ints,
) -> Patients:
    """Patients with these ids, weighted to the population's table.

    Covariates and parameters of a patient depend on her id alone; weights depend on the whole pool.

    Parameters
    ----------
    population : who is treated
    joint : the knee model; it must be human
    parameter_table : numbers of the whole knee, joint and dispositions
    knowledge : value of each uncertain parameter in this draw
    stream : named stream of the patients
    ids : (n,)

    Raises
    ------
    InputError
        When the joint is an animal's: populations are of people.
    """
    return with_knowledge(recruit(population, joint, parameter_table, stream, ids), knowledge)


def weigh(population: Population, draws: Draws) -> Balance:
    """Weights that make these patients look like the population's table."""
    return balance(*feature_matrix(targets(population, draws)))


def reweigh(population: Population, patients: Patients, usable: NDArray[np.bool_]) -> Patients:
    """The same patients with weights that match the table without those whose burn-in failed; these get weight 0.

    Parameters
    ----------
    population : of the patients
    patients : the pool
    usable : (n,), False where the burn-in failed
    """
    weights = np.zeros(len(usable))
    kept = patients.covariates.filter(pl.Series(usable))
    if kept.is_empty():
        return replace(patients, balance=Balance(weights, "best_effort", float("inf"), 0))
    found = weigh(population, _draws(population, kept))
    weights[usable] = found.weights
    return replace(patients, balance=replace(found, weights=weights))


def match_effusion(rested: Floats, wanted: Floats) -> Floats:
    """Factor (n,) on `volume_rest`, `volume_inflammation` and the state `volume` of burned-in knees; 1 where it failed.

    Volume moves no other state of a resting knee, so the knee with the factor rests too, at the recorded volume.

    Parameters
    ----------
    rested : (n,), volume of the burned-in knees in mL, NaN where the burn-in failed
    wanted : (n,), the patients' `effusion_volume`
    """
    known = np.isfinite(rested) & (rested > 0.0)
    return np.where(known, wanted / np.where(known, rested, 1.0), 1.0)


def _record(population: Population, draws: Draws, ids: Ints) -> pl.DataFrame:
    """Covariates as a table."""
    value = draws.values
    names = np.array(list(population.phenotypes) or ["none"])
    return pl.DataFrame(
        {
            "patient": ids,
            "age": value["age"],
            "sex": np.where(draws.woman, "woman", "man"),
            "bmi": value["bmi"],
            "kl": value["kl"],
            "varus": value["varus"],
            "phenotype": names[draws.phenotype],
            "pain_baseline": value["pain_baseline"],
            "effusion_volume": value["effusion_volume"],
        }
    )


def _draws(population: Population, covariates: pl.DataFrame) -> Draws:
    """Draws behind a table of covariates."""
    names = list(population.phenotypes) or ["none"]
    index = {name: position for position, name in enumerate(names)}
    phenotype = np.array([index[name] for name in covariates["phenotype"]], dtype=np.int64)
    values = {name: covariates[name].to_numpy() for name in VARIABLES}
    return Draws(values, phenotype, (covariates["sex"] == "woman").to_numpy())
