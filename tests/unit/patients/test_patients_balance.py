"""Weights: exact, positive, independent of order, and honest when the pool cannot do it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojoint.patients.balance import KEPT_SHARE, TOLERANCE, balance, effective_sample_size


def pool(seed: int, n: int = 200, k: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, k))


def test_a_pool_that_already_matches_keeps_equal_weights():
    features = pool(1)
    features -= features.mean(axis=0)
    found = balance(features, np.zeros(5))
    assert found.outcome == "balanced"
    np.testing.assert_allclose(found.weights, 1.0, atol=1e-6)
    assert found.effective_sample_size == pytest.approx(200.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-0.4, 0.4))
def test_weights_are_positive_sum_to_n_and_meet_every_target(seed, shift):
    features = pool(seed)
    found = balance(features, np.full(5, shift))
    assert found.outcome == "balanced"
    assert (found.weights > 0.0).all()
    assert found.weights.sum() == pytest.approx(200.0)
    np.testing.assert_allclose(np.average(features, axis=0, weights=found.weights), shift, atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_patients_does_not_matter(seed):
    features = pool(seed)
    order = np.random.default_rng(seed).permutation(len(features))
    straight = balance(features, np.full(5, 0.2)).weights
    shuffled = balance(features[order], np.full(5, 0.2)).weights
    np.testing.assert_allclose(straight[order], shuffled, rtol=1e-6)


def test_the_order_of_targets_does_not_matter():
    features, target = pool(3), np.linspace(-0.3, 0.3, 5)
    straight = balance(features, target).weights
    reversed_ = balance(features[:, ::-1].copy(), target[::-1].copy()).weights
    np.testing.assert_allclose(straight, reversed_, rtol=1e-6)


def test_weights_are_the_closest_to_equal_among_all_that_match():
    """Entropy balancing has exponential weights: log weights are linear in the features."""
    features = pool(4, k=2)
    weights = balance(features, np.array([0.3, -0.2])).weights
    design = np.column_stack([np.ones(len(features)), features])
    residual = np.log(weights) - design @ np.linalg.lstsq(design, np.log(weights), rcond=None)[0]
    assert np.abs(residual).max() < 1e-9


def test_a_target_outside_the_pool_is_flagged_and_approached():
    features = pool(5)
    found = balance(features, np.array([9.0, 0.0, 0.0, 0.0, 0.0]))
    assert found.outcome == "best_effort"
    assert found.largest_gap > TOLERANCE
    assert np.average(features[:, 0], weights=found.weights) > features[:, 0].mean()
    assert found.effective_sample_size >= KEPT_SHARE * 200
    assert (found.weights > 0.0).all()


def test_a_class_that_nobody_belongs_to_is_flagged_without_spoiling_the_rest():
    features = np.column_stack([pool(6, k=1)[:, 0], np.full(200, -0.5)])
    found = balance(features, np.array([0.2, 0.0]))
    assert found.outcome == "best_effort"
    assert found.largest_gap == pytest.approx(0.5)
    assert np.average(features[:, 0], weights=found.weights) == pytest.approx(0.2, abs=0.01)


def test_a_feature_that_is_constant_at_its_target_does_no_harm():
    features = np.column_stack([pool(7, k=1)[:, 0], np.ones(200)])
    found = balance(features, np.array([0.2, 1.0]))
    assert found.outcome == "balanced"


def test_two_copies_of_one_feature_do_no_harm():
    column = pool(8, k=1)[:, 0]
    found = balance(np.column_stack([column, column]), np.array([0.2, 0.2]))
    assert found.outcome == "balanced"


def test_further_targets_cost_effective_patients():
    features = pool(9)
    near = balance(features, np.full(5, 0.1)).effective_sample_size
    far = balance(features, np.full(5, 0.4)).effective_sample_size
    assert far < near < 200.0


def test_effective_sample_size_counts_equal_patients():
    assert effective_sample_size(np.array([1.0, 1.0, 0.0, 0.0])) == pytest.approx(2.0)
    assert effective_sample_size(np.zeros(4)) == 0.0


@pytest.mark.parametrize(
    ("features", "targets"),
    [
        (np.ones((3, 2)), np.ones(3)),
        (np.empty((0, 1)), np.ones(1)),
        (np.array([[np.nan]]), np.ones(1)),
        (np.ones(3), np.ones(1)),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(features, targets):
    with pytest.raises(ValueError, match=r"must be finite|do not belong"):
        balance(features, targets)
