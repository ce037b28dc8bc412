"""From forecasts to a table: what agrees with what was published, and whether the intervals are honest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import norm
from validation.twins.forecast import Forecast
from validation.twins.naive import WIDE, ClassRow, naive_interval
from validation.twins.scoring import (
    COVERAGE_WANTED,
    LEVEL,
    coverage_chance,
    interval_of,
    interval_score,
    pit_spread,
    share_below,
)
from validation.twins.twin import Twin, Value

from exojoint.calibration.subjects import population_of

REASONS = Path(__file__).parent / "reasons.csv"
SIGNIFICANT = float(norm.ppf(0.975))
DOUBTFUL = 0.1  # a statement that the forecast gives less than this is a miss
GROUPS = {
    "pain within an arm": ("saline_change", "saline_change_late", "oral_placebo_change", "cells_change"),
    "pain between arms": (
        "steroid_difference", "hyaluronate_difference", "nsaid_difference", "programme_difference", "cells_difference",
    ),
    "structure": ("jsw_year", "cartilage_year"),
    "animals": ("residence_half_life", "oarsi_vesicles"),
}  # fmt: skip
Floats = NDArray[np.float64]


def judged(twin: Twin, value: Value, found: Forecast, classes: tuple[ClassRow, ...]) -> dict[str, object]:
    """One row of the table: published, forecast, naive forecast, and how they compare."""
    ours, naive = interval_of(found.samples, found.weights), naive_interval(value, classes)
    row: dict[str, object] = {
        "id": value.id, "twin": twin.name, "kind": twin.kind, "species": twin.protocol.species, "grade": value.grade,
        "group": group_of(value), "what": value.what, "unit": value.unit, "published": value.published,
        "published_half": value.half or None, "statement": value.null, "lo": ours.lo, "middle": ours.middle,
        "hi": ours.hi, "naive_lo": naive.lo, "naive_middle": naive.middle, "naive_hi": naive.hi,
        "sd_knowledge": found.parts["knowledge"], "sd_sampling": found.parts["sampling"],
        "sd_between": found.parts["between trials"], "draws": len(found.mean),
    }  # fmt: skip
    unit = naive.width / 2 / WIDE
    if value.published is None:
        limit = value.within or SIGNIFICANT * found.parts["sampling"]
        held = float(np.average(np.abs(found.samples) <= limit, weights=found.weights))
        return row | {"probability": held, "agrees": held >= DOUBTFUL} | dict.fromkeys(SCORES)
    scores = interval_score(ours, value.published) / unit, interval_score(naive, value.published) / unit
    return row | {
        "probability": None,
        "agrees": ours.covers(value.published),
        "pit": share_below(found.samples, value.published, found.weights),
        "score": scores[0],
        "naive_score": scores[1],
        "naive_covers": naive.covers(value.published),
    }


SCORES = ("pit", "score", "naive_score", "naive_covers")


def group_of(value: Value) -> str:
    """What kind of result a value is, for summaries."""
    return next(name for name, classes in GROUPS.items() if value.names["class"] in classes)


@dataclass(frozen=True, slots=True)
class Summary:
    """How a set of forecasts did.

    Parameters
    ----------
    name : str
        Which values.
    n : int
        Published numbers among them.
    coverage, naive_coverage : float
        Share inside the 80 % interval.
    score, naive_score : float
        Mean interval score in SDs of the class of each value (smaller is better).
    wins : int
        Values on which the model's score is smaller.
    pit : float
        Variance of the probability transforms over that of a uniform.
    """

    name: str
    n: int
    coverage: float
    naive_coverage: float
    score: float
    naive_score: float
    wins: int
    pit: float

    @property
    def honest(self) -> bool:
        """Whether coverage lies where it is wanted."""
        return COVERAGE_WANTED[0] <= self.coverage <= COVERAGE_WANTED[1]

    @property
    def better(self) -> bool:
        """Whether the mean interval score beats the naive one."""
        return self.score < self.naive_score


def summarise(table: pl.DataFrame, name: str) -> Summary:
    """Summarise the rows that hold a published number."""
    rows = table.filter(pl.col("published").is_not_null())
    better = int((rows["score"] < rows["naive_score"]).sum())
    means = [float(np.mean(rows[column].to_numpy())) for column in ("agrees", "naive_covers", "score", "naive_score")]
    return Summary(name, rows.height, *means, better, pit_spread(rows["pit"].to_numpy()))


def summaries(table: pl.DataFrame) -> list[Summary]:
    """All published numbers, those that were read, one group each; and, chosen after the fact, all but joint space."""
    wanted = [("all", table), ("read, not recalled", table.filter(pl.col("grade") == "seen"))]
    wanted += [(name, table.filter(pl.col("group") == name)) for name in GROUPS]
    wanted.append(("all but joint space (chosen after the fact)", table.filter(~pl.col("id").str.ends_with(".jsw"))))
    return [summarise(rows, name) for name, rows in wanted if rows["published"].is_not_null().any()]


def chance_of_passing(n: int) -> float:
    """Chance that honest intervals would pass the coverage criterion on n independent values."""
    return coverage_chance(n, LEVEL)


def domain(twins: Sequence[Twin]) -> pl.DataFrame:
    """What the twins span: one row per twin and arm, so that a scenario's distance to them can be told."""
    rows = []
    for twin in twins:
        protocol = twin.protocol
        shared = {
            "twin": twin.name,
            "species": protocol.species,
            "induction": protocol.induction,
            "numbers": sum(value.published is not None for value in twin.values),
            "statements": sum(value.published is None for value in twin.values),
            "last_day": max(day for readout in protocol.readouts for day in readout.days),
            "endpoints": ";".join(sorted({name for readout in protocol.readouts for name in readout.observable})),
            **people(twin),
        }
        for arm in protocol.arms.values():
            for given in arm.give:
                rows.append(shared | {"treatment": given.treatment, "amount": given.amount, "doses": len(given.days)})
    return pl.DataFrame(rows, infer_schema_length=None)


def people(twin: Twin) -> dict[str, float | None]:
    """Means of a twin's population; None for animals."""
    if twin.protocol.people is None:
        return dict.fromkeys(MARGINS)
    found = population_of(twin.protocol.people, twin.protocol.place).quantities
    return {name: found[key].value for name, key in MARGINS.items()}


MARGINS = {
    "age": "age.mean", "bmi": "bmi.mean", "pain": "pain_baseline.mean", "women": "women.share",
    "effusion": "effusion_volume.mean",
}  # fmt: skip
