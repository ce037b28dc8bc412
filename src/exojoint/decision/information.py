"""Which unknown to measure next: approximate value of knowing one parameter before the call is made.

Expected value of partial perfect information for a yes/no event (the true effect passes its margin), with the chance of
a right call as the utility. Two approximations stand side by side: a smooth one that takes the headline as linear in
the unknowns and the rest as normal, and a binned one that uses the draws alone and shows its noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import hypergeom

from exojoint.core.knowledge import KnowledgeSpace
from exojoint.core.tables import Parameter, ParameterTable
from exojoint.decision.sensitivity import VarianceShares

Floats = NDArray[np.float64]

# Quantiles of one unknown over which the smooth approximation averages; the answer is stable to 1e-4 from 200 on.
GRID = ndtri((np.arange(401) + 0.5) / 401)
# Draws per bin below which a binned probability is mostly noise, and the most bins that are useful.
BIN_SIZE = 12
BIN_LIMIT = 8
# Digits of a gain that are not rounding noise of the average over the grid.
GAIN_DIGITS = 9
COLUMNS = {
    "parameter": pl.String, "grade": pl.String, "unit": pl.String, "value": pl.Float64, "verdict_share": pl.Float64,
    "gain": pl.Float64, "gain_error": pl.Float64, "binned_share": pl.Float64, "binned_error": pl.Float64,
    "experiment": pl.String,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """What the call is about: the headline at or below a threshold (`below`), or at or above it."""

    threshold: float
    below: bool

    def happened(self, values: Floats) -> NDArray[np.bool_]:
        """Whether each value passes; same shape."""
        passed: NDArray[np.bool_] = values <= self.threshold if self.below else values >= self.threshold
        return passed

    def probability(self, mean: Floats, sd: float) -> Floats:
        """Chance that a normal headline with these means passes; same shape as mean."""
        distance = (self.threshold - mean) if self.below else (mean - self.threshold)
        if sd <= 0.0:
            certain: Floats = (distance >= 0.0).astype(np.float64)
            return certain
        chance: Floats = ndtr(distance / sd)
        return chance


def next_experiment(
    space: KnowledgeSpace,
    table: ParameterTable,
    shares: VarianceShares,
    draws_z: Floats,
    draws_values: Floats,
    event: Event,
) -> pl.DataFrame:
    """Unknowns ranked by how much knowing each would improve the call; approximate.

    Parameters
    ----------
    space, table : the unknowns and their rows
    shares : of the same headline
    draws_z : (n, n_axes), knowledge draws
    draws_values : (n,), headline in these draws; NaN where failed (left out)
    event : what the call is about

    Returns
    -------
    polars.DataFrame
        One row per unknown with an effect, best first: parameter, grade, unit, value, verdict_share (share of the
        variance of the yes/no answer), gain (rise of the chance of a right call) and gain_error (its Monte Carlo
        error), binned_share and binned_error (the same share from the draws alone; its error is that of an unknown
        without effect), experiment (what to measure), method.
    """
    good = np.isfinite(draws_values)
    values, z = draws_values[good], draws_z[good]
    variance, variance_error = shares.fit.variance, shares.fit.variance_error
    if not np.isfinite(variance):
        variance, variance_error = shares.fit.single, 0.0
    mean, mean_error = float(values.mean()), float(np.sqrt(variance / len(values)))
    records: list[tuple[object, ...]] = []
    for row in shares.rows.filter(pl.col("share") > 0.0).iter_rows(named=True):
        name, share = row["parameter"], (row["share"], row["mc_error"])
        verdict_share, gain = smooth_information(mean, variance, row["share"], event)
        gain_error = smooth_error((mean, mean_error), (variance, variance_error), share, event)
        binned, error, _ = binned_information(z[:, space.names.index(name)], event.happened(values))
        records.append((*_known(table[name]), verdict_share, gain, gain_error, binned, error, _experiment(table[name])))
    frame = pl.DataFrame(records, schema=COLUMNS, orient="row")
    frame = frame.with_columns(pl.lit("approximate: linear-normal, binned").alias("method"))
    return frame.sort("gain", "verdict_share", "parameter", descending=[True, True, False])


def _known(row: Parameter) -> tuple[str, str, str, float]:
    return row.name, row.grade, row.unit, row.value


def _experiment(row: Parameter) -> str:
    return f"measure {row.name} ({row.unit}): best guess {row.value:g} is {row.grade.replace('_', ' ')}"


def smooth_information(mean: float, variance: float, share: float, event: Event) -> tuple[float, float]:
    """Share of the answer's variance and gain in right calls, with a linear-normal headline.

    Parameters
    ----------
    mean, variance : of the headline over what we do not know
    share : of that variance which belongs to the unknown, 0 to 1

    Returns
    -------
    (share of the variance of the yes/no answer, rise of the chance of a right call)
    """
    known = event.probability(
        mean + np.sqrt(share * variance) * GRID, float(np.sqrt(max(0.0, (1.0 - share) * variance)))
    )
    # The mean of this very curve keeps the gain at 0 or above and the share at 1 or below in spite of the finite grid.
    centre = float(known.mean())
    gain = max(0.0, round(float(np.maximum(known, 1.0 - known).mean()) - max(centre, 1.0 - centre), GAIN_DIGITS))
    spread = centre * (1.0 - centre)
    return (float(known.var()) / spread if spread > 0.0 else 0.0), gain


def smooth_error(
    mean: tuple[float, float], variance: tuple[float, float], share: tuple[float, float], event: Event
) -> float:
    """Monte Carlo error of the gain of `smooth_information`.

    Parameters
    ----------
    mean, variance, share : each with its own Monte Carlo error; an error that is not known counts as 0

    Returns
    -------
    float
        Root of the summed squares of half the differences that each number makes, one error up and down.
    """
    total = 0.0
    for index, (_, error) in enumerate((mean, variance, share)):
        if not np.isfinite(error):
            continue
        gains = []
        for side in (-error, error):
            moved = [number + (side if at == index else 0.0) for at, (number, _) in enumerate((mean, variance, share))]
            moved[1], moved[2] = max(moved[1], 0.0), min(max(moved[2], 0.0), 1.0)
            gains.append(smooth_information(moved[0], moved[1], moved[2], event)[1])
        total += ((gains[1] - gains[0]) / 2.0) ** 2
    return float(np.sqrt(total))


def binned_information(z: Floats, passed: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Share of the yes/no answer's variance between bins of one unknown, its noise and its gain, less chance.

    Parameters
    ----------
    z : (n,), the unknown in the draws
    passed : (n,), whether the event happened in each draw

    Returns
    -------
    (share, standard deviation of the share of an unknown without effect, gain in right calls)
    """
    n, successes = len(z), int(passed.sum())
    bins = int(np.clip(n // BIN_SIZE, 2, BIN_LIMIT))
    if n < 2 * BIN_SIZE or successes in (0, n):
        return 0.0, 0.0, 0.0
    parts = np.array_split(passed[np.argsort(z, kind="stable")].astype(np.float64), bins)
    sizes = np.array([len(part) for part in parts])
    rates = np.array([part.mean() for part in parts])
    overall = successes / n
    share = float((sizes * np.square(rates - overall)).sum() / (n * overall * (1.0 - overall)))
    # Moments of the correlation ratio of an unrelated unknown: a beta variable.
    null_mean = (bins - 1) / (n - 1)
    null_sd = float(np.sqrt(2.0 * (bins - 1) * (n - bins) / ((n - 1) ** 2 * (n + 1))))
    raw_gain = float((sizes * np.maximum(rates, 1.0 - rates)).sum()) / n
    null_gain = sum(_chance_right(n, successes, int(size)) * size for size in sizes) / n
    return share - null_mean, null_sd, raw_gain - null_gain


def _chance_right(n: int, successes: int, size: int) -> float:
    """Expected majority share of a bin filled at random: what a gain without information looks like."""
    count = np.arange(size + 1)
    weight = hypergeom.pmf(count, n, successes, size)
    return float((weight * np.maximum(count, size - count)).sum()) / size
