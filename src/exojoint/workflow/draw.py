"""One knowledge draw from patients to analysed trials: potential outcomes first, then trials resampled from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.streams import Stream, stream
from exojoint.engine import Kernel
from exojoint.patients.achieved import achieved_table
from exojoint.patients.animals import Colony, colony_table
from exojoint.product.lot import Lot, lot_from_nta, lot_row, make_campaign, without_potency
from exojoint.trial.adverse_events import Injected, adverse_events
from exojoint.trial.batch import TrialBatch, counts_frame, visits_frame
from exojoint.trial.conduct import simulate_trials
from exojoint.trial.estimate import analyse, beside_truth
from exojoint.trial.latent import Array, Integers, LatentOutcomes, Rescue, null_latent, null_rescue
from exojoint.trial.truth import true_effects
from exojoint.workflow.curves import draw_tables, output_days, output_names
from exojoint.workflow.flares import Flares, simulated_flares
from exojoint.workflow.plan import Plan
from exojoint.workflow.pool import Course, Knowledge, Pool, Solved, failures, rest_pool, solve_course
from exojoint.workflow.rivals import kernel_of, plan_of

Floats = NDArray[np.float64]
Tables = dict[str, pl.DataFrame]

LOTS_PER_TRIAL_LOT = 2  # a draw's lot library is this many times what one trial uses, so that trials differ in lots


@dataclass(frozen=True)
class DrawResult:
    """Tables of one draw (columns as in the run folder, with `draw`)."""

    tables: Tables


def root(plan: Plan) -> Stream:
    """The stream that every random number of a run comes from."""
    return stream(plan.scenario.text.seed, "exojoint")


def knowledge_scores(plan: Plan, draws: Sequence[int]) -> Floats:
    """Scores (k, n_axes) of knowledge draws on the tables' standard-normal scale; draw 5 is the same in any company.

    Unknowns that were calibrated come from the posterior, which draws them together; the others are standard normal.
    """
    luck = root(plan).child("knowledge")
    prior = luck.normal(np.asarray(draws, dtype=np.int64), plan.space.n_axes)
    return plan.known.scores(prior, luck.child("posterior"), draws)


def knowledge_of(plan: Plan, scores: Floats) -> list[Knowledge]:
    """Values of all unknown rows, one mapping per row of scores."""
    values = plan.knowledge(scores)
    return [{name: float(column[k]) for name, column in values.items()} for k in range(len(scores))]


def make_lots(plan: Plan, values: Knowledge, luck: Stream, wanted: int) -> tuple[tuple[Lot, ...], tuple[Lot, ...]]:
    """Released lots for the trials of a draw, and the lots that failed release."""
    text = plan.scenario.text.lot
    if text is None or plan.product.source is None or plan.product.process is None:
        return (), ()
    campaign = make_campaign(plan.product.source, plan.product.process, values, luck, wanted)
    lots = campaign.released
    if plan.product.nta is not None:
        lots = tuple(lot_from_nta(plan.product.nta, lot, material=text.material) for lot in lots)
    if text.null_product:
        lots = tuple(without_potency(lot) for lot in lots)
    return lots, campaign.failed


def run_draw(plan: Plan, kernel: Kernel, draw: int, threads: int, keep_trials: int) -> DrawResult:
    """Everything of one knowledge draw.

    Parameters
    ----------
    draw : number of the draw; with the scenario's seed it fixes every random number used here
    threads : results do not depend on it
    keep_trials : trials whose visits are kept
    """
    own = plan_of(plan, draw)
    plan, kernel = own, kernel_of(own, plan, kernel)
    solved = _solve_draw(plan, kernel, draw, threads)
    pool, luck = solved.pool, solved.luck
    latent = _latent(plan, pool, solved.arms)
    rescue = _rescue(plan, kernel, solved, threads)
    courses = {name: found.course for name, found in solved.arms.items()}
    flares = simulated_flares(plan, kernel, pool, courses, luck, threads)
    tables: Tables = {
        **_trials(plan, latent, rescue, luck, keep_trials, threads, flares),
        **draw_tables(plan, kernel, pool, solved.arms, solved.lots, luck, threads),
        "patients": _patients(pool),
        "population": _population(plan, pool),
        "lots": _lots(plan, solved.lots, solved.failed_lots),
        "failures": pl.DataFrame([{"outcome": name, "n": n} for name, n in failures(pool).items()]),
    }
    return DrawResult({name: frame.with_columns(draw=pl.lit(draw, dtype=pl.Int64)) for name, frame in tables.items()})


def latent_outcomes(plan: Plan, kernel: Kernel, draw: int, threads: int) -> tuple[LatentOutcomes, Rescue]:
    """Potential outcomes of one draw, and the exact second solve with rescue: what trials are resampled from."""
    own = plan_of(plan, draw)
    plan, kernel = own, kernel_of(own, plan, kernel)
    solved = _solve_draw(plan, kernel, draw, threads)
    return _latent(plan, solved.pool, solved.arms), _rescue(plan, kernel, solved, threads)


@dataclass(frozen=True)
class SolvedDraw:
    """Pool, lots and solved arms of one draw, with the luck they came from."""

    pool: Pool
    lots: tuple[Lot, ...]
    failed_lots: tuple[Lot, ...]
    arms: dict[str, Solved]
    luck: Stream


def _solve_draw(plan: Plan, kernel: Kernel, draw: int, threads: int) -> SolvedDraw:
    """Draw what is unknown, the patients and the lots; burn in; solve every arm with every lot."""
    text = plan.scenario.text
    luck = root(plan).child("draw", draw)
    values = knowledge_of(plan, knowledge_scores(plan, [draw]))[0]
    pool = rest_pool(plan, kernel, [values], [luck.child("patients")], text.simulation.patients_per_draw, threads)
    wanted = LOTS_PER_TRIAL_LOT * text.lot.lots_per_trial if text.lot else 0
    lots, failed_lots = make_lots(plan, values, luck.child("lots"), wanted)
    return SolvedDraw(pool, lots, failed_lots, _solve_arms(plan, kernel, pool, lots, luck, threads), luck)


def _solve_arms(
    plan: Plan, kernel: Kernel, pool: Pool, lots: tuple[Lot, ...], luck: Stream, threads: int
) -> dict[str, Solved]:
    days, outputs = output_days(plan), output_names(plan)
    solved = {}
    for arm in plan.arms:
        course = Course.full(arm, (lots,), pool.n)
        solved[arm.name] = Solved(
            course, solve_course(plan, kernel, pool, course, luck, days, outputs, threads=threads)
        )
    return solved


def _latent(plan: Plan, pool: Pool, solved: dict[str, Solved]) -> LatentOutcomes:
    every = output_days(plan)
    visits = np.searchsorted(every, plan.design.days)
    names = output_names(plan)
    chosen = [names.index(name) for name in plan.design.observables]
    values = {arm: found.values(pool.n)[:, :, visits][..., chosen] for arm, found in solved.items()}
    people = pool.patients[0].covariates
    covariates = {
        name: people[name].to_numpy() for name in people.columns if name not in ("patient", "phenotype", "sex")
    }
    covariates |= {"sex": people["sex"].to_numpy(), "phenotype": people["phenotype"].to_numpy()}
    return LatentOutcomes(
        tuple(solved),
        plan.control.name,
        tuple(plan.design.days),
        tuple(plan.design.observables),
        values,
        pool.weights,
        covariates,
    )


def _rescue(plan: Plan, kernel: Kernel, solved: SolvedDraw, threads: int) -> Rescue:
    days = np.asarray(plan.design.days, dtype=np.float64)
    arms = {arm.name: arm for arm in plan.arms}
    pool, luck = solved.pool, solved.luck

    def rescue(arm: str, patient: Integers, lot: Integers, visit: Integers) -> Array:
        course = Course(arms[arm], solved.arms[arm].course.lots, patient, lot)
        found = solve_course(
            plan, kernel, pool, course, luck, days, plan.design.observables, rescue_day=days[visit], threads=threads
        )
        return found.values

    return rescue


def _trials(
    plan: Plan, latent: LatentOutcomes, rescue: Rescue, luck: Stream, keep_trials: int, threads: int, flares: Flares
) -> Tables:
    """Simulate and analyse the trials of the product, then those of the null product with fresh luck."""
    text = plan.scenario.text
    sizes = {arm.name: arm.arm.n for arm in plan.arms}
    lots = text.lot.lots_per_trial if text.lot else 1
    n = text.simulation.trials_per_draw
    active = simulate_trials(plan.design, latent, rescue, luck.child("trials"), n, sizes, lots)
    null = simulate_trials(
        plan.design, null_latent(latent), null_rescue(latent, rescue), luck.child("null trials"), n, sizes, lots
    )
    truth = true_effects(latent, active)
    return {
        "draws": truth,
        "trials": beside_truth(analyse(plan.design, active, threads=threads), truth),
        "null_trials": analyse(plan.design, null, threads=threads).with_columns(
            true_difference=pl.lit(None, dtype=pl.Float64)
        ),
        "counts": counts_frame(active),
        "adverse_events": _harms(plan, active, latent, luck, flares),
        "visits": visits_frame(active, latent.n_pool, keep_trials),
    }


def _harms(plan: Plan, batch: TrialBatch, latent: LatentOutcomes, luck: Stream, flares: Flares) -> pl.DataFrame:
    """Adverse events per arm over the draw's trials: of people only, from graded tables and from what knees show."""
    people = not isinstance(plan.population, Colony)
    risks = {arm.name: arm.treatment.adverse_events for arm in plan.arms if people}
    days = {arm.name: arm.arm.days for arm in plan.arms}
    besides = {
        arm.name: [Injected(more.treatment.adverse_events, more.also.days) for more in arm.also]
        for arm in plan.arms
        if people
    }
    chance = luck.child("adverse events")
    rows = adverse_events(batch, risks, days, latent.covariates, chance, besides=besides, flares=flares)
    return rows.group_by("arm", "event", maintain_order=True).agg(
        pl.col("n", "n_injections", "n_events", "n_patients").sum()
    )


def _population(plan: Plan, pool: Pool) -> pl.DataFrame:
    if isinstance(plan.population, Colony):
        return colony_table(pool.patients[0])
    return achieved_table(plan.population, pool.patients[0])


def _patients(pool: Pool) -> pl.DataFrame:
    names = np.array(["ok", "step_limit", "step_underflow", "not_finite", "burn_in_not_settled"])
    return pool.patients[0].covariates.with_columns(
        weight=pl.Series(pool.weights), outcome=pl.Series(names[pool.outcome])
    )


def _lots(plan: Plan, released: tuple[Lot, ...], failed: tuple[Lot, ...]) -> pl.DataFrame:
    label = next((arm.amount for arm in plan.arms if arm.gives_vesicles), None)
    rows = [{"index": index, **lot_row(lot, label)} for index, lot in enumerate((*released, *failed))]
    return pl.DataFrame(rows, infer_schema_length=None)
