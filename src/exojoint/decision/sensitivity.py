"""How much of a headline's uncertainty comes from each unknown: the drivers of the verdict.

Delta method: central differences of the headline along each independent axis of what we do not know, with the same
patients and the same luck on both sides; what the straight lines leave unexplained is called interactions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.knowledge import KnowledgeSpace
from exojoint.core.tables import Parameter, ParameterTable
from exojoint.decision.sobol import SobolCheck, grouped_sobol

Floats = NDArray[np.float64]
Headline = Callable[[Floats], Floats]

# Half-width of the difference in SDs of an axis: wide enough to stand above the solver's error, narrow for a slope.
STEP = 0.5
GROUP_LIMIT = 8
NO_OWNERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LinearCheck:
    """The draws against the straight lines: no extra run is needed.

    Attributes
    ----------
    slope, slope_error : regression of the draws' headline on the predicted one; 1 when the lines hold
    explained, explained_error : R^2 of that regression; near the sum of linear shares when the lines hold
    """

    slope: float
    slope_error: float
    explained: float
    explained_error: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Variances of the headline, in its unit squared.

    Attributes
    ----------
    total, total_error : over the knowledge draws, with its Monte Carlo error
    linear : sum of squared slopes
    """

    total: float
    total_error: float
    linear: float

    @property
    def whole(self) -> float:
        """What shares refer to: the draws' variance, or the lines' where they exceed it or the draws failed."""
        return self.linear if np.isnan(self.total) else max(self.total, self.linear)

    @property
    def relative_error(self) -> float:
        """Monte Carlo error of the total variance as a share of it; NaN where it is unknown."""
        return self.total_error / self.total if self.total > 0.0 else float("nan")


@dataclass(frozen=True)
class VarianceShares:
    """Shares of a headline's variance over the knowledge draws.

    Attributes
    ----------
    rows : one row per uncertain parameter, largest share first: parameter, owner, grade, share, mc_error, slope (change
        of the headline per SD of the unknown)
    interactions : share that no single parameter explains along a straight line
    spread : the variances behind the shares
    check : draws against the lines
    sobol : grouped indices, or None when not asked for
    evaluations, failed : headline runs of the differences
    flags : what a reader must know before trusting the shares
    """

    rows: pl.DataFrame
    interactions: float
    spread: Spread
    check: LinearCheck
    sobol: SobolCheck | None
    evaluations: int
    failed: int
    flags: tuple[str, ...]

    @property
    def by_parameter(self) -> dict[str, float]:
        """Parameter -> share, largest first; parameters without effect are left out."""
        moving = self.rows.filter(pl.col("share") > 0.0)
        return dict(zip(moving["parameter"], moving["share"], strict=True))

    @property
    def by_grade(self) -> dict[str, float]:
        """Evidence grade -> share, largest first; grades without effect are left out."""
        summed = self.rows.filter(pl.col("share") > 0.0).group_by("grade").agg(pl.col("share").sum())
        summed = summed.sort("share", "grade", descending=[True, False])
        return dict(zip(summed["grade"], summed["share"], strict=True))

    def as_dict(self) -> dict[str, Any]:
        """The `variance` entry of verdict.json: shares, their checks and the flags."""
        errors = dict(zip(self.rows["parameter"], self.rows["mc_error"], strict=True))
        return {
            "by_grade": dict(self.by_grade),
            "by_parameter": dict(self.by_parameter),
            "interactions": self.interactions,
            "mc_error": _known({name: errors[name] for name in self.by_parameter}),
            "check": _known(asdict(self.check)),
            "groups": [_known(asdict(group)) for group in self.sobol.groups] if self.sobol else [],
            "flags": list(self.flags),
        }


