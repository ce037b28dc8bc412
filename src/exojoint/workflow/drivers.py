"""What drives the verdict: shares of the headline's variance, and what would be worth measuring next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from exojoint.decision.criteria import Criteria, EffectCriterion
from exojoint.decision.information import Event, next_experiment
from exojoint.decision.sensitivity import VarianceShares, variance_shares
from exojoint.engine import Kernel
from exojoint.trial.design import Design
from exojoint.workflow.draw import knowledge_scores
from exojoint.workflow.headline import Headline
from exojoint.workflow.plan import Plan

SOBOL_POINTS = 16  # pairs of draws for the grouped check


@dataclass(frozen=True)
class Drivers:
    """Shares of variance of the primary effect, and unknowns ranked by what knowing them would be worth."""

    shares: VarianceShares
    experiments: pl.DataFrame


def find_drivers(plan: Plan, kernel: Kernel, threads: int, tell: Callable[[int, int], None]) -> Drivers:
    """Differentiate the headline along every unknown, with shared luck.

    Parameters
    ----------
    tell : called with (evaluations done, evaluations in all)
    """
    draws = plan.scenario.text.simulation.knowledge_draws
    points = min(SOBOL_POINTS, draws)
    total = draws + 2 * plan.space.n_axes + 1 + points * 9
    done = [0]

    def tick(rows: int) -> None:
        done[0] += rows
        tell(min(done[0], total), total)

    headline = Headline(plan, kernel, threads, tick)
    scores = knowledge_scores(plan, range(draws))
    values = headline(scores)
    shares = variance_shares(
        plan.space, plan.table, headline, scores, values, sobol_points=points, owners=plan.owners()
    )
    event = question(plan.criteria, plan.design)
    experiments = next_experiment(plan.space, plan.table, shares, scores, values, event)
    return Drivers(shares, experiments)


def question(criteria: Criteria, design: Design) -> Event:
    """The event that the call turns on: the go criterion of the primary endpoint, else any benefit at all."""
    for item in criteria.criteria:
        if isinstance(item, EffectCriterion) and item.side == "go" and item.endpoint == design.primary.name:
            return Event(item.margin.value, below=item.margin.value < 0.0)
    return Event(0.0, below=design.primary.endpoint.instrument.better == "lower")
