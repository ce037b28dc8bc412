"""Rival explanations in one run: which draw believes which, and how much of the answer hangs on that.

A scenario may weigh other mechanisms of vesicles and other structures of the knee beside its own. Every knowledge draw
believes one of them, in proportion to the weights, and is followed by that rival's own compiled knee. So the verdict
counts what is not known about numbers *and* about explanations; here the second part is taken out and shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.streams import stream
from exojoint.decision.criteria import EffectCriterion, PerformanceCriterion
from exojoint.decision.verdict import decide
from exojoint.engine import Kernel, compile_system
from exojoint.runs.verdict import Interval, RivalLine, Rivals
from exojoint.trial.performance import performance
from exojoint.workflow.plan import Plan, Rival

Floats = NDArray[np.float64]
Tables = dict[str, pl.DataFrame]

LEVEL = 0.8  # of intervals over draws
RESAMPLES = 400  # of the draws within each rival, for the interval of the share


def allocation(weights: Sequence[float], draws: int) -> NDArray[np.int64]:
    """Index of the rival that each draw believes, (draws,).

    Every draw goes to the rival that is furthest behind its weight, so that any number of first draws is in proportion
    (each count within one of its share), and draw 5 believes the same however many follow.
    """
    counts, found = np.zeros(len(weights)), np.zeros(draws, dtype=np.int64)
    for draw in range(draws):
        found[draw] = int(np.argmax((draw + 1) * np.asarray(weights) - counts))
        counts[found[draw]] += 1
    return found


def believed(plan: Plan, draw: int) -> Rival | None:
    """The rival that a draw believes; None where the scenario weighs none."""
    if not plan.rivals:
        return None
    return plan.rivals[int(allocation([rival.weight for rival in plan.rivals], draw + 1)[draw])]


def plan_of(plan: Plan, draw: int) -> Plan:
    """The plan that a draw follows."""
    rival = believed(plan, draw)
    return plan if rival is None else rival.plan


def kernel_of(own: Plan, plan: Plan, kernel: Kernel) -> Kernel:
    """Machine code of a rival's knee: that of the scenario's own where the equations are the same."""
    return kernel if own.knee.system.digest == plan.knee.system.digest else compile_system(own.knee.system)


def draws_by_rival(plan: Plan, draws: int) -> list[tuple[Rival, NDArray[np.int64]]]:
    """Every rival with the numbers of its draws."""
    mine = allocation([rival.weight for rival in plan.rivals], draws)
    return [(rival, np.flatnonzero(mine == index)) for index, rival in enumerate(plan.rivals)]


def share_between(groups: Sequence[Floats], weights: Sequence[float]) -> float:
    """Share of the variance of a mixture that lies between its parts, without the part that is chance.

    Parameters
    ----------
    groups : values of the draws of each rival, at least one each
    weights : of the rivals; they need not add up to 1

    Returns
    -------
    float
        0 to 1: variance of the rivals' means over that variance plus the mean variance within. The variance of means is
        lowered by what the finite number of draws puts into it (analysis of variance), and never below 0.
    """
    share = np.asarray(weights) / np.sum(weights)
    means = np.array([group.mean() for group in groups])
    spread = [group.var(ddof=1) for group in groups if len(group) > 1]
    pooled = float(np.mean(spread)) if spread else 0.0
    within = np.array([group.var(ddof=1) if len(group) > 1 else pooled for group in groups])
    chance = float(np.sum(share * (1.0 - share) * within / np.array([len(group) for group in groups])))
    between = max(0.0, float(share @ (means - share @ means) ** 2) - chance)
    total = between + float(share @ within)
    return between / total if total > 0.0 else 0.0


def judge_rivals(plan: Plan, gathered: Tables) -> Rivals | None:
    """The verdict under each rival, and the share of the primary effect's variance that lies between them."""
    if not plan.rivals:
        return None
    first = gathered["draws"].filter(pl.col("effect") == plan.primary_id).sort("draw")
    known = {int(d): float(v) for d, v in first.select("draw", "difference").iter_rows() if v is not None}
    finite = {draw: value for draw, value in known.items() if np.isfinite(value)}
    lines, groups, weights = [], [], []
    for rival, draws in draws_by_rival(plan, plan.scenario.text.simulation.knowledge_draws):
        values = np.array([finite[int(draw)] for draw in draws if int(draw) in finite])
        judged = _judged(plan, gathered, draws, values)
        lines.append(RivalLine(rival.name, rival.weight, rival.because, len(values), *judged))
        if len(values):
            groups.append(values)
            weights.append(rival.weight)
    lo, hi = _uncertain_share(plan, groups, weights)
    return Rivals(plan.primary_id, share_between(groups, weights) if groups else 0.0, lo, hi, tuple(lines))


def _judged(
    plan: Plan, gathered: Tables, draws: NDArray[np.int64], values: Floats
) -> tuple[Interval | None, str, dict[str, float]]:
    """True effect, call, and probability of every criterion about effects, if one explanation were certain."""
    if len(values) == 0:
        return None, "not judged", {}
    tail = (1.0 - LEVEL) / 2.0
    lo, hi = np.quantile(values, [tail, 1.0 - tail])
    own = {name: gathered[name].filter(pl.col("draw").is_in(draws.tolist())) for name in _NEEDED}
    table = None
    if any(isinstance(item, PerformanceCriterion) for item in plan.criteria.criteria):
        table = performance(plan.design, own["trials"], own["null_trials"], own["counts"]).table
        table = table.filter(pl.col("arm") == plan.active[0].name)
    decision = decide(plan.criteria, own["draws"], table)
    names = [item.name for item in plan.criteria.criteria if isinstance(item, EffectCriterion)]
    of_first = [reason for reason in decision.reasons if reason.arm == plan.active[0].name]
    chances = {
        name: float(reason.probability)
        for name, reason in zip(names, of_first, strict=True)
        if np.isfinite(reason.probability)
    }
    return Interval(float(values.mean()), float(lo), float(hi)), decision.verdict, chances


_NEEDED = ("draws", "trials", "null_trials", "counts")


def _uncertain_share(plan: Plan, groups: Sequence[Floats], weights: Sequence[float]) -> tuple[float, float]:
    """Interval of the share over resampled draws (bootstrap within each rival)."""
    if not groups:
        return 0.0, 0.0
    luck = stream(plan.scenario.text.seed, "exojoint", "rivals").generator()
    shares = [share_between([luck.choice(group, len(group)) for group in groups], weights) for _ in range(RESAMPLES)]
    tail = (1.0 - LEVEL) / 2.0
    lo, hi = np.quantile(shares, [tail, 1.0 - tail])
    return float(lo), float(hi)
