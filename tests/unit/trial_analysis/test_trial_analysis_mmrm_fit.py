"""The fitted model: closed forms, invariances, contrasts, and what happens when the data do not suffice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from exojoint.core.errors import InputError
from exojoint.trial.analysis.mmrm import fit_mmrm
from exojoint.trial.analysis.mmrm_newton import Outcome


def longitudinal(seed=1, n=60, v=4, missing=0.2):
    """y, X (visit means, arm by visit, one covariate), subject, visit; y NaN where missing."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(v, v)) * 0.4 + np.eye(v)
    y = rng.normal(size=(n, v)) @ root.T + np.arange(v)
    y[rng.random((n, v)) < missing] = np.nan
    arm = np.arange(n) % 2
    subject, visit = np.divmod(np.arange(n * v), v)
    dummies = np.eye(v)[visit]
    X = np.column_stack([dummies, dummies * arm[subject, None], rng.normal(size=n)[subject]])
    return y.ravel(), X, subject, visit


def effect(X, column):
    return np.eye(X.shape[1])[column]


def test_one_visit_is_ordinary_least_squares():
    rng = np.random.default_rng(2)
    X = np.column_stack([np.ones(30), rng.normal(size=(30, 2))])
    y = rng.normal(size=30)
    fit = fit_mmrm(y, X, np.arange(30), np.zeros(30))
    beta, rss = np.linalg.lstsq(X, y, rcond=None)[:2]
    np.testing.assert_allclose(fit.beta, beta, rtol=1e-10)
    np.testing.assert_allclose(fit.sigma, [[rss[0] / 27]], rtol=1e-10)
    np.testing.assert_allclose(fit.cov_beta, rss[0] / 27 * np.linalg.inv(X.T @ X), rtol=1e-9)
    assert fit.contrast([0, 1, 0]).df == pytest.approx(27, rel=1e-9)
    assert fit.se == pytest.approx(np.sqrt(np.diag(fit.cov_beta)))


def test_complete_data_give_the_sample_covariance():
    """Visit means only, nobody missing: REML is the sample covariance, and the mean has n - 1 degrees of freedom."""
    y, _, subject, visit = longitudinal(missing=0.0)
    fit = fit_mmrm(y, np.eye(4)[visit], subject, visit)
    wide = y.reshape(-1, 4)
    np.testing.assert_allclose(fit.sigma, np.cov(wide.T), rtol=1e-9)
    np.testing.assert_allclose(fit.beta, wide.mean(axis=0), rtol=1e-9)
    assert fit.contrast([0, 0, 0, 1]).df == pytest.approx(59, rel=1e-8)
    ml = fit_mmrm(y, np.eye(4)[visit], subject, visit, reml=False)
    np.testing.assert_allclose(ml.sigma, np.cov(wide.T, bias=True), rtol=1e-9)
    normal = stats.multivariate_normal(wide.mean(axis=0), np.cov(wide.T, bias=True))
    assert ml.loglik == pytest.approx(normal.logpdf(wide).sum(), rel=1e-12)


def test_all_visits_equal_to_zero_is_hotellings_test():
    """Complete data: the Wald statistic of all visit means is Hotelling's T squared over the number of visits."""
    y, _, subject, visit = longitudinal(missing=0.0)
    joint = fit_mmrm(y, np.eye(4)[visit], subject, visit).joint_test(np.eye(4))
    wide = y.reshape(-1, 4)
    t2 = len(wide) * wide.mean(axis=0) @ np.linalg.solve(np.cov(wide.T), wide.mean(axis=0))
    assert joint.f == pytest.approx(t2 / 4, rel=1e-8)
    assert joint.df_numerator == 4
    assert joint.df == pytest.approx(59, rel=1e-6)
    assert joint.p == pytest.approx(stats.f.sf(joint.f, 4, joint.df), rel=1e-10)


def test_kenward_roger_of_complete_means_is_hotellings_exact_test():
    """Kenward and Roger 1997 chose their scale so that this case is exact: F(v, n - v) with scale (n - v)/(n - 1)."""
    y, _, subject, visit = longitudinal(missing=0.0)
    joint = fit_mmrm(y, np.eye(4)[visit], subject, visit, method="kenward-roger-linear").joint_test(np.eye(4))
    wide = y.reshape(-1, 4)
    n, v = wide.shape
    t2 = n * wide.mean(axis=0) @ np.linalg.solve(np.cov(wide.T), wide.mean(axis=0))
    assert joint.df == pytest.approx(n - v, rel=1e-6)
    assert joint.f == pytest.approx(t2 * (n - v) / (v * (n - 1)), rel=1e-6)


