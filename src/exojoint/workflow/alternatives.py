"""What else would turn the call: other schedules, doses, surfaces and lots, judged on the same knowledge draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.units import conversion_factor
from exojoint.decision.criteria import EffectCriterion
from exojoint.decision.verdict import decide
from exojoint.engine import Kernel
from exojoint.workflow.draw import knowledge_scores
from exojoint.workflow.headline import Headlines, Wanted
from exojoint.workflow.plan import Plan
from exojoint.workflow.rivals import draws_by_rival, kernel_of
from exojoint.workflow.variants import Variant, variants

Floats = NDArray[np.float64]

LOW, HIGH = 0.1, 0.9  # quantiles over draws that the table gives, as everywhere in a run
LOG_RATIO = "log ratio"  # an assay's unit of analysis: not a difference of means
SCHEMA = {
    "variant": pl.String, "title": pl.String, "endpoint": pl.String, "day": pl.Float64, "unit": pl.String,
    "mean": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "criterion": pl.String, "side": pl.String,
    "margin": pl.Float64, "probability": pl.Float64, "mc_error": pl.Float64, "comparison": pl.String,
    "threshold": pl.Float64, "met": pl.Boolean, "call": pl.String, "n": pl.Int64,
}  # fmt: skip


def count_alternatives(plan: Plan) -> int:
    """Rows of knowledge that `alternatives` runs."""
    return plan.scenario.text.simulation.knowledge_draws if _needs(plan) else 0


@dataclass(frozen=True)
class Tried:
    """Variants of the first treated arm in the run's knowledge draws.

    Attributes
    ----------
    variants, wanted : what was given, and the effects that the criteria ask for, variant by variant
    values : (n_draws, n_wanted), true differences
    scale : by (endpoint, day), the run's own true difference as a multiple of that of the few patients tried here
    """

    variants: tuple[Variant, ...]
    wanted: tuple[Wanted, ...]
    values: Floats
    scale: Mapping[tuple[str, float], float]


def try_variants(plan: Plan, kernel: Kernel, threads: int, tick: Callable[[int], None], truth: pl.DataFrame) -> Tried:
    """Give the first treated arm in other ways, to the first patients of each knowledge draw.

    A variant's difference is the run's own true difference in that draw, plus what the variant changes in the few
    patients, times `scale`. So the arm as planned has exactly the run's effect; and the scale corrects for the few
    patients and for rescue medication, which is not solved again here.

    Parameters
    ----------
    tick : called with the number of rows of knowledge done
    truth : the run's true differences; columns draw, arm, endpoint, day, difference
    """
    needs, tried = _needs(plan), variants(plan)
    wanted = tuple(_wanted(plan, variant, endpoint, day) for variant in tried for endpoint, day in needs)
    values = _values(plan, kernel, threads, tick, wanted) if wanted else np.empty((0, 0))
    scale = {}
    for column, (endpoint, day) in enumerate(needs):
        own = truth.filter(
            (pl.col("arm") == plan.active[0].name) & (pl.col("endpoint") == endpoint) & (pl.col("day") == day)
        ).sort("draw")
        true, planned = own["difference"].to_numpy(), values[:, column].copy()
        scale[endpoint, day] = agreement(planned, true)
        for index in range(column, len(wanted), len(needs)):
            values[:, index] = true + scale[endpoint, day] * (values[:, index] - planned)
    return Tried(tried, wanted, values, scale)


def agreement(few: Floats, true: Floats) -> float:
    """Least-squares factor from differences in few patients (n,) to the run's own (n,); 1 where there is no effect."""
    known = np.isfinite(few) & np.isfinite(true)
    size = float(np.square(few[known]).sum())
    factor = float((few[known] * true[known]).sum()) / size if size > 0.0 else 1.0
    return factor if factor > 0.0 else 1.0


