"""From a patient's record to the numbers of her knee: one function per rule, every constant a row of parameters.csv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.core.distributions import Variability
from exojoint.core.tables import ParameterTable
from exojoint.patients.copula import Draws
from exojoint.patients.population import Population

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Parameters of the knee whose random effect a covariate replaces.
REPLACED = ("rel_tone", "volume_rest", "volume_inflammation")


@dataclass(frozen=True)
class Numbers:
    """What is known in one knowledge draw: drawn values first, then the tables'."""

    knowledge: Mapping[str, float]
    knee: ParameterTable
    patients: ParameterTable

    def __getitem__(self, name: str) -> float:
        """Value of a parameter in this draw."""
        if name in self.knowledge:
            return float(self.knowledge[name])
        return (self.patients if name in self.patients else self.knee)[name].value


def knee_parameters(
    population: Population,
    draws: Draws,
    effects: Mapping[str, Floats],
    grade_tone: Floats,
    number: Numbers,
    tone_score: Floats,
) -> dict[str, Floats]:
    """Parameters of the knee that the patient's record fixes or shifts.

    Parameters
    ----------
    population : the patients are drawn from it
    draws : their covariates, (n,) each
    effects : random effects that some rules act on, parameter -> (n,)
    grade_tone : (n,), factor on synovial tone of each patient's grade
    number : values of this knowledge draw
    tone_score : (n,), standard-normal score of the patient's own tone

    Returns
    -------
    dict
        Parameter -> (n,), in the knee table's unit.
    """
    value = draws.values
    tone = grade_tone * phenotype_tone(population, draws.phenotype, number) * own_tone(population, tone_score, number)
    women = draws.woman
    volume = effusion_scale(value["effusion_volume"], tone, number)
    return {
        "bmi_target": value["bmi"],
        "varus": value["varus"],
        "rel_age_senescence": senescence(value["age"], number),
        "k_proliferation": effects["k_proliferation"] * proliferation(value["age"], number),
        "n_macrophages": effects["n_macrophages"] * np.where(women, number["rel_macrophages_women"], 1.0),
        "area_cartilage": effects["area_cartilage"] * np.where(women, number["rel_area_women"], 1.0),
        "gain_metabolic": effects["gain_metabolic"] * metabolic_sensitivity(population, draws.phenotype, number),
        "rel_tone": tone,
        "volume_rest": number["volume_rest"] * volume,
        "volume_inflammation": number["volume_inflammation"] * volume,
    }


def senescence(age: Floats, number: Numbers) -> Floats:
    """Age factor on chondrocyte senescence (n,), 1 at the reference age; age in years."""
    free = number["frac_senescence_ageless"]
    return free + (1.0 - free) * age / number["age_ref"]


def proliferation(age: Floats, number: Numbers) -> Floats:
    """Age factor on chondrocyte proliferation (n,), 1 at the reference age, never below 0; age in years."""
    return np.maximum(0.0, 1.0 - number["slope_proliferation_age"] * (age - number["age_ref"]))


def phenotype_tone(population: Population, phenotype: Ints, number: Numbers) -> Floats:
    """Factor on synovial tone (n,): phenotypes spread it around the population's mean, they do not move that mean."""
    if not population.phenotypes:
        return np.full(len(phenotype), population.tone)
    factors = np.array([number[f"rel_tone_{name}"] for name in population.phenotypes])
    factors = factors * population.tone / float(np.dot(factors, list(population.phenotypes.values())))
    spread: Floats = factors[phenotype]
    return spread


def own_tone(population: Population, score: Floats, number: Numbers) -> Floats:
    """Log-normal factor (n,) of mean 1 on tone between patients of one phenotype and grade."""
    within = number.knee["rel_tone"].variability
    spread = within if population.phenotypes else Variability(cv=number["cv_tone_alone"])
    return spread.factor(score)


def metabolic_sensitivity(population: Population, phenotype: Ints, number: Numbers) -> Floats:
    """Factor on the sensitivity of tone to adiposity (n,), above 1 in the metabolic phenotype only."""
    names = list(population.phenotypes)
    if "metabolic" not in names:
        return np.ones(len(phenotype))
    return np.where(phenotype == names.index("metabolic"), number["rel_metabolic_sensitivity"], 1.0)


def effusion_scale(volume: Floats, tone: Floats, number: Numbers) -> Floats:
    """Factor (n,) on both parts of the synovial volume that gives a knee of this tone the recorded volume in mL.

    The rested inflammatory part is approximated as a saturating function of tone (row `tone_volume_half`);
    `match_effusion` removes what is left after burn-in.
    """
    half = number["tone_volume_half"]
    inflamed = (1.0 + half) * tone / (tone + half)
    return volume / (number["volume_rest"] + number["volume_inflammation"] * inflamed)
