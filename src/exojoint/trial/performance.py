"""How often a design is right: type I error, power, assurance, bias, coverage, each with its Monte Carlo error.

*Power* is the share of trials won at fixed knowledge (one draw), summarised by its median; *assurance* is its mean over
draws, and its error counts draws, not trials. A trial is won when the two-sided test rejects and the estimate favours
the arm. A trial whose analysis did not converge is not won, stays in every denominator of winning, and is counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from exojoint.core.errors import InputError, Problem
from exojoint.trial.design import Design

Array = npt.NDArray[np.float64]

ROW_COLUMNS = (
    "draw",
    "trial",
    "arm",
    "endpoint",
    "day",
    "estimate",
    "se",
    "p",
    "lo",
    "hi",
    "converged",
    "true_difference",
)
PERFORMANCE_SCHEMA = {
    "measure": pl.String, "arm": pl.String, "endpoint": pl.String, "day": pl.Float64,
    "value": pl.Float64, "mc_error": pl.Float64, "n": pl.Int64,
}  # fmt: skip
CONTRAST = ("arm", "endpoint", "day")
MEDIAN_EFFICIENCY = math.sqrt(math.pi / 2.0)  # error of a median over that of a mean, normal distribution


@dataclass(frozen=True, slots=True)
class Measure:
    """One operating characteristic; `n` is what the error counts (trials, draws or participants)."""

    value: float
    mc_error: float
    n: int


@dataclass(frozen=True)
class Performance:
    """Operating characteristics of a design.

    `table` has the columns measure, arm, endpoint, day, value, mc_error, n; `powers` one row per draw and contrast with
    the share of trials won.
    """

    table: pl.DataFrame
    powers: pl.DataFrame

    def get(self, measure: str, arm: str, endpoint: str = "", day: float = 0.0) -> Measure:
        """One measure.

        Raises
        ------
        InputError
            If it was not computed.
        """
        found = self.table.filter(measure=measure, arm=arm, endpoint=endpoint, day=float(day))
        if found.height != 1:
            known = ", ".join(sorted(set(self.table["measure"])))
            raise InputError(
                Problem(
                    f"performance {measure!r} of {arm!r}, {endpoint!r}, day {day:g}",
                    f"{found.height} rows",
                    f"one; measures: {known}",
                )
            )
        return Measure(*found.select("value", "mc_error", "n").row(0))


def share_error(hits: int, n: int) -> float:
    """Standard error of a share, never 0: the spread of a Jeffreys posterior, Beta(hits + 1/2, n - hits + 1/2)."""
    a, b = hits + 0.5, n - hits + 0.5
    return math.sqrt(a * b / (a + b + 1.0)) / (a + b)


def rejected(design: Design) -> pl.Expr:
    """Whether the two-sided test rejects; an analysis without a p value does not."""
    return (pl.col("p").fill_nan(None) < design.alpha).fill_null(False) & pl.col("converged")


def won(design: Design) -> pl.Expr:
    """Whether the test rejects in favour of the arm (a responder share is better when higher)."""
    lower = [plan.name for plan in design.endpoints if plan.endpoint.instrument.better == "lower"]
    favourable = (
        pl.when(pl.col("endpoint").is_in(lower)).then(pl.col("estimate") < 0.0).otherwise(pl.col("estimate") > 0.0)
    )
    return rejected(design) & favourable.fill_null(False)


def performance(
    design: Design, rows: pl.DataFrame, null_rows: pl.DataFrame | None = None, counts: pl.DataFrame | None = None
) -> Performance:
    """Operating characteristics from analysed trials.

    Parameters
    ----------
    design : the protocol (alpha, direction of each endpoint)
    rows : one row per draw, trial, contrast, endpoint and day, as `analyse` gives them with a `draw` column
    null_rows : the same for the null product
    counts : one row per draw, trial and arm, as `counts_frame` gives them

    Raises
    ------
    InputError
        If a column is missing.
    """
    _check_columns(rows)
    measures: list[tuple[object, ...]] = []
    powers = _powers(design, rows)
    for key, block in _contrasts(rows):
        mine = powers.filter(arm=key[0], endpoint=key[1], day=key[2])["power"].to_numpy()
        measures += [("power", *key, *_median(mine)), ("assurance", *key, *_mean(mine))]
        measures += [(name, *key, *value) for name, value in _accuracy(block)]
        measures.append(("not_converged", *key, *_share(~block["converged"].to_numpy())))
    for key, block in _contrasts(null_rows) if null_rows is not None else ():
        measures.append(("type1", *key, *_share(block.select(rejected(design)).to_series().to_numpy())))
        measures.append(("not_converged_null", *key, *_share(~block["converged"].to_numpy())))
    if counts is not None:
        measures += _conduct(counts)
    return Performance(pl.DataFrame(measures, schema=PERFORMANCE_SCHEMA, orient="row"), powers)


def _check_columns(rows: pl.DataFrame) -> None:
    missing = [name for name in ROW_COLUMNS if name not in rows.columns]
    if missing:
        raise InputError(Problem("analysed trials", f"no column {', '.join(missing)}", ", ".join(ROW_COLUMNS)))


def _contrasts(rows: pl.DataFrame) -> Iterator[tuple[tuple[object, ...], pl.DataFrame]]:
    _check_columns(rows)
    yield from rows.group_by(CONTRAST, maintain_order=True)


def _powers(design: Design, rows: pl.DataFrame) -> pl.DataFrame:
    grouped = rows.group_by("draw", *CONTRAST, maintain_order=True)
    return grouped.agg(power=won(design).mean(), n_trials=pl.len())


def _accuracy(block: pl.DataFrame) -> list[tuple[str, tuple[float, float, int]]]:
    """Bias, coverage and calibration of the standard error against the known true difference."""
    known = block.filter(pl.col("converged") & pl.col("true_difference").is_finite() & pl.col("se").is_finite())
    if known.height == 0:
        return []
    error = pl.col("estimate") - pl.col("true_difference")
    covered = pl.col("true_difference").is_between("lo", "hi")
    return [
        ("bias", _over_draws(known, error)),
        ("coverage", _over_draws(known, covered.cast(pl.Float64))),
        ("se_ratio", _se_ratio(known, error)),
    ]


def _over_draws(known: pl.DataFrame, what: pl.Expr) -> tuple[float, float, int]:
    """Mean over draws with an error that counts draws; over trials where there is one draw."""
    by_draw = known.group_by("draw", maintain_order=True).agg(value=what.mean())["value"].to_numpy()
    return _mean(by_draw) if len(by_draw) > 1 else _mean(known.select(what).to_series().to_numpy())


def _se_ratio(known: pl.DataFrame, error: pl.Expr) -> tuple[float, float, int]:
    """Stated over actual standard error; 1 is honest, less is overconfident. Draws are compared with their own mean."""
    spread = known.select(sd=error - error.mean().over("draw"), se=pl.col("se"))
    free = known.height - known["draw"].n_unique()
    actual = float(spread.select((pl.col("sd") ** 2).sum()).item())
    if free < 1 or actual == 0.0:
        return math.nan, math.nan, known.height
    stated = float(spread.select((pl.col("se") ** 2).mean()).item())
    ratio = math.sqrt(stated / (actual / free))
    return ratio, ratio / math.sqrt(2.0 * free), known.height


def _conduct(counts: pl.DataFrame) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for (arm,), block in counts.group_by(["arm"], maintain_order=True):
        n = int(block["n"].sum())
        for measure, column in (("dropout", "left"), ("rescue", "rescued"), ("rescue_failed", "rescue_failed")):
            hits = int(block[column].sum())
            rows.append((measure, arm, "", 0.0, hits / n if n else math.nan, share_error(hits, n), n))
    return rows


def _share(flags: npt.NDArray[np.bool_]) -> tuple[float, float, int]:
    hits, n = int(flags.sum()), len(flags)
    return (hits / n, share_error(hits, n), n) if n else (math.nan, math.nan, 0)


def _mean(values: Array) -> tuple[float, float, int]:
    n = len(values)
    error = float(np.std(values, ddof=1) / math.sqrt(n)) if n > 1 else math.nan
    return float(np.mean(values)), error, n


def _median(values: Array) -> tuple[float, float, int]:
    return float(np.median(values)), MEDIAN_EFFICIENCY * _mean(values)[1], len(values)
