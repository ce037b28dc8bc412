"""What a draw leaves behind for the report's figures: mean courses, patients, vesicles by place, dose-response."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exojoint.core.streams import Stream
from exojoint.engine import Kernel
from exojoint.product.lot import Lot
from exojoint.workflow.plan import ArmPlan, Plan
from exojoint.workflow.pool import Course, Pool, Solved, solve_course

Floats = NDArray[np.float64]

# Days of the figures: dense where the knee moves fast (steroid, vesicles, irritation), sparse later.
GRID = (
    0.0,
    1.0,
    3.0,
    7.0,
    14.0,
    21.0,
    28.0,
    35.0,
    42.0,
    56.0,
    63.0,
    70.0,
    84.0,
    112.0,
    140.0,
    182.0,
    238.0,
    300.0,
    364.0,
    456.0,
    546.0,
    637.0,
    728.0,
)
VESICLE_GRID = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 14.0, 20.0, 27.0)
EXTRA_OBSERVABLES = ("effusion_volume",)
SHOWN_AS_CHANGE = ("thickness_mftc", "thickness_column", "thickness_tftj", "jsw")
COMPARTMENTS = ("depot", "fluid", "lining", "plasma", "zone_1", "zone_2", "zone_3")
MIRNA = "mirna_per_macrophage"
VESICLE_PATIENTS = 16  # patients per draw whose vesicles are followed; medians and bands come from all draws
SHOWN_PATIENTS = 24  # patients of the first draw that are drawn one by one
DOSE_PATIENTS = 16
DOSE_DECADES = (-4, -3, -2, -1, 0, 1)  # label dose times ten to this


def output_days(plan: Plan) -> Floats:
    """Days at which arms are solved: the design's visits and the figures' grid."""
    last = max(plan.design.days)
    return np.unique([*plan.design.days, *(day for day in GRID if day <= last)]).astype(np.float64)


def output_names(plan: Plan) -> tuple[str, ...]:
    """Observables that arms are solved for: those of the endpoints first, then those of the figures only."""
    extra = [name for name in EXTRA_OBSERVABLES if name in plan.joint.observables]
    return tuple(dict.fromkeys((*plan.design.observables, *extra)))


def draw_tables(
    plan: Plan, kernel: Kernel, pool: Pool, solved: dict[str, Solved], lots: tuple[Lot, ...], luck: Stream, threads: int
) -> dict[str, pl.DataFrame]:
    """Tables of one draw: curves, trajectories, vesicles, dose_response (see the module constants)."""
    return {
        "curves": pl.concat([_curves(plan, pool, arm, found) for arm, found in solved.items()]),
        "trajectories": pl.concat([_trajectories(plan, pool, arm, found) for arm, found in solved.items()]),
        "vesicles": _vesicles(plan, kernel, pool, lots, luck, threads),
        "dose_response": _dose_response(plan, kernel, pool, lots, luck, threads),
    }


def _shown(plan: Plan, name: str, values: Floats) -> tuple[str, str, Floats]:
    """Name, unit and values (..., days) as the figure shows them: structure as change from day 0."""
    unit = plan.joint.observables[name].unit
    if name in SHOWN_AS_CHANGE:
        return f"{name}_change", unit, values - values[..., :1]
    return name, unit, values


def _curves(plan: Plan, pool: Pool, arm: str, found: Solved) -> pl.DataFrame:
    values = found.values(pool.n)
    usable = np.isfinite(values).all(axis=(1, 2, 3))
    weights = pool.weights[usable] / pool.weights[usable].sum()
    frames = []
    for index, observable in enumerate(output_names(plan)):
        name, unit, shown = _shown(plan, observable, values[usable][..., index].mean(axis=1))
        low, high = np.quantile(shown, [0.1, 0.9], axis=0, weights=weights, method="inverted_cdf")
        frames.append(
            pl.DataFrame(
                {
                    "arm": arm,
                    "endpoint": name,
                    "day": output_days(plan),
                    "unit": unit,
                    "mean": weights @ shown,
                    "patient_q10": low,
                    "patient_q90": high,
                }
            )
        )
    return pl.concat(frames)


def _trajectories(plan: Plan, pool: Pool, arm: str, found: Solved) -> pl.DataFrame:
    """First patients of the pool, with the arm's first lot."""
    n = min(SHOWN_PATIENTS, pool.n)
    values = found.values(pool.n)[:n, 0]
    days = output_days(plan)
    frames = []
    for index, observable in enumerate(plan.design.observables):
        name, unit, shown = _shown(plan, observable, values[..., index])
        patient = np.repeat(np.arange(n), len(days))
        frames.append(
            pl.DataFrame(
                {
                    "arm": arm,
                    "patient": patient,
                    "endpoint": name,
                    "day": np.tile(days, n),
                    "unit": unit,
                    "value": shown.ravel(),
                }
            ).filter(pl.col("value").is_finite())
        )
    return pl.concat(frames)


