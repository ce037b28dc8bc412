"""What a batch of simulated trials leaves behind: who was in, what was seen, what was true, who left or took rescue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from exojoint.trial.allocation import Roster
from exojoint.trial.design import Design

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Course:
    """What happened to the participants, each (n_trials, n).

    `left` is the first visit that a participant no longer attended, `rescued` the visit at which rescue medication
    started; the number of visits stands for never. `shadow_rescued` is `rescued` as if nobody had left. `missed` is
    (n_trials, n, v), single visits missed. `rescue_failed` marks participants whose second solve failed.
    """

    left: Integers
    rescued: Integers
    shadow_rescued: Integers
    missed: npt.NDArray[np.bool_]
    rescue_failed: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scores:
    """One endpoint of a batch, each (n_trials, n, v) over the design's days in the instrument's unit.

    `observed` is what was recorded (NaN where nothing was), `latent` what was true with the rescue that would have been
    taken had nobody left, `without_rescue` what would have been true had there been none.
    """

    observed: Array
    latent: Array
    without_rescue: Array


@dataclass(frozen=True, slots=True)
class TrialBatch:
    """Simulated trials of one knowledge draw.

    `gains` holds, for each endpoint that follows pain from the patient's own level, the log-odds of that level at
    baseline, (n_pool,).
    """

    design: Design
    arms: tuple[str, ...]
    control: str
    roster: Roster
    course: Course
    scores: Mapping[str, Scores]
    gains: Mapping[str, Array]


def visits_frame(batch: TrialBatch, n_pool: int, trials: int | None = None) -> pl.DataFrame:
    """One row per trial, participant, day and endpoint measured that day (first `trials` trials; None: all).

    `patient` is the row of the pool; a second participant from one row has the number of the pool added. `dropped` and
    `rescue` say whether the participant had left, or had started rescue medication, by that day.
    """
    shown = batch.roster.shape[0] if trials is None else min(trials, batch.roster.shape[0])
    parts = [_endpoint_frame(batch, n_pool, shown, plan.name) for plan in batch.design.endpoints]
    return pl.concat(parts).sort("trial", "patient", "day", "endpoint", maintain_order=True)


def _endpoint_frame(batch: TrialBatch, n_pool: int, trials: int, name: str) -> pl.DataFrame:
    roster, course, design, scores = batch.roster, batch.course, batch.design, batch.scores[name]
    visits = np.array([design.days.index(day) for day in design.plan(name).days])
    n, v = roster.shape[1], len(visits)

    def each(values: Integers) -> Integers:
        return np.repeat(values[:trials].ravel(), v)

    visit = np.tile(visits, trials * n)
    arms = pl.Series(batch.arms)
    return pl.DataFrame(
        {
            "trial": np.repeat(np.arange(trials, dtype=np.int32), n * v),
            "patient": each(roster.patient + n_pool * roster.copy).astype(np.int32),
            "arm": arms.gather(each(roster.arm)),
            "lot": each(roster.lot).astype(np.int32),
            "block": each(roster.block).astype(np.int32),
            "day": np.array(design.days)[visit],
            "endpoint": pl.repeat(name, trials * n * v, eager=True),
            "observed": scores.observed[:trials][:, :, visits].ravel(),
            "latent": scores.latent[:trials][:, :, visits].ravel(),
            "dropped": visit >= each(course.left),
            "rescue": visit >= each(course.rescued),
        }
    ).with_columns(pl.col("observed", "latent").fill_nan(None))


def counts_frame(batch: TrialBatch) -> pl.DataFrame:
    """One row per trial and arm: participants; those who left, took rescue, had its solve fail; visits missed."""
    course, never = batch.course, len(batch.design.days)
    rows = []
    for number, arm in enumerate(batch.arms):
        inside = batch.roster.arm == number
        attended = np.arange(never) < course.left[:, :, None]
        rows.append(
            pl.DataFrame(
                {
                    "trial": np.arange(len(inside), dtype=np.int32),
                    "arm": pl.repeat(arm, len(inside), eager=True),
                    "n": inside.sum(axis=1),
                    "left": (inside & (course.left < never)).sum(axis=1),
                    "rescued": (inside & (course.rescued < never)).sum(axis=1),
                    "rescue_failed": (inside & course.rescue_failed).sum(axis=1),
                    "visits_missed": (inside[:, :, None] & attended & course.missed).sum(axis=(1, 2)),
                }
            )
        )
    return pl.concat(rows).sort("trial", maintain_order=True)