def test_a_joint_test_of_one_contrast_is_its_t_squared():
    y, X, subject, visit = longitudinal()
    for method in ("satterthwaite", "kenward-roger", "residual"):
        fit = fit_mmrm(y, X, subject, visit, method=method)
        one, joint = fit.contrast(effect(X, 7)), fit.joint_test(effect(X, 7))
        assert joint.f == pytest.approx(one.t**2, rel=1e-9)
        assert joint.df == pytest.approx(one.df, rel=1e-6)
        assert joint.p == pytest.approx(one.p, rel=1e-6)


def test_compound_symmetry_of_complete_data_is_the_split_plot_anova():
    """Subject and residual mean squares in closed form; an effect within subjects has (n - 1)(v - 1) df."""
    y, _, subject, visit = longitudinal(missing=0.0)
    fit = fit_mmrm(y, np.eye(4)[visit], subject, visit, covariance="cs")
    wide = y.reshape(-1, 4)
    n, v = wide.shape
    between = v * np.sum((wide.mean(axis=1) - wide.mean()) ** 2) / (n - 1)
    residual = wide - wide.mean(axis=1, keepdims=True) - wide.mean(axis=0) + wide.mean()
    within = np.sum(residual**2) / ((n - 1) * (v - 1))
    assert fit.sigma[0, 1] == pytest.approx((between - within) / v, rel=1e-8)
    assert fit.sigma[0, 0] == pytest.approx((between - within) / v + within, rel=1e-8)
    slope = fit.contrast([1, -1, 0, 0])
    assert slope.df == pytest.approx((n - 1) * (v - 1), rel=1e-6)
    assert slope.se == pytest.approx(np.sqrt(2 * within / n), rel=1e-8)


def test_the_interval_and_the_p_value_of_a_contrast_are_students():
    y, X, subject, visit = longitudinal()
    one = fit_mmrm(y, X, subject, visit).contrast(effect(X, 5))
    assert one.t == pytest.approx(one.estimate / one.se)
    assert one.p == pytest.approx(2 * stats.t.sf(abs(one.t), one.df), rel=1e-10)
    lo, hi = one.interval(0.9)
    assert (lo, hi) == pytest.approx(stats.t.interval(0.9, one.df, one.estimate, one.se), rel=1e-9)


@given(seed=st.integers(0, 10**6), missing=st.floats(0.0, 0.5))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_and_the_names_of_subjects_do_not_matter(seed, missing):
    y, X, subject, visit = longitudinal(seed, missing=missing)
    order = np.random.default_rng(seed).permutation(len(y))
    names = np.array([f"patient {1000 - i}" for i in subject])
    one = fit_mmrm(y, X, subject, visit)
    other = fit_mmrm(y[order], X[order], names[order], np.array(list("abcd"))[visit][order])
    assert one.converged
    assert other.converged
    assert other.loglik == pytest.approx(one.loglik, rel=1e-10)
    np.testing.assert_allclose(other.contrast(effect(X, 7)), one.contrast(effect(X, 7)), rtol=1e-6, atol=1e-8)


@given(shift=st.floats(-1e6, 1e6), log_scale=st.floats(-12, 12))
@settings(max_examples=20, deadline=None)
def test_the_unit_of_the_outcome_does_not_matter(shift, log_scale):
    y, X, subject, visit = longitudinal(4)
    scale = 10.0**log_scale
    one = fit_mmrm(y, X, subject, visit).contrast(effect(X, 7))
    other = fit_mmrm((y + shift) * scale, X, subject, visit).contrast(effect(X, 7))
    np.testing.assert_allclose([other.estimate / scale, other.se / scale, other.df], one[:3], rtol=1e-5, atol=1e-7)


def test_another_basis_of_the_same_design_gives_the_same_contrast_and_likelihood_up_to_its_volume():
    y, X, subject, visit = longitudinal(5)
    mix = np.random.default_rng(0).normal(size=(X.shape[1], X.shape[1]))
    one, other = fit_mmrm(y, X, subject, visit), fit_mmrm(y, X @ mix, subject, visit)
    row = effect(X, 6)
    np.testing.assert_allclose(other.contrast(row @ mix), one.contrast(row), rtol=1e-6)
    assert other.loglik == pytest.approx(one.loglik - np.linalg.slogdet(mix)[1], rel=1e-9)


