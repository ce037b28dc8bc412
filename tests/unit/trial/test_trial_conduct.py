"""Conduct: rescue in two exact passes, dropout, missed visits, luck that does not depend on company."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from exojoint.core.errors import InputError
from exojoint.core.streams import stream
from exojoint.trial.batch import counts_frame, visits_frame
from exojoint.trial.conduct import simulate_trials
from exojoint.trial.design import Design
from exojoint.trial.latent import null_latent, null_rescue

SIZES = {"ev": 100, "saline": 100}


def with_dropout(design: Design, **changes: object) -> Design:
    return replace(design, conduct=replace(design.conduct, dropout=replace(design.conduct.dropout, **changes)))


def without_rescue(design: Design) -> Design:
    return replace(design, conduct=replace(design.conduct, rescue=None))


def run(knee, design=None, n_trials=20, seed=1, sizes=None, lots=3):
    return simulate_trials(
        design or knee.design, knee.latent(), knee.rescue, stream(seed, "draw"), n_trials, sizes or SIZES, lots
    )


def test_rescue_shifts_exactly_the_visits_after_its_start(fake_knee, rescue_relief):
    batch = run(fake_knee({"ev": 5.0}))
    scores = batch.scores["womac_pain"]
    after = np.arange(len(batch.design.days)) > batch.course.shadow_rescued[:, :, None]
    assert after.any()
    np.testing.assert_allclose(scores.latent, scores.without_rescue - rescue_relief * after, atol=1e-12)


def test_each_different_course_is_solved_once_and_each_arm_in_one_call(fake_knee):
    knee = fake_knee({"ev": 5.0})
    run(knee)
    assert [call[0] for call in knee.calls] == ["ev", "saline"]
    for _, patient, lot, visit in knee.calls:
        cases = set(zip(patient, lot, visit, strict=True))
        assert len(cases) == len(patient)


def test_rescue_starts_only_late_only_without_improvement_and_only_once(fake_knee):
    design = with_dropout(fake_knee({"ev": 5.0}).design, model="none")
    batch = run(fake_knee({"ev": 5.0}), design, n_trials=40)
    days, start = np.array(design.days), batch.course.rescued
    rescued = start < len(days)
    assert days[start[rescued]].min() > design.conduct.rescue.after
    observed = batch.scores["womac_pain"].observed[rescued]
    at_start = np.take_along_axis(observed, start[rescued][:, None], axis=1)[:, 0]
    assert np.all(at_start >= observed[:, 0] - design.conduct.rescue.margin)


def test_half_of_those_who_may_start_rescue_do(fake_knee):
    knee = fake_knee({"ev": 0.0})
    knee.response[:] = -30.0  # everybody gets worse, so everybody may start at the first late visit
    batch = run(knee, with_dropout(knee.design, model="none"), n_trials=40)
    first = knee.design.days.index(56.0)
    share = (batch.course.rescued == first).mean()
    attended = 1.0 - knee.design.conduct.missed.probability
    assert share == pytest.approx(0.5 * attended, abs=4 * 0.5 / np.sqrt(batch.course.rescued.size))


def test_without_a_rescue_rule_nothing_is_solved_twice(fake_knee):
    knee = fake_knee({"ev": 5.0})
    batch = run(knee, without_rescue(knee.design))
    assert knee.calls == []
    assert np.array_equal(batch.scores["womac_pain"].latent, batch.scores["womac_pain"].without_rescue)


@pytest.mark.parametrize(("visits", "lo", "hi"), [(6, 0.06, 0.10), (7, 0.12, 0.18)])
def test_retention_is_that_of_published_trials(fake_knee, visits, lo, hi):
    knee = fake_knee({"ev": 0.0})
    batch = run(knee, n_trials=60)
    assert lo < (batch.course.left <= visits).mean() < hi


def test_dropout_without_slope_has_the_hazard_of_its_intercept(fake_knee):
    knee = fake_knee({"ev": 0.0})
    batch = run(knee, with_dropout(knee.design, slope=0.0, intercept=-4.0), n_trials=100)
    stays = (1.0 - expit(-4.0)) ** (728.0 / 28.0)
    error = np.sqrt(stays * (1.0 - stays) / batch.course.left.size)
    assert (batch.course.left == len(knee.design.days)).mean() == pytest.approx(stays, abs=4 * error)


def test_under_mar_leaving_follows_what_was_seen_and_under_mnar_what_was_not(fake_knee):
    knee = fake_knee({"ev": 0.0})
    knee.response = np.random.default_rng(3).normal(0.0, 25.0, 200)
    strong = {"slope": 0.1, "intercept": -5.0}
    surprise = {}
    for model in ("mar", "mnar"):
        design = with_dropout(without_rescue(knee.design), model=model, **strong)
        complete = run(knee, with_dropout(design, model="none"), 60).scores["womac_pain"].observed
        left = run(knee, design, 60).course.left
        unseen = left[:, :, None] == np.arange(len(design.days))
        jump = complete[:, :, 1:] - complete[:, :, :-1]  # the change that the first visit not attended would have shown
        surprise[model] = np.nanmean(jump[unseen[:, :, 1:]])
    assert surprise["mnar"] > surprise["mar"] + 3.0


def test_nothing_is_observed_after_leaving_nor_at_a_missed_visit_nor_off_schedule(fake_knee):
    batch = run(fake_knee({"ev": 5.0}))
    gone = np.arange(len(batch.design.days)) >= batch.course.left[:, :, None]
    pain, thickness = batch.scores["womac_pain"].observed, batch.scores["thickness_mftc"].observed
    assert np.array_equal(np.isnan(pain), gone | batch.course.missed)
    assert not batch.course.missed[:, :, 0].any()
    scheduled = np.isin(batch.design.days, batch.design.plan("thickness_mftc").days)
    assert np.array_equal(np.isnan(thickness), gone | batch.course.missed | ~scheduled)


def test_a_failed_pool_patient_enters_no_trial(fake_knee):
    knee = fake_knee({"ev": 5.0})
    latent = knee.latent()
    latent.values["ev"][7, 1, 3, 0] = np.nan
    batch = simulate_trials(knee.design, latent, knee.rescue, stream(1), 10, SIZES, 3)
    assert not np.any(batch.roster.patient == 7)
    assert np.isfinite(batch.scores["womac_pain"].latent).all()


def test_a_failed_rescue_solve_is_counted_and_leaves_missing_values(fake_knee):
    knee = fake_knee({"ev": 5.0})

    def failing(arm, patient, lot, visit):
        course = knee.rescue(arm, patient, lot, visit)
        course[patient % 2 == 0] = np.nan
        return course

    batch = simulate_trials(knee.design, knee.latent(), failing, stream(1), 5, SIZES, 3)
    failed = batch.course.rescue_failed
    never = len(knee.design.days)
    assert failed.any()
    assert np.all(batch.course.shadow_rescued[failed] < never - 1)
    assert np.all(np.isnan(batch.scores["womac_pain"].observed[failed][:, -1]))
    assert counts_frame(batch)["rescue_failed"].sum() == failed.sum()


def test_a_participant_keeps_her_luck_whatever_the_number_of_trials(fake_knee):
    few, many = run(fake_knee({"ev": 5.0}), n_trials=3), run(fake_knee({"ev": 5.0}), n_trials=9)
    for name, scores in few.scores.items():
        assert np.array_equal(scores.observed, many.scores[name].observed[:3], equal_nan=True)
    assert np.array_equal(few.course.left, many.course.left[:3])


def test_another_stream_gives_other_trials(fake_knee):
    one, two = run(fake_knee({"ev": 5.0}), seed=1), run(fake_knee({"ev": 5.0}), seed=2)
    assert not np.array_equal(one.roster.patient, two.roster.patient)
    assert not np.array_equal(one.scores["jsw"].observed, two.scores["jsw"].observed)


def test_the_level_of_function_belongs_to_the_patient_not_to_the_trial(fake_knee):
    batch = run(fake_knee({"ev": 5.0}))
    baseline = batch.scores["womac_function"].latent[:, :, 0]
    for patient in (3, 50):
        assert len(np.unique(baseline[batch.roster.patient == patient].round(9))) == 1


def test_the_null_product_gives_every_arm_the_control(fake_knee):
    knee = fake_knee({"ev": 12.0})
    latent = null_latent(knee.latent())
    batch = simulate_trials(knee.design, latent, null_rescue(latent, knee.rescue), stream(1), 30, SIZES, 3)
    assert {call[0] for call in knee.calls} == {"saline"}
    pain = batch.scores["womac_pain"].without_rescue
    change = pain - pain[:, :, :1]
    expected = -knee.response[batch.roster.patient][:, :, None] * (1.0 - np.exp(-np.array(knee.design.days) / 14.0))
    np.testing.assert_allclose(change, expected, atol=1e-9)
    trial = 0
    in_arms = [set(batch.roster.patient[trial][batch.roster.arm[trial] == arm]) for arm in (0, 1)]
    assert not in_arms[0] & in_arms[1]


def test_visits_frame_has_one_row_per_participant_day_and_endpoint(fake_knee):
    batch = run(fake_knee({"ev": 5.0}), n_trials=4)
    frame = visits_frame(batch, n_pool=200, trials=2)
    per_participant = sum(len(plan.days) for plan in batch.design.endpoints)
    assert frame.height == 2 * 200 * per_participant
    assert frame.select("trial", "patient", "day", "endpoint").is_unique().all()
    participants = frame.group_by("trial", "patient").agg(arms=pl.col("arm").n_unique())
    assert participants.height == 400
    assert participants["arms"].max() == 1
    gone = frame.filter("dropped")
    assert gone["observed"].null_count() == gone.height


def test_counts_add_up(fake_knee):
    batch = run(fake_knee({"ev": 5.0}))
    counts = counts_frame(batch)
    assert counts.group_by("trial").agg(pl.col("n").sum())["n"].unique().to_list() == [200]
    assert counts["left"].sum() == (batch.course.left < len(batch.design.days)).sum()
    assert counts["rescued"].sum() == (batch.course.rescued < len(batch.design.days)).sum()


def test_days_and_observables_without_potential_outcomes_are_named(fake_knee):
    knee = fake_knee({"ev": 5.0})
    latent = knee.latent()
    short = replace(latent, days=(*latent.days[:-1], 700.0), endpoints=("womac_pain", "thickness_mftc", "koos_pain"))
    with pytest.raises(InputError) as caught:
        simulate_trials(knee.design, short, knee.rescue, stream(1), 1, SIZES, 1)
    told = str(caught.value)
    assert "day without potential outcomes: 728" in told
    assert "observable without potential outcomes: jsw" in told


def test_a_rescue_solver_of_another_shape_is_refused(fake_knee):
    knee = fake_knee({"ev": 5.0})
    with pytest.raises(InputError, match="gave shape"):
        simulate_trials(knee.design, knee.latent(), lambda *call: knee.rescue(*call)[:, :-1], stream(1), 2, SIZES, 1)


def test_potential_outcomes_that_do_not_fit_together_are_refused(fake_knee):
    latent = fake_knee({"ev": 5.0}).latent()
    with pytest.raises(InputError) as caught:
        replace(latent, weights=latent.weights[:-1], control="placebo", days=(7.0, *latent.days[1:]))
    told = str(caught.value)
    for piece in ("shape (200, 3, 8, 3)", "covariate 'kl'", "control 'placebo'", "ascending days from 0"):
        assert piece in told


def test_a_pool_without_a_solved_patient_is_refused(fake_knee):
    knee = fake_knee({"ev": 5.0})
    latent = knee.latent()
    latent.values["saline"][:] = np.nan
    with pytest.raises(InputError, match="no patient was solved"):
        simulate_trials(knee.design, latent, knee.rescue, stream(1), 1, SIZES, 1)