def alternatives(plan: Plan, tried: Tried) -> pl.DataFrame:
    """Judge each variant of the first treated arm by the scenario's criteria on true effects.

    Returns
    -------
    polars.DataFrame
        One row per variant and criterion: the true difference over the run's knowledge draws (each under the
        explanation that it believes), the chance that it passes the margin, and the call the variant would get.
        Criteria on operating characteristics of trials are left out. Empty when no criterion speaks of an effect.
    """
    rows: list[tuple[object, ...]] = []
    needs = len(tried.scale)
    for index, variant in enumerate(tried.variants if needs else ()):
        mine = slice(index * needs, (index + 1) * needs)
        rows += _judged(plan, variant, tried.wanted[mine], tried.values[:, mine])
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _values(
    plan: Plan, kernel: Kernel, threads: int, tick: Callable[[int], None], wanted: tuple[Wanted, ...]
) -> Floats:
    """(n_draws, n_wanted), every draw by the plan and the kernel of the explanation that it believes."""
    n = plan.scenario.text.simulation.knowledge_draws
    groups = [(rival.plan, draws) for rival, draws in draws_by_rival(plan, n)] if plan.rivals else []
    values = np.full((n, len(wanted)), np.nan)
    for own, draws in groups or [(plan, np.arange(n))]:
        headline = Headlines(own, kernel_of(own, plan, kernel), wanted, threads, tick)
        numbers = [int(draw) for draw in draws]
        values[draws] = headline(knowledge_scores(own, numbers), numbers)
    return values


def _needs(plan: Plan) -> list[tuple[str, float]]:
    """(endpoint, day) of the criteria that a design endpoint with an observable of its own answers."""
    own = {
        item.name
        for item in plan.design.endpoints
        if item.endpoint.follows is None and item.endpoint.analysed_unit != LOG_RATIO
    }
    return [pair for pair in plan.criteria.needs if pair[0] in own]


def _wanted(plan: Plan, variant: Variant, endpoint: str, day: float) -> Wanted:
    observable = plan.design.plan(endpoint).endpoint.observable
    unit = plan.knee.observables[observable].unit
    return Wanted(f"{variant.name}/{endpoint}/{day:g}", variant.title, endpoint, observable, unit, day, variant)


def _judged(plan: Plan, variant: Variant, wanted: tuple[Wanted, ...], values: Floats) -> list[tuple[object, ...]]:
    """Rows of one variant."""
    effects = tuple(
        item
        for item in plan.criteria.criteria
        if isinstance(item, EffectCriterion) and any(item.endpoint == have.endpoint for have in wanted)
    )
    draws = pl.concat(
        pl.DataFrame(
            {
                "draw": np.arange(len(values)), "arm": plan.active[0].name, "control": plan.control.name,
                "endpoint": item.endpoint, "day": item.day, "unit": item.unit, "difference": values[:, column],
            }
        )
        for column, item in enumerate(wanted)
    )  # fmt: skip
    decision = decide(replace(plan.criteria, criteria=effects), draws)
    asked = [(item.endpoint, item.day) for item in wanted]
    rows: list[tuple[object, ...]] = []
    for criterion, reason in zip(effects, decision.reasons, strict=True):
        column = asked.index((criterion.endpoint, criterion.day))
        known = values[np.isfinite(values[:, column]), column]
        lo, hi = np.quantile(known, [LOW, HIGH]) if len(known) else (np.nan, np.nan)
        mean = float(known.mean()) if len(known) else float("nan")
        unit = wanted[column].unit
        margin = criterion.margin.value * conversion_factor(criterion.margin.unit, unit, criterion.name)
        rows.append(
            (variant.name, variant.title, criterion.endpoint, criterion.day, unit, mean, float(lo), float(hi),
             criterion.name, criterion.side, margin, reason.probability, reason.mc_error, criterion.probability,
             reason.threshold, reason.met, decision.verdict, len(known))
        )  # fmt: skip
    return rows
