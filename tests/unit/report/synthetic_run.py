"""Makes a SYNTHETIC run folder: made-up numbers in the real schema, so that the report can be built without the model.

Nothing here is a result. Run as a program it writes one: ``python synthetic_run.py FOLDER``.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import polars as pl

from exojoint.runs.lineage import Headline, Lineage, Origin, Paper, Quantity, Source, write_lineage
from exojoint.runs.manifest import Citation, CriterionLine, Engine, InputFile, Manifest, Program, Question
from exojoint.runs.store import open_run
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
    effect_id,
    write_verdict,
)

PAPER = "Synthetic reference for tests only (2026). Not a publication."
DIGEST = "5e1fab1e5e1fab1e"
DRAWS, TRIALS, PATIENTS = 64, 20, 200
ENDPOINTS = {"womac_pain": ("point", 182.0), "thickness_mftc": ("mm", 728.0), "jsw": ("mm", 728.0)}
CURVE_DAYS = (0.0, 7.0, 14.0, 28.0, 42.0, 56.0, 84.0, 112.0, 140.0, 182.0, 273.0, 364.0, 546.0, 728.0)
ZONE_DEPTH = {"zone_1": 110.0, "zone_2": 660.0, "zone_3": 1650.0}
PARAMETERS = (
    ("potency_inflammation", "relative", "assumed", 0.31),
    ("frac_uptake_macrophage", "1", "in_vitro", 0.17),
    ("k_release_lining", "1/day", "assumed", 0.11),
    ("hill_signal_half", "copy/cell", "in_vitro", 0.08),
    ("k_clear_lymph", "mL/day", "animal_joint", 0.06),
    ("rel_tone_pain", "relative", "calibrated", 0.05),
    ("frac_reach_zone_2", "1", "derived", 0.04),
    ("s_il1b", "relative", "human_knee", 0.03),
    ("init_effusion_volume", "mL", "human_knee", 0.02),
    ("k_degrade_cargo", "1/day", "other_system", 0.02),
    ("context_response", "point", "human_other", 0.02),
    ("gain_pain", "1", "calibrated", 0.01),
    ("friction_share", "1", "assumed", 0.01),
)


def _pain(days: np.ndarray, effect: float) -> np.ndarray:
    context = 16.0 * (1.0 - np.exp(-days / 10.0)) * np.exp(-days / 2500.0)
    return 50.0 - context - effect * (1.0 - np.exp(-days / 25.0)) * np.exp(-days / 420.0)


def _level(endpoint: str, days: np.ndarray, effect: float) -> np.ndarray:
    if endpoint == "womac_pain":
        return _pain(days, effect)
    start = 1.75 if endpoint == "thickness_mftc" else 3.9
    return start - 0.045 * days / 365.0 + 0.006 * effect * days / 728.0


def _effects(rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.uniform(size=DRAWS) < 0.25, 0.0, rng.lognormal(math.log(3.4), 0.6, DRAWS))


def _draws(effects: np.ndarray) -> pl.DataFrame:
    rows = []
    for endpoint, (unit, day) in ENDPOINTS.items():
        for draw, effect in enumerate(effects):
            arm = float(_level(endpoint, np.array([day]), effect)[0])
            control = float(_level(endpoint, np.array([day]), 0.0)[0])
            name = effect_id("exosome", endpoint, day)
            rows.append((draw, name, "exosome", "saline", endpoint, day, unit, arm, control, arm - control))
    names = ("draw", "effect", "arm", "control", "endpoint", "day", "unit", "arm_mean", "control_mean", "difference")
    return pl.DataFrame(rows, schema=names, orient="row")


def _trials(rng: np.random.Generator, draws: pl.DataFrame) -> pl.DataFrame:
    rows = []
    for row in draws.iter_rows(named=True):
        se = 2.4 if row["endpoint"] == "womac_pain" else 0.02
        for product in ("active", "null"):
            true = row["difference"] if product == "active" else 0.0
            for trial, error in enumerate(rng.normal(size=TRIALS)):
                estimate = true + se * error
                p = math.erfc(abs(estimate / se) / math.sqrt(2.0))
                rows.append(
                    (
                        row["draw"],
                        trial,
                        product,
                        "exosome",
                        row["endpoint"],
                        row["day"],
                        estimate,
                        se,
                        170.0,
                        p,
                        estimate - 1.96 * se,
                        estimate + 1.96 * se,
                        True,
                        178,
                        true,
                    )
                )
    names = ("draw", "trial", "product", "arm", "endpoint", "day", "estimate", "se", "df", "p", "lo", "hi")
    return pl.DataFrame(rows, schema=(*names, "converged", "n_analysed", "true_difference"), orient="row")


def _curves(effects: np.ndarray, arms: tuple[str, str]) -> pl.DataFrame:
    days = np.array(CURVE_DAYS)
    rows = []
    for endpoint, (unit, _) in ENDPOINTS.items():
        spread = 3.0 if endpoint == "womac_pain" else 0.03
        for arm in arms:
            values = np.array([_level(endpoint, days, effect if arm == arms[0] else 0.0) for effect in effects])
            values = values + spread * 0.4 * np.linspace(-1.3, 1.3, DRAWS)[:, None]
            lo, hi = np.quantile(values, (0.1, 0.9), axis=0)
            mean = values.mean(axis=0)
            for i, day in enumerate(days):
                rows.append(
                    (arm, endpoint, day, unit, mean[i], lo[i], hi[i], mean[i] - 5 * spread, mean[i] + 5 * spread)
                )
    names = ("arm", "endpoint", "day", "unit", "mean", "lo", "hi", "patient_q10", "patient_q90")
    return pl.DataFrame(rows, schema=names, orient="row")


def _trajectories(rng: np.random.Generator, arms: tuple[str, str]) -> pl.DataFrame:
    rows = []
    days = np.array(CURVE_DAYS)
    base, speed = rng.normal(0.0, 10.0, 30), rng.lognormal(0.0, 0.6, 30)
    for arm in arms:
        for patient in range(30):
            values = np.clip(
                base[patient] + 50 - (50 - _pain(days, 3.0 if arm == arms[0] else 0.0)) * speed[patient], 0, 100
            )
            rows += [
                (arm, 0, patient, "womac_pain", day, "point", value) for day, value in zip(days, values, strict=True)
            ]
    names = ("arm", "draw", "patient", "endpoint", "day", "unit", "value")
    return pl.DataFrame(rows, schema=names, orient="row")


def _vesicles(arm: str) -> pl.DataFrame:
    days = np.unique(np.concatenate([np.geomspace(0.02, 28, 40), np.linspace(28, 140, 60), [182.0, 364.0, 728.0]]))
    size = {"depot": 0.0, "fluid": 400.0, "lining": 90.0, "plasma": 2.0, "zone_1": 8.0, "zone_2": 0.5, "zone_3": 0.01}
    rate = {"depot": 1.0, "fluid": 1.6, "lining": 0.35, "plasma": 1.4, "zone_1": 0.5, "zone_2": 0.3, "zone_3": 0.2}
    rows = []
    for name, top in size.items():
        for day in days:
            level = sum(top * math.exp(-rate[name] * (day - dose)) for dose in (0.0, 28.0, 56.0) if day >= dose)
            rows.append((arm, name, ZONE_DEPTH.get(name), float(day), "1e9 particle", level, level * 0.35, level * 2.6))
    names = ("arm", "compartment", "depth_um", "day", "unit", "median", "lo", "hi")
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def _dose_response() -> pl.DataFrame:
    rows = []
    for endpoint, (_, day) in ENDPOINTS.items():
        scale, sign = (1.0, -1.0) if endpoint == "womac_pain" else (0.006, 1.0)
        for dose in (0.0, 5e10, 1e11, 2e11, 5e11, 1e12, 2e12):
            mean = 5.0 * dose / (dose + 4e11)
            limits = sorted((sign * scale * mean * 0.15, sign * scale * mean * 1.9))
            rows.append((dose, "particle", endpoint, day, sign * scale * mean, *limits))
    return pl.DataFrame(rows, schema=("dose", "unit", "endpoint", "day", "mean", "lo", "hi"), orient="row")


def _performance() -> pl.DataFrame:
    rows = []
    for endpoint, (_, day) in ENDPOINTS.items():
        value = {"womac_pain": 0.052, "thickness_mftc": 0.047, "jsw": 0.055}[endpoint]
        rows.append(("type1", endpoint, day, value, math.sqrt(value * (1 - value) / 1280), 1280))
        value = {"womac_pain": 0.27, "thickness_mftc": 0.16, "jsw": 0.12}[endpoint]
        rows.append(("power", endpoint, day, value, math.sqrt(value * (1 - value) / 1280), 1280))
        rows.append(("assurance", endpoint, day, value, math.sqrt(value * (1 - value) / 64), 64))
        rows.append(("converged", endpoint, day, 1.0, 0.0, 2560))
    return pl.DataFrame(rows, schema=("measure", "endpoint", "day", "value", "mc_error", "n"), orient="row")


def _population() -> pl.DataFrame:
    rows = [
        ("age", "mean", "year", 62.0, 60.9, 62.0),
        ("age", "sd", "year", 8.5, 8.9, 8.5),
        ("sex_female", "share", "1", 0.62, 0.58, 0.62),
        ("bmi", "mean", "kg/m2", 29.5, 29.9, 29.5),
        ("bmi", "sd", "kg/m2", 4.6, 4.9, 4.61),
        ("kl_3", "share", "1", 0.48, 0.53, 0.48),
        ("varus", "mean", "deg", 1.5, 1.7, 1.5),
        ("pain_baseline", "mean", "point", 50.0, 48.1, 50.0),
        ("pain_baseline", "sd", "point", 15.0, 16.4, 15.1),
        ("effusion_volume", "mean", "mL", 8.0, 8.7, 8.0),
        ("kl age", "correlation", "1", 0.25, 0.19, 0.25),
    ]
    names = ("variable", "statistic", "unit", "wanted", "achieved_raw", "achieved_weighted")
    return pl.DataFrame(rows, schema=names, orient="row")


def _lots(rng: np.random.Generator, operator: str) -> tuple[pl.DataFrame, dict[str, str]]:
    n = 12
    frame = pl.DataFrame(
        {
            "lot": range(n),
            "source": ["umbilical_cord"] * n,
            "process": ["bioreactor_tff"] * n,
            "operator": [operator] * n,
            "particles_per_ml": rng.lognormal(math.log(1.3e11), 0.15, n),
            "count_method": ["NTA"] * n,
            "d50": rng.normal(128.0, 6.0, n),
            "purity": rng.lognormal(math.log(2e10), 0.4, n),
            "potency_inflammation": np.where(rng.uniform(size=n) < 0.25, 0.0, rng.lognormal(0.0, 0.4, n)),
            "endotoxin_eu_per_ml": rng.lognormal(-2.0, 0.3, n),
            "released": rng.uniform(size=n) < 0.9,
            "inactive": [False] * (n - 3) + [True] * 3,
            "synthetic": [True] * n,
        }
    )
    text = dict.fromkeys(("source", "process", "operator", "count_method", "released", "inactive", "synthetic"), "")
    units = {
        "particles_per_ml": "particle/mL",
        "d50": "nm",
        "purity": "particle/ug",
        "potency_inflammation": "relative",
    }
    return frame, text | units | {"endotoxin_eu_per_ml": "EU/mL"}


def _main_effects() -> pl.DataFrame:
    rows = []
    for endpoint, (unit, day) in list(ENDPOINTS.items())[:2]:
        for index, (name, _, grade, share) in enumerate(PARAMETERS):
            slope = (1.0 if index % 2 else -1.0) * math.sqrt(share)
            rows.append(
                (f"{endpoint}/{day:g}", f"{endpoint}/{day:g}", endpoint, day, unit, name, "joint", grade,
                 -2.0 - 1.7 * slope, -2.0, -2.0 + 1.7 * slope, 1.7, slope, 0.0, share, 0.02, 0, 27)
            )  # fmt: skip
    names = (
        "headline", "title", "endpoint", "day", "unit", "parameter", "owner", "grade", "low", "middle", "high", "reach",
        "slope", "curve", "share", "mc_error", "failed", "runs",
    )  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


def _alternatives() -> pl.DataFrame:
    """Chances and calls by variant, as if judged by two go criteria and one no-go criterion."""
    rows = []
    tried = (
        ("planned", "as planned", -1.9, 0.09, "learn"), ("once", "one injection only", -0.6, 0.02, "no-go"),
        ("dose_x3", "dose x 3", -3.0, 0.2, "learn"), ("dose_x10", "dose x 10", -5.5, 0.62, "go"),
        ("dose_x100", "dose x 100", -6.5, 0.7, "go"), ("hydrogel_depot", "released from a gel", -1.0, 0.05, "no-go"),
    )  # fmt: skip
    for variant, title, mean, chance, call in tried:
        pain = (variant, title, "womac_pain", 182.0, "point", mean, 2 * mean, 0.3)
        rows.append((*pain, "relief is likely", "go", -5.0, chance, 0.04, "at least", 0.6, chance >= 0.6, call, DRAWS))
        rows.append(
            (variant, title, "thickness_mftc", 728.0, "mm", 0.01, 0.0, 0.02, "harm is unlikely", "go", -0.058, 0.0,
             0.01, "at most", 0.1, True, call, DRAWS)
        )  # fmt: skip
    names = (
        "variant", "title", "endpoint", "day", "unit", "mean", "lo", "hi", "criterion", "side", "margin", "probability",
        "mc_error", "comparison", "threshold", "met", "call", "n",
    )  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


def _turning() -> pl.DataFrame:
    rows = [
        ("potency_inflammation", "assumed", "relative", 1.0, 4.0, 2.3, True, 0.63, 0.06, 0.6, DRAWS),
        ("frac_uptake_macrophage", "in_vitro", "1", 0.2, 0.9, 3.0, False, 0.3, 0.06, 0.6, DRAWS),
    ]
    names = (
        "parameter", "grade", "unit", "believed", "value", "sd", "turns", "probability", "mc_error", "threshold", "n",
    )  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


def _experiments() -> pl.DataFrame:
    rows = [
        ("potency_inflammation", "assumed", "relative", 1.0, 0.31, 0.042, 0.011, 0.3, 0.05, "measure it", "made up")
    ]
    names = (
        "parameter", "grade", "unit", "value", "verdict_share", "gain", "gain_error", "binned_share", "binned_error",
        "experiment", "method",
    )  # fmt: skip
    return pl.DataFrame(rows, schema=names, orient="row")


def _verdict(draws: pl.DataFrame, trials: pl.DataFrame, name: str) -> VerdictFile:
    effects = []
    for endpoint, (unit, day) in ENDPOINTS.items():
        true = draws.filter(pl.col("endpoint") == endpoint)["difference"].to_numpy()
        seen = trials.filter((pl.col("endpoint") == endpoint) & (pl.col("product") == "active"))
        lo, hi = np.quantile(true, (0.1, 0.9))
        effects.append(
            Effect(
                id=effect_id("exosome", endpoint, day), arm="exosome", control="saline", endpoint=endpoint, day=day,
                unit=unit, estimand="treatment policy", true=Interval(float(true.mean()), float(lo), float(hi)),
                estimate=float(seen["estimate"].mean()), lo=float(seen["lo"].mean()), hi=float(seen["hi"].mean()),
                level=0.8, mc_error=float(true.std() / math.sqrt(DRAWS)), n_patients=DRAWS * PATIENTS, n_failed=3,
            )
        )  # fmt: skip
    met = float((draws.filter(pl.col("endpoint") == "womac_pain")["difference"] <= -5.0).mean())
    pain = "true difference in womac_pain at day 182 of at least 5 points"
    harm = "no structural harm: thickness_mftc at day 728 not worse by more than 0.05 mm"
    reasons = (
        Reason(pain, 0.8, met, math.sqrt(met * (1 - met) / DRAWS), met >= 0.8),
        Reason(harm, 0.9, 1.0, 0.0, True),
        Reason("assurance of the trial at least 0.5", 0.5, 0.27, 0.055, False),
    )
    grades: dict[str, float] = {}
    for _, _, grade, share in PARAMETERS:
        grades[grade] = grades.get(grade, 0.0) + share
    operating = Operating(Rate(0.052, 0.0062, 1280), Rate(0.27, 0.0124, 1280), Rate(0.27, 0.055, 64))
    variance = Variance(grades, {name: share for name, _, _, share in PARAMETERS}, 0.07)
    lots = {"library": 12, "released": 11, "inactive": 3, "label_dose": "5e11 particles"}
    warnings = (
        "SYNTHETIC DATA: every number in this run was made up to test the report.",
        "3 of 12,800 patients failed to solve; they are counted in every table.",
    )
    return VerdictFile(
        run=DIGEST,
        scenario=name,
        verdict="learn",
        reasons=reasons,
        effects=tuple(effects),
        operating=operating,
        variance=variance,
        mirna=Mirna(4.2),
        accuracy=Accuracy(2.1e-7, 4.4e-6, 200),
        lots=lots,
        warnings=warnings,
    )


def _lineage(verdict: VerdictFile) -> Lineage:
    parameters = tuple(
        Quantity(
            name,
            1.0,
            unit,
            grade,
            f"parameters.csv row {row}",
            "Synthetic meaning. Nothing real.",
            ("assumed",) if grade == "assumed" else ("SYN001",),
        )
        for row, (name, unit, grade, _) in enumerate(PARAMETERS, start=2)
    )
    sources = (
        Source("SYN001", "synthetic fact = 1 relative", "synthetic", ("synthetic2026",)),
        Source("assumed", "assumed: nobody has measured it", "", ()),
    )
    papers = (
        Paper(
            "synthetic2026",
            "Synthetic reference for tests only (2026). Not a publication.",
            "https://example.org/synthetic",
        ),
    )
    shares = {name: share for name, _, _, share in PARAMETERS}
    names = tuple(item.name for item in parameters)
    headlines = []
    for effect in verdict.effects:
        origin = (Origin("draws.parquet", ("difference",), effect.id),)
        headlines.append(
            Headline(effect.id, "true difference", effect.true.mean, effect.unit, origin, DRAWS, names, shares)
        )
    return Lineage(DIGEST, tuple(headlines), parameters, sources, papers)


def _manifest(name: str, question: str) -> Manifest:
    text = f'schema = 1\nname = "{name}"\nquestion = "{question}"\n# synthetic: not a scenario that was run\n'
    return Manifest(
        DIGEST,
        Question(name, question, text, 20260101, (InputFile("synthetic-ExperimentSummary.csv", "00" * 32, 12345),)),
        Program("c0dec0dec0dec0de", {"joint/parameters.csv": "11" * 32}, {"exojoint": "0.1.0"}, "x86_64 avx2"),
        Engine("standard", {"p50": 2.1e-7}, {"ok": DRAWS * PATIENTS - 3, "step_limit": 2, "burn_in_not_settled": 1}),
        (
            Citation("synthetic2026", PAPER, "https://example.org/synthetic"),
            Citation("synthetic2025", "Another synthetic reference (2025). Not a publication.", "javascript:alert(1)"),
        ),
        (CriterionLine("womac_pain", 182.0, -5.0, "criterion: 5 points better"),),
        {
            "alpha": 0.05, "treatment": "Synthetic vesicles", "dose": "5e11 particles", "administrations": 3,
            "population": "kl2_3_symptomatic", "design": "parallel_2y", "mechanism": "membrane"},
    )  # fmt: skip


def make_run(
    root: Path,
    *,
    name: str = "synthetic_example",
    question: str = "Does one course beat saline on pain at week 26 without structural harm at 2 years?",
    arms: tuple[str, str] = ("exosome", "saline"),
    operator: str = "robot 1",
    leave_out: tuple[str, ...] = (),
) -> Path:
    """Write a whole synthetic run below `root` and return its folder."""
    rng = np.random.default_rng(1)
    effects = _effects(rng)
    draws = _draws(effects)
    trials = _trials(rng, draws)
    lots, lot_units = _lots(rng, operator)
    tables = {
        "draws": draws, "trials": trials, "curves": _curves(effects, arms), "trajectories": _trajectories(rng, arms),
        "vesicles": _vesicles(arms[0]), "dose_response": _dose_response(), "performance": _performance(),
        "population": _population(), "lots": lots, "main_effects": _main_effects(), "alternatives": _alternatives(),
        "turning": _turning(), "experiments": _experiments(),
    }  # fmt: skip
    free = {"main_effects", "alternatives", "turning", "experiments"}
    with open_run(root, DIGEST, "synthetic") as work:
        if work.finished:
            return work.folder
        for table, frame in tables.items():
            if table not in leave_out:
                units = dict.fromkeys(frame.columns, "row") if table in free else None
                work.write_table(table, frame, lot_units if table == "lots" else units)
        verdict = _verdict(draws, trials, name)
        write_verdict(work.folder, verdict)
        write_lineage(work.folder, _lineage(verdict))
        work.write_timings({"total": 1.0})
        work.seal(_manifest(name, question))
        return work.finish()


if __name__ == "__main__":
    print(make_run(Path(sys.argv[1])))