def _few(arm: ArmPlan, lots: tuple[Lot, ...], pool: Pool, n: int) -> Course:
    """The first `n` patients of the pool, each with one lot, the lots taking turns."""
    patient = np.arange(min(n, pool.n), dtype=np.int64)
    used = (lots,) if arm.gives_vesicles else ()
    return Course(arm, used, patient, patient % max(1, len(lots)) if used else np.zeros_like(patient))


def vesicle_days(plan: Plan, arm: ArmPlan) -> Floats:
    """Days that show a course of injections: close after each one, then the figures' grid."""
    last = max(plan.design.days)
    close = [day + step for day in arm.arm.days for step in VESICLE_GRID]
    return np.unique([0.0, *(day for day in (*close, *GRID) if day <= last)])


def _vesicles(
    plan: Plan, kernel: Kernel, pool: Pool, lots: tuple[Lot, ...], luck: Stream, threads: int
) -> pl.DataFrame:
    """Vesicles (1e9) by compartment, day and patient, and miRNA copies per macrophage, for arms that give them."""
    frames = []
    for arm in (arm for arm in plan.arms if arm.gives_vesicles and lots):
        days = vesicle_days(plan, arm)
        names = [f"vesicles_{compartment}" for compartment in COMPARTMENTS]
        outputs = [*names, MIRNA, *(f"thickness_{zone}" for zone in (1, 2, 3))]
        outputs = [name for name in outputs if name in plan.knee.system.readable]
        course = _few(arm, lots, pool, VESICLE_PATIENTS)
        found = solve_course(plan, kernel, pool, course, luck, days, outputs, threads=threads)
        depth = _depths(plan)
        for index, name in enumerate(outputs):
            compartment = name.removeprefix("vesicles_")
            unit = "copy/cell" if name == MIRNA else "1e9 particle"
            n = len(course.patient)
            frames.append(
                pl.DataFrame(
                    {
                        "arm": arm.name, "compartment": compartment, "depth_um": depth.get(compartment),
                        "day": np.tile(days, n), "unit": unit, "value": found.values[..., index].ravel(),
                    }, schema_overrides={"depth_um": pl.Float64},
                ).filter(pl.col("value").is_finite())
            )  # fmt: skip
    empty = {
        "arm": pl.String,
        "compartment": pl.String,
        "depth_um": pl.Float64,
        "day": pl.Float64,
        "unit": pl.String,
        "value": pl.Float64,
    }
    return pl.concat(frames) if frames else pl.DataFrame(schema=empty)


def _depths(plan: Plan) -> dict[str, float]:
    """Depth (um) of the middle of each cartilage zone in the healthy knee of the table."""
    healthy_um = plan.table["thickness_healthy"].value * 1e4  # cm to um
    depth, depths = 0.0, {}
    for zone in (1, 2, 3):
        share = plan.table[f"frac_zone_{zone}"].value
        depths[f"zone_{zone}"] = healthy_um * (depth + share / 2.0)
        depth += share
    return depths


def _dose_response(
    plan: Plan, kernel: Kernel, pool: Pool, lots: tuple[Lot, ...], luck: Stream, threads: int
) -> pl.DataFrame:
    """True difference from control at the primary endpoint's headline day, by label dose, in a few patients."""
    primary = plan.design.primary
    observable, day = primary.endpoint.observable, primary.headline
    control = _few(plan.control, lots, pool, DOSE_PATIENTS)
    outputs = [observable]
    base = solve_course(plan, kernel, pool, control, luck, np.array([day]), outputs, threads=threads).values[:, 0, 0]
    weights = pool.weights[control.patient]
    rows = []
    for arm in (arm for arm in plan.active if arm.amount > 0 and arm.gives_vesicles and lots):
        course = _few(arm, lots, pool, DOSE_PATIENTS)
        for decade in DOSE_DECADES:
            dose = arm.amount * 10.0**decade
            amount = np.full(len(course.patient), dose)
            found = solve_course(
                plan, kernel, pool, course, luck, np.array([day]), outputs, amount=amount, threads=threads
            )
            difference = found.values[:, 0, 0] - base
            known = np.isfinite(difference)
            if known.any():
                mean = float(np.average(difference[known], weights=weights[known]))
                rows.append((arm.name, dose, arm.treatment.giving.amount_unit, primary.name, day, mean))
    return pl.DataFrame(rows, schema=["arm", "dose", "unit", "endpoint", "day", "difference"], orient="row")
