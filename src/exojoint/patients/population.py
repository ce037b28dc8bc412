"""Who is treated: a population as a trial's Table 1 describes it, read from a file with every number's source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.files import read_toml
from exojoint.core.tables import ParameterTable, read_parameters
from exojoint.patients.copula import BY_PHENOTYPE, BY_SEX, VARIABLES, Copula
from exojoint.patients.dependence import expected_correlations, within_correlation
from exojoint.patients.margins import BoundedNormal, Levels, LogNormal, Margin, Mixture, bounded_normal, mixture
from exojoint.patients.quantities import Quantity, Section

SCHEMA = 1
PHENOTYPES = ("inflammatory", "mechanical", "metabolic", "minimal")
GRADES = ("0", "1", "2", "3", "4")
PAIRS = (
    ("kl", "age"),
    ("kl", "varus"),
    ("kl", "bmi"),
    ("bmi", "pain_baseline"),
    ("kl", "pain_baseline"),
    ("kl", "effusion_volume"),
)
# Unit, smallest and largest value accepted in a population file; catches typing errors, judges nobody.
BOUNDED = {
    "age": ("year", 18.0, 100.0),
    "bmi": ("kg/m2", 12.0, 70.0),
    "varus": ("degree", -30.0, 30.0),
    "pain_baseline": ("point", 0.0, 100.0),
}
UNITS = {"kl": "grade", "effusion_volume": "mL"} | {name: row[0] for name, row in BOUNDED.items()}
LARGEST_EFFUSION = 300.0
SECTIONS = ("age", "women", "bmi", "kl", "varus", "tone", "pain_baseline", "effusion_volume")
# Shares are typed as rounded percentages; they are rescaled to 1 when off by no more than this.
SHARE_SLACK = 0.005


@dataclass(frozen=True)
class Population:
    """A population ready to be sampled.

    Attributes
    ----------
    name, meaning : from the file
    observed_pain : margin of the observed baseline score, 0-100
    copula : margins, phenotypes and correlations of the covariates (pain is latent there)
    phenotypes : name -> share; empty when none is drawn
    correlations : pair of covariates -> wanted correlation of the covariates themselves (the file's are of scores)
    tone : mean synovial tone before the factor of the grade
    quantities : every number of the file by its key, with its life
    """

    name: str
    meaning: str
    observed_pain: BoundedNormal
    copula: Copula
    phenotypes: Mapping[str, float]
    correlations: Mapping[tuple[str, str], float]
    tone: float
    quantities: Mapping[str, Quantity]

    @property
    def rows(self) -> ParameterTable:
        """Numbers that all populations share (patients/parameters.csv)."""
        return patient_parameters()

    @property
    def noise_pain(self) -> float:
        """SD of one observed pain score around the latent one."""
        return noise_of_pain()


@cache
def patient_parameters() -> ParameterTable:
    """Numbers that map a patient's record to the joint, with their uncertainty."""
    return read_parameters(files("exojoint.patients") / "parameters.csv")


def noise_of_pain() -> float:
    """SD of one observed pain score around the latent one: a spell and a reading error, independent."""
    rows = patient_parameters()
    return float(np.hypot(rows["sd_visit_pain"].value, rows["sd_measurement_pain"].value))


def list_populations() -> tuple[str, ...]:
    """Names that `load_population` accepts."""
    folder = files("exojoint.patients") / "populations"
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def load_population(name: str) -> Population:
    """Population by name.

    Raises
    ------
    InputError
        For an unknown name (with a suggestion), or with every wrong key of the file at once.
    """
    known = list_populations()
    if name not in known:
        todo = did_you_mean(name, known) or "Choose one of them."
        raise InputError(Problem(f"population '{name}'", "unknown population", f"one of {', '.join(known)}", todo))
    return read_population(population_file(name))


def population_file(name: str) -> Traversable:
    """File of one of `list_populations`."""
    return files("exojoint.patients") / "populations" / f"{name}.toml"


def read_population(path: Path | Traversable) -> Population:
    """Population from a file.

    Raises
    ------
    InputError
        With every wrong key, naming file and key.
    """
    return population_from(read_toml(path), path.name)


def population_from(data: Mapping[str, Any], file: str) -> Population:
    """Population from the text of its file.

    Parameters
    ----------
    data : as TOML gives it
    file : name for messages

    Raises
    ------
    InputError
        With every wrong key, naming file and key.
    """
    problems: list[Problem] = []
    top = Section(data, file, problems)
    top.check_keys(
        ("schema", "name", "meaning", *SECTIONS, "phenotype", "correlations"), ("schema", "name", "meaning", *SECTIONS)
    )
    if data.get("schema", SCHEMA) != SCHEMA:
        top.complain("schema", f"{data['schema']!r} is unknown", f"schema = {SCHEMA}", "Use the current form.")
    name, meaning = top.text("name"), top.text("meaning")
    quantities: dict[str, Quantity] = {}
    margins = _margins(top, quantities)
    women = _quantities(top.section("women"), {"share": ("1", 0.0, 1.0)}, quantities)
    tone = _quantities(top.section("tone"), {"mean": ("1", 0.01, 10.0)}, quantities)
    phenotypes = _shares(top, "phenotype", PHENOTYPES, "", quantities) if "phenotype" in data else {}
    correlations = _correlations(top.section("correlations"), quantities)
    raise_problems(problems)
    return _assemble(file, name, meaning, margins, phenotypes, women["share"], correlations, tone["mean"], quantities)


def _assemble(
    file: str,
    name: str,
    meaning: str,
    margins: dict[str, Margin],
    phenotypes: dict[str, float],
    women: float,
    correlations: dict[tuple[str, str], float],
    tone: float,
    quantities: dict[str, Quantity],
) -> Population:
    """Population from parts that are right one by one; they may still contradict each other."""
    rows = patient_parameters()
    observed = margins["pain_baseline"]
    assert isinstance(observed, BoundedNormal)  # noqa: S101  the file's form gives no other
    try:
        latent = bounded_normal(observed.mean, latent_sd(observed.sd, noise_of_pain()), observed.low, observed.high)
        inside = margins | {"pain_baseline": latent}
        scores = _scores(inside, phenotypes, women, rows)
        root = np.linalg.cholesky(within_correlation(correlations, inside, scores))
    except ValueError as error:
        todo = "Change the correlations, the phenotypes or the SDs."
        raise InputError(Problem(file, str(error), "numbers that can hold together", todo)) from None
    copula = Copula(inside, scores, tuple(phenotypes.values()) or (1.0,), women, root.astype(np.float64))
    expected = expected_correlations(correlations, inside)
    return Population(name, meaning, observed, copula, phenotypes, expected, tone, quantities)


def latent_sd(observed: float, noise: float) -> float:
    """SD between patients of the latent score, given the SD of one observed score and of its noise.

    Raises
    ------
    ValueError
        When the noise alone exceeds the observed SD.
    """
    if observed <= noise:
        raise ValueError(f"observed pain SD {observed:g} does not exceed the noise of one visit, {noise:.1f}")
    return float(np.sqrt(observed**2 - noise**2))


def _scores(
    margins: Mapping[str, Margin], phenotypes: Mapping[str, float], women: float, rows: ParameterTable
) -> dict[str, Mixture]:
    """How the score of each covariate is spread over phenotypes (or sexes)."""
    scores = {name: mixture((1.0,), {}) for name in VARIABLES}
    shares = tuple(phenotypes.values())
    for name in BY_PHENOTYPE if phenotypes else ():
        prefix = name.removesuffix("_volume")
        margin = margins[name]
        tendency = {
            index: (rows[f"{prefix}_{phenotype}"].value - margin.mean) / margin.sd
            for index, phenotype in enumerate(phenotypes)
            if f"{prefix}_{phenotype}" in rows
        }
        scores[name] = mixture(shares, tendency)
    for name in BY_SEX:
        gap = rows["shift_pain_women"].value / margins[name].sd
        scores[name] = mixture((1.0 - women, women), {0: -women * gap, 1: (1.0 - women) * gap})
    return scores


def _margins(top: Section, quantities: dict[str, Quantity]) -> dict[str, Margin]:
    """Margin of every covariate that the file gives without fault."""
    margins: dict[str, Margin] = {}
    for name, (unit, low, high) in BOUNDED.items():
        keys = {
            "mean": (unit, low, high),
            "sd": (unit, 1e-6, high - low),
            "low": (unit, low, high),
            "high": (unit, low, high),
        }
        section = top.section(name)
        found = _quantities(section, keys, quantities)
        if len(found) == len(keys):
            try:
                margins[name] = bounded_normal(found["mean"], found["sd"], found["low"], found["high"])
            except ValueError as error:
                section.complain("", str(error), "a mean between the bounds and an SD that fits", "Correct them.")
    effusion = {"mean": ("mL", 0.1, LARGEST_EFFUSION), "sd": ("mL", 1e-6, LARGEST_EFFUSION)}
    found = _quantities(top.section("effusion_volume"), effusion, quantities)
    if len(found) == len(effusion):
        margins["effusion_volume"] = LogNormal(found["mean"], found["sd"])
    shares = _shares(top, "kl", GRADES, "grade_", quantities)
    if shares:
        margins["kl"] = Levels(tuple(float(grade) for grade in shares), tuple(shares.values()))
    return margins


def _quantities(
    section: Section, keys: Mapping[str, tuple[str, float, float]], quantities: dict[str, Quantity]
) -> dict[str, float]:
    """Values of the keys that are right; wrong ones leave notes, right ones are kept with their life."""
    section.check_keys(tuple(keys), tuple(keys))
    found = {}
    for key, (unit, low, high) in keys.items():
        quantity = section.quantity(key, unit, low, high)
        if quantity is not None:
            found[key] = quantity.value
            quantities[f"{section.where.split('[')[-1].rstrip(']')}.{key}"] = quantity
    return found


def _shares(
    top: Section, name: str, classes: tuple[str, ...], prefix: str, quantities: dict[str, Quantity]
) -> dict[str, float]:
    """Shares of the named classes, rescaled from rounded percentages to sum 1; {} with notes when wrong."""
    section = top.section(name)
    known = tuple(prefix + item for item in classes)
    section.check_keys(known)
    shares = {}
    for item in classes:
        quantity = section.quantity(prefix + item, "1", 0.0, 1.0)
        if quantity is not None:
            quantities[f"{name}.{prefix}{item}"] = quantity
            if quantity.value > 0.0:
                shares[item] = quantity.value
    total = sum(shares.values())
    if abs(total - 1.0) > SHARE_SLACK:
        section.complain("", f"shares sum to {100.0 * total:g} percent", "100 percent", "Correct the shares.")
        return {}
    return {item: share / total for item, share in shares.items()}


def _correlations(section: Section, quantities: dict[str, Quantity]) -> dict[tuple[str, str], float]:
    """Default correlations, replaced by those that the file gives."""
    rows = patient_parameters()
    names = {correlation_name(pair): pair for pair in PAIRS}
    section.check_keys(tuple(names))
    found = {}
    for name, pair in names.items():
        quantity = section.quantity(name, "1", -0.99, 0.99)
        if quantity is not None:
            quantities[f"correlations.{name}"] = quantity
        found[pair] = rows[f"r_{name}"].value if quantity is None else quantity.value
    return found


def correlation_name(pair: tuple[str, str]) -> str:
    """Key of a pair of covariates in files: kl_pain for Kellgren-Lawrence grade and baseline pain."""
    return "_".join(name.split("_")[0] for name in pair)
