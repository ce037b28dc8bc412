"""Analyses every trial of a batch as its protocol says, one row per trial, contrast, endpoint and day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from exojoint.trial.analysis.mmrm_trial import TrialEstimates, fit_trials
from exojoint.trial.analysis.responder import compare_responders, responder_status
from exojoint.trial.batch import TrialBatch
from exojoint.trial.design import Design, EndpointPlan, ResponderPlan
from exojoint.trial.truth import estimand_values

Array = npt.NDArray[np.float64]

RESPONDER = "responder_omeract_oarsi"  # name of the responder share among the endpoints of an analysed trial
ESTIMATE_COLUMNS = (
    "trial",
    "arm",
    "endpoint",
    "day",
    "estimate",
    "se",
    "df",
    "p",
    "lo",
    "hi",
    "converged",
    "n_analysed",
)


def analyse(
    design: Design, batch: TrialBatch, endpoints: Sequence[str] | None = None, *, threads: int = 1
) -> pl.DataFrame:
    """Difference from control in mean change from baseline, for every trial of a batch.

    An `mmrm` endpoint is estimated at all its visits together, an `ancova` endpoint at each visit on its own; both
    adjust for the recorded baseline and the allocation strata. Values after rescue are left out under the hypothetical
    strategy. Confidence intervals have level 1 - alpha. The responder share (`RESPONDER`) is a difference of shares
    with a score test; whoever is not classified counts as a failure.

    Parameters
    ----------
    design : how to analyse: the batch's own design, or one that differs in method or strategy only
    batch : the trials
    endpoints : names to analyse (None: all of the design, and its responders)
    threads : of the compiled analysis; results do not depend on it

    Returns
    -------
    pl.DataFrame
        Columns of `ESTIMATE_COLUMNS`; NaN and `converged` False where the data of a trial give no estimate.
    """
    wanted = [plan for plan in design.endpoints if endpoints is None or plan.name in endpoints]
    frames = [_analyse_endpoint(design, batch, plan, threads) for plan in wanted]
    if design.responder is not None and (endpoints is None or RESPONDER in endpoints):
        frames.append(_analyse_responders(design, batch, design.responder))
    return pl.concat(frames)


def beside_truth(rows: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Analysed rows with the column `true_difference` of the draw (`truth.true_effects`), null where unknown."""
    known = truth.select("arm", "endpoint", "day", true_difference="difference")
    return rows.join(known, on=["arm", "endpoint", "day"], how="left", maintain_order="left")


def _analyse_endpoint(design: Design, batch: TrialBatch, plan: EndpointPlan, threads: int) -> pl.DataFrame:
    observed = plan.endpoint.analysed(estimand_values(batch, plan, batch.scores[plan.name].observed))
    visits = [batch.design.days.index(day) for day in plan.days[1:]]
    groups = [visits] if plan.analysis == "mmrm" else [[visit] for visit in visits]
    level = 1.0 - design.alpha
    return pl.concat([_fit(batch, plan, observed, group, level, threads) for group in groups])


def _fit(
    batch: TrialBatch, plan: EndpointPlan, observed: Array, visits: list[int], level: float, threads: int
) -> pl.DataFrame:
    baseline = observed[:, :, 0]
    fitted = fit_trials(
        observed[:, :, visits] - baseline[:, :, None],
        baseline,
        batch.roster.arm,
        control=batch.arms.index(batch.control),
        covariates=_stratum_columns(batch),
        level=level,
        threads=threads,
    )
    return _frame(batch, plan, fitted, np.array(batch.design.days)[visits])


def _stratum_columns(batch: TrialBatch) -> Array | None:
    """(n_trials, n, strata - 1) indicators of the allocation strata; None where there is one stratum."""
    codes = np.unique(batch.roster.stratum)
    if len(codes) < 2:
        return None
    return np.stack([batch.roster.stratum == code for code in codes[1:]], axis=-1).astype(np.float64)


def _frame(batch: TrialBatch, plan: EndpointPlan, fitted: TrialEstimates, days: Array) -> pl.DataFrame:
    columns = fitted.columns()
    return pl.DataFrame(
        {
            "trial": columns["trial"].astype(np.int32),
            "arm": pl.Series(batch.arms).gather(columns["arm"].astype(np.int64)),
            "endpoint": pl.repeat(plan.name, len(columns["trial"]), eager=True),
            "day": days[columns["visit"].astype(np.int64)],
            **{name: columns[name] for name in ESTIMATE_COLUMNS[4:]},
        }
    )


def _analyse_responders(design: Design, batch: TrialBatch, plan: ResponderPlan) -> pl.DataFrame:
    visit = design.days.index(plan.day)
    readings = []
    for name in (plan.pain, plan.function, plan.patient_global):
        values = estimand_values(batch, design.plan(name), batch.scores[name].observed)
        readings += [values[:, :, 0], values[:, :, visit]]
    control = batch.arms.index(batch.control)
    found = compare_responders(responder_status(*readings), batch.roster.arm, control=control, level=1.0 - design.alpha)
    limits = found.risk_difference_interval("miettinen_nurminen")
    variance = found.share * (1.0 - found.share) / found.n
    variance = variance + found.share_control * (1.0 - found.share_control) / found.n_control
    trial, arm = (index.ravel() for index in np.indices(found.share.shape))
    numbers = (plan.day + 0.0 * variance, found.risk_difference, np.sqrt(variance), np.full_like(variance, np.nan))
    tests = (found.p, limits.lo, limits.hi)
    columns = dict(zip(ESTIMATE_COLUMNS[3:10], (values.ravel() for values in (*numbers, *tests)), strict=True))
    return pl.DataFrame(
        {
            "trial": trial.astype(np.int32),
            "arm": pl.Series(batch.arms).gather(np.array(found.arms, dtype=np.int64)[arm]),
            "endpoint": pl.repeat(RESPONDER, len(trial), eager=True),
            **columns,
            "converged": np.isfinite(columns["p"]),
            "n_analysed": (found.n + found.n_control).astype(np.int64).ravel(),
        }
    )