def test_two_arms_with_their_own_covariance_are_two_separate_fits():
    y, _, subject, visit = longitudinal(6, missing=0.15)
    arm = subject % 2
    dummies = np.eye(4)[visit]
    X = np.column_stack([dummies * (arm == 0)[:, None], dummies * (arm == 1)[:, None]])
    both = fit_mmrm(y, X, subject, visit, groups=arm)
    parts = [fit_mmrm(y[arm == a], dummies[arm == a], subject[arm == a], visit[arm == a]) for a in (0, 1)]
    assert both.converged
    assert both.loglik == pytest.approx(sum(part.loglik for part in parts), rel=1e-10)
    np.testing.assert_allclose(both.sigma, [part.sigma for part in parts], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(both.contrast(effect(X, 5))[:3], parts[1].contrast([0, 1, 0, 0])[:3], rtol=1e-6)


def test_estimating_the_covariance_never_makes_errors_smaller():
    y, X, subject, visit = longitudinal(6)
    plain = fit_mmrm(y, X, subject, visit, groups=subject % 2)
    adjusted = fit_mmrm(y, X, subject, visit, groups=subject % 2, method="kenward-roger-linear")
    assert np.all(adjusted.se > plain.se)


def test_a_weight_is_a_number_of_equal_observations():
    """A mean of w observations has variance over w: weighted least squares with one visit."""
    rng = np.random.default_rng(8)
    X, weights = np.column_stack([np.ones(40), rng.normal(size=40)]), rng.uniform(0.5, 3.0, 40)
    y = rng.normal(size=40)
    fit = fit_mmrm(y, X, np.arange(40), np.zeros(40), weights=weights)
    normal = X.T @ (weights[:, None] * X)
    beta = np.linalg.solve(normal, X.T @ (weights * y))
    variance = weights @ (y - X @ beta) ** 2 / 38
    np.testing.assert_allclose(fit.beta, beta, rtol=1e-10)
    np.testing.assert_allclose(fit.cov_beta, variance * np.linalg.inv(normal), rtol=1e-9)
    plain = fit_mmrm(y, X, np.arange(40), np.zeros(40), reml=False)
    same = fit_mmrm(y, X, np.arange(40), np.zeros(40), reml=False, weights=np.full(40, 4.0))
    assert same.loglik == pytest.approx(plain.loglik, rel=1e-10)


def test_a_start_at_the_answer_needs_one_step():
    y, X, subject, visit = longitudinal(9)
    first = fit_mmrm(y, X, subject, visit)
    again = fit_mmrm(y, X, subject, visit, start=first.theta)
    assert again.iterations == 1
    assert again.loglik == pytest.approx(first.loglik, rel=1e-12)


def test_residual_degrees_of_freedom_count_observations_less_effects():
    y, X, subject, visit = longitudinal(3)
    fit = fit_mmrm(y, X, subject, visit, method="residual")
    assert fit.contrast(effect(X, 0)).df == np.sum(~np.isnan(y)) - X.shape[1]


def test_aliased_columns_are_named_and_the_rest_is_unharmed():
    y, X, subject, visit = longitudinal(3)
    twice = np.column_stack([X[:, :2], X[:, 0] + X[:, 1], X[:, 2:], np.zeros(len(y))])
    fit, whole = fit_mmrm(y, twice, subject, visit), fit_mmrm(y, X, subject, visit)
    assert fit.data.aliased.tolist() == [2, 10]
    assert np.isnan(fit.beta[[2, 10]]).all()
    assert np.isnan(fit.se[[2, 10]]).all()
    assert fit.loglik == pytest.approx(whole.loglik, rel=1e-12)
    np.testing.assert_allclose(fit.contrast(effect(twice, 8)), whole.contrast(effect(X, 7)), rtol=1e-9)


def test_a_contrast_that_the_data_cannot_tell_is_nan_and_one_that_they_can_is_not():
    y, X, subject, visit = longitudinal(3)
    twice = np.column_stack([X, X[:, 0]])
    fit, whole = fit_mmrm(y, twice, subject, visit), fit_mmrm(y, X, subject, visit)
    assert np.isnan(fit.contrast(effect(twice, 0))).all()
    assert np.isnan(fit.joint_test(np.eye(twice.shape[1])[[0, 4]]).p)
    np.testing.assert_allclose(
        fit.contrast(effect(twice, 0) + effect(twice, 9)), whole.contrast(effect(X, 0)), rtol=1e-9
    )


def test_redundant_rows_of_a_joint_test_give_nan():
    y, X, subject, visit = longitudinal(3)
    rows = np.stack([effect(X, 4), effect(X, 5), effect(X, 4) + effect(X, 5)])
    joint = fit_mmrm(y, X, subject, visit).joint_test(rows)
    assert joint.df_numerator == 2
    assert np.isnan(joint.p)


def test_a_subject_without_any_visit_is_not_counted():
    y, X, subject, visit = longitudinal(3, missing=0.0)
    y[subject == 7] = np.nan
    fit = fit_mmrm(y, X, subject, visit)
    assert (fit.data.n_subjects, fit.data.n_observations) == (59, 236)


def test_a_visit_with_one_observation_falls_back_to_a_structure_that_can_be_estimated():
    y, _, subject, visit = longitudinal(3, missing=0.0)
    y[(visit == 2) & (subject > 0)] = np.nan
    X = np.eye(4)[visit]
    fit = fit_mmrm(y, X, subject, visit)
    assert fit.converged
    assert fit.convergence.structure == "cs"
    assert fit.convergence.attempts == (
        ("us", Outcome.not_identified),
        ("toeph", Outcome.not_identified),
        ("ar1h", Outcome.not_identified),
        ("cs", Outcome.ok),
    )


def test_without_fallback_the_failure_is_told():
    y, _, subject, visit = longitudinal(3, missing=0.0)
    y[(visit == 2) & (subject > 0)] = np.nan
    fit = fit_mmrm(y, np.eye(4)[visit], subject, visit, fallback=())
    assert not fit.converged
    assert fit.convergence.attempts == (("us", Outcome.not_identified),)


def test_visits_never_seen_together_are_not_identified():
    y, X, subject, visit = longitudinal(3, missing=0.0)
    y[(subject < 30) == (visit < 2)] = np.nan
    assert fit_mmrm(y, X, subject, visit, fallback=()).convergence.outcome == Outcome.not_identified


def test_a_visit_without_any_variance_is_a_boundary():
    y, _, subject, visit = longitudinal(3, missing=0.0)
    y[visit == 3] = 7.0
    fit = fit_mmrm(y, np.eye(4)[visit], subject, visit)
    assert fit.convergence.attempts[0] == ("us", Outcome.boundary)
    assert fit.convergence.structure == "cs"


def test_a_visit_that_repeats_another_has_no_unstructured_fit_but_one_that_nearly_does_has():
    y, _, subject, visit = longitudinal(3, missing=0.0)
    y[visit == 3] = y[visit == 2]
    assert fit_mmrm(y, np.eye(4)[visit], subject, visit).convergence.structure == "toeph"
    y[visit == 3] += 1e-3 * np.random.default_rng(1).normal(size=60)
    fit = fit_mmrm(y, np.eye(4)[visit], subject, visit)
    assert fit.convergence.structure == "us"
    np.testing.assert_allclose(fit.sigma, np.cov(y.reshape(-1, 4).T), rtol=1e-4)


def test_a_perfect_fit_has_estimates_but_no_errors():
    _, X, subject, visit = longitudinal(3)
    fit = fit_mmrm(X @ np.arange(9.0), X, subject, visit)
    assert fit.convergence.outcome == Outcome.perfect_fit
    np.testing.assert_allclose(fit.beta, np.arange(9.0), atol=1e-12)
    one = fit.contrast(effect(X, 4))
    assert one.estimate == pytest.approx(4.0)
    assert np.isnan([one.se, one.df, one.t, one.p]).all()
    assert not fit.converged


def test_no_data_is_an_outcome():
    fit = fit_mmrm(np.full(8, np.nan), np.ones((8, 2)), np.arange(8), np.zeros(8))
    assert fit.convergence.outcome == Outcome.no_data
    assert np.isnan(fit.contrast([1, 0])).all()
    assert np.isnan(fit.joint_test([[1, 0]]).p)


@given(seed=st.integers(0, 10**6), n=st.integers(1, 12), v=st.integers(1, 5), missing=st.floats(0.0, 0.9))
@settings(max_examples=60, deadline=None)
def test_tiny_trials_give_a_value_whatever_is_missing(seed, n, v, missing):
    y, X, subject, visit = longitudinal(seed, n=n, v=v, missing=missing)
    fit = fit_mmrm(y, X, subject, visit)
    assert fit.converged == (fit.convergence.attempts[-1][1] == Outcome.ok)
    one = fit.contrast(effect(X, 0))
    if fit.converged and not np.isnan(one.estimate):
        assert one.se > 0
        assert 0 <= one.p <= 1


def test_every_wrong_row_is_told_at_once():
    y, X, subject, visit = longitudinal(3, missing=0.0)
    subject = subject.copy()
    X = X.copy()
    subject[5], visit = subject[4], np.where(np.arange(len(y)) == 5, visit[4], visit)
    X[0, 0] = np.nan
    with pytest.raises(InputError) as told:
        fit_mmrm(y, X, subject, visit, weights=-np.ones(len(y)), groups=np.arange(len(y)))
    text = str(told.value)
    for words in ("two rows of one visit", "X: is not finite", "weights", "two groups"):
        assert words in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"covariance": "toepp"}, "Did you mean"),
        ({"method": "satterthwait"}, "Did you mean"),
        ({"fallback": ("none",)}, "unknown name 'none'"),
        ({"start": [1.0]}, "(10,) finite numbers"),
        ({"covariance": "toep", "start": [0.0, 20.0, -20.0, 20.0]}, "positive definite"),
        ({"y": np.zeros((2, 2))}, "one dimension"),
        ({"y": np.full(240, np.inf)}, "infinite"),
        ({"X": np.zeros(3)}, "X: has shape (3,)"),
        ({"visit": np.zeros(3)}, "visit: has shape (3,)"),
    ],
)
def test_wrong_inputs_are_refused_with_words(change, words):
    y, X, subject, visit = longitudinal(3)
    given_ = {"y": y, "X": X, "subject": subject, "visit": visit} | change
    with pytest.raises(InputError) as told:
        fit_mmrm(given_.pop("y"), given_.pop("X"), given_.pop("subject"), given_.pop("visit"), **given_)
    assert words in str(told.value)


