"""The forecast of somebody who knows no model: mean of the trial's class, with the spread between its trials."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import norm
from validation.twins.scoring import ALPHA, Interval
from validation.twins.twin import Value

CLASSES = Path(__file__).parent / "classes.csv"
DAY_HOURS = 24.0
FEWEST = 3  # studies from which a spread is taken
WIDE = float(norm.ppf(1 - ALPHA / 2))


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A study of a class, or a synthesis of `k` of them with the spread `sd` of their results (0: a single study)."""

    kind: str
    study: str
    mean: float
    sd: float
    k: int


def load_classes(path: Path = CLASSES) -> tuple[ClassRow, ...]:
    """Read the table of classes."""
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            ClassRow(row["class"], row["study"], float(row["mean"]), float(row["sd"] or 0.0), int(row["k"]))
            for row in csv.DictReader(file)
        )


def naive_interval(value: Value, rows: tuple[ClassRow, ...]) -> Interval:
    """Return the naive 80 % interval for a value; its own study is left out of its class.

    A synthesis gives mean and spread between trials directly (the largest of several). Single studies give the mean and
    the SD of their results (of the logarithms of half-lives). The interval is the mean and 1.28 such SDs each way.

    Raises
    ------
    ValueError
        When the class has no synthesis and fewer than `FEWEST` studies beside this one.
    """
    kept = [row for row in rows if row.kind == value.names["class"] and row.study != value.names["class_study"]]
    synthesis = [row for row in kept if row.k > 1]
    form, scale = value.names.get("class_form", ""), value.own.get("class_scale", 1.0)
    if synthesis:
        best = max(synthesis, key=lambda row: row.k)
        return _scaled(best.mean, WIDE * best.sd, scale)
    results = [math.log(row.mean) if form else row.mean for row in kept]
    if len(results) < FEWEST:
        raise ValueError(f"class {value.names['class']} has fewer than {FEWEST} studies beside {value.id}")
    centre = sum(results) / len(results)
    sd = math.sqrt(sum((x - centre) ** 2 for x in results) / (len(results) - 1))
    half = WIDE * sd
    if not form:
        return _scaled(centre, half, scale)
    lo, middle, hi = (math.exp(x) for x in (centre - half, centre, centre + half))
    if form == "left_at_24h":
        lo, middle, hi = (0.5 ** (DAY_HOURS / x) for x in (lo, middle, hi))
    return Interval(lo, middle, hi)


def _scaled(centre: float, half: float, scale: float) -> Interval:
    ends = sorted((scale * (centre - half), scale * (centre + half)))
    return Interval(ends[0], scale * centre, ends[1])