def variance_shares(
    space: KnowledgeSpace,
    table: ParameterTable,
    headline: Headline,
    draws_z: Floats,
    draws_values: Floats,
    *,
    step: float = STEP,
    sobol_points: int = 0,
    owners: Mapping[str, str] = NO_OWNERS,
) -> VarianceShares:
    """Share of the headline's variance by parameter and by evidence grade, with checks.

    Parameters
    ----------
    space : the unknowns and their independent axes
    table : rows of the unknowns (grade, owner)
    headline : z (k, n_axes) -> value (k,), deterministic, with shared luck in every row; NaN where a run failed
    draws_z : (n, n_axes), the knowledge draws of the run
    draws_values : (n,), the headline in these draws; NaN where failed
    step : half-width of the central difference, in SDs of an axis
    sobol_points : draws used for the grouped check (0: none); it costs points * (1 + groups) headline runs
    owners : parameter -> room or disposition that reads it, for the groups

    Returns
    -------
    VarianceShares
    """
    slopes, failed, flags = _slopes(headline, draws_z.shape[1], step)
    spread = Spread(*_variance(draws_values), float(np.square(slopes).sum()))
    flags += _spread_flags(spread)
    rows = _rows(space, table, slopes, spread, owners)
    check = _linear_check(draws_z @ slopes, draws_values, flags)
    sobol = None
    if sobol_points and spread.whole > 0.0:
        groups = group_axes(space, table, slopes, owners)
        sobol = grouped_sobol(headline, groups, draws_z[:sobol_points])
        _compare(sobol, groups, slopes, spread.whole, flags)
    rest = max(0.0, 1.0 - spread.linear / spread.whole) if spread.whole > 0.0 else 0.0
    return VarianceShares(rows, rest, spread, check, sobol, 2 * draws_z.shape[1] + 1, failed, tuple(flags))


def group_axes(
    space: KnowledgeSpace, table: ParameterTable, slopes: Floats, owners: Mapping[str, str] = NO_OWNERS
) -> dict[str, list[int]]:
    """Axes by owner and grade; the groups with the smallest linear share are joined so that at most 8 remain."""
    groups: dict[str, list[int]] = {}
    for axis, name in enumerate(space.names):
        groups.setdefault(f"{owner(table[name], owners)}, {table[name].grade}", []).append(axis)
    ranked = sorted(groups, key=lambda group: (-float(np.square(slopes[groups[group]]).sum()), group))
    if len(ranked) <= GROUP_LIMIT:
        return {group: groups[group] for group in ranked}
    kept = {group: groups[group] for group in ranked[: GROUP_LIMIT - 1]}
    kept["all others"] = sorted(axis for group in ranked[GROUP_LIMIT - 1 :] for axis in groups[group])
    return kept


def owner(row: Parameter, owners: Mapping[str, str]) -> str:
    """Who reads a number: what the caller says, else its disposition, else its file."""
    return owners.get(row.name) or dict(row.extra).get("disposition") or row.table


