"""Go, no-go or learn: criteria applied to what the knowledge draws say about the true effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.units import conversion_factor
from exojoint.decision.criteria import Criteria, EffectCriterion, PerformanceCriterion, Side

Call = Literal["go", "no-go", "learn"]
DRAW_COLUMNS = ("draw", "arm", "control", "endpoint", "day", "unit", "difference")
PERFORMANCE_COLUMNS = ("measure", "endpoint", "day", "value", "mc_error")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number from n draws with its Monte Carlo error."""

    value: float
    mc_error: float
    n: int


@dataclass(frozen=True, slots=True)
class Reason:
    """One criterion and what the draws say about it.

    Attributes
    ----------
    criterion : in words, with arm, endpoint, day, margin and threshold
    side : "go" or "no-go"
    arm : treated arm, or "" for an operating characteristic
    threshold : of the probability (or of the operating characteristic)
    estimate : the probability (or operating characteristic), its Monte Carlo error and number of draws
    met : whether the comparison holds
    near : whether it lies so close to its threshold that more draws could change `met`
    """

    criterion: str
    side: Side
    arm: str
    threshold: float
    estimate: Estimate
    met: bool
    near: bool

    @property
    def probability(self) -> float:
        """Share of the draws in which the event is true (or the operating characteristic's value)."""
        return self.estimate.value

    @property
    def mc_error(self) -> float:
        """Monte Carlo error of the probability; counts draws, not trials."""
        return self.estimate.mc_error

    def as_dict(self) -> dict[str, Any]:
        """The entry of verdict.json; null where no draw succeeded."""
        known = np.isfinite(self.probability)
        return {
            "criterion": self.criterion,
            "threshold": self.threshold,
            "probability": self.probability if known else None,
            "mc_error": self.mc_error if known else None,
            "met": self.met,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to the scenario's question.

    Attributes
    ----------
    verdict : "go", "no-go" or "learn"
    reasons : one per criterion and arm
    warnings : thresholds within Monte Carlo error, failed draws, criteria that contradict each other
    by_arm : the call for each treated arm
    """

    verdict: Call
    reasons: tuple[Reason, ...]
    warnings: tuple[str, ...]
    by_arm: dict[str, Call]


def decide(criteria: Criteria, draws: pl.DataFrame, performance: pl.DataFrame | None = None) -> Verdict:
    """Call for a run: go when every go criterion is met, no-go when any no-go criterion is met, else learn.

    With several treated arms each gets its call; the run's is go when one arm is a go, no-go when all are, else learn.
    When go and no-go criteria are met together, no-go wins and a warning says so.

    Parameters
    ----------
    criteria : what to judge by
    draws : true differences of each knowledge draw; columns draw, arm, control, endpoint, day, unit, difference (null
        or NaN where the draw failed), others are ignored
    performance : operating characteristics; columns measure, endpoint, day, value, mc_error; needed only by criteria
        that ask for one

    Raises
    ------
    InputError
        When a criterion asks for something that the run does not contain.
    """
    _check_columns("draws", draws, DRAW_COLUMNS)
    if performance is not None:
        _check_columns("performance", performance, PERFORMANCE_COLUMNS)
    arms = _arms(draws)
    shared = [
        _performance_reason(item, performance, criteria.near.value)
        for item in criteria.criteria
        if isinstance(item, PerformanceCriterion)
    ]
    reasons: list[Reason] = []
    warnings: list[str] = []
    by_arm: dict[str, Call] = {}
    for arm in arms:
        own = [
            _effect_reason(item, draws.filter(pl.col("arm") == arm), arm, criteria.near.value, warnings)
            for item in criteria.criteria
            if isinstance(item, EffectCriterion)
        ]
        by_arm[arm] = _call([*own, *shared], arm, warnings)
        reasons += own
    reasons += shared
    warnings += [
        f"within Monte Carlo error of its threshold ({item.probability:.3f} +- {item.mc_error:.3f} against "
        f"{item.threshold:g}): {item.criterion}"
        for item in reasons
        if item.near
    ]
    return Verdict(_overall(tuple(by_arm.values())), tuple(reasons), tuple(dict.fromkeys(warnings)), by_arm)


def share_error(share: float, n: int) -> float:
    """Monte Carlo error of a share of n draws; not 0 when the share is 0 or 1 (half a draw is added to each side)."""
    if n == 0:
        return float("nan")
    shrunk = (share * n + 0.5) / (n + 1.0)
    return float(np.sqrt(shrunk * (1.0 - shrunk) / n))


def _effect_reason(
    criterion: EffectCriterion, draws: pl.DataFrame, arm: str, near: float, warnings: list[str]
) -> Reason:
    """Share of the draws in which the true difference passes the margin."""
    rows = _rows_of(criterion, draws, arm)
    scale = conversion_factor(rows["unit"][0], criterion.margin.unit, f"draws, unit of {criterion.endpoint}")
    values = _per_draw(rows) * scale
    good = values[np.isfinite(values)]
    if len(good) < len(values):
        lost = len(values) - len(good)
        warnings.append(
            f"{lost} of {len(values)} draws have no true {criterion.endpoint} of {arm} at {criterion.day:g} d"
        )
    margin = criterion.margin.value
    passed = good <= margin if criterion.difference == "at most" else good >= margin
    share = float(passed.mean()) if len(good) else float("nan")
    text = criterion.text(arm, str(rows["control"][0]))
    return _reason(criterion, text, arm, Estimate(share, share_error(share, len(good)), len(good)), near)


def _performance_reason(criterion: PerformanceCriterion, performance: pl.DataFrame | None, near: float) -> Reason:
    """Operating characteristic against its threshold."""
    where = f"criterion '{criterion.name}'"
    if performance is None:
        raise InputError(Problem(where, "the run has no operating characteristics", criterion.measure, "Run trials."))
    rows = performance.filter(
        (pl.col("measure") == criterion.measure)
        & (pl.col("endpoint") == criterion.endpoint)
        & ((pl.col("day") - criterion.day).abs() < 0.5)
    )
    if rows.height != 1:
        what = f"{rows.height} rows for {criterion.measure} of {criterion.endpoint} at day {criterion.day:g}"
        raise InputError(Problem(where, what, "one row", "Name a measure, endpoint and day that the design analyses."))
    n = int(rows["n"][0]) if "n" in rows.columns else 0
    estimate = Estimate(float(rows["value"][0]), float(rows["mc_error"][0]), n)
    return _reason(criterion, criterion.text(), "", estimate, near)


def _reason(
    criterion: EffectCriterion | PerformanceCriterion, text: str, arm: str, known: Estimate, near: float
) -> Reason:
    """Comparison with the threshold; an unknown probability meets nothing."""
    threshold = criterion.threshold.value
    met = known.value >= threshold if criterion.probability == "at least" else known.value <= threshold
    close = bool(abs(known.value - threshold) <= near * known.mc_error)
    return Reason(text, criterion.side, arm, threshold, known, bool(met), close)


def _call(reasons: list[Reason], arm: str, warnings: list[str]) -> Call:
    """Three-way call for one arm."""
    go = [item.met for item in reasons if item.side == "go"]
    stopped = any(item.met for item in reasons if item.side == "no-go")
    if stopped and all(go):
        warnings.append(
            f"{arm}: go and no-go criteria are met together; no-go wins, but the criteria contradict each other"
        )
    if stopped:
        return "no-go"
    return "go" if all(go) else "learn"


def _overall(calls: tuple[Call, ...]) -> Call:
    """One call for the run."""
    if "go" in calls:
        return "go"
    return "no-go" if all(call == "no-go" for call in calls) else "learn"


def _per_draw(rows: pl.DataFrame) -> NDArray[np.float64]:
    """True difference of each draw (n_draws,), in draw order; NaN where it failed."""
    means = rows.group_by("draw").agg(pl.col("difference").cast(pl.Float64).mean()).sort("draw")
    values: NDArray[np.float64] = means["difference"].fill_null(float("nan")).to_numpy()
    return values


def _rows_of(criterion: EffectCriterion, draws: pl.DataFrame, arm: str) -> pl.DataFrame:
    """Rows of the endpoint and day, or an error that names what is there."""
    rows = draws.filter(
        (pl.col("endpoint") == criterion.endpoint) & ((pl.col("day").cast(pl.Float64) - criterion.day).abs() < 0.5)
    )
    if rows.height:
        return rows
    known = sorted({f"{name} at day {day:g}" for name, day in draws.select("endpoint", "day").unique().iter_rows()})
    wanted = f"{criterion.endpoint} at day {criterion.day:g}"
    todo = did_you_mean(wanted, known) or "Choose a design that measures it, or other criteria."
    what = f"the run has no true {wanted} for arm '{arm}'"
    raise InputError(Problem(f"criterion '{criterion.name}'", what, f"one of {', '.join(known)}", todo))


def _arms(draws: pl.DataFrame) -> tuple[str, ...]:
    """Treated arms in the order of the frame."""
    arms = tuple(draws.filter(pl.col("arm") != pl.col("control"))["arm"].unique(maintain_order=True))
    if not arms:
        raise InputError(Problem("draws", "no treated arm", "an arm besides the control", "Add an arm."))
    return arms


def _check_columns(name: str, frame: pl.DataFrame, wanted: tuple[str, ...]) -> None:
    """Raise when columns are missing."""
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise InputError(Problem(name, f"columns {', '.join(missing)} are missing", ", ".join(wanted), "Add them."))
