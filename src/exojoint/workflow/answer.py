"""From all draws to the answer: run tables, operating characteristics, verdict, what drives it, and its lineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import stdtrit

from exojoint.decision.criteria import EffectCriterion
from exojoint.decision.sensitivity import VarianceShares
from exojoint.decision.verdict import Verdict, decide
from exojoint.runs.manifest import CriterionLine
from exojoint.runs.verdict import (
    Accuracy,
    Effect,
    Interval,
    Mirna,
    Operating,
    Rate,
    Reason,
    Variance,
    VerdictFile,
)
from exojoint.trial.performance import Performance, performance
from exojoint.workflow.curves import MIRNA
from exojoint.workflow.drivers import Drivers
from exojoint.workflow.plan import Plan
from exojoint.workflow.rivals import judge_rivals

Floats = NDArray[np.float64]
Tables = dict[str, pl.DataFrame]

LEVEL = 0.8  # of the intervals over knowledge draws
LOW, HIGH = (1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0
KEPT_TRIALS = 50
EXTRA_UNITS: Mapping[str, str] = {
    "particles_per_ml": "particle/mL", "particles": "particle", "d10": "nm", "d50": "nm", "d90": "nm",
    "purity": "particle/ug", "endotoxin_eu_per_ml": "EU/mL", "cost_lot": "USD", "cost_per_dose": "USD",
    "mc_error": "row", "slope": "endpoint",
    "curve": "endpoint", "day": "day", "low": "row", "middle": "row", "high": "row", "mean": "row", "lo": "row",
    "hi": "row", "margin": "row", "believed": "row", "value": "row",
}  # fmt: skip
"""Units of columns that only this room knows; other numbers of such tables are pure, words have none."""


@dataclass(frozen=True)
class Answer:
    """All that a run says: tables for the folder, verdict document, decision with its warnings."""

    tables: Tables
    verdict: VerdictFile
    decision: Verdict
    performance: Performance
    outcomes: Mapping[str, int]


def run_tables(gathered: Tables) -> Tables:
    """Tables of the run folder from those of all draws: bands over draws where a figure needs them."""
    active = gathered["trials"].with_columns(product=pl.lit("active"))
    null = gathered["null_trials"].with_columns(product=pl.lit("null"), true_difference=pl.lit(0.0))
    trials = pl.concat([active, null.select(active.columns)])
    visits = gathered["visits"].sort("draw", "trial", maintain_order=True)
    return {
        "draws": gathered["draws"],
        "trials": trials,
        "visits": visits,
        "patients": gathered["patients"],
        "curves": _curves(gathered["curves"]),
        "trajectories": gathered["trajectories"].filter(pl.col("draw") == pl.col("draw").min()),
        "vesicles": _banded(
            gathered["vesicles"].filter(pl.col("compartment").is_in(_places(gathered["vesicles"]))),
            ["arm", "compartment", "depth_um", "day", "unit"],
        ),
        "dose_response": _dose_response(gathered["dose_response"]),
        "population": _population(gathered["population"]),
        "lots": gathered["lots"].rename({"lot": "name", "index": "lot"}),
        "counts": gathered["counts"],
        "adverse_events": gathered["adverse_events"],
    }


def _places(vesicles: pl.DataFrame) -> list[str]:
    return [
        name for name in vesicles["compartment"].unique() if name not in (MIRNA,) and not name.startswith("thickness_")
    ]


def _curves(curves: pl.DataFrame) -> pl.DataFrame:
    keys = ["arm", "endpoint", "day", "unit"]
    return curves.group_by(keys, maintain_order=True).agg(
        lo=pl.col("mean").quantile(LOW, "linear"),
        hi=pl.col("mean").quantile(HIGH, "linear"),
        mean=pl.col("mean").mean(),
        patient_q10=pl.col("patient_q10").mean(),
        patient_q90=pl.col("patient_q90").mean(),
    )


def _banded(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    return frame.group_by(keys, maintain_order=True).agg(
        median=pl.col("value").median(),
        lo=pl.col("value").quantile(LOW, "linear"),
        hi=pl.col("value").quantile(HIGH, "linear"),
    )


def _dose_response(frame: pl.DataFrame) -> pl.DataFrame:
    first = frame.filter(pl.col("arm") == pl.col("arm").first()) if frame.height else frame
    return first.group_by(["dose", "unit", "endpoint", "day"], maintain_order=True).agg(
        mean=pl.col("difference").mean(),
        lo=pl.col("difference").quantile(LOW, "linear"),
        hi=pl.col("difference").quantile(HIGH, "linear"),
    )


def _population(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.group_by(["variable", "statistic", "unit"], maintain_order=True).agg(
        pl.col("wanted").first(), pl.col("achieved_raw").mean(), pl.col("achieved_weighted").mean()
    )


def make_answer(plan: Plan, digest: str, gathered: Tables, drivers: Drivers, accuracy: Accuracy) -> Answer:
    """Judge the draws, put the answer together.

    Parameters
    ----------
    gathered : tables of all draws, one below the other
    drivers : what the primary effect's variance rests on
    accuracy : of the engine, measured on this run's patients
    """
    tables = run_tables(gathered)
    judged = performance(plan.design, gathered["trials"], gathered["null_trials"], gathered["counts"])
    decision = decide(plan.criteria, gathered["draws"], judged.table.filter(pl.col("arm") == plan.active[0].name))
    verdict = VerdictFile(
        run=digest,
        scenario=plan.scenario.text.name,
        verdict=decision.verdict,
        reasons=tuple(
            Reason(r.criterion, r.threshold, _number(r.probability), _number(r.mc_error), r.met)
            for r in decision.reasons
        ),
        effects=_effects(plan, gathered),
        operating=_operating(plan, judged),
        variance=_variance(drivers.shares),
        mirna=Mirna(_mirna(gathered["vesicles"])),
        accuracy=accuracy,
        lots=_lots(plan, gathered["lots"]),
        warnings=_warnings(plan, gathered, decision, drivers.shares),
        rivals=judge_rivals(plan, gathered),
    )
    tables["performance"] = judged.table
    tables["sensitivity"] = drivers.shares.rows
    tables["experiments"] = drivers.experiments
    tables["main_effects"] = drivers.effects
    tables["alternatives"] = drivers.alternatives
    tables["turning"] = drivers.turning
    counted = gathered["patients"].group_by("outcome", maintain_order=True).len()
    outcomes = {str(name): int(n) for name, n in counted.iter_rows()}
    return Answer(tables, verdict, decision, judged, outcomes)


def _number(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def _effects(plan: Plan, gathered: Tables) -> tuple[Effect, ...]:
    """True effect and what trials would say at each endpoint's headline day, the primary endpoint first."""
    shown = []
    draws = gathered["draws"]
    failed = int(gathered["patients"].filter(pl.col("outcome") != "ok").height)
    n_patients = gathered["patients"].height
    for (effect,), rows in draws.group_by(["effect"], maintain_order=True):
        first = rows.row(0, named=True)
        endpoint = plan.design.plan(first["endpoint"])
        if first["day"] != endpoint.headline:
            continue
        values = rows["difference"].drop_nulls().drop_nans().to_numpy()
        lo, hi = np.quantile(values, [LOW, HIGH])
        error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
        trials = gathered["trials"].filter(
            (pl.col("arm") == first["arm"])
            & (pl.col("endpoint") == first["endpoint"])
            & (pl.col("day") == first["day"])
            & pl.col("converged")
        )
        half = stdtrit(trials["df"].to_numpy(), HIGH) * trials["se"].to_numpy()
        mean = trials["estimate"].to_numpy()
        estimate, low, high = (_mean(values) for values in (mean, mean - half, mean + half))
        shown.append(
            Effect(
                id=str(effect), arm=first["arm"], control=first["control"], endpoint=first["endpoint"],
                day=first["day"], unit=first["unit"], estimand=plan.design.estimand(first["endpoint"]),
                true=Interval(float(values.mean()), float(lo), float(hi)), estimate=estimate, lo=low, hi=high,
                level=LEVEL, mc_error=error, n_patients=n_patients, n_failed=failed,
            )
        )  # fmt: skip
    order = {plan.primary_id: 0}
    return tuple(sorted(shown, key=lambda effect: order.get(effect.id, 1)))


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _operating(plan: Plan, judged: Performance) -> Operating:
    primary = plan.design.primary

    def rate(measure: str) -> Rate | None:
        rows = judged.table.filter(
            (pl.col("measure") == measure)
            & (pl.col("arm") == plan.active[0].name)
            & (pl.col("endpoint") == primary.name)
            & (pl.col("day") == primary.headline)
        )
        if rows.height == 0:
            return None
        value, error, n = rows.select("value", "mc_error", "n").row(0)
        return Rate(float(value), _number(error), int(n))

    return Operating(rate("type1"), rate("power"), rate("assurance"))


