"""The true effect of a draw, and what counts for each estimand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exojoint.core.streams import stream
from exojoint.trial.conduct import simulate_trials
from exojoint.trial.design import Design
from exojoint.trial.truth import estimand_values, true_effects

SIZES = {"ev": 100, "saline": 100}


def hypothetical(design: Design) -> Design:
    return replace(design, endpoints=tuple(replace(plan, rescue="hypothetical") for plan in design.endpoints))


def truth_of(knee, design, weights=None, n_trials=20):
    latent = knee.latent(weights)
    batch = simulate_trials(design, latent, knee.rescue, stream(3), n_trials, SIZES, 3)
    return true_effects(latent, batch), batch


def at(table, endpoint, day):
    return table.filter(endpoint=endpoint, day=float(day)).row(0, named=True)


def test_the_hypothetical_effect_is_the_pool_mean_without_noise(fake_knee):
    knee = fake_knee({"ev": 6.0}, spread=0.5)
    table, _ = truth_of(knee, hypothetical(knee.design))
    row = at(table, "womac_pain", 182)
    assert row["difference"] == pytest.approx(-6.0 * (1.0 - np.exp(-13.0)), rel=1e-12)
    assert row["mc_error"] == 0.0
    assert row["effect"] == "effects/ev/womac_pain/182"
    assert (row["arm"], row["control"], row["unit"], row["strategy"]) == ("ev", "saline", "point", "hypothetical")


def test_weights_count_in_the_true_means(fake_knee):
    knee = fake_knee({"ev": 6.0})
    weights = np.where(knee.kl == 2.0, 3.0, 1.0)
    table, _ = truth_of(knee, hypothetical(knee.design), weights)
    expected = -np.average(knee.response, weights=weights) * (1.0 - np.exp(-13.0))
    assert at(table, "womac_pain", 182)["control_mean"] == pytest.approx(expected, rel=1e-12)


def test_treatment_policy_adds_the_relief_of_those_who_take_rescue(fake_knee, rescue_relief):
    knee = fake_knee({"ev": 6.0})
    policy, batch = truth_of(knee, knee.design)
    without, _ = truth_of(knee, hypothetical(knee.design))
    visit = knee.design.days.index(364.0)
    for arm, column in ((0, "arm_mean"), (1, "control_mean")):
        inside = batch.roster.arm == arm
        took = (batch.course.shadow_rescued[inside] < visit).mean()
        shift = at(policy, "womac_pain", 364)[column] - at(without, "womac_pain", 364)[column]
        assert shift == pytest.approx(-rescue_relief * took, rel=1e-9)
    assert 0.0 < at(policy, "womac_pain", 364)["mc_error"] < 0.1


def test_rescue_favours_the_worse_arm_under_treatment_policy(fake_knee):
    knee = fake_knee({"ev": 8.0})
    policy, _ = truth_of(knee, knee.design)
    without, _ = truth_of(knee, hypothetical(knee.design))
    assert abs(at(policy, "womac_pain", 728)["difference"]) < abs(at(without, "womac_pain", 728)["difference"])


def test_function_has_a_smaller_true_effect_than_pain(fake_knee):
    knee = fake_knee({"ev": 6.0})
    table, _ = truth_of(knee, hypothetical(knee.design))
    pain, function = (at(table, name, 182)["difference"] for name in ("womac_pain", "womac_function"))
    assert pain < function < 0.6 * pain


def test_the_truth_agrees_with_participants_who_stay(fake_knee):
    knee = fake_knee({"ev": 6.0}, spread=0.3)
    table, batch = truth_of(knee, knee.design, n_trials=60)
    for name in ("womac_pain", "womac_function", "thickness_mftc"):
        latent, visit = batch.scores[name].latent, knee.design.days.index(364.0)
        change = latent[:, :, visit] - latent[:, :, 0]
        means = [
            [row[side == arm].mean() for row, side in zip(change, batch.roster.arm, strict=True)] for arm in (0, 1)
        ]
        difference = np.subtract(*means)
        error = difference.std(ddof=1) / np.sqrt(len(difference))
        assert at(table, name, 364)["difference"] == pytest.approx(difference.mean(), abs=4 * error + 1e-9)


def test_values_after_rescue_do_not_count_under_the_hypothetical_strategy(fake_knee):
    knee = fake_knee({"ev": 6.0})
    _, batch = truth_of(knee, knee.design)
    plan = batch.design.primary
    observed = batch.scores[plan.name].observed
    kept = estimand_values(batch, replace(plan, rescue="hypothetical"), observed)
    after = np.arange(observed.shape[2]) > batch.course.rescued[:, :, None]
    assert np.isnan(kept[after]).all()
    assert np.array_equal(kept[~after], observed[~after], equal_nan=True)
    assert estimand_values(batch, plan, observed) is observed


def test_a_failed_pool_patient_or_rescue_leaves_the_truth_finite(fake_knee):
    knee = fake_knee({"ev": 6.0})
    latent = knee.latent()
    latent.values["ev"][5] = np.nan

    def failing(arm, patient, lot, visit):
        course = knee.rescue(arm, patient, lot, visit)
        course[::3] = np.nan
        return course

    batch = simulate_trials(knee.design, latent, failing, stream(3), 10, SIZES, 3)
    table = true_effects(latent, batch)
    assert np.isfinite(table["difference"].to_numpy()).all()
