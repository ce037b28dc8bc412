"""Analysis of whole batches, and the error rate under the null product."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from exojoint.core.streams import stream
from exojoint.trial.conduct import simulate_trials
from exojoint.trial.estimate import ESTIMATE_COLUMNS, RESPONDER, analyse, beside_truth
from exojoint.trial.null import null_error_rate, primary_only
from exojoint.trial.truth import true_effects

SIZES = {"ev": 100, "saline": 100}


def least_squares(batch, name: str, visit: int, trial: int) -> tuple[float, float]:
    """Arm difference and its standard error by the normal equations, from the raw arrays."""
    values = batch.scores[name].observed[trial]
    change, baseline = values[:, visit] - values[:, 0], values[:, 0]
    kept = np.isfinite(change)
    stratum = batch.roster.stratum[trial] == 1
    X = np.stack([batch.roster.arm[trial] == 0, np.ones(len(change)), baseline, stratum], axis=1).astype(float)[kept]
    beta, residual, *_ = np.linalg.lstsq(X, change[kept], rcond=None)
    variance = residual[0] / (kept.sum() - 4) * np.linalg.inv(X.T @ X)[0, 0]
    return float(beta[0]), float(np.sqrt(variance))


def test_ancova_rows_are_least_squares(fake_knee):
    knee = fake_knee({"ev": 5.0})
    batch = simulate_trials(knee.design, knee.latent(), knee.rescue, stream(1), 3, SIZES, 3)
    rows = analyse(batch.design, batch, ("thickness_mftc",))
    assert tuple(rows.columns) == ESTIMATE_COLUMNS
    assert rows["day"].unique().sort().to_list() == [364.0, 728.0]
    for trial in range(3):
        row = rows.filter(trial=trial, day=728.0).row(0, named=True)
        estimate, se = least_squares(batch, "thickness_mftc", len(knee.design.days) - 1, trial)
        assert row["estimate"] == pytest.approx(estimate, rel=1e-7)
        assert row["se"] == pytest.approx(se, rel=1e-7)
        assert row["df"] == pytest.approx(row["n_analysed"] - 4, rel=1e-6)


def test_mmrm_of_complete_data_is_ancova_at_each_visit(fake_knee):
    knee = fake_knee({"ev": 5.0})
    conduct = replace(knee.design.conduct, missed=replace(knee.design.conduct.missed, probability=0.0), rescue=None)
    conduct = replace(conduct, dropout=replace(conduct.dropout, model="none"))
    batch = simulate_trials(replace(knee.design, conduct=conduct), knee.latent(), knee.rescue, stream(1), 2, SIZES, 3)
    rows = analyse(batch.design, batch, ("womac_pain",))
    for visit, day in enumerate(knee.design.days[1:], 1):
        row = rows.filter(trial=1, day=day).row(0, named=True)
        estimate, se = least_squares(batch, "womac_pain", visit, 1)
        assert row["estimate"] == pytest.approx(estimate, rel=1e-6)
        assert row["se"] == pytest.approx(se, rel=1e-6)


def test_estimates_centre_on_the_truth(fake_knee):
    knee = fake_knee({"ev": 8.0})
    knee.pain = 45.0 + 0.5 * knee.pain  # away from the floor, where clipping biases a trial
    latent = knee.latent()
    batch = simulate_trials(knee.design, latent, knee.rescue, stream(2), 100, SIZES, 3)
    rows = beside_truth(analyse(batch.design, batch, ("womac_pain", "thickness_mftc")), true_effects(latent, batch))
    for key, block in rows.group_by("endpoint", "day"):
        error = (block["estimate"] - block["true_difference"]).to_numpy()
        assert abs(error.mean()) < 4.0 * error.std(ddof=1) / np.sqrt(len(error)), key


def test_each_strategy_estimates_its_own_truth(fake_knee):
    knee = fake_knee({"ev": 8.0})
    knee.pain, knee.response[:] = 45.0 + 0.3 * knee.pain, 5.0
    latent = knee.latent()
    policy = simulate_trials(knee.design, latent, knee.rescue, stream(2), 200, SIZES, 3)
    plans = tuple(replace(plan, rescue="hypothetical") for plan in knee.design.endpoints)
    strict = replace(policy, design=replace(knee.design, endpoints=plans))
    truths = []
    for batch in (policy, strict):
        truth = true_effects(latent, batch).filter(endpoint="womac_pain", day=364.0)["difference"].item()
        estimates = analyse(batch.design, batch, ("womac_pain",)).filter(day=364.0)["estimate"].to_numpy()
        assert estimates.mean() == pytest.approx(truth, abs=4.0 * estimates.std(ddof=1) / np.sqrt(200))
        truths.append(truth)
    assert truths[1] < truths[0] - 0.5


def test_a_design_without_strata_adjusts_for_baseline_only(fake_knee):
    knee = fake_knee({"ev": 5.0})
    conduct = replace(knee.design.conduct, allocation=replace(knee.design.conduct.allocation, strata=()))
    design = replace(knee.design, conduct=conduct)
    rows = analyse(design, simulate_trials(design, knee.latent(), knee.rescue, stream(1), 2, SIZES, 3), ("jsw",))
    last = rows.filter(day=728.0)
    assert (last["df"] - last["n_analysed"]).to_list() == pytest.approx([-3.0, -3.0], abs=1e-6)


def test_responders_are_compared_as_shares_of_all_who_were_randomised(fake_knee):
    knee = fake_knee({"ev": 12.0})
    batch = simulate_trials(knee.design, knee.latent(), knee.rescue, stream(6), 30, SIZES, 3)
    rows = analyse(batch.design, batch).filter(endpoint=RESPONDER)
    assert rows["day"].unique().to_list() == [182.0]
    assert rows["n_analysed"].to_list() == [200] * 30
    visit = knee.design.days.index(182.0)
    pain = batch.scores["womac_pain"].observed[0]
    fall = pain[:, 0] - pain[:, visit]
    by_pain_alone = (fall >= 20.0) & (fall >= 0.5 * pain[:, 0])
    shares = [by_pain_alone[batch.roster.arm[0] == arm].mean() for arm in (0, 1)]
    assert rows["estimate"].mean() > 0.1
    assert shares[0] > shares[1]
    assert (rows["lo"] < rows["estimate"]).all()
    excludes_zero = (rows["lo"] > 0.0) | (rows["hi"] < 0.0)
    assert (excludes_zero == (rows["p"] < 0.05)).mean() > 0.9


def test_arms_and_days_keep_their_names(fake_knee):
    knee = fake_knee({"low": 2.0, "high": 12.0})
    sizes = {"high": 60, "saline": 60, "low": 60}
    batch = simulate_trials(knee.design, knee.latent(), knee.rescue, stream(4), 30, sizes, 2)
    rows = analyse(batch.design, batch, ("womac_pain",)).filter(day=182.0)
    means = dict(rows.group_by("arm").agg(pl.col("estimate").mean()).iter_rows())
    assert set(means) == {"low", "high"}
    assert means["high"] < means["low"] - 5.0


def test_threads_do_not_change_an_estimate(fake_knee):
    knee = fake_knee({"ev": 5.0})
    batch = simulate_trials(knee.design, knee.latent(), knee.rescue, stream(1), 6, SIZES, 3)
    assert analyse(batch.design, batch, threads=1).equals(analyse(batch.design, batch, threads=2))


def test_the_lean_design_keeps_what_the_rules_read(fake_knee):
    lean = primary_only(fake_knee({"ev": 5.0}).design)
    assert [plan.name for plan in lean.endpoints] == ["womac_pain"]
    assert lean.responder is None


def test_the_lean_design_has_the_same_primary_data(fake_knee):
    knee = fake_knee({"ev": 5.0})
    whole = simulate_trials(knee.design, knee.latent(), knee.rescue, stream(5), 4, SIZES, 2)
    lean = simulate_trials(primary_only(knee.design), knee.latent(), knee.rescue, stream(5), 4, SIZES, 2)
    a, b = whole.scores["womac_pain"].observed, lean.scores["womac_pain"].observed
    assert np.array_equal(a, b, equal_nan=True)


def test_two_thousand_null_trials_reject_in_four_to_six_percent(fake_knee):
    knee = fake_knee({"ev": 12.0})
    rate = null_error_rate(knee.design, knee.latent(), knee.rescue, stream(20260101), 2000, SIZES)
    assert rate.n == 2000
    assert rate.n_not_converged == 0
    assert 0.04 <= rate.value <= 0.06
    assert rate.mc_error == pytest.approx(np.sqrt(0.05 * 0.95 / 2000), rel=0.1)
