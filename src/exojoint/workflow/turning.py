"""At which value of one unknown would the decisive criterion be met? Found from the shares, then tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr

from exojoint.decision.criteria import EffectCriterion
from exojoint.decision.marginals import Marginals
from exojoint.decision.sensitivity import VarianceShares
from exojoint.decision.verdict import share_error
from exojoint.workflow.plan import Plan

Floats = NDArray[np.float64]

FIXED = 4  # leading unknowns that are held at a value, one after the other
TRIES = 2  # values at which each is held, at most
RANGE = 3.0  # standard deviations on either side of an unknown's centre: 99.7 % of what is believed
GRID = np.linspace(-RANGE, RANGE, 121)
SCHEMA = {
    "parameter": pl.String, "grade": pl.String, "unit": pl.String, "believed": pl.Float64, "value": pl.Float64,
    "sd": pl.Float64, "turns": pl.Boolean, "probability": pl.Float64, "mc_error": pl.Float64, "threshold": pl.Float64,
    "n": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What is tried: the primary effect as a function of knowledge, its draws, and the criterion that decides.

    Attributes
    ----------
    headline : the primary effect (k,) of knowledge scores z (k, n_axes)
    belief : independent axes of the unknowns
    scores, values : (n, n_axes) knowledge draws and (n,) primary effect in them
    criterion : the decisive one, or None
    """

    headline: Callable[[Floats], Floats]
    belief: Marginals
    scores: Floats
    values: Floats
    criterion: EffectCriterion | None


def turning_points(plan: Plan, asked: Asked, shares: VarianceShares) -> pl.DataFrame:
    """Hold each leading unknown where the criterion is expected to turn (else at its most favourable end) and try it.

    Parameters
    ----------
    shares : of the primary effect's variance

    Returns
    -------
    polars.DataFrame
        One row per unknown: the last `value` at which it was held (`sd` standard deviations from its centre), the
        `probability` of the criterion's event in the draws so changed with its Monte Carlo error, and whether the
        criterion's comparison with its `threshold` then `turns` from what the draws say.
    """
    good = asked.values[np.isfinite(asked.values)]
    leading = shares.rows.filter(pl.col("share") > 0.0).head(FIXED)
    if asked.criterion is None or len(good) < 2 or leading.is_empty():
        return pl.DataFrame(schema=SCHEMA)
    rows = []
    for row in leading.iter_rows(named=True):
        expected = _expected(row, float(good.mean()), float(good.var(ddof=1)), asked.criterion)
        rows.append(_tried(plan, asked, asked.criterion, row["parameter"], expected))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _tried(plan: Plan, asked: Asked, criterion: EffectCriterion, name: str, expected: Floats) -> tuple[object, ...]:
    """One unknown, held at one value after the other until the criterion turns."""
    axis, belief = plan.space.names.index(name), asked.belief
    before = _passes(_share(criterion, asked.values[np.isfinite(asked.values)]), criterion)
    held, at, chance, turned, n = asked.scores.copy(), 0.0, float("nan"), False, 0
    for at in _held(expected, criterion, before):
        held[:, axis] = belief.centre[axis] + belief.spread[axis] * at
        tried = asked.headline(held)
        tried = tried[np.isfinite(tried)]
        n, chance = len(tried), _share(criterion, tried)
        turned = n > 0 and _passes(chance, criterion) != before
        if turned:
            break
    number, usual = (float(plan.space.values(z)[name][0]) for z in (held[:1], belief.centre[None, :]))
    row, threshold = plan.table[name], criterion.threshold.value
    error = share_error(chance, n)
    return name, row.grade, row.unit, usual, number, at, turned, chance, error, threshold, n


def _share(criterion: EffectCriterion, values: Floats) -> float:
    margin = criterion.margin.value
    passed = values <= margin if criterion.difference == "at most" else values >= margin
    return float(passed.mean()) if len(values) else float("nan")


def _passes(chance: float, criterion: EffectCriterion) -> bool:
    threshold = criterion.threshold.value
    return chance >= threshold if criterion.probability == "at least" else chance <= threshold


def _expected(row: dict[str, float], mean: float, variance: float, criterion: EffectCriterion) -> Floats:
    """Chance of the criterion's event with the unknown at each step: straight and curved effect, the rest normal."""
    size = row["slope"] ** 2 + row["curve"] ** 2
    factor = np.sqrt(row["share"] * variance / size)
    moved = mean + factor * (row["slope"] * GRID + row["curve"] * (GRID**2 - 1.0) / np.sqrt(2.0))
    rest = np.sqrt(max(1e-12, (1.0 - row["share"]) * variance))
    below: Floats = ndtr((criterion.margin.value - moved) / rest)
    return below if criterion.difference == "at most" else 1.0 - below


def _held(chances: Floats, criterion: EffectCriterion, before: bool) -> tuple[float, ...]:
    """Where to hold the unknown: closest to the centre where the comparison should turn, then the end on that side."""
    turned = np.array([_passes(float(chance), criterion) != before for chance in chances])
    if not turned.any():
        return (float(GRID[np.abs(chances - criterion.threshold.value).argmin()]),)
    first = float(GRID[turned][np.abs(GRID[turned]).argmin()])
    return (first, float(np.copysign(RANGE, first)))
