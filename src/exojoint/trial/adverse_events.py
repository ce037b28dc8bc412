"""Adverse events as a layer of probability per injection: no equation of the joint makes a needle hurt.

The probabilities come from the treatments' graded tables; here they are only drawn and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from exojoint.core.errors import InputError, Problem
from exojoint.core.streams import Stream
from exojoint.treatments.treatment import AdverseEvent
from exojoint.trial.allocation import slot_ids
from exojoint.trial.batch import TrialBatch
from exojoint.trial.safety import safety_rows

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FLARE = "injection flare"  # the event that a knee may show by itself
EVENT_SCHEMA = {
    "trial": pl.Int32, "arm": pl.String, "event": pl.String,
    "n": pl.Int64, "n_injections": pl.Int64, "n_events": pl.Int64, "n_patients": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Modifier:
    """Patients in whom an event is more likely: the odds are multiplied where a covariate is at least a value."""

    event: str
    covariate: str
    at_least: float
    odds_ratio: float


@dataclass(frozen=True, slots=True)
class Injected:
    """Harms of one treatment, and the days on which it is injected."""

    risks: tuple[AdverseEvent, ...]
    days: tuple[float, ...]


def known_modifiers() -> tuple[Modifier, ...]:
    """Modifiers that the evidence supports: a deep infection is more likely in heavy patients."""
    rows = safety_rows()
    at_least, ratio = rows["bmi_septic_arthritis"].value, rows["ratio_odds_septic_arthritis"].value
    return (Modifier("septic arthritis", "bmi", at_least, ratio),)


def adverse_events(
    batch: TrialBatch,
    risks: Mapping[str, Sequence[AdverseEvent]],
    injection_days: Mapping[str, Sequence[float]],
    covariates: Mapping[str, npt.NDArray[np.generic]],
    stream: Stream,
    modifiers: Sequence[Modifier] | None = None,
    besides: Mapping[str, Sequence[Injected]] | None = None,
    flares: Mapping[str, Sequence[Flags]] | None = None,
) -> pl.DataFrame:
    """Events of every trial, counted per arm: participants, injections given, events, participants with an event.

    Parameters
    ----------
    batch : the trials
    risks : by arm, the events of its treatment, per injection or per course; an arm without an entry has none
    injection_days : by arm, days of its injections; those after a participant has left are not given
    covariates : (n_pool,) columns that modifiers ask for
    stream : named luck of the participants
    modifiers : who is more at risk; None takes `known_modifiers`
    besides : by arm, what its participants get as well, with harms and days of its own
    flares : by arm, for its own treatment and then for each of `besides`, (n_pool, n_lots, injections) whether the knee
        itself shows a flare; these replace the probability of an injection flare. None where no knee does

    Raises
    ------
    InputError
        If a modifier asks for a covariate that is not there.
    """
    by_event = {modifier.event: modifier for modifier in (known_modifiers() if modifiers is None else modifiers)}
    given = {
        arm: [Injected(tuple(risks.get(arm, ())), tuple(injection_days.get(arm, ()))), *(besides or {}).get(arm, ())]
        for arm in batch.arms
    }
    kinds = dict.fromkeys(risk.name for arm in batch.arms for one in given[arm] for risk in one.risks)
    frames = [pl.DataFrame(schema=EVENT_SCHEMA)]
    for number, arm in enumerate(batch.arms):
        inside = batch.roster.arm == number
        injected = [inside[:, :, None] & _given(batch, one.days) for one in given[arm]]
        for kind in kinds:
            happened = []
            for index, (one, there) in enumerate(zip(given[arm], injected, strict=True)):
                luck = stream if index == 0 else stream.child("besides", index)
                own = next((risk for risk in one.risks if risk.name == kind), None)
                if flares is not None and kind == FLARE:
                    shown = flares[arm][index]
                    happened.append(there & shown[batch.roster.patient, batch.roster.lot % shown.shape[1]])
                elif own is None:
                    happened.append(np.zeros_like(there))
                else:
                    probability = _probability(batch, own, by_event.get(kind), covariates)
                    happened.append(_happened(own, probability, there, luck))
            frames.append(_counted(arm, kind, inside, np.concatenate(injected, 2), np.concatenate(happened, 2)))
    return pl.concat(frames).sort("trial", maintain_order=True)


def _given(batch: TrialBatch, days: Sequence[float]) -> Flags:
    """(n_trials, n, injections) whether a participant was still there for an injection."""
    visits = np.append(np.array(batch.design.days), np.inf)
    leaves = visits[batch.course.left]
    return np.asarray(np.array(days) < leaves[:, :, None])


def _probability(
    batch: TrialBatch, risk: AdverseEvent, modifier: Modifier | None, covariates: Mapping[str, npt.NDArray[np.generic]]
) -> Array:
    """(n_trials, n) probability of the event for each participant."""
    probability = np.full(batch.roster.shape, risk.probability)
    if modifier is None:
        return probability
    if modifier.covariate not in covariates:
        known = ", ".join(covariates) or "none is given"
        raise InputError(Problem(f"adverse event {risk.name!r}", f"covariate {modifier.covariate!r} is missing", known))
    values = covariates[modifier.covariate].astype(np.float64)[batch.roster.patient]
    raised = modifier.odds_ratio * probability / (1.0 - probability + modifier.odds_ratio * probability)
    return np.where(values >= modifier.at_least, raised, probability)


def _happened(risk: AdverseEvent, probability: Array, given: Flags, stream: Stream) -> Flags:
    """(n_trials, n, injections); an event per course falls on the first injection."""
    trials, n, injections = given.shape
    luck = stream.child("adverse event", risk.name).uniform(slot_ids(trials, n), injections)
    happened = given & (luck.reshape(given.shape) < probability[:, :, None])
    if risk.per == "course":
        happened[:, :, 1:] = False
    return np.asarray(happened)


def _counted(arm: str, event: str, inside: Flags, given: Flags, happened: Flags) -> pl.DataFrame:
    trials = len(inside)
    return pl.DataFrame(
        {
            "trial": np.arange(trials, dtype=np.int32),
            "arm": [arm] * trials,
            "event": [event] * trials,
            "n": inside.sum(axis=1),
            "n_injections": given.sum(axis=(1, 2)),
            "n_events": happened.sum(axis=(1, 2)),
            "n_patients": happened.any(axis=2).sum(axis=1),
        },
        schema=EVENT_SCHEMA,
    )