def _known(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Entry with null where a number could not be computed: JSON has no NaN."""
    return {key: None if isinstance(value, float) and not np.isfinite(value) else value for key, value in entry.items()}


def _slopes(headline: Headline, n_axes: int, step: float) -> tuple[Floats, int, list[str]]:
    """Change of the headline per SD of each axis (n_axes,); one-sided where one side failed, 0 where both did."""
    stride = step * np.eye(n_axes)
    values = headline(np.concatenate([stride, -stride, np.zeros((1, n_axes))]))
    up, down, centre = values[:n_axes], values[n_axes:-1], values[-1]
    central = (up - down) / (2.0 * step)
    forward, backward = (up - centre) / step, (centre - down) / step
    slopes = np.where(np.isfinite(central), central, np.where(np.isfinite(forward), forward, backward))
    failed = int((~np.isfinite(values)).sum())
    blind = int((~np.isfinite(slopes)).sum())
    flags = []
    if failed:
        flags.append(f"{failed} of {values.size} runs of the differences failed; {blind} unknowns have no slope")
    return np.nan_to_num(slopes, nan=0.0), failed, flags


def _variance(values: Floats) -> tuple[float, float]:
    """Variance over the draws that succeeded and its jackknife-like error from the fourth moment."""
    good = values[np.isfinite(values)]
    if len(good) < 3:
        return float("nan"), float("nan")
    squares = np.square(good - good.mean())
    return float(np.var(good, ddof=1)), float(squares.std(ddof=1) / np.sqrt(len(good)))


def _spread_flags(spread: Spread) -> list[str]:
    """What a reader must know about the variance that the shares refer to."""
    if np.isnan(spread.total):
        return ["fewer than three draws succeeded: shares refer to the linear variance only"]
    if spread.whole == 0.0:
        return ["the headline does not vary between draws: no share can be given"]
    if spread.linear <= spread.total:
        return []
    errors = (spread.linear - spread.total) / spread.total_error if spread.total_error > 0.0 else float("inf")
    ratio = spread.linear / max(spread.total, 1e-300)
    return [
        f"the linear shares sum to {ratio:.2f} of the draws' variance ({errors:.1f} Monte Carlo errors above 1): shown "
        "rescaled to 1, interactions cannot be told from 0"
    ]


def _rows(
    space: KnowledgeSpace, table: ParameterTable, slopes: Floats, spread: Spread, owners: Mapping[str, str]
) -> pl.DataFrame:
    """One row per uncertain parameter, largest share first."""
    shares = np.square(slopes) / spread.whole if spread.whole > 0.0 else np.zeros_like(slopes)
    frame = pl.DataFrame(
        {
            "parameter": list(space.names),
            "owner": [owner(table[name], owners) for name in space.names],
            "grade": [table[name].grade for name in space.names],
            "share": shares,
            "mc_error": shares * spread.relative_error,
            "slope": slopes,
        }
    )
    return frame.sort("share", "parameter", descending=[True, False])


def _linear_check(predicted: Floats, values: Floats, flags: list[str]) -> LinearCheck:
    """Regression of the draws on what the lines predict for them; errors by the jackknife."""
    good = np.isfinite(values)
    x, y = predicted[good], values[good]
    n = len(x)
    if n < 4:
        return LinearCheck(float("nan"), float("nan"), float("nan"), float("nan"))
    slope, explained = _fit(x, y)
    left_out = np.array([_fit(np.delete(x, row), np.delete(y, row)) for row in range(n)])
    errors = np.sqrt((n - 1) / n * np.square(left_out - left_out.mean(axis=0)).sum(axis=0))
    if abs(slope - 1.0) > 2.0 * errors[0]:
        flags.append(
            f"the draws follow the lines with slope {slope:.2f} +- {errors[0]:.2f}, not 1: the headline is curved"
        )
    return LinearCheck(slope, float(errors[0]), explained, float(errors[1]))


def _fit(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope and R^2 of a straight line; NaN where one side does not vary."""
    wide, high = float(np.ptp(x)), float(np.ptp(y))
    if wide == 0.0 or high == 0.0:
        return float("nan"), float("nan")
    # Scaled first, so that the squares of tiny headlines do not vanish.
    dx, dy = (x - x.mean()) / wide, (y - y.mean()) / high
    sxx, sxy, syy = float((dx * dx).sum()), float((dx * dy).sum()), float((dy * dy).sum())
    return sxy / sxx * (high / wide), sxy * sxy / (sxx * syy)


def _compare(
    sobol: SobolCheck, groups: Mapping[str, list[int]], slopes: Floats, whole: float, flags: list[str]
) -> None:
    """Flag groups whose linear share lies outside what the grouped indices allow, and failed runs."""
    if sobol.failed:
        flags.append(f"{sobol.failed} of {sobol.evaluations} runs of the grouped check failed")
    for group in sobol.groups:
        linear = float(np.square(slopes[groups[group.group]]).sum()) / whole
        low = group.first - 2.0 * group.first_error
        high = group.total + 2.0 * group.total_error
        if linear < low - 0.05 or linear > high + 0.05:
            flags.append(
                f"group '{group.group}': linear share {linear:.2f}, but the grouped check gives {group.first:.2f} "
                f"alone and {group.total:.2f} with interactions"
            )
