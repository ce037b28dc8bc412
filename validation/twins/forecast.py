"""Prediction intervals: what we do not know, who was in the trial, how it was read, and how trials differ."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from validation.twins.twin import OTHER, PAIR, SD, Twin, Value

from exojoint.calibration.predict import Prediction, predict
from exojoint.calibration.unknowns import Unknowns
from exojoint.core.streams import Stream
from exojoint.product.catalogue import product_parameters

Floats = NDArray[np.float64]
HERE = Path(__file__).parent
LUCKS = 40  # trials imagined per knowledge draw
POTENCIES = ("inflammation", "catabolic", "anabolic", "survival", "analgesic")
SOURCE = "umbilical_cord"  # all sources have the same rows: none is ranked
READINGS_OF_CHANGE = 2.0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of `discrepancy.csv` or `readings.csv`."""

    value: float
    scale: str


def load_rows(name: str) -> Mapping[str, Row]:
    """Read `discrepancy.csv` or `readings.csv`."""
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: Row(float(row["value"]), row.get("scale") or "add") for row in csv.DictReader(file)}


@dataclass(frozen=True)
class Forecast:
    """Forecast of one value.

    Parameters
    ----------
    mean : (k,) array
        Of the knowledge draws: what the model says of an endless trial.
    samples : (k * LUCKS,) array
        What the trial might have printed.
    weights : (k * LUCKS,) array
        Of the draws.
    parts : mapping of str to float
        SD by source: ``knowledge``, ``sampling`` (patients and readings), ``between trials``.
    """

    mean: Floats
    samples: Floats
    weights: Floats
    parts: Mapping[str, float]


def forecast(
    twin: Twin, known: Unknowns, z: Floats, weights: Floats, luck: Stream, threads: int
) -> dict[str, Forecast]:
    """Forecast every value of a twin from knowledge draws z (k, n_axes) with weights (k,)."""
    given = lots(len(z), luck.child("lots")) if twin.lots else None
    found = predict([twin.protocol], known, z, threads=threads, given=given)
    return {value.id: _forecast(twin, value, found, weights, luck.child(value.id)) for value in twin.values}


def lots(k: int, luck: Stream) -> dict[str, Floats]:
    """Draw one lot per knowledge draw: inactive by chance, else with its own potency on every axis."""
    rows = product_parameters()
    ids = np.arange(k, dtype=np.int64)
    chance = rows[f"p_inactive_{SOURCE}"]
    u, v = luck.uniform(ids, 2).T
    active = v >= chance.uncertainty.quantile(chance.value, u)
    z = luck.child("potency").normal(ids, len(POTENCIES) + 1)
    shared = rows["corr_potency"].value
    own = {}
    for i, axis in enumerate(POTENCIES):
        score = math.sqrt(shared) * z[:, -1] + math.sqrt(1 - shared) * z[:, i]
        own[f"potency_{axis}"] = np.where(active, np.exp(rows[f"sd_potency_{axis}"].value * score), 0.0)
    return own


def _forecast(twin: Twin, value: Value, found: Prediction, weights: Floats, luck: Stream) -> Forecast:
    mean = found.column(value.id)
    sampling = sampling_sd(value, found, twin.protocol.people is not None)
    usable = np.isfinite(mean) & np.isfinite(sampling)
    mean, sampling, weights = mean[usable], sampling[usable], weights[usable]
    z = luck.normal(np.arange(len(mean), dtype=np.int64), 2 * LUCKS).reshape(len(mean), 2, LUCKS)
    row = load_rows("discrepancy")[value.names["discrepancy"]]
    tau = row.value * value.own.get("discrepancy_scale", 1.0)
    read = mean[:, None] + sampling[:, None] * z[:, 0]
    samples = _between(value, read, tau * z[:, 1], row.scale)
    endless = np.tile(mean[:, None], LUCKS)
    spread = float(np.std(_between(value, endless, tau * z[:, 1], row.scale) - endless))
    parts = {"knowledge": float(np.std(mean)), "sampling": float(np.mean(sampling)), "between trials": spread}
    return Forecast(mean, samples.ravel(), np.repeat(weights, LUCKS), parts)


def _between(value: Value, read: Floats, shift: Floats, scale: str) -> Floats:
    """Trials differ: by an added shift, or by a factor on a half-life, of which a share left is a power."""
    if scale == "add":
        return np.asarray(read + shift)
    if value.names.get("class_form") == "left_at_24h":
        return np.asarray(np.clip(read, 1e-6, 1.0) ** np.exp(-shift))
    return np.asarray(read * np.exp(shift))


def sampling_sd(value: Value, found: Prediction, people: bool) -> Floats:
    """Return the SD (k,) that patients and readings give to what a trial of this size prints."""
    reading = load_rows("readings")[value.names["reading"]].value * value.own.get("reading_scale", 1.0)
    if not people:
        mean = np.abs(found.column(value.id))
        own = value.own.get("animal_sd", 0.0) + value.own.get("animal_cv", 0.0) * mean
        return np.asarray(np.sqrt((own**2 + reading**2) * sum(1 / n for n in value.n)))
    error = READINGS_OF_CHANGE * reading**2
    if "paired" in value.own:
        latent = found.column(value.id + PAIR) ** 2
        one = found.column(value.id + SD) ** 2
        return np.asarray(np.sqrt((latent + 2 * (1 - value.own["paired"]) * one + 2 * error) / value.n[0]))
    total = (found.column(value.id + SD) ** 2 + error) / value.n[0]
    if len(value.n) > 1:
        total = total + (found.column(value.id + OTHER) ** 2 + error) / value.n[1]
    return np.asarray(np.sqrt(total))