def test_a_contrast_of_the_wrong_length_is_refused():
    y, X, subject, visit = longitudinal(3)
    with pytest.raises(InputError, match="one per column"):
        fit_mmrm(y, X, subject, visit).contrast([1.0])


def test_two_variances_at_one_visit_are_welchs_t():
    """REML gives both sample variances, and Satterthwaite's degrees of freedom are then Welch's."""
    rng = np.random.default_rng(4)
    side = np.repeat([0, 1], [12, 25])
    y = rng.normal(size=37) * (1.0 + 2.0 * side)
    X = np.column_stack([side == 0, side == 1]).astype(float)
    fit = fit_mmrm(y, X, np.arange(37), np.zeros(37), groups=side)
    one = fit.contrast([-1, 1])
    welch = stats.ttest_ind(y[side == 1], y[side == 0], equal_var=False)
    assert (one.t, one.df, one.p) == pytest.approx((welch.statistic, welch.df, welch.pvalue), rel=1e-7)


def test_a_joint_test_of_unequal_degrees_of_freedom_matches_their_mean_f():
    """Two independent means with 11 and 24 degrees of freedom: E = sum of df / (df - 2), df = 2 E / (E - 2)."""
    rng = np.random.default_rng(4)
    side = np.repeat([0, 1], [12, 25])
    X = np.column_stack([side == 0, side == 1]).astype(float)
    y = rng.normal(size=37) * (1.0 + 2.0 * side)
    joint = fit_mmrm(y, X, np.arange(37), np.zeros(37), groups=side).joint_test(np.eye(2))
    mean = 11 / 9 + 24 / 22
    assert joint.df == pytest.approx(2 * mean / (mean - 2), rel=1e-6)


def test_a_joint_test_with_a_variance_of_one_degree_of_freedom_has_two():
    side = np.repeat([0, 1], [2, 25])
    y = np.random.default_rng(4).normal(size=27)
    X = np.column_stack([side == 0, side == 1]).astype(float)
    joint = fit_mmrm(y, X, np.arange(27), np.zeros(27), groups=side).joint_test(np.eye(2))
    assert joint.df == 2.0


def test_kenward_and_rogers_test_of_several_contrasts_is_a_wider_f():
    y, X, subject, visit = longitudinal(3)
    rows = np.eye(9)[4:8]
    plain = fit_mmrm(y, X, subject, visit).joint_test(rows)
    adjusted = fit_mmrm(y, X, subject, visit, method="kenward-roger-linear").joint_test(rows)
    assert 0 < adjusted.f < plain.f
    assert adjusted.p > plain.p
