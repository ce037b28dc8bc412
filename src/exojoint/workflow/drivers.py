"""What drives the verdict: shares of the headlines' variance, what else would turn the call, what to measure next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.decision.criteria import Criteria, EffectCriterion
from exojoint.decision.information import Event, next_experiment
from exojoint.decision.main_effects import REACH, effects_of, fit_draws, star
from exojoint.decision.marginals import Marginals
from exojoint.decision.sensitivity import VarianceShares, variance_shares
from exojoint.engine import Kernel
from exojoint.trial.design import Design
from exojoint.workflow.alternatives import alternatives, count_alternatives, try_variants
from exojoint.workflow.draw import knowledge_scores
from exojoint.workflow.headline import Headlines, Wanted, headlines
from exojoint.workflow.plan import Plan
from exojoint.workflow.turning import FIXED, TRIES, Asked, turning_points

Floats = NDArray[np.float64]

SOBOL_POINTS = 16  # pairs of draws for the grouped check


@dataclass(frozen=True)
class Drivers:
    """What the primary effect's variance rests on, and what would change the call.

    Attributes
    ----------
    shares : of the primary effect's variance
    experiments : unknowns ranked by what knowing them would be worth
    effects : single effects of every unknown on every headline
    alternatives : other ways to give the treatment, and the call that each would get
    turning : the value of the leading unknowns at which the decisive criterion would be met
    """

    shares: VarianceShares
    experiments: pl.DataFrame
    effects: pl.DataFrame
    alternatives: pl.DataFrame
    turning: pl.DataFrame


def find_drivers(
    plan: Plan, kernel: Kernel, threads: int, tell: Callable[[int, int], None], truth: pl.DataFrame
) -> Drivers:
    """Differentiate the headlines along every unknown, with shared luck, and try what else could be given.

    Parameters
    ----------
    tell : called with (evaluations done, evaluations in all)
    truth : the run's true differences by draw; headlines of few patients are scaled to agree with them
    """
    draws = plan.scenario.text.simulation.knowledge_draws
    n_axes = plan.space.n_axes
    points = min(SOBOL_POINTS, draws)
    total = draws + 2 * n_axes + 1 + points * 9 + count_alternatives(plan) + FIXED * TRIES * draws
    done = [0]

    def tick(rows: int) -> None:
        done[0] += rows
        tell(min(done[0], total), total)

    tried = try_variants(plan, kernel, threads, tick, truth)
    many = Headlines(plan, kernel, headlines(plan), threads, tick)
    first = Headlines(plan, kernel, many.wanted[:1], threads, tick, many.campaigns)
    scale = tried.scale.get((many.wanted[0].endpoint, many.wanted[0].day), 1.0)
    factors = np.array([scale if item.endpoint == many.wanted[0].endpoint else 1.0 for item in many.wanted])
    scores, belief = knowledge_scores(plan, range(draws)), marginals(plan)
    values, around = many(scores) * factors, many(belief.scores(star(n_axes))) * factors

    def primary(z: Floats) -> Floats:
        return scale * first.primary(z)

    x = belief.standard(scores)
    shares = variance_shares(
        plan.space, plan.table, lambda rows: primary(belief.scores(rows)), x, values[:, 0],
        effects=effects_of(around[:, 0]), sobol_points=points, owners=plan.owners(),
    )  # fmt: skip
    event = question(plan.criteria, plan.design)
    experiments = next_experiment(plan.space, plan.table, shares, x, values[:, 0], event)
    asked = Asked(primary, belief, scores, values[:, 0], decisive(plan.criteria, plan.design))
    effects = effects_table(plan, many.wanted, around, x, values)
    return Drivers(shares, experiments, effects, alternatives(plan, tried), turning_points(plan, asked, shares))


def marginals(plan: Plan) -> Marginals:
    """Independent axes of what we do not know: the prior's, with the spread of the scenario's own knowledge."""
    return Marginals(*plan.known.centre_and_spread())


def decisive(criteria: Criteria, design: Design) -> EffectCriterion | None:
    """The go criterion of the primary endpoint: what the call turns on first."""
    for item in criteria.criteria:
        if isinstance(item, EffectCriterion) and item.side == "go" and item.endpoint == design.primary.name:
            return item
    return None


def question(criteria: Criteria, design: Design) -> Event:
    """The event that the call turns on: the go criterion of the primary endpoint, else any benefit at all."""
    item = decisive(criteria, design)
    if item is not None:
        return Event(item.margin.value, below=item.difference == "at most")
    return Event(0.0, below=design.primary.endpoint.instrument.better == "lower")


def effects_table(plan: Plan, wanted: tuple[Wanted, ...], around: Floats, x: Floats, values: Floats) -> pl.DataFrame:
    """Single effects of every unknown on every headline.

    Parameters
    ----------
    wanted : headlines, the columns of `around` and `values`
    around : (2 * n_axes + 1, n_headlines), at the points of `star`
    x, values : (n, n_axes) independent standard-normal rows of knowledge, and (n, n_headlines) headlines there

    Returns
    -------
    polars.DataFrame
        One row per headline and unknown: the headline with the unknown `low`, as believed (`middle`) and `high`
        (`reach` standard deviations down and up), `slope` and `curve`, and its `share` of the headline's variance.
    """
    owners, names = plan.owners(), plan.space.names
    n = len(names)
    frames = []
    for column, item in enumerate(wanted):
        effects = effects_of(around[:, column])
        fit = fit_draws(effects, x, values[:, column])
        whole = float(effects.variance.sum())
        part = effects.variance / whole if whole > 0.0 and fit.varies else np.zeros(n)
        frames.append(
            pl.DataFrame(
                {
                    "headline": item.name, "title": item.title, "endpoint": item.endpoint, "day": item.day,
                    "unit": item.unit, "parameter": list(names), "owner": [owners[name] for name in names],
                    "grade": [plan.table[name].grade for name in names],
                    "low": around[n : 2 * n, column], "middle": around[-1, column], "high": around[:n, column],
                    "reach": REACH, "slope": effects.slope, "curve": effects.curve,
                    "share": part * fit.explained, "mc_error": part * fit.explained_error,
                    "failed": effects.failed, "runs": effects.evaluations,
                }
            )
        )  # fmt: skip
    return pl.concat(frames)