def _variance(shares: VarianceShares) -> Variance:
    return Variance(dict(shares.by_grade), dict(shares.by_parameter), shares.interactions)


def _mirna(vesicles: pl.DataFrame) -> float:
    """Largest number of copies of a miRNA per macrophage in the course of treatment: median over patients and draws."""
    copies = vesicles.filter(pl.col("compartment") == MIRNA)
    if copies.height == 0:
        return 0.0
    peak = copies.group_by("draw", "day").agg(pl.col("value").median()).group_by("draw").agg(pl.col("value").max())
    return float(np.median(peak["value"].to_numpy()))


def _lots(plan: Plan, lots: pl.DataFrame) -> dict[str, Any]:
    if lots.height == 0 or "released" not in lots.columns:
        return {}
    released = lots.filter(pl.col("released"))
    return {
        "source": plan.product.source.name if plan.product.source else "",
        "process": plan.product.process.name if plan.product.process else "",
        "made": lots.height,
        "released": released.height,
        "inactive_share_of_released": float(np.mean(released["inactive"].to_numpy())) if released.height else 0.0,
        "synthetic": bool(lots["synthetic"].any()),
        "material": plan.scenario.text.lot.material if plan.scenario.text.lot else "",
    }


def _warnings(plan: Plan, gathered: Tables, decision: Verdict, shares: VarianceShares) -> tuple[str, ...]:
    said = [*decision.warnings, *shares.flags]
    failed = gathered["patients"].filter(pl.col("outcome") != "ok").height
    if failed:
        said.append(
            f"{failed} of {gathered['patients'].height} virtual patients could not be brought to rest "
            "and are in no trial"
        )
    lots = gathered["lots"]
    if "warnings" in lots.columns:
        said += sorted({text for cell in lots["warnings"].drop_nulls() for text in cell.split("; ") if text})
    if "synthetic" in lots.columns and lots["synthetic"].any():
        said.append("SYNTHETIC: lots are simulated; no vial was measured")
    if plan.scenario.text.lot is not None and plan.scenario.text.lot.null_product:
        said.append("strict null product: potency 0, no flare of formulation or particles")
    return tuple(dict.fromkeys(said))


