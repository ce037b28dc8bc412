"""Effect sizes: closed forms, repairs against raw data, and messages for wrong rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import gammaln

from exojoint.core.errors import InputError
from exojoint.evidence.effects import (
    MEASURES,
    block_covariance,
    change_sd,
    columns_of,
    combine_groups,
    constant_correlation_covariance,
    correlation_from_sds,
    difference_of_changes,
    effect_sizes,
    mean_sd_from_median,
    normalised_mean_difference,
    paired_odds_ratio,
    repair_sem,
    sd_from_interval,
    sd_from_sem,
    shared_control_covariance,
    small_sample_factor,
    split_control,
    standardised_mean_change,
    suspect_sem,
    variance_from_interval,
    variance_from_p,
)

ARMS = {"n1": 8, "mean1": 5.0, "sd1": 1.0, "n2": 10, "mean2": 7.0, "sd2": 2.0}


def test_small_sample_factor_is_the_gamma_ratio_and_not_its_approximation():
    exact = math.exp(gammaln(5.0) - gammaln(4.5)) / math.sqrt(5.0)
    assert small_sample_factor(10) == pytest.approx(exact, rel=1e-14)
    assert abs(small_sample_factor(4) - (1 - 3 / (4 * 4 - 1))) > 1e-3
    assert np.isnan(small_sample_factor(1))
    assert small_sample_factor(1e6) == pytest.approx(1.0, abs=1e-6)


def test_mean_difference_by_hand():
    found = effect_sizes("MD", **ARMS)
    assert found.y[0] == -2.0
    assert found.v[0] == pytest.approx(1 / 8 + 4 / 10)
    pooled = effect_sizes("MD", **ARMS, pooled_sd=True)
    assert pooled.v[0] == pytest.approx((7 * 1 + 9 * 4) / 16 * (1 / 8 + 1 / 10))


def test_standardised_difference_by_hand():
    d = -2 / math.sqrt((7 * 1 + 9 * 4) / 16)
    found = effect_sizes("SMD", **ARMS)
    assert found.y[0] == pytest.approx(small_sample_factor(16) * d)
    assert found.v[0] == pytest.approx(1 / 8 + 1 / 10 + found.y[0] ** 2 / 36)
    assert effect_sizes("SMD", **ARMS, corrected=False).y[0] == pytest.approx(d)


def test_unbiased_variance_of_the_standardised_difference_is_unbiased():
    rng = np.random.default_rng(1)
    n, reps = 6, 40_000
    a, b = rng.normal(1.0, 1.0, (reps, n)), rng.normal(0.0, 1.0, (reps, n))
    given = {"n1": n, "mean1": a.mean(1), "sd1": a.std(1, ddof=1), "n2": n, "mean2": b.mean(1), "sd2": b.std(1, ddof=1)}
    found = effect_sizes("SMD", **given, variance="UB")
    assert found.y.mean() == pytest.approx(1.0, abs=4 * found.y.std() / math.sqrt(reps))
    assert found.v.mean() == pytest.approx(found.y.var(), rel=0.03)


def test_normalised_difference_is_the_share_of_disease_taken_away():
    half_way = normalised_mean_difference(n1=8, mean1=4.0, sd1=1.0, n2=8, mean2=7.0, sd2=1.0, mean_sham=1.0)
    assert half_way.y[0] == pytest.approx(50.0)
    assert half_way.v[0] == pytest.approx(100**2 * (1 / 8 + 1 / 8) / 36)
    falling = normalised_mean_difference(n1=8, mean1=4.0, sd1=1.0, n2=8, mean2=1.0, sd2=1.0, mean_sham=7.0)
    assert falling.y[0] == pytest.approx(50.0)
    with_sham = normalised_mean_difference(
        n1=8, mean1=4.0, sd1=1.0, n2=8, mean2=7.0, sd2=1.0, mean_sham=1.0, sd_sham=0.5, n_sham=6
    )
    assert with_sham.v[0] != half_way.v[0]


def test_normalised_difference_with_an_uncertain_sham_has_the_variance_of_its_simulation():
    rng = np.random.default_rng(2)
    sham, control, treated = (
        rng.normal(1, 0.5 / 3, 200_000),
        rng.normal(7, 1 / 3, 200_000),
        rng.normal(4, 1 / 3, 200_000),
    )
    simulated = (100 * (control - treated) / (control - sham)).var()
    found = normalised_mean_difference(
        n1=9, mean1=4.0, sd1=1.0, n2=9, mean2=7.0, sd2=1.0, mean_sham=1.0, sd_sham=0.5, n_sham=9
    )
    assert found.v[0] == pytest.approx(simulated, rel=0.02)


def test_event_measures_by_hand():
    given = {"events1": 4, "n1": 20, "events2": 10, "n2": 25}
    assert effect_sizes("RR", **given).y[0] == pytest.approx(math.log(0.2 / 0.4))
    assert effect_sizes("RR", **given).v[0] == pytest.approx(1 / 4 - 1 / 20 + 1 / 10 - 1 / 25)
    assert effect_sizes("OR", **given).v[0] == pytest.approx(1 / 4 + 1 / 16 + 1 / 10 + 1 / 15)
    assert effect_sizes("RD", **given).y[0] == pytest.approx(-0.2)
    assert effect_sizes("IRR", events1=4, time1=10, events2=6, time2=30).y[0] == pytest.approx(math.log(2))


def test_empty_cells_are_corrected_where_asked_and_the_result_says_so():
    given = {"events1": [0, 3], "n1": [10, 10], "events2": [2, 4], "n2": [10, 10]}
    found = effect_sizes("OR", **given)
    assert found.y[0] == pytest.approx(math.log((0.5 / 10.5) / (2.5 / 8.5)))
    assert found.y[1] == pytest.approx(math.log((3 / 7) / (4 / 6)))
    assert "0.5 was added" in found.warnings[0]
    untouched = effect_sizes("OR", **given, to="none")
    assert np.isnan(untouched.y[0])
    assert np.isnan(untouched.v[0])
    nobody = effect_sizes("RR", events1=[0], n1=[10], events2=[0], n2=[12], drop_double_zero=True)
    assert np.isnan(nobody.y[0])
    assert any("left out" in text for text in nobody.warnings)


def test_peto_needs_no_correction_and_drops_empty_tables():
    found = effect_sizes("PETO", events1=[0, 0], n1=[10, 10], events2=[3, 0], n2=[12, 12])
    assert np.isfinite(found.y[0])
    assert np.isnan(found.y[1])


def test_paired_measures_use_the_correlation():
    knees = {"n": 20, "mean1": 50.0, "sd1": 10.0, "mean2": 55.0, "sd2": 12.0, "r": 0.6}
    spread = math.sqrt(100 + 144 - 2 * 0.6 * 120)
    assert effect_sizes("MC", **knees).v[0] == pytest.approx(spread**2 / 20)
    assert change_sd(10, 12, 0.6)[0] == pytest.approx(spread)
    assert correlation_from_sds(10, 12, spread)[0] == pytest.approx(0.6)
    by_change = standardised_mean_change(**knees, by="change")
    assert by_change.measure == "SMCC"
    assert by_change.y[0] == pytest.approx(small_sample_factor(19) * -5 / spread)
    with pytest.raises(InputError, match="sd2"):
        standardised_mean_change(n=20, mean1=1, sd1=1, mean2=0, r=0.5, by="change")
    with pytest.raises(InputError, match="correlation"):
        correlation_from_sds(10, 12, 40)


def test_difference_of_changes_adds_both_groups():
    found = difference_of_changes(
        n1=20, pre1=60, post1=45, sd_pre1=15, sd_post1=18, n2=22, pre2=61, post2=55, sd_pre2=14, sd_post2=16, r=0.5
    )
    assert found.y[0] == pytest.approx(-15 + 6)
    first, second = 15**2 + 18**2 - 15 * 18, 14**2 + 16**2 - 14 * 16
    assert found.v[0] == pytest.approx(first / 20 + second / 22)


def test_matched_odds_ratio_counts_discordant_pairs():
    assert paired_odds_ratio(only1=4, only2=8).y[0] == pytest.approx(math.log(0.5))
    assert paired_odds_ratio(only1=0, only2=8).warnings


def test_combined_arms_are_the_pooled_raw_data():
    rng = np.random.default_rng(3)
    arms = [rng.normal(m, s, n) for m, s, n in ((1, 1, 7), (2, 3, 12), (0, 2, 9))]
    n, mean, sd = combine_groups([a.size for a in arms], [a.mean() for a in arms], [a.std(ddof=1) for a in arms])
    whole = np.concatenate(arms)
    assert (n, mean, sd) == pytest.approx((28, whole.mean(), whole.std(ddof=1)))


def test_standard_errors_become_standard_deviations_with_a_flag():
    assert sd_from_sem(0.5, 16)[0] == 2.0
    found = repair_sem(n=[16, 9], mean=[1, 2], spread=[0.5, 2.0], is_sem=[1, 0])
    assert found.sd.tolist() == [2.0, 2.0]
    assert "sqrt(16)" in found.flags[0]
    assert found.flags[1] == ""


def test_bars_that_look_like_standard_errors_are_suspected_and_not_changed():
    flags = suspect_sem(n1=[9, 9], mean1=[2, 5], sd1=[0.5, 1], n2=[9, 9], mean2=[6, 6], sd2=[0.5, 1])
    assert "standard error" in flags[0]
    assert flags[1] == ""


def test_intervals_and_p_values_give_back_the_variance():
    assert variance_from_interval(1 - 1.959964 * 0.3, 1 + 1.959964 * 0.3)[0] == pytest.approx(0.09, rel=1e-5)
    assert variance_from_p(1.0, 0.05)[0] == pytest.approx((1 / 1.959964) ** 2, rel=1e-5)
    assert variance_from_p(1.0, 0.05, df=10)[0] == pytest.approx((1 / 2.228139) ** 2, rel=1e-5)
    assert sd_from_interval(1 - 2.262157, 1 + 2.262157, 10)[0] == pytest.approx(math.sqrt(10), rel=1e-5)


@pytest.mark.parametrize("shape", ["range", "quartiles", "both"])
def test_medians_of_normal_samples_give_mean_and_sd(shape):
    rng = np.random.default_rng(4)
    n = 41
    x = np.sort(rng.normal(10, 2, (4000, n)), axis=1)
    ends = {"minimum": x[:, 0], "maximum": x[:, -1]} if shape != "quartiles" else {}
    quartiles = {"q1": x[:, 10], "q3": x[:, 30]} if shape != "range" else {}
    found = mean_sd_from_median(n=n, median=x[:, 20], **ends, **quartiles)
    assert found.mean.mean() == pytest.approx(10, abs=0.05)
    assert found.sd.mean() == pytest.approx(2, rel=0.03)
    lopsided = np.mean(["skewed" in flag for flag in found.flags])
    assert 0.03 < lopsided < 0.07  # the test of skewness has a level of 5 %


def test_skewed_summaries_are_flagged_and_disorder_is_refused():
    found = mean_sd_from_median(n=50, median=1.0, q1=0.8, q3=4.0, minimum=0.1, maximum=30.0)
    assert "skewed" in found.flags[0]
    with pytest.raises(InputError, match="out of order"):
        mean_sd_from_median(n=50, median=1.0, q1=2.0, q3=4.0)
    with pytest.raises(InputError, match="no whole pair"):
        mean_sd_from_median(n=50, median=1.0)


def test_shared_control_covariance_is_that_of_simulated_trials():
    rng = np.random.default_rng(5)
    n, reps = 12, 30_000
    control = rng.normal(0, 1.5, (reps, n))
    treated = [rng.normal(m, 1.0, (reps, n)) for m in (1.0, 2.0)]
    difference = [t.mean(1) - control.mean(1) for t in treated]
    found = shared_control_covariance("MD", [1.0, 2.0], [1 / 12 + 2.25 / 12] * 2, ["c", "c"], n2=12, sd2=1.5)
    assert found[0, 1] == pytest.approx(np.cov(*difference)[0, 1], rel=0.05)
    second = {"n2": n, "mean2": control.mean(1), "sd2": control.std(1, ddof=1)}
    arms = [rng.normal(m, 1.5, (reps, n)) for m in (1.0, 2.0)]
    given = [{"n1": n, "mean1": t.mean(1), "sd1": t.std(1, ddof=1)} | second for t in arms]
    g = [effect_sizes("SMD", **columns).y for columns in given]
    smd = shared_control_covariance("SMD", [1 / 1.5, 2 / 1.5], [0.3, 0.3], ["c", "c"], n1=12, n2=12)
    assert smd[0, 1] == pytest.approx(np.cov(*g)[0, 1], rel=0.15)


def test_shared_events_have_the_controls_own_variance_in_common():
    given = {"events1": [3, 5], "n1": [20, 20], "events2": [8, 8], "n2": [22, 22]}
    for measure, part in (("RR", 1 / 8 - 1 / 22), ("OR", 1 / 8 + 1 / 14), ("RD", 8 * 14 / 22**3)):
        e = effect_sizes(measure, **given)
        matrix = shared_control_covariance(measure, e.y, e.v, ["c", "c"], n2=[22, 22], events2=[8, 8])
        assert matrix[0, 1] == pytest.approx(part)
    with pytest.raises(InputError, match="n2"):
        shared_control_covariance("MD", [1, 2], [1, 1], ["c", "c"], sd2=[1, 1])


def test_other_covariances():
    matrix = constant_correlation_covariance([1.0, 4.0, 9.0], ["a", "a", "b"], 0.5)
    assert matrix[0, 1] == 1.0
    assert matrix[0, 2] == 0.0
    with pytest.raises(InputError, match="cannot all hold"):
        constant_correlation_covariance([1, 1, 1], ["a", "a", "a"], -0.9)
    block = block_covariance([[[1, 0.2], [0.2, 2]], [[3]]], ["a", "a", "b"])
    assert block[2, 2] == 3
    assert split_control([10, 10, 8], ["a", "a", "b"]).tolist() == [5, 5, 8]


@pytest.mark.parametrize(
    ("measure", "change", "said"),
    [
        ("MD", {"n1": 0}, "below 1"), ("MD", {"sd2": -1}, "negative"), ("SMD", {"sd1": 0, "sd2": 0}, "both zero"),
        ("ROM", {"mean1": -5.0}, "differ in sign"), ("MD", {"mean1": "x"}, "not a list of numbers"),
    ],
)  # fmt: skip
def test_wrong_rows_are_named(measure, change, said):
    with pytest.raises(InputError, match=said):
        effect_sizes(measure, **(ARMS | change))


def test_all_wrong_rows_are_told_at_once():
    with pytest.raises(InputError) as caught:
        effect_sizes("RR", events1=[5, 30, 2], n1=[10, 20, -1], events2=[1, 1, 1], n2=[10, 10, 10])
    assert "n1 row 3" in str(caught.value)


def test_unknown_measures_and_columns_get_suggestions():
    with pytest.raises(InputError, match="SMD"):
        effect_sizes("SDM", **ARMS)
    with pytest.raises(InputError, match="mean1"):
        effect_sizes("MD", **{("men1" if k == "mean1" else k): v for k, v in ARMS.items()})


def test_every_measure_says_its_columns():
    for measure in MEASURES:
        needed, _optional = columns_of(measure)
        assert needed


def test_back_transformation_returns_to_the_readers_scale():
    assert effect_sizes("RR", events1=4, n1=20, events2=10, n2=25).back(0.0) == 1.0
    assert effect_sizes("PLO", events=4, n=20).back(effect_sizes("PLO", events=4, n=20).y)[0] == pytest.approx(0.2)
    assert effect_sizes("ZCOR", r=0.5, n=20).back(math.atanh(0.5)) == pytest.approx(0.5)
    assert effect_sizes("PAS", events=4, n=20).back(effect_sizes("PAS", events=4, n=20).y)[0] == pytest.approx(0.2)
