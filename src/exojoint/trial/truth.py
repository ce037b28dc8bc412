"""The effect that a trial tries to estimate, known without noise because every patient was solved under every arm."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from exojoint.trial.batch import TrialBatch
from exojoint.trial.design import EndpointPlan
from exojoint.trial.latent import LatentOutcomes

Array = npt.NDArray[np.float64]

TRUTH_COLUMNS = (
    "effect", "arm", "control", "endpoint", "day", "unit", "strategy",
    "arm_mean", "control_mean", "difference", "mc_error",
)  # fmt: skip


def true_effects(latent: LatentOutcomes, batch: TrialBatch) -> pl.DataFrame:
    """True effects of one knowledge draw: one row per arm, endpoint and day after day 0.

    `arm_mean` and `control_mean` are weighted mean changes from baseline of the latent score over the pool and over the
    arm's whole lot library, `difference` is the one minus the other; nobody leaves. Under the hypothetical strategy
    there is no rescue, and the value is exact (`mc_error` 0). Under treatment policy the mean shift by rescue is added,
    taken from the participants of `batch` as if all had stayed; `mc_error` is its standard error. An assay is compared
    on the logarithmic scale.
    """
    rows = []
    for plan in batch.design.endpoints:
        change = {arm: _changes(latent, batch, plan, arm) for arm in batch.arms}
        for arm in batch.arms:
            if arm != batch.control:
                rows += _contrast_rows(batch, plan, arm, change)
    return pl.DataFrame(rows, schema=list(TRUTH_COLUMNS), orient="row")


def estimand_values(batch: TrialBatch, plan: EndpointPlan, values: Array) -> Array:
    """Values (n_trials, n, v) that count for the estimand: NaN after the start of rescue under `hypothetical`."""
    if plan.rescue == "treatment_policy":
        return values
    after = np.arange(values.shape[2]) > batch.course.rescued[:, :, None]
    return np.where(after, np.nan, values)


def _contrast_rows(
    batch: TrialBatch, plan: EndpointPlan, arm: str, change: dict[str, tuple[Array, Array]]
) -> list[tuple[object, ...]]:
    (mean, error), (reference, reference_error) = change[arm], change[batch.control]
    unit = plan.endpoint.analysed_unit
    rows: list[tuple[object, ...]] = []
    for day in plan.days[1:]:
        v = batch.design.days.index(day)
        name = f"effects/{arm}/{plan.name}/{day:g}"
        means = (float(mean[v]), float(reference[v]), float(mean[v] - reference[v]))
        noise = float(np.hypot(error[v], reference_error[v]))
        rows.append((name, arm, batch.control, plan.name, day, unit, plan.rescue, *means, noise))
    return rows


def _changes(latent: LatentOutcomes, batch: TrialBatch, plan: EndpointPlan, arm: str) -> tuple[Array, Array]:
    """Mean true change from baseline (v,) of one arm and its Monte Carlo error (v,)."""
    endpoint = plan.endpoint
    visits = [latent.days.index(day) for day in batch.design.days]
    path = latent.observable(arm, endpoint.observable)[..., visits]
    n_lots, n_visits = path.shape[1:]
    if endpoint.follows is not None:
        level = np.repeat(batch.gains[plan.name], n_lots)
        flat = path.reshape(-1, n_visits)
        path = endpoint.follows.path(flat, flat[:, 0], level).reshape(path.shape)
    analysed = endpoint.analysed(path)
    each = (analysed - analysed[..., :1]).mean(axis=1)
    used = latent.shares > 0.0
    mean = latent.shares[used] @ each[used]
    shift, error = _rescue_shift(batch, plan, arm)
    return mean + shift, error


def _rescue_shift(batch: TrialBatch, plan: EndpointPlan, arm: str) -> tuple[Array, Array]:
    """Mean shift (v,) that rescue makes in one arm, and its standard error; failed second solves are left out."""
    n_visits = len(batch.design.days)
    if plan.rescue == "hypothetical":
        return np.zeros(n_visits), np.zeros(n_visits)
    endpoint, scores = plan.endpoint, batch.scores[plan.name]
    inside = (batch.roster.arm == batch.arms.index(arm)) & ~batch.course.rescue_failed
    shift = endpoint.analysed(scores.latent[inside]) - endpoint.analysed(scores.without_rescue[inside])
    return shift.mean(axis=0), shift.std(axis=0, ddof=1) / np.sqrt(max(len(shift), 1))