def criterion_lines(plan: Plan) -> tuple[CriterionLine, ...]:
    """Lines for figures: which true difference counts, from the criteria that name one."""
    lines = []
    for item in plan.criteria.criteria:
        if isinstance(item, EffectCriterion) and item.side == "go":
            lines.append(CriterionLine(item.endpoint, item.day, item.margin.value, item.name))
    return tuple(lines)


def settings(plan: Plan) -> dict[str, str | int | float | bool | None]:
    """Facts of the run that the report prints."""
    text, first = plan.scenario.text, plan.active[0]
    return {
        "treatment": first.treatment.title,
        "dose": first.arm.dose_text,
        "administrations": len(first.arm.days),
        "alpha": plan.design.alpha,
        "population": plan.population.name,
        "design": plan.design.name,
        "criteria": text.criteria,
        "structure": text.structure,
        "mechanism": text.mechanism,
        "species": text.species,
        "knowledge": plan.known.because,
        "knowledge_draws": text.simulation.knowledge_draws,
        "patients_per_draw": text.simulation.patients_per_draw,
        "trials_per_draw": text.simulation.trials_per_draw,
        "level": LEVEL,
        "synthetic": plan.product.nta is None and plan.product.source is not None,
    }


def extra_units(frame: pl.DataFrame) -> dict[str, str]:
    """Unit of every column that a run table may have beyond its fixed ones."""
    return {name: EXTRA_UNITS.get(name, "" if kind == pl.String else "1") for name, kind in frame.schema.items()}
