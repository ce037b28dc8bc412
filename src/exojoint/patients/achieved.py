"""The population table: wanted beside achieved, raw and weighted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.patients.balance import effective_sample_size
from exojoint.patients.margins import Levels
from exojoint.patients.population import UNITS, Population
from exojoint.patients.sampling import Patients
from exojoint.patients.targets import CONTINUOUS

Floats = NDArray[np.float64]
NOTHING: Mapping[str, Floats] = MappingProxyType({})
NO_UNITS: Mapping[str, str] = MappingProxyType({})

Row = tuple[str, str, str, float | None, float, float]
SCHEMA = {
    "variable": pl.String,
    "statistic": pl.String,
    "unit": pl.String,
    "wanted": pl.Float64,
    "achieved_raw": pl.Float64,
    "achieved_weighted": pl.Float64,
}


def achieved_table(
    population: Population,
    patients: Patients | Sequence[Patients],
    observed: Mapping[str, Floats] = NOTHING,
    units: Mapping[str, str] = NO_UNITS,
) -> pl.DataFrame:
    """Wanted beside achieved, without and with weights.

    Parameters
    ----------
    population : what was wanted
    patients : one pool, or the pools of all knowledge draws, taken together
    observed : observables of the burned-in knees, name -> (n,), NaN where the burn-in failed; pools in the same order
    units : of the observables

    Returns
    -------
    polars.DataFrame
        variable, statistic, unit, wanted (null where the population says nothing), achieved_raw, achieved_weighted.
    """
    pools = (patients,) if isinstance(patients, Patients) else tuple(patients)
    covariates = pl.concat([pool.covariates for pool in pools])
    weights = np.concatenate([pool.weights for pool in pools])
    rows = [*_covariate_rows(population, covariates, weights), *_class_rows(population, covariates, weights)]
    rows += _correlation_rows(population, covariates, weights)
    for name, values in observed.items():
        rows += _observed_rows(population, name, units.get(name, UNITS.get(name, "")), values, weights)
    n = float(len(weights))
    rows.append(("patients", "effective sample size", "1", None, n, effective_sample_size(weights)))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _covariate_rows(population: Population, covariates: pl.DataFrame, weights: Floats) -> list[Row]:
    """Mean and SD of continuous covariates; of pain also the SD of the observed score, which the table prints."""
    rows: list[Row] = []
    for name in CONTINUOUS:
        values = covariates[name].to_numpy()
        margin = population.copula.margins[name]
        latent = " (latent)" if name == "pain_baseline" else ""
        (mean, sd), (weighted_mean, weighted_sd) = _mean_sd(values), _mean_sd(values, weights)
        rows.append((name, f"mean{latent}", UNITS[name], margin.mean, mean, weighted_mean))
        rows.append((name, f"sd{latent}", UNITS[name], margin.sd, sd, weighted_sd))
        if latent:
            raw, weighted = (float(np.hypot(spread, population.noise_pain)) for spread in (sd, weighted_sd))
            rows.append((name, "sd (observed score)", UNITS[name], population.observed_pain.sd, raw, weighted))
    return rows


def _class_rows(population: Population, covariates: pl.DataFrame, weights: Floats) -> list[Row]:
    """Shares of classes."""
    grades = population.copula.margins["kl"]
    assert isinstance(grades, Levels)  # noqa: S101  the loader gives no other
    wanted: list[tuple[str, str, NDArray[np.bool_], float]] = [
        ("women", "share", (covariates["sex"] == "woman").to_numpy(), population.copula.women)
    ]
    for level, share in zip(grades.levels, grades.shares, strict=True):
        wanted.append(("kl", f"share of grade {level:g}", (covariates["kl"] == level).to_numpy(), share))
    for name, share in population.phenotypes.items():
        wanted.append(("phenotype", f"share of {name}", (covariates["phenotype"] == name).to_numpy(), share))
    return [
        (variable, statistic, "1", share, float(member.mean()), float(np.average(member, weights=weights)))
        for variable, statistic, member, share in wanted
    ]


def _correlation_rows(population: Population, covariates: pl.DataFrame, weights: Floats) -> list[Row]:
    """Correlations that the copula names."""
    rows: list[Row] = []
    for (first, second), wanted in population.correlations.items():
        x, y = covariates[first].to_numpy().astype(float), covariates[second].to_numpy().astype(float)
        achieved = (_correlation(x, y, np.ones(len(x))), _correlation(x, y, weights))
        rows.append((first, f"correlation with {second}", "1", wanted, *achieved))
    return rows


def _observed_rows(population: Population, name: str, unit: str, values: Floats, weights: Floats) -> list[Row]:
    """Mean and SD of an observable of the burned-in knees, and how many burn-ins failed."""
    good = np.isfinite(values)
    margin = population.copula.margins.get("pain_baseline" if name == "womac_pain" else name)
    rows: list[Row] = []
    if good.any():
        (mean, sd), (weighted_mean, weighted_sd) = _mean_sd(values[good]), _mean_sd(values[good], weights[good])
        rows.append((name, "mean (rested knee)", unit, margin.mean if margin else None, mean, weighted_mean))
        rows.append((name, "sd (rested knee)", unit, margin.sd if margin else None, sd, weighted_sd))
    if not good.all():
        share = float(weights[~good].sum() / weights.sum())
        rows.append((name, "share of failed burn-ins", "1", 0.0, float((~good).mean()), share))
    return rows


def _mean_sd(values: Floats, weights: Floats | None = None) -> tuple[float, float]:
    """Mean and SD, weighted or not."""
    mean = float(np.average(values, weights=weights))
    return mean, float(np.sqrt(np.average(np.square(values - mean), weights=weights)))


def _correlation(x: Floats, y: Floats, weights: Floats) -> float:
    """Weighted correlation; NaN where one does not vary."""
    (mean_x, sd_x), (mean_y, sd_y) = _mean_sd(x, weights), _mean_sd(y, weights)
    if sd_x == 0.0 or sd_y == 0.0:
        return float("nan")
    return float(np.average((x - mean_x) * (y - mean_y), weights=weights)) / (sd_x * sd_y)
