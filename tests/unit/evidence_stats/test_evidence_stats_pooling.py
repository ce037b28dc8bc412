"""Pooling: closed forms, invariances, one answer by two ways, and every edge of the data."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from exojoint.core.errors import InputError
from exojoint.evidence.effects import effect_sizes
from exojoint.evidence.estimate import normal_estimate
from exojoint.evidence.pooling import (
    glmm_odds_ratio,
    glmm_proportion,
    glmm_rate_ratio,
    henmi_copas,
    location_scale,
    mantel_haenszel,
    meta_regression,
    permutation_test,
    peto,
    pool,
    pool_many,
    subgroups,
    tarone_test,
    tau2_interval,
)
from exojoint.evidence.pooling.linear import log_likelihood
from exojoint.evidence.pooling.tau2_intervals import weighted_chi2_cdf

METHODS = ("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")
Y = np.array([0.1, 0.5, -0.2, 0.8, 0.4, 1.1])
V = np.array([0.04, 0.09, 0.05, 0.2, 0.1, 0.15])
sets = st.integers(3, 12).flatmap(
    lambda k: st.tuples(
        st.lists(st.floats(-3, 3).map(lambda x: round(x, 3)), min_size=k, max_size=k),
        st.lists(st.floats(0.02, 2).map(lambda x: round(x, 3)), min_size=k, max_size=k),
    )
)


def test_equal_variances_give_the_plain_mean_and_its_t_interval():
    y = np.array([1.0, 2.0, 4.0, 7.0])
    result = pool(y, np.full(4, 0.5))
    half = student.ppf(0.975, 3) * y.std(ddof=1) / 2
    assert result.estimate == pytest.approx(3.5)
    assert (result.lower, result.upper) == pytest.approx((3.5 - half, 3.5 + half))
    assert result.tau2 == pytest.approx(y.var(ddof=1) - 0.5)


@pytest.mark.parametrize("method", ["DL", "HE", "REML", "PM"])
def test_moment_and_likelihood_estimators_agree_when_variances_are_equal(method):
    y = np.array([0.2, 1.1, -0.4, 2.0, 0.9])
    assert pool(y, np.full(5, 0.1), method=method).tau2 == pytest.approx(y.var(ddof=1) - 0.1, rel=1e-9)


@pytest.mark.parametrize("method", ["ML", "REML"])
def test_likelihood_estimates_are_the_highest_point(method):
    best = pool(Y, V, method=method)
    grid = np.linspace(0, 2, 4001)
    heights = log_likelihood(Y, V, np.ones((6, 1)), grid, method == "REML")
    assert best.fit.loglik >= heights.max() - 1e-12
    assert best.tau2 == pytest.approx(grid[np.argmax(heights)], abs=6e-4)


def test_paule_mandel_solves_its_equation():
    result = pool(Y, V, method="PM")
    w = 1 / (V + result.tau2)
    assert (w * (Y - result.estimate) ** 2).sum() == pytest.approx(5.0, rel=1e-12)


def test_two_maxima_are_noticed_and_the_higher_is_taken():
    y, v = np.array([0.0, 0.0, 3.0, 3.0, 1.5]), np.array([1e-4, 1.0, 1.0, 1e-4, 1e-4])
    for method in ("ML", "REML"):
        result = pool(y, v, method=method)
        heights = log_likelihood(y, v, np.ones((5, 1)), np.geomspace(1e-8, 50, 4000), method == "REML")
        assert result.fit.loglik >= heights.max() - 1e-9


@given(sets, st.sampled_from(METHODS), st.floats(-5, 5), st.floats(0.1, 10))
@settings(max_examples=60, deadline=None)
def test_estimates_shift_and_scale_with_the_data(data, method, shift, scale):
    y, v = np.array(data[0]), np.array(data[1])
    plain, moved = pool(y, v, method=method), pool(scale * y + shift, scale**2 * v, method=method)
    assert moved.estimate == pytest.approx(scale * plain.estimate + shift, rel=1e-6, abs=1e-6)
    assert moved.tau2 == pytest.approx(scale**2 * plain.tau2, rel=1e-5, abs=1e-7 * scale**2)


@given(st.lists(sets, min_size=2, max_size=5), st.sampled_from(METHODS))
@settings(max_examples=40, deadline=None)
def test_many_at_once_are_the_same_as_one_by_one(data, method):
    k = max(len(y) for y, _ in data)
    y, v = np.full((len(data), k), np.nan), np.full((len(data), k), np.nan)
    for row, (a, b) in enumerate(data):
        y[row, : len(a)], v[row, : len(b)] = a, b
    many = pool_many(y, v, method=method)
    for row, (a, b) in enumerate(data):
        one = pool(a, b, method=method)
        assert many.estimate[row] == pytest.approx(one.estimate, rel=1e-6, abs=1e-8)
        assert many.tau2[row] == pytest.approx(one.tau2, rel=1e-5, abs=1e-7)
        assert (many.lower[row], many.upper[row]) == pytest.approx((one.lower, one.upper), rel=1e-5, abs=1e-6)
        assert many.p[row] == pytest.approx(one.p, rel=1e-4, abs=1e-8)


def test_many_at_once_take_single_studies_and_refuse_rubbish():
    found = pool_many([[1.0, np.nan], [0.0, 1.0]], [[0.25, np.nan], [1.0, 1.0]])
    assert found.se[0] == 0.5
    assert np.isinf(found.df[0])
    low, high = found.prediction(5.0)
    assert (low < high).all()
    with pytest.raises(InputError, match="positive"):
        pool_many([[1.0, 2.0]], [[0.1, -1.0]])
    with pytest.raises(InputError, match="no study"):
        pool_many([[np.nan]], [[np.nan]])
    with pytest.raises(InputError, match="shapes"):
        pool_many([[1.0, 2.0]], [[1.0]])


# ---- edges of the data ----
def test_one_study_is_itself_with_a_warning():
    result = pool([0.4], [0.09])
    assert (result.estimate, result.se, result.tau2) == pytest.approx((0.4, 0.3, 0.0))
    assert result.interval.method == "normal"
    assert any("tau2 cannot be estimated" in text for text in result.warnings)
    assert result.heterogeneity.q.p == 1.0


def test_two_studies_pool_and_say_how_little_that_is():
    result = pool([0.0, 1.0], [0.1, 0.1])
    assert result.interval.df == 1
    assert any("only 2 studies" in text for text in result.warnings)
    assert math.isnan(pool([0.0, 1.0], [0.1, 0.1], prediction_df="k-2").prediction.lower)


def test_identical_studies_do_not_give_an_interval_of_width_zero():
    result = pool([0.5] * 4, [0.1] * 4)
    assert result.tau2 == 0
    assert result.upper - result.lower > 0.5
    assert any("identical" in text for text in result.warnings)
    assert pool([0.5] * 4, [0.1] * 4, method="SJ").tau2 == 0


@pytest.mark.parametrize(
    ("y", "v", "said"),
    [
        ([1, 2], [1, 0], "variances row 2: is zero"), ([1, 2], [-1, 1], "variances row 1: is negative"),
        ([1, 2], [1], "1 rows"), ([1, math.inf], [1, 1], "infinite"), ([1, 2], [1, math.inf], "infinite"),
        ([], [], "at least one study"), ([math.nan], [1], "at least one study"), ([[1, 2]], [1, 2], "dimensions"),
    ],
)  # fmt: skip
def test_impossible_data_are_refused_with_their_rows(y, v, said):
    with pytest.raises(InputError, match=said):
        pool(y, v)


def test_missing_rows_are_left_out_and_said():
    result = pool([0.1, math.nan, 0.5, 0.3], [0.1, 0.1, 0.1, math.nan])
    assert result.k == 2
    assert "2 of 4 rows were left out" in result.warnings[0]


def test_unknown_words_get_suggestions():
    with pytest.raises(InputError, match="REML"):
        pool(Y, V, method="RELM")
    with pytest.raises(InputError, match="knapp"):
        pool(Y, V, interval="knap-hartung")
    with pytest.raises(InputError, match="level"):
        pool(Y, V, level=1.0)
    with pytest.raises(InputError, match="prediction_df"):
        pool(Y, V, prediction_df="k-3")
    with pytest.raises(InputError, match="tau2"):
        pool(Y, V, tau2=-1.0)
    assert pool(Y, V, level=90).interval.level == 0.9
    assert pool(Y, V, interval="hksj").interval.method == "knapp-hartung"


def test_prediction_intervals_have_the_degrees_of_freedom_asked_for():
    total = {}
    for df, value in (("k-1", 5), ("k-2", 4), (7, 7), ("normal", math.inf)):
        result = pool(Y, V, interval="normal", prediction_df=df)
        assert result.prediction.df == value
        total[df] = result.prediction.upper - result.prediction.lower
    assert total["k-2"] > total["k-1"] > total[7] > total["normal"]


def test_adhoc_interval_is_never_narrower_than_t():
    close = [0.50, 0.51, 0.49, 0.50]
    variances = [0.1] * 4
    plain, adhoc, t = (pool(close, variances, interval=i) for i in ("knapp-hartung", "knapp-hartung-adhoc", "t"))
    assert plain.upper - plain.lower < t.upper - t.lower
    assert adhoc.upper - adhoc.lower == pytest.approx(t.upper - t.lower)


def test_result_travels_as_json_and_as_an_estimate():
    result = pool(Y, V)
    told = json.loads(json.dumps(result.to_dict()))
    assert told["k"] == 6
    assert told["interval"]["method"] == "knapp-hartung"
    estimate = result.to_estimate(("r1", "r2"), "animals")
    assert estimate.rows_used == ("r1", "r2")
    assert estimate.interval().upper == pytest.approx(result.upper)
    assert estimate.between_study_sd == pytest.approx(math.sqrt(result.tau2))
    assert result.back("log")["estimate"] == pytest.approx(math.exp(result.estimate))


def test_estimates_only_widen():
    estimate = normal_estimate(1.0, 0.5, 0.3, (), "m")
    assert estimate.for_a_new_setting().sd == pytest.approx(math.hypot(0.5, 0.3))
    assert estimate.widened(2, "doubt").uncertainty_cell == "normal(1)"
    assert "doubt" in estimate.widened(2, "doubt").method
    assert normal_estimate(1.0, 0.0, 0.0, (), "m").uncertainty_cell == "fixed"
    for wrong in (0.5, math.nan):
        with pytest.raises(InputError):
            estimate.widened(wrong, "x")
    with pytest.raises(InputError):
        normal_estimate(1.0, -1.0, 0.0, (), "m")


# ---- intervals of tau2 ----
def test_q_profile_interval_solves_for_the_quantiles():
    found = tau2_interval(Y, V).tau2
    for end, chi2 in ((found.lower, 12.83250), (found.upper, 0.8312116)):
        w = 1 / (V + end)
        mean = (w * Y).sum() / w.sum()
        if end > 0:
            assert (w * (Y - mean) ** 2).sum() == pytest.approx(chi2, rel=1e-5)


@pytest.mark.parametrize("method", ["q-profile", "ml-profile", "reml-profile", "biggerstaff-tweedie", "generalised-q"])
def test_tau2_intervals_contain_their_estimate_and_widen_with_the_level(method):
    narrow, wide = (tau2_interval(Y, V, method=method, level=level) for level in (0.5, 0.95))
    assert wide.tau2.lower <= narrow.tau2.lower <= narrow.tau2.upper <= wide.tau2.upper
    assert wide.i2[1] > wide.i2[0] >= 0
    assert wide.tau[1] == pytest.approx(math.sqrt(wide.tau2.upper))


def test_too_little_variation_gives_an_empty_interval_with_a_warning():
    found = tau2_interval([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], [0.1] * 6)
    assert found.tau2.upper == 0
    assert found.warnings
    with pytest.raises(InputError):
        tau2_interval([1.0], [1.0])


def test_residual_tau2_intervals_take_moderators():
    found = tau2_interval(Y, V, moderators={"x": np.arange(6.0)})
    assert found.tau2.upper > 0


def test_distribution_of_a_weighted_sum_of_chi_squares():
    assert weighted_chi2_cdf(3.841459, np.array([1.0])) == pytest.approx(0.95, abs=1e-6)
    assert weighted_chi2_cdf(2 * 5.991465, np.array([2.0, 2.0])) == pytest.approx(0.95, abs=1e-6)
    rng = np.random.default_rng(0)
    weights = np.array([0.2, 1.0, 3.0])
    simulated = (rng.normal(size=(400_000, 3)) ** 2 @ weights < 4.0).mean()
    assert weighted_chi2_cdf(4.0, weights) == pytest.approx(simulated, abs=3e-3)


def test_henmi_copas_keeps_the_equal_effects_mean_and_widens_its_interval():
    found, equal = henmi_copas(Y, V), pool(Y, V, method="EE", interval="normal")
    assert found.estimate == pytest.approx(equal.estimate)
    assert found.upper - found.lower > equal.upper - equal.lower
    with pytest.raises(InputError):
        henmi_copas([1.0], [1.0])


# ---- regression ----
def test_meta_regression_of_exact_lines_is_the_line():
    x = np.array([0.0, 1.0, 2.0, 5.0])
    fit = meta_regression(2 + 3 * x, [0.1, 0.2, 0.1, 0.3], {"x": x}, interval="normal")
    assert fit.values == pytest.approx([2, 3])
    assert fit.tau2 == 0
    assert fit.predict([1, 2.0]).estimate == pytest.approx(8)


def test_factors_are_means_per_level_without_an_intercept():
    kind = ["a", "a", "b", "b", "b", "a"]
    fit = meta_regression(Y, V, {"kind": kind}, intercept=False, method="EE", interval="normal")
    a = np.array([k == "a" for k in kind])
    assert fit.names == ("kind[a]", "kind[b]")
    assert fit.values[0] == pytest.approx(pool(Y[a], V[a], method="EE").estimate)
    other = meta_regression(Y, V, {"kind": kind}, reference={"kind": "b"}, method="EE")
    assert other.names[1] == "kind[a]"


def test_wrong_moderators_are_refused():
    with pytest.raises(InputError, match="depend on each other"):
        meta_regression(Y, V, {"x": np.arange(6.0), "twice": 2 * np.arange(6.0)})
    with pytest.raises(InputError, match="coefficients"):
        meta_regression(Y[:2], V[:2], {"x": [1.0, 2.0], "z": [0.0, 5.0]})
    with pytest.raises(InputError, match="one level"):
        meta_regression(Y, V, {"kind": ["a"] * 6})
    with pytest.raises(InputError, match="reference"):
        meta_regression(Y, V, {"kind": list("aabbab")}, reference={"kind": "c"})
    with pytest.raises(InputError, match="missing or infinite"):
        meta_regression(Y, V, {"x": [1, 2, math.nan, 4, 5, 6]})
    with pytest.raises(InputError, match="shape"):
        meta_regression(Y, V, {"x": [1, 2]})


def test_few_studies_per_moderator_are_said():
    assert any("fewer than 10" in text for text in meta_regression(Y, V, {"x": np.arange(6.0)}).warnings)


def test_subgroups_with_one_tau2_are_a_regression():
    group = list("aabbba")
    common = subgroups(Y, V, group, common_tau2=True, interval="normal")
    fit = meta_regression(Y, V, {"group": group}, interval="normal")
    assert common.between.statistic == pytest.approx(fit.omnibus.statistic)
    assert common.groups[0].tau2 == pytest.approx(fit.tau2)
    apart = subgroups(Y, V, group)
    assert apart.names == ("a", "b")
    assert apart.between.df == 1
    with pytest.raises(InputError):
        subgroups(Y, V, ["a"] * 6)


def test_permutation_p_values_are_those_of_brute_force():
    y, v = Y[:5], V[:5]
    sizes = [
        abs(pool(np.array(s) * y, v, method="DL").statistic) for s in itertools.product((1, -1), repeat=5)
    ]  # fmt: skip
    expected = np.mean(np.array(sizes) >= sizes[0] * (1 - 1e-12))
    found = permutation_test(y, v, method="DL")
    assert found.p[0] == expected
    assert found.exact
    assert found.permutations == 32


def test_random_permutations_repeat_with_their_seed():
    x = {"x": np.arange(9.0)}
    y, v = np.linspace(0, 1, 9) + 0.1 * (-1.0) ** np.arange(9), np.full(9, 0.05)
    a, b = (permutation_test(y, v, x, method="DL", permutations=200, seed=3) for _ in range(2))
    assert a.p.tolist() == b.p.tolist()
    assert not a.exact
    assert a.p[1] < 0.05
    with pytest.raises(InputError):
        permutation_test([1.0], [1.0])


def test_location_scale_without_moderators_is_the_plain_model():
    for method in ("ML", "REML"):
        fit, plain = location_scale(Y, V, method=method), pool(Y, V, method=method, interval="normal")
        assert fit.tau2[0] == pytest.approx(plain.tau2, rel=1e-4)
        assert fit.fit.loglik == pytest.approx(plain.fit.loglik, abs=1e-6)
    with pytest.raises(InputError):
        location_scale(Y[:3], V[:3], moderators={"x": [1, 2, 3.0]}, scale={"x": [1, 2, 3.0]})


def test_location_scale_finds_the_spread_that_was_put_in():
    rng = np.random.default_rng(8)
    wide = np.repeat([0.0, 1.0], 150)
    y = rng.normal(0, np.where(wide > 0, 1.0, 0.3)) + rng.normal(0, 0.2, 300)
    fit = location_scale(y, np.full(300, 0.04), scale={"wide": wide})
    assert fit.tau2[0] == pytest.approx(0.09, rel=0.35)
    assert fit.tau2[-1] == pytest.approx(1.0, rel=0.25)


# ---- events ----
TABLE = {"events1": [2, 5, 1], "n1": [40, 60, 30], "events2": [6, 9, 4], "n2": [42, 55, 33]}


def test_one_table_pools_to_itself():
    for measure in ("OR", "RR", "RD"):
        one = mantel_haenszel(events1=4, n1=20, events2=10, n2=25, measure=measure)
        expected = {"OR": math.log((4 / 16) / (10 / 15)), "RR": math.log(0.5), "RD": -0.2}[measure]
        assert one.estimate == pytest.approx(expected)


def test_tables_without_events_in_one_group_still_count():
    with_zero = mantel_haenszel(events1=[0, 5], n1=[20, 60], events2=[4, 9], n2=[20, 55])
    assert math.isfinite(with_zero.estimate)
    assert with_zero.estimate < mantel_haenszel(events1=5, n1=60, events2=9, n2=55).estimate


def test_no_event_at_all_is_an_error_that_says_what_to_do():
    with pytest.raises(InputError, match="no OR"):
        mantel_haenszel(events1=[0, 0], n1=[20, 20], events2=[0, 0], n2=[20, 20])
    with pytest.raises(InputError):
        peto(events1=[0], n1=[20], events2=[0], n2=[20])
    with pytest.raises(InputError, match="about 3/n"):
        glmm_proportion(events=[0, 0], n=[10, 12])
    with pytest.raises(InputError):
        glmm_odds_ratio(events1=[0, 0], n1=[20, 20], events2=[0, 0], n2=[20, 20])


def test_homogeneous_tables_pass_tarones_test():
    same = tarone_test(events1=[10, 20], n1=[40, 80], events2=[20, 40], n2=[40, 80])
    assert same.statistic == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL", "CM.AL"])
def test_binomial_normal_models_are_near_the_usual_one_when_events_are_many(model):
    table = {"events1": [80, 150, 60], "n1": [4000, 6000, 3000], "events2": [120, 260, 70], "n2": [4000, 6000, 3000]}
    e = effect_sizes("OR", **table)
    usual = pool(e.y, e.v, method="ML", interval="normal")
    found = glmm_odds_ratio(**table, model=model)
    assert found.estimate == pytest.approx(usual.estimate, abs=0.02)


def test_exact_conditional_likelihood_of_homogeneous_tables_is_fishers():
    # One informative pair of equal tables and tau = 0: the conditional maximum solves E[a | m, theta] = a.
    found = glmm_odds_ratio(events1=[2, 2], n1=[10, 10], events2=[5, 5], n2=[10, 10], model="CM.EL")
    u = np.arange(0, 8)
    weight = np.array([math.comb(10, a) * math.comb(10, 7 - a) for a in u]) * np.exp(found.estimate * u)
    assert (weight * u).sum() / weight.sum() == pytest.approx(2.0, abs=1e-5)
    assert found.tau2 == pytest.approx(0, abs=1e-8)


def test_rates_need_events_somewhere():
    found = glmm_rate_ratio(events1=[0, 2, 5], time1=[10, 20, 40], events2=[2, 4, 8], time2=[10, 20, 40])
    assert found.estimate < 0
    with pytest.raises(InputError):
        glmm_rate_ratio(events1=[0, 0], time1=[10, 20], events2=[0, 0], time2=[10, 20])
