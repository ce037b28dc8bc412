"""What a weighted pool must look like: every margin and correlation of the population as the mean of a feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.patients.copula import Draws
from exojoint.patients.margins import Levels
from exojoint.patients.population import UNITS, Population

Floats = NDArray[np.float64]

CONTINUOUS = ("age", "bmi", "varus", "pain_baseline", "effusion_volume")


@dataclass(frozen=True, slots=True)
class Target:
    """One statistic that the pool should have.

    Attributes
    ----------
    variable, statistic, unit : for the table
    feature : (n,), whose weighted mean is compared with `wanted`; scaled to an SD near 1
    wanted : weighted mean wanted of the feature
    """

    variable: str
    statistic: str
    unit: str
    feature: Floats
    wanted: float


def targets(population: Population, draws: Draws) -> tuple[Target, ...]:
    """Every margin and correlation of the population as a mean of a feature of the patients."""
    return (*_moments(population, draws), *_shares(population, draws), *_correlations(population, draws))


def _moments(population: Population, draws: Draws) -> list[Target]:
    """Mean and SD of each continuous covariate (pain: latent)."""
    found = []
    for name in CONTINUOUS:
        score = standardised(population, draws, name)
        unit = UNITS[name]
        found.append(Target(name, "mean", unit, score, 0.0))
        # A squared normal score has SD sqrt(2).
        found.append(Target(name, "sd", unit, (np.square(score) - 1.0) / np.sqrt(2.0), 0.0))
    return found


def _shares(population: Population, draws: Draws) -> list[Target]:
    """Shares of grades, phenotypes and women; the last class of each follows from the others."""
    grades = population.copula.margins["kl"]
    assert isinstance(grades, Levels)  # noqa: S101  the loader gives no other
    found = [_share("women", "share", draws.woman, population.copula.women)]
    for level, share in list(zip(grades.levels, grades.shares, strict=True))[:-1]:
        found.append(_share("kl", f"share of grade {level:g}", draws.values["kl"] == level, share))
    for index, (name, share) in enumerate(list(population.phenotypes.items())[:-1]):
        found.append(_share("phenotype", f"share of {name}", draws.phenotype == index, share))
    return found


def _share(variable: str, statistic: str, member: NDArray[np.bool_], share: float) -> Target:
    """Share of a class, scaled by its SD (left as it is where all or none belong to it)."""
    sd = float(np.sqrt(share * (1.0 - share))) or 1.0
    return Target(variable, statistic, "1", (member.astype(np.float64) - share) / sd, 0.0)


def _correlations(population: Population, draws: Draws) -> list[Target]:
    """Correlations of the covariates that the copula names."""
    found = []
    for (first, second), wanted in population.correlations.items():
        product = standardised(population, draws, first) * standardised(population, draws, second)
        found.append(Target(first, f"correlation with {second}", "1", product, wanted))
    return found


def standardised(population: Population, draws: Draws, name: str) -> Floats:
    """Covariate in SDs from the population's mean, (n,)."""
    margin = population.copula.margins[name]
    scale = margin.sd if margin.sd > 0.0 else 1.0
    return (draws.values[name] - margin.mean) / scale


def feature_matrix(wanted: Sequence[Target]) -> tuple[Floats, Floats]:
    """Features (n, k) and their wanted means (k,) for `balance`."""
    return np.stack([item.feature for item in wanted], axis=1), np.array([item.wanted for item in wanted])
