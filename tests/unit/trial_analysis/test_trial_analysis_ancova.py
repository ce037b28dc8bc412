"""Comparisons of one number per patient, against statsmodels and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from exojoint.core.errors import InputError
from exojoint.trial.analysis.ancova import VARIANCES, ancova, difference_in_means


def one_visit(seed=1, n=60, n_arms=2):
    rng = np.random.default_rng(seed)
    arm, baseline = np.arange(n) % n_arms, rng.normal(60.0, 12.0, n)
    y = -10.0 - 0.4 * (baseline - 60.0) - 3.0 * arm + rng.normal(0.0, 10.0 + 8.0 * arm)
    return y, arm, baseline


@pytest.mark.parametrize("variance", VARIANCES)
def test_every_variance_is_that_of_statsmodels(variance):
    ols = pytest.importorskip("statsmodels.api")
    y, arm, baseline = one_visit(n_arms=3)
    X = np.column_stack([arm == 1, arm == 2, np.ones(60), baseline]).astype(float)
    wanted = ols.OLS(y, X).fit(cov_type="nonrobust" if variance == "classic" else variance, use_t=True)
    for i, one in enumerate(ancova(y, arm, baseline, variance=variance)):
        assert one.arm == i + 1
        assert one.estimate == pytest.approx(wanted.params[i], rel=1e-9)
        assert one.se == pytest.approx(wanted.bse[i], rel=1e-9)
        assert one.p == pytest.approx(wanted.pvalues[i], rel=1e-8)
        assert (one.lo, one.hi) == pytest.approx(tuple(wanted.conf_int()[i]), rel=1e-8)
        assert one.df == 56


def test_without_baseline_ancova_is_students_t():
    y, arm, _ = one_visit()
    (one,), (other,) = ancova(y, arm), difference_in_means(y, arm, equal_variances=True)
    student = stats.ttest_ind(y[arm == 1], y[arm == 0])
    assert (one.t, one.p) == pytest.approx((student.statistic, student.pvalue), rel=1e-9)
    assert one == pytest.approx(other, rel=1e-9)


def test_the_difference_in_means_is_welchs():
    y, arm, _ = one_visit()
    (one,) = difference_in_means(y, arm, level=0.9)
    welch = stats.ttest_ind(y[arm == 1], y[arm == 0], equal_var=False)
    assert (one.t, one.p, one.df) == pytest.approx((welch.statistic, welch.pvalue, welch.df), rel=1e-9)
    assert (one.lo, one.hi) == pytest.approx(tuple(welch.confidence_interval(0.9)), rel=1e-9)


def test_missing_patients_are_left_out_and_counted():
    y, arm, baseline = one_visit()
    y[:4], baseline[5] = np.nan, np.nan
    (one,) = ancova(y, arm, baseline)
    keep = np.isfinite(y) & np.isfinite(baseline)
    (other,) = ancova(y[keep], arm[keep], baseline[keep])
    assert one == pytest.approx(other, rel=1e-12)
    assert (one.n, one.n_control) == (27, 28)


def test_the_control_may_be_any_label():
    y, arm, baseline = one_visit()
    names = np.array(["saline", "exosome"])[arm]
    (one,) = ancova(y, names, baseline, control="saline")
    (other,) = ancova(y, names, baseline, control="exosome")
    assert (one.arm, other.arm) == ("exosome", "saline")
    assert one.estimate == pytest.approx(-other.estimate)


def test_a_covariate_that_repeats_the_baseline_changes_nothing():
    y, arm, baseline = one_visit()
    (one,) = ancova(y, arm, baseline)
    (other,) = ancova(y, arm, baseline, covariates=np.column_stack([2.0 * baseline, np.ones(60)]))
    assert one == pytest.approx(other, rel=1e-9)


def test_an_arm_that_a_covariate_explains_cannot_be_told():
    y, arm, baseline = one_visit()
    (one,) = ancova(y, arm, baseline, covariates=arm[:, None])
    assert np.isnan([one.estimate, one.se, one.p]).all()


def test_an_arm_without_patients_gives_nan():
    y, arm, baseline = one_visit(n_arms=3)
    y[arm == 2] = np.nan
    first, second = ancova(y, arm, baseline)
    assert np.isfinite(first.p)
    assert np.isnan(second.estimate)
    assert second.n == 0
    y[arm == 0] = np.nan
    assert np.isnan(ancova(y, arm, baseline)[0].estimate)


def test_too_few_patients_give_nan_not_an_error():
    nothing = np.full(4, np.nan)
    assert np.isnan(ancova(nothing, np.array([0, 1, 0, 1]))[0].p)
    assert np.isnan(difference_in_means(nothing, np.array([0, 1, 0, 1]))[0].estimate)
    (one,) = difference_in_means([1.0, 2.0, 5.0], [0, 0, 1])
    assert one.estimate == 3.5
    assert np.isnan(one.se)
    assert np.isnan(ancova([1.0, 2.0], [0, 1])[0].estimate)


def test_a_perfect_fit_has_an_estimate_but_no_error():
    (one,) = ancova([1.0, 1.0, 1.0, 3.0, 3.0, 3.0], [0, 0, 0, 1, 1, 1])
    assert one.estimate == pytest.approx(2.0)
    assert np.isnan([one.se, one.t, one.p]).all()
    (other,) = difference_in_means([1.0, 1.0, 3.0, 3.0], [0, 0, 1, 1])
    assert other.estimate == 2.0
    assert np.isnan(other.p)


def test_wrong_inputs_of_ancova_are_refused_with_words():
    y, arm, baseline = one_visit()
    with pytest.raises(InputError, match="covariates: has 3 entries"):
        ancova(y, arm, baseline[:3])
    with pytest.raises(InputError, match="no patient is in arm 'saline'"):
        ancova(y, arm, control="saline")
    with pytest.raises(InputError, match="Did you mean"):
        ancova(y, arm, variance="HC33")
