"""What happens at the edges: few studies, empty cells, no variance, correlated arms, one cluster, broken networks.

Each is a clear error, or a documented fallback that the result's warnings tell.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.evidence import bias, multilevel, network, pooling
from exojoint.evidence.bayes import bayes_pool
from exojoint.evidence.climb import climb
from exojoint.evidence.effects import constant_correlation_covariance, effect_sizes, shared_control_covariance

ONE, TWO = ([1.0], [0.1]), ([1.0, 2.0], [0.1, 0.2])
NEED_MORE_THAN_TWO = (
    bias.egger_test, bias.begg_test, bias.trim_and_fill, bias.selection_model, bias.pet_peese, bias.influence,
    bias.baujat, pooling.location_scale,
)  # fmt: skip
NEED_TWO = (bias.leave_one_out, bias.residuals, pooling.henmi_copas, pooling.permutation_test, pooling.tau2_interval)


def said(result):
    return " | ".join(result.warnings)


@pytest.mark.parametrize("method", ["EE", "DL", "REML", "PM"])
def test_one_study_pools_to_itself_and_says_so(method):
    result = pooling.pool(*ONE, method=method)
    assert (result.estimate, result.tau2) == (1.0, 0.0)
    assert result.se == pytest.approx(math.sqrt(0.1))
    assert "normal interval was used" in said(result)


@pytest.mark.parametrize("function", [*NEED_MORE_THAN_TWO, *NEED_TWO])
def test_one_study_is_refused_where_it_cannot_be_enough(function):
    with pytest.raises(InputError, match="Expected"):
        function(*ONE)


@pytest.mark.parametrize("function", NEED_MORE_THAN_TWO)
def test_two_studies_are_refused_where_three_are_needed(function):
    with pytest.raises(InputError, match="Expected"):
        function(*TWO)


@pytest.mark.parametrize("function", NEED_TWO)
def test_two_studies_are_enough_where_two_are_needed(function):
    assert function(*TWO) is not None


def test_few_studies_leave_tau_to_its_prior_and_the_result_says_so():
    assert "tau is what its prior says" in said(bayes_pool(*ONE))
    assert bias.robust_bayesian_average(*ONE).sd > math.sqrt(0.1)


def test_more_moderators_than_studies_are_refused():
    with pytest.raises(InputError, match="2 coefficients for 1 effects"):
        pooling.meta_regression(*ONE, {"dose": [1]})
    fallback = pooling.meta_regression(*TWO, {"dose": [1, 2]})
    assert "equal-effects model" in said(fallback)


def test_tables_without_events_are_corrected_dropped_or_refused():
    zero = {"events1": [0, 1], "n1": [10, 10], "events2": [0, 2], "n2": [10, 10]}
    assert "without any event" in said(effect_sizes("OR", **zero))
    dropped = effect_sizes("OR", **zero, drop_double_zero=True)
    assert np.isnan(dropped.y[0])
    assert "left out" in said(dropped)
    nobody = {"events1": [0, 0], "n1": [10, 12], "events2": [0, 0], "n2": [10, 9]}
    for function in (pooling.mantel_haenszel, pooling.peto, pooling.glmm_odds_ratio):
        with pytest.raises(InputError):
            function(**nobody)
    assert pooling.mantel_haenszel(**nobody, measure="RD", add=0.5).estimate == pytest.approx(0.0, abs=0.02)


@pytest.mark.parametrize(("bad", "words"), [(0.0, "is zero"), (-0.1, "is negative"), (math.inf, "is infinite")])
@pytest.mark.parametrize("function", [pooling.pool, bayes_pool, bias.egger_test, bias.selection_model])
def test_impossible_variances_are_named_by_row(function, bad, words):
    with pytest.raises(InputError, match=f"variances row 2: {words}"):
        function([1.0, 2.0, 3.0], [0.1, bad, 0.2])


def test_no_spread_has_no_standardised_difference():
    with pytest.raises(InputError, match="use MD or ROM"):
        effect_sizes("SMD", n1=5, mean1=1, sd1=0, n2=5, mean2=2, sd2=0)


def test_missing_rows_are_left_out_and_nothing_left_is_an_error():
    assert "1 of 3 rows were left out" in said(pooling.pool([1, math.nan, 2], [0.1, 0.1, 0.1]))
    with pytest.raises(InputError, match="at least one study"):
        pooling.pool([math.nan], [0.1])


@pytest.mark.parametrize("method", ["DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM"])
def test_identical_studies_have_no_heterogeneity_and_an_interval_of_positive_width(method):
    result = pooling.pool([1.0] * 4, [0.1] * 4, method=method)
    assert result.tau2 == 0.0
    assert result.upper > 1.0 > result.lower
    assert "identical" in said(result)


def test_search_that_does_not_arrive_says_so():
    def ramp(theta):
        return float(theta[0]), np.ones(1)  # rises for ever

    top = climb(ramp, lambda _: np.eye(1), np.zeros(1), np.ones(1), [(None, None)])
    assert not top.converged
    assert climb(lambda _: None, lambda _: np.eye(1), np.zeros(1), np.ones(1), [(None, None)]) is None


def test_scale_without_a_finite_estimate_has_no_standard_error():
    found = pooling.location_scale([1.0, 1.01, 0.99, 1.0, 1.02], [0.1] * 5, scale={"dose": [1, 2, 3, 4, 5]})
    assert "went to zero" in said(found)
    assert np.isnan(found.scale.se).all()
    assert math.isnan(found.test_scale.p)


def test_arms_that_share_a_control_are_noticed():
    arms = {
        "n1": [8, 8, 9],
        "mean1": [5, 4, 6],
        "sd1": [1, 1, 1],
        "n2": [8, 8, 9],
        "mean2": [7, 7, 7],
        "sd2": [1, 1, 2],
    }
    found = effect_sizes("MD", **arms)
    assert "rows 1, 2 have one control group" in said(found)
    matrix = shared_control_covariance("MD", found.y, found.v, ["a", "a", "b"], n2=arms["n2"], sd2=arms["sd2"])
    assert matrix[0, 1] == pytest.approx(1 / 8)
    assert matrix[0, 2] == 0.0


def test_several_effects_of_one_study_are_not_pooled_in_silence():
    effects = [1.0, 1.2, 0.4], [0.1, 0.1, 0.2]
    assert "1 studies give more than one effect" in said(pooling.pool(*effects, study=["a", "a", "b"]))
    assert "more than one effect" not in said(pooling.pool(*effects, study=["a", "b", "c"]))
    assert "more than one effect" not in said(pooling.pool([1, math.nan, 2], [0.1] * 3, study=["a", "a", "b"]))


def test_arms_of_one_trial_need_their_covariance_in_a_network():
    with pytest.raises(InputError, match="without a covariance"):
        network.network_from_contrasts(["1", "1"], ["a", "c"], ["b", "b"], [1, 2], [0.1, 0.1])


def test_impossible_correlations_are_refused():
    with pytest.raises(InputError, match="positive definite"):
        constant_correlation_covariance([0.1, 0.1], [1, 1], 1.5)
    with pytest.raises(InputError, match="positive definite"):
        multilevel.multilevel([1, 2], [[1, 2], [2, 1]], multilevel.nested(study=[1, 2]))


@pytest.mark.parametrize("second", [[2, 4, 6, 8, 10], [1, 1, 1, 1, 1]])
def test_moderators_that_depend_on_each_other_are_named(second):
    with pytest.raises(InputError, match="depend on each other"):
        pooling.meta_regression([1, 2, 3, 4, 6], [0.1] * 5, {"dose": [1, 2, 3, 4, 5], "other": second})
    with pytest.raises(InputError, match="depend on each other"):
        multilevel.multilevel(
            [1, 2, 3, 4, 6], [0.1] * 5, multilevel.nested(study=[1, 1, 2, 2, 3]),
            moderators={"dose": [1, 2, 3, 4, 5], "other": second},
        )  # fmt: skip


def test_one_cluster_is_refused():
    with pytest.raises(InputError, match="one group only"):
        multilevel.correlated_hierarchical([1, 2, 3], [0.1] * 3, [1, 1, 1])
    with pytest.raises(InputError, match="more clusters than coefficients"):
        multilevel.robust_variance_estimation([1, 2, 3], [0.1] * 3, [1, 1, 1])


def test_few_clusters_say_how_few_degrees_of_freedom_are_left():
    found = multilevel.correlated_hierarchical([1, 2, 3, 1.5], [0.1] * 4, [1, 1, 2, 3])
    assert "fewer than 4 degrees of freedom" in " ".join(found.robust.warnings)


def test_network_in_pieces_is_refused_with_its_pieces():
    with pytest.raises(InputError, match="falls into pieces"):
        network.network_from_contrasts(["1", "2"], ["a", "c"], ["b", "d"], [1, 2], [0.1, 0.1])
