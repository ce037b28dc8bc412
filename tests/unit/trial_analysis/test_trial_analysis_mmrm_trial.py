"""Many trials at once: machine code against the general fit and ANCOVA, and the error rate under the null."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from exojoint.core.errors import InputError
from exojoint.trial.analysis.ancova import ancova
from exojoint.trial.analysis.mmrm import fit_mmrm
from exojoint.trial.analysis.mmrm_kernel import fit_one, machine_code
from exojoint.trial.analysis.mmrm_newton import Outcome
from exojoint.trial.analysis.mmrm_trial import fit_trial, fit_trials

# A trial as in the designs: pain in points of 0-100, visits correlated.
SD, CORRELATION, BASELINE_SLOPE = 18.0, 0.6, -0.4


def trials(seed, n_trials=4, n=80, v=4, missing=0.0, leave=0.0):
    """observed (t, n, v), baseline, arm: missing completely at random, and leaving after a bad last visit (MAR)."""
    rng = np.random.default_rng(seed)
    sigma = SD**2 * (CORRELATION + (1 - CORRELATION) * np.eye(v))
    baseline = rng.normal(60.0, 12.0, (n_trials, n))
    change = rng.normal(size=(n_trials, n, v)) @ np.linalg.cholesky(sigma).T
    change += BASELINE_SLOPE * (baseline - 60.0)[..., None]
    observed = change.copy()
    observed[rng.random(observed.shape) < missing] = np.nan
    gone = np.zeros((n_trials, n), dtype=bool)
    for visit in range(1, v):
        hazard = leave / (1.0 + np.exp(-change[..., visit - 1] / SD))
        gone |= rng.random(gone.shape) < hazard
        observed[gone, visit] = np.nan
    return observed, baseline, np.tile(np.arange(n) % 2, (n_trials, 1))


def general(observed, baseline, arm):
    """One trial by the general fit: arm at every visit -> (v, 3)."""
    n, v = observed.shape
    subject, visit = np.divmod(np.arange(n * v), v)
    dummies = np.eye(v)[visit]
    X = np.column_stack([dummies * arm[subject, None], dummies, dummies * baseline[subject, None]])
    fit = fit_mmrm(observed.ravel(), X, subject, visit, fallback=())
    assert fit.converged
    return np.array([fit.contrast(np.eye(3 * v)[visit])[:3] for visit in range(v)])


@given(seed=st.integers(0, 10**6), missing=st.floats(0.0, 0.3), leave=st.floats(0.0, 0.4), v=st.integers(1, 5))
@settings(max_examples=15, deadline=None)
def test_machine_code_agrees_with_the_general_fit(seed, missing, leave, v):
    observed, baseline, arm = trials(seed, 1, v=v, missing=missing, leave=leave)
    found = fit_trial(observed[0], baseline[0], arm[0])
    assert found.structure.tolist() == ["us"]
    wanted = general(observed[0], baseline[0], arm[0])
    np.testing.assert_allclose(found.estimate[0, 0], wanted[:, 0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.se[0, 0], wanted[:, 1], rtol=1e-7)
    np.testing.assert_allclose(found.df[0, 0], wanted[:, 2], rtol=1e-5)


@pytest.mark.parametrize(("seed", "missing"), [(3, 0.1), (4, 0.6)])
def test_plain_python_and_machine_code_are_the_same_functions(seed, missing):
    observed, baseline, arm = trials(seed, 1, n=30, v=3, missing=missing, leave=0.2)
    x = np.column_stack([arm[0], np.ones(30), (baseline[0] - 60.0) / 12.0]).astype(float)
    answers = []
    for fit in (fit_one, machine_code()):
        results, summary = np.full((1, 3, 3), np.nan), np.zeros(3)
        fit(observed[0], x, 1, results, summary)
        answers.append((results, summary))
    assert answers[0][1][0] == (1.0 if missing < 0.5 else 0.0)
    np.testing.assert_allclose(answers[0][0], answers[1][0], rtol=1e-6)
    np.testing.assert_allclose(answers[0][1], answers[1][1], rtol=1e-6)


def test_machine_code_gives_the_restricted_likelihood():
    observed, _, arm = trials(5, 1, n=40, v=3, missing=0.1)
    x = np.column_stack([arm[0], np.ones(40)]).astype(float)
    results, summary = np.full((1, 3, 3), np.nan), np.zeros(3)
    machine_code()(observed[0], x, 1, results, summary)
    subject, visit = np.divmod(np.arange(120), 3)
    X = np.einsum("ab,ij->iabj", np.eye(3), x).reshape(120, 6)
    assert summary[2] == pytest.approx(fit_mmrm(observed[0].ravel(), X, subject, visit).loglik, rel=1e-10)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda y: np.where(np.arange(y.shape[1]) == 2, 7.0, y),  # a visit without variance
        lambda y: y[:, [0, 1, 2, 2]],  # a visit that repeats another
        lambda y: np.where((np.arange(4) == 1) & (np.arange(len(y)) > 0)[:, None], np.nan, y),  # one observation
        lambda y: np.where((np.arange(len(y)) < 15)[:, None] == (np.arange(4) < 2), np.nan, y),  # never together
    ],
)
def test_machine_code_does_not_claim_what_it_cannot_do(spoil):
    observed, _, arm = trials(5, 1, n=30)
    x = np.column_stack([arm[0], np.ones(30)]).astype(float)
    for fit in (fit_one, machine_code()):
        summary = np.zeros(3)
        fit(np.ascontiguousarray(spoil(observed[0])), x, 1, np.full((1, 4, 3), np.nan), summary)
        assert summary[0] == 0.0


def test_complete_data_give_ancova_at_every_visit():
    observed, baseline, arm = trials(2)
    found = fit_trials(observed, baseline, arm)
    for trial in range(4):
        for visit in range(4):
            (one,) = ancova(observed[trial, :, visit], arm[trial], baseline[trial])
            row = (found.estimate, found.se, found.df, found.t, found.p, found.lo, found.hi)
            np.testing.assert_allclose([part[trial, 0, visit] for part in row], one[1:8], rtol=1e-7)


def test_without_baseline_and_missing_visits_it_is_students_t():
    observed, _, arm = trials(2)
    found = fit_trials(observed, None, arm)
    student = stats.ttest_ind(observed[arm == 1].reshape(4, 40, 4), observed[arm == 0].reshape(4, 40, 4), axis=1)
    np.testing.assert_allclose(found.t[:, 0], student.statistic, rtol=1e-9)
    np.testing.assert_allclose(found.p[:, 0], student.pvalue, rtol=1e-7)


def test_results_do_not_depend_on_threads_or_on_the_other_trials():
    data = trials(4, 9, missing=0.1, leave=0.2)
    one, two = fit_trials(*data), fit_trials(*data, threads=2)
    alone = fit_trials(*(part[3:5] for part in data))
    for name in ("estimate", "se", "df"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
        assert np.array_equal(getattr(one, name)[3:5], getattr(alone, name))


@given(shift=st.floats(-1e5, 1e5), log_scale=st.floats(-6, 6))
@settings(max_examples=15, deadline=None)
def test_units_and_the_order_of_patients_do_not_matter(shift, log_scale):
    observed, baseline, arm = trials(6, 1, missing=0.1, leave=0.2)
    scale = 10.0**log_scale
    order = np.random.default_rng(0).permutation(80)
    one = fit_trial(observed[0], baseline[0], arm[0])
    other = fit_trial((observed[0][order] + shift) * scale, baseline[0][order] * scale + shift, arm[0][order])
    np.testing.assert_allclose(other.estimate / scale, one.estimate, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(other.se / scale, one.se, rtol=1e-6)
    np.testing.assert_allclose(other.df, one.df, rtol=1e-5)


def test_three_arms_are_each_compared_with_the_named_control():
    observed, baseline, _ = trials(7, 2, missing=0.1)
    arm = np.tile(np.array(["high", "low", "saline", "saline"])[np.arange(80) % 4], (2, 1))
    found = fit_trials(observed, baseline, arm, control="saline")
    assert found.arms == ("high", "low")
    assert found.estimate.shape == (2, 2, 4)
    columns = found.columns()
    assert columns["arm"].tolist() == (["high"] * 4 + ["low"] * 4) * 2
    assert columns["visit"].tolist() == [0, 1, 2, 3] * 4
    assert {len(column) for column in columns.values()} == {16}
    row = found.rows()[5]
    assert (row.trial, row.arm, row.visit, row.structure) == (0, "low", 1, "us")
    assert row.estimate == found.estimate[0, 1, 1]
    assert row.lo < row.estimate < row.hi


def test_the_confidence_level_is_that_of_the_interval():
    observed, baseline, arm = trials(7, 1, missing=0.1)
    found = fit_trials(observed, baseline, arm, level=0.8)
    lo, hi = stats.t.interval(0.8, found.df, found.estimate, found.se)
    np.testing.assert_allclose((found.lo, found.hi), (lo, hi), rtol=1e-9)


def test_a_covariate_is_adjusted_for_at_every_visit():
    observed, baseline, arm = trials(8, 1, missing=0.1)
    by_covariate = fit_trials(observed, None, arm, covariates=baseline[..., None])
    by_baseline = fit_trials(observed, baseline, arm)
    np.testing.assert_allclose(by_covariate.estimate, by_baseline.estimate, rtol=1e-10)


def test_a_patient_without_baseline_is_not_analysed():
    observed, baseline, arm = trials(8, 1)
    baseline[0, :5] = np.nan
    found = fit_trials(observed, baseline, arm)
    assert found.n_analysed.tolist() == [75]
    rest = fit_trials(observed[:, 5:], baseline[:, 5:], arm[:, 5:])
    np.testing.assert_allclose(found.estimate, rest.estimate, rtol=1e-9)


def test_a_patient_without_visits_changes_nothing():
    observed, baseline, arm = trials(8, 1)
    observed[0, 3] = np.nan
    found = fit_trials(observed, baseline, arm)
    keep = np.arange(80) != 3
    rest = fit_trials(observed[:, keep], baseline[:, keep], arm[:, keep])
    assert found.n_analysed.tolist() == [79]
    np.testing.assert_allclose(found.p, rest.p, rtol=1e-9)


def test_a_visit_that_one_arm_missed_is_nan_and_the_others_are_not():
    observed, baseline, arm = trials(9, 2, missing=0.1)
    observed[0, arm[0] == 1, 2] = np.nan
    found = fit_trials(observed, baseline, arm)
    assert found.converged.tolist() == [True, True]
    assert np.isnan(found.estimate[0, 0]).tolist() == [False, False, True, False]
    assert np.isfinite(found.estimate[1]).all()


def test_a_visit_with_one_observation_falls_back_and_says_so():
    observed, baseline, arm = trials(9, 1)
    observed[0, 1:, 2] = np.nan
    found = fit_trials(observed, baseline, arm)
    assert found.structure.tolist() == ["cs"]
    assert found.converged.all()
    assert np.isnan(found.p[0, 0, 2])


def test_trials_that_cannot_be_fitted_are_counted_not_dropped():
    observed, baseline, arm = trials(9, 3)
    observed[0] = np.nan
    observed[1] = baseline[1][:, None]
    found = fit_trials(observed, baseline, arm)
    assert found.outcome.tolist() == [Outcome.no_data, Outcome.perfect_fit, Outcome.ok]
    assert np.isnan(found.p[:2]).all()
    assert np.isfinite(found.p[2]).all()


def test_another_structure_can_be_asked_for():
    observed, baseline, arm = trials(10, 2, missing=0.1)
    found = fit_trials(observed, baseline, arm, covariance="cs")
    assert set(found.structure) == {"cs"}
    np.testing.assert_allclose(found.estimate, fit_trials(observed, baseline, arm).estimate, atol=3.0)


def test_one_arm_gives_no_rows():
    observed, baseline, arm = trials(10, 2)
    assert fit_trials(observed, baseline, arm * 0).rows() == []


def test_the_data_given_are_not_changed():
    observed, baseline, arm = trials(10, 1)
    baseline[0, 0] = np.nan
    before = observed.copy()
    fit_trials(observed, baseline, arm)
    assert np.array_equal(observed, before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"observed": np.zeros((2, 3))}, "(trials, patients, visits)"),
        ({"baseline": np.zeros((1, 3))}, "baseline: has shape (1, 3)"),
        ({"covariates": np.zeros((1, 3, 2))}, "covariates: has shape (1, 3)"),
        ({"arm": np.zeros((1, 3))}, "arm: has shape (1, 3)"),
        ({"control": "saline"}, "no patient is in arm 'saline'"),
        ({"level": 95}, "95 % is 0.95"),
        ({"observed": np.full((2, 80, 4), np.inf)}, "infinite"),
        ({"covariance": "cz"}, "unknown name 'cz'"),
    ],
)
def test_wrong_inputs_of_trials_are_refused_with_words(change, words):
    observed, baseline, arm = trials(1, 2)
    given_ = {"observed": observed, "baseline": baseline, "arm": arm} | change
    with pytest.raises(InputError) as told:
        fit_trials(given_.pop("observed"), given_.pop("baseline"), given_.pop("arm"), **given_)
    assert words in str(told.value)


def test_the_null_is_rejected_at_its_level_under_dropout_at_random():
    """2,000 null trials of 80 patients, a fifth leaving after bad visits: 5 % within three Monte Carlo errors."""
    n_trials = 2000
    observed, baseline, arm = trials(20260101, n_trials, missing=0.02, leave=0.15)
    share_gone = np.isnan(observed[..., -1]).mean()
    assert 0.17 < share_gone < 0.25
    found = fit_trials(observed, baseline, arm, threads=2)
    assert found.converged.all()
    error = np.sqrt(0.05 * 0.95 / n_trials)
    rejected = (found.p[:, 0] < 0.05).mean(axis=0)
    assert np.all(np.abs(rejected - 0.05) < 3 * error)
    covered = ((found.lo < 0) & (found.hi > 0)).mean(axis=0)
    np.testing.assert_allclose(covered[0], 1.0 - rejected)


def test_dropout_at_random_leaves_the_estimate_unbiased_where_observed_cases_are_not():
    """Only the treated leave, and only after bad visits: means of observed cases drift, the MMRM does not."""
    n_trials = 300
    observed, baseline, arm = trials(11, n_trials, n=120, leave=0.8)
    complete = trials(11, n_trials, n=120)[0]
    observed = np.where((arm == 1)[..., None], observed, complete)
    estimate = fit_trials(observed, baseline, arm).estimate[:, 0, -1]
    naive = np.nanmean(np.where(arm == 1, observed[..., -1], np.nan), axis=1) - complete[arm == 0][:, -1].mean()
    error = estimate.std() / np.sqrt(n_trials)
    assert abs(estimate.mean()) < 3 * error
    assert naive.mean() < -10 * error
