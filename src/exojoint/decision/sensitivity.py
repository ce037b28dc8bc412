"""How much of a headline's uncertainty comes from each unknown: the drivers of the verdict.

Each independent axis of what we do not know is moved alone, up and down, with the same patients and the same luck. The
two differences give the axis' straight and curved effect; what all axes together do not explain in the knowledge draws
is called interactions.
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
from exojoint.decision.main_effects import Fit, MainEffects, fit_draws, main_effects
from exojoint.decision.sobol import SobolCheck, grouped_sobol

Floats = NDArray[np.float64]
Headline = Callable[[Floats], Floats]

GROUP_LIMIT = 8
NO_OWNERS: Mapping[str, str] = MappingProxyType({})
# A group's share may differ from the grouped check by this much without a flag: smaller differences decide nothing.
TOLERATED = 0.05


@dataclass(frozen=True)
class VarianceShares:
    """Shares of a headline's variance over the knowledge draws.

    Attributes
    ----------
    rows : one row per uncertain parameter, largest share first: parameter, owner, grade, share, mc_error, slope and
        curve (straight and curved effect, in the headline's unit per SD of the unknown)
    fit : the draws against the sum of all single effects
    sobol : grouped indices, or None when not asked for
    evaluations, failed : headline runs of the differences
    flags : what a reader must know before trusting the shares
    """

    rows: pl.DataFrame
    fit: Fit
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

    @property
    def interactions(self) -> float:
        """Share of the variance that no unknown explains alone; never negative, 0 when the headline does not vary."""
        return 1.0 - self.fit.explained if self.fit.varies else 0.0

    def as_dict(self) -> dict[str, Any]:
        """The `variance` entry of verdict.json: shares, their checks and the flags."""
        errors = dict(zip(self.rows["parameter"], self.rows["mc_error"], strict=True))
        return {
            "by_grade": self.by_grade,
            "by_parameter": self.by_parameter,
            "interactions": self.interactions,
            "mc_error": _known({name: errors[name] for name in self.by_parameter}),
            "check": _known(asdict(self.fit)),
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
    effects: MainEffects | None = None,
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
    effects : single effects of this headline, when the caller has them already
    sobol_points : draws used for the grouped check (0: none); it costs points * (1 + groups) headline runs
    owners : parameter -> room or disposition that reads it, for the groups

    Returns
    -------
    VarianceShares
        After 2 * n_axes + 1 headline runs, and those of the grouped check.
    """
    effects = effects or main_effects(headline, draws_z.shape[1])
    fit = fit_draws(effects, draws_z, draws_values)
    flags = [*_run_flags(effects), *_fit_flags(fit)]
    rows = _rows(space, table, effects, fit, owners)
    sobol = None
    if sobol_points and fit.varies:
        groups = group_axes(space, table, effects.variance, owners)
        sobol = grouped_sobol(headline, groups, draws_z[:sobol_points])
        flags += _sobol_flags(sobol, groups, space, rows)
    return VarianceShares(rows, fit, sobol, effects.evaluations, effects.failed, tuple(flags))


def group_axes(
    space: KnowledgeSpace, table: ParameterTable, variance: Floats, owners: Mapping[str, str] = NO_OWNERS
) -> dict[str, list[int]]:
    """Axes by owner and grade; the groups with the smallest variance are joined so that at most 8 remain.

    Parameters
    ----------
    variance : (n_axes,), of each axis alone
    """
    groups: dict[str, list[int]] = {}
    for axis, name in enumerate(space.names):
        groups.setdefault(f"{owner(table[name], owners)}, {table[name].grade}", []).append(axis)
    ranked = sorted(groups, key=lambda group: (-float(variance[groups[group]].sum()), group))
    if len(ranked) <= GROUP_LIMIT:
        return {group: groups[group] for group in ranked}
    kept = {group: groups[group] for group in ranked[: GROUP_LIMIT - 1]}
    kept["all others"] = sorted(axis for group in ranked[GROUP_LIMIT - 1 :] for axis in groups[group])
    return kept


def owner(row: Parameter, owners: Mapping[str, str]) -> str:
    """Who reads a number: what the caller says, else its disposition, else its file."""
    return owners.get(row.name) or dict(row.extra).get("disposition") or row.table


def _rows(
    space: KnowledgeSpace, table: ParameterTable, effects: MainEffects, fit: Fit, owners: Mapping[str, str]
) -> pl.DataFrame:
    """One row per uncertain parameter, largest share first."""
    total = float(effects.variance.sum())
    part = effects.variance / total if total > 0.0 and fit.varies else np.zeros_like(effects.variance)
    frame = pl.DataFrame(
        {
            "parameter": list(space.names),
            "owner": [owner(table[name], owners) for name in space.names],
            "grade": [table[name].grade for name in space.names],
            "share": part * fit.explained,
            "mc_error": part * fit.explained_error,
            "slope": effects.slope,
            "curve": effects.curve,
        }
    )
    return frame.sort("share", "parameter", descending=[True, False])


def _run_flags(effects: MainEffects) -> list[str]:
    """Failed runs of the differences."""
    if not effects.failed:
        return []
    return [
        f"{effects.failed} of {effects.evaluations} runs of the differences failed; {effects.blind} unknowns have no "
        "effect that could be measured"
    ]


def _fit_flags(fit: Fit) -> list[str]:
    """What a reader must know about the draws and the sum of single effects."""
    if not fit.varies:
        return ["the headline does not vary between draws: no share can be given"]
    if np.isnan(fit.factor):
        return ["too few draws to check the single effects: shares leave out interactions"]
    flags = []
    if fit.factor <= 0.0:
        flags.append("the draws do not follow the single effects at all: everything is interaction")
    elif abs(fit.factor - 1.0) > 2.0 * fit.factor_error:
        flags.append(
            f"single effects at the tables' values are multiplied by {fit.factor:.2f} +- {fit.factor_error:.2f} in the "
            "draws: effects weaken or strengthen one another"
        )
    return flags


def _sobol_flags(
    sobol: SobolCheck, groups: Mapping[str, list[int]], space: KnowledgeSpace, rows: pl.DataFrame
) -> list[str]:
    """Groups whose share lies outside what the grouped indices allow, and failed runs."""
    flags = []
    if sobol.failed:
        flags.append(f"{sobol.failed} of {sobol.evaluations} runs of the grouped check failed")
    shares = dict(zip(rows["parameter"], rows["share"], strict=True))
    for group in sobol.groups:
        share = sum(shares[space.names[axis]] for axis in groups[group.group])
        low = group.first - 2.0 * group.first_error - TOLERATED
        high = group.total + 2.0 * group.total_error + TOLERATED
        if share < low or share > high:
            flags.append(
                f"group '{group.group}': share {share:.2f}, but the grouped check gives {group.first:.2f} alone and "
                f"{group.total:.2f} with interactions"
            )
    return flags


def _known(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Entry with null where a number could not be computed: JSON has no NaN."""
    return {key: None if isinstance(value, float) and not np.isfinite(value) else value for key, value in entry.items()}
