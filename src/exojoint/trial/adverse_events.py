"""Adverse events as a layer of probability per injection: no equation of the joint makes a needle hurt.

The probabilities come from the treatment's graded table; here they are only drawn and counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from exojoint.core.errors import InputError, Problem
from exojoint.core.streams import Stream
from exojoint.trial.allocation import slot_ids
from exojoint.trial.batch import TrialBatch

RISK_KEYS = ("probability", "grade", "source", "covariate", "at_least", "odds_ratio")


@dataclass(frozen=True, slots=True)
class Risk:
    """Probability of one kind of event per injection.

    Where a `covariate` of the patient is `at_least` a value, the odds are multiplied by `odds_ratio`.
    """

    event: str
    probability: float
    grade: str
    source: str
    covariate: str = ""
    at_least: float = math.inf
    odds_ratio: float = 1.0


def read_risks(table: Mapping[str, Mapping[str, object]], where: str) -> tuple[Risk, ...]:
    """Risks from a treatment's table: event -> probability, grade, source (and covariate, at_least, odds_ratio).

    Raises
    ------
    InputError
        With every row that is no probability, lacks a grade or a source, or has an unknown key.
    """
    problems: list[Problem] = []
    risks = []
    for event, row in table.items():
        place = f"{where} `{event}`"
        probability, odds_ratio = row.get("probability"), row.get("odds_ratio", 1.0)
        if not (isinstance(probability, (int, float)) and 0.0 <= probability <= 1.0):
            problems.append(Problem(place, f"probability {probability!r}", "a number between 0 and 1"))
        if not (isinstance(odds_ratio, (int, float)) and 0.0 < odds_ratio < math.inf):
            problems.append(Problem(place, f"odds_ratio {odds_ratio!r}", "a positive number"))
        problems += [
            Problem(place, f"has no {key}", f"a {key}", f"Add `{key}`.")
            for key in ("grade", "source")
            if not row.get(key)
        ]
        problems += [
            Problem(place, f"unknown key {key!r}", f"one of {', '.join(RISK_KEYS)}")
            for key in row
            if key not in RISK_KEYS
        ]
        risks.append((event, row))
    if problems:
        raise InputError(*problems)
    return tuple(_risk(event, row) for event, row in risks)


def _risk(event: str, row: Mapping[str, object]) -> Risk:
    number = {key: float(str(row[key])) for key in ("probability", "at_least", "odds_ratio") if key in row}
    return Risk(
        event=event,
        probability=number["probability"],
        grade=str(row["grade"]),
        source=str(row["source"]),
        covariate=str(row.get("covariate", "")),
        at_least=number.get("at_least", math.inf),
        odds_ratio=number.get("odds_ratio", 1.0),
    )


def adverse_events(
    batch: TrialBatch,
    risks: Mapping[str, Sequence[Risk]],
    injection_days: Mapping[str, Sequence[float]],
    covariates: Mapping[str, npt.NDArray[np.generic]],
    stream: Stream,
) -> pl.DataFrame:
    """Events of every trial, counted per arm: participants, injections given, events, participants with an event.

    Parameters
    ----------
    batch : the trials
    risks : by arm, the events that its injections may cause; an arm without an entry has none
    injection_days : by arm, days of its injections; those after a participant has left are not given
    covariates : (n_pool,) columns that risks may ask for
    stream : named luck; the same participant has the same luck in every arm and event
    """
    rows = []
    kinds = tuple(dict.fromkeys(risk.event for arm in batch.arms for risk in risks.get(arm, ())))
    for number, arm in enumerate(batch.arms):
        inside = batch.roster.arm == number
        given = inside[:, :, None] & _given(batch, injection_days.get(arm, ()))
        by_event = {risk.event: risk for risk in risks.get(arm, ())}
        for kind in kinds:
            risk = by_event.get(kind)
            happened = (
                np.zeros_like(given)
                if risk is None
                else given & _happens(batch, risk, given.shape[2], covariates, stream)
            )
            rows.append(_count(arm, kind, inside, given, happened))
    empty = {
        "trial": pl.Int32,
        "arm": pl.String,
        "event": pl.String,
        "n": pl.Int64,
        "n_injections": pl.Int64,
        "n_events": pl.Int64,
        "n_patients": pl.Int64,
    }
    return pl.concat(rows).sort("trial", maintain_order=True) if rows else pl.DataFrame(schema=empty)


def _given(batch: TrialBatch, days: Sequence[float]) -> npt.NDArray[np.bool_]:
    """(n_trials, n, injections) whether a participant was still there for an injection."""
    visits = np.append(np.array(batch.design.days), np.inf)
    leaves = visits[batch.course.left]
    return np.asarray(np.array(days) < leaves[:, :, None])


def _happens(
    batch: TrialBatch, risk: Risk, injections: int, covariates: Mapping[str, npt.NDArray[np.generic]], stream: Stream
) -> npt.NDArray[np.bool_]:
    trials, n = batch.roster.shape
    odds = risk.probability / (1.0 - risk.probability) if risk.probability < 1.0 else math.inf
    probability = np.full((trials, n), risk.probability)
    if risk.covariate:
        if risk.covariate not in covariates:
            known = ", ".join(covariates)
            raise InputError(
                Problem(f"risk {risk.event!r}", f"{risk.covariate!r} is not a covariate", f"one of {known}")
            )
        raised = odds * risk.odds_ratio
        higher = 1.0 if math.isinf(raised) else raised / (1.0 + raised)
        exposed = covariates[risk.covariate].astype(np.float64)[batch.roster.patient] >= risk.at_least
        probability[exposed] = higher
    luck = stream.child("adverse event", risk.event).uniform(slot_ids(trials, n), injections)
    return np.asarray(luck.reshape(trials, n, injections) < probability[:, :, None])


def _count(
    arm: str, event: str, inside: npt.NDArray[np.bool_], given: npt.NDArray[np.bool_], happened: npt.NDArray[np.bool_]
) -> pl.DataFrame:
    trials = len(inside)
    return pl.DataFrame(
        {
            "trial": np.arange(trials, dtype=np.int32),
            "arm": pl.repeat(arm, trials, eager=True),
            "event": pl.repeat(event, trials, eager=True),
            "n": inside.sum(axis=1),
            "n_injections": given.sum(axis=(1, 2)),
            "n_events": happened.sum(axis=(1, 2)),
            "n_patients": happened.any(axis=2).sum(axis=1),
        }
    )
