"""Null first: the error rate of a design when the product does nothing, before anybody speaks of its power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from exojoint.core.streams import Stream
from exojoint.trial.conduct import simulate_trials
from exojoint.trial.design import Design
from exojoint.trial.estimate import analyse
from exojoint.trial.latent import LatentOutcomes, Rescue, null_latent, null_rescue
from exojoint.trial.performance import rejected, share_error

CHUNK = 100  # trials at a time, so that memory does not grow with their number


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Share of null trials whose primary test rejects (two-sided), with its Monte Carlo error.

    `n` counts contrasts (trials times active arms); `n_not_converged` of them had no p value and count as not rejected.
    """

    value: float
    mc_error: float
    n: int
    n_not_converged: int


def primary_only(design: Design) -> Design:
    """The design with the primary endpoint and those that its rules read: faster, same conduct."""
    rules = (design.conduct.dropout, design.conduct.rescue)
    needed = {design.primary.name, *(rule.endpoint for rule in rules if rule is not None)}
    plans = tuple(plan for plan in design.endpoints if plan.name in needed)
    return replace(design, endpoints=plans, responder=None)


def null_error_rate(
    design: Design,
    latent: LatentOutcomes,
    rescue: Rescue,
    stream: Stream,
    n_trials: int,
    sizes: Mapping[str, int],
    *,
    threads: int = 1,
) -> ErrorRate:
    """Simulate and analyse trials of the null product and count rejections at the primary endpoint's headline day.

    Every arm has the control's potential outcomes; the arms hold different participants with their own luck.

    Raises
    ------
    InputError
        As `simulate_trials`.
    """
    lean, null = primary_only(design), null_latent(latent)
    plan = lean.primary
    rows = []
    for start in range(0, n_trials, CHUNK):
        trials = min(CHUNK, n_trials - start)
        luck = stream.child("null", start)
        batch = simulate_trials(lean, null, null_rescue(latent, rescue), luck, trials, sizes, 1)
        rows.append(analyse(lean, batch, (plan.name,), threads=threads).filter(pl.col("day") == plan.headline))
    table = pl.concat(rows)
    hits = int(table.select(rejected(design).sum()).item())
    failed = int((~table["converged"]).sum())
    return ErrorRate(hits / table.height, share_error(hits, table.height), table.height, failed)
