"""Networks and dependent effects by hand: what indirect evidence is, and what clusters do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.evidence import multilevel, network
from exojoint.evidence.pooling import pool

TRIANGLE = {
    "study": ["1", "2", "3"], "first": ["A", "B", "A"], "second": ["P", "P", "B"], "y": [1.0, 0.4, 0.3],
    "v": [0.04, 0.05, 0.06],
}  # fmt: skip


def test_indirect_evidence_is_the_difference_of_two_direct_comparisons():
    chain = {name: column[:2] for name, column in TRIANGLE.items()}
    found = network.network(network.network_from_contrasts(**chain, reference="P"), method="EE").compare("A", "B")
    assert found["estimate"] == pytest.approx(0.6)
    assert found["se"] == pytest.approx(math.sqrt(0.09))


def test_direct_and_indirect_evidence_are_weighed_by_their_precision():
    result = network.network(network.network_from_contrasts(**TRIANGLE, reference="P"), method="EE")
    found = result.compare("A", "B")
    expected = (0.3 / 0.06 + 0.6 / 0.09) / (1 / 0.06 + 1 / 0.09)
    assert found["estimate"] == pytest.approx(expected)
    assert found["se"] == pytest.approx(math.sqrt(1 / (1 / 0.06 + 1 / 0.09)))
    split = next(s for s in network.node_splits(result, method="back-calculation") if {s.first, s.second} == {"A", "B"})
    assert abs(split.difference[0]) == pytest.approx(0.3)
    assert split.difference[1] == pytest.approx(math.sqrt(0.06 + 0.09))


def test_inconsistency_of_one_triangle_is_its_squared_difference():
    data = network.network_from_contrasts(**TRIANGLE, reference="P")
    assert network.decompose(data).between.statistic == pytest.approx(0.3**2 / 0.15)


def test_contrasts_and_arms_of_one_trial_with_three_arms_agree():
    arms = {"n": [20, 25, 30], "mean": [5.0, 4.0, 3.5], "sd": [1.0, 1.2, 0.9]}
    extra = {"n": [15, 18], "mean": [5.2, 4.4], "sd": [1.1, 1.0]}
    joined = {name: arms[name] + extra[name] for name in arms}
    by_arms = network.network_from_arms(
        "MD", ["1", "1", "1", "2", "2"], ["P", "A", "B", "P", "A"], **joined, reference="P"
    )
    means, errors = np.array(arms["mean"]), np.array(arms["sd"]) ** 2 / np.array(arms["n"])
    pairs = [(1, 0), (2, 0), (1, 2)]
    y = [means[a] - means[b] for a, b in pairs] + [4.4 - 5.2]
    v = [errors[a] + errors[b] for a, b in pairs] + [1.1**2 / 15 + 1.0**2 / 18]
    by_contrasts = network.network_from_contrasts(
        ["1", "1", "1", "2"], ["A", "B", "A", "A"], ["P", "P", "B", "P"], y, v, reference="P"
    )
    for method in ("EE", "DL"):
        one, two = network.network(by_arms, method=method), network.network(by_contrasts, method=method)
        assert one.compare("A", "B")["estimate"] == pytest.approx(two.compare("A", "B")["estimate"], abs=1e-9)
        assert one.compare("A", "P")["se"] == pytest.approx(two.compare("A", "P")["se"], rel=1e-9)


def test_two_treatments_are_a_plain_meta_analysis():
    y, v = [0.2, 0.9, 0.4, 1.1], [0.04, 0.05, 0.06, 0.05]
    data = network.network_from_contrasts(["1", "2", "3", "4"], ["A"] * 4, ["P"] * 4, y, v, reference="P")
    for method in ("EE", "DL", "REML"):
        found, usual = network.network(data, method=method), pool(y, v, method=method, interval="normal")
        assert found.compare("A", "P")["estimate"] == pytest.approx(usual.estimate, abs=1e-7)
        assert found.tau2 == pytest.approx(usual.tau2, abs=1e-6)


def test_p_scores_are_mean_chances_to_be_better():
    result = network.network(network.network_from_contrasts(**TRIANGLE, reference="P"), method="EE")
    scores = network.p_scores(result)
    assert sum(scores.values()) == pytest.approx(1.5)  # three treatments, one half on average
    assert max(scores, key=scores.get) == "A"
    mirrored = network.p_scores(result, small_is_good=True)
    assert all(mirrored[name] == pytest.approx(1 - score) for name, score in scores.items())


def test_one_effect_per_cluster_is_plain_random_effects():
    y, v = [0.2, 0.9, 0.4, 1.1, 0.6], [0.04, 0.05, 0.06, 0.05, 0.03]
    fit = multilevel.multilevel(y, v, [multilevel.intercepts(list("abcde"), "study")])
    usual = pool(y, v, interval="normal")
    assert fit.estimate == pytest.approx(usual.estimate, abs=1e-7)
    assert fit.fit.loglik == pytest.approx(usual.fit.loglik, abs=1e-8)


def test_copies_of_an_effect_in_a_cluster_tell_nothing_new():
    y, v, study = [0.2, 0.9, 0.4, 1.1], [0.04, 0.05, 0.06, 0.05], list("abcd")
    doubled = multilevel.correlated_hierarchical(np.repeat(y, 2), np.repeat(v, 2), np.repeat(study, 2), rho=0.999)
    once = multilevel.correlated_hierarchical(y, v, study, rho=0.999)
    assert doubled.se == pytest.approx(once.se, rel=0.02)
    naive = pool(np.repeat(y, 2), np.repeat(v, 2), method="EE", interval="normal").se
    assert naive < doubled.se


def test_serial_correlation_needs_times_for_unequal_steps():
    y, v = [0.1, 0.4, 0.5, 0.2, 0.6, 0.9], [0.05] * 6
    week, animal = [1, 2, 10, 1, 2, 10], list("aaabbb")
    term = multilevel.structured(week, animal, "CAR", "animal")
    assert term.levels == ("1", "2", "10")
    covariance = term.covariance(np.array([2.0, 0.5]))
    assert covariance[0, 1] == pytest.approx(2.0 * 0.5)
    assert covariance[1, 2] == pytest.approx(2.0 * 0.5**8)
    assert multilevel.multilevel(y, v, [term]).fit.converged
    with pytest.raises(InputError, match="numbers for CAR"):
        multilevel.structured(["early", "late"] * 3, animal, "CAR", "animal")
