"""Value of knowing one number: right in the linear-normal case, and quiet about unknowns without effect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from exojoint.decision.information import Event, binned_information, next_experiment, smooth_information
from exojoint.decision.sensitivity import variance_shares

SLOPES = np.array([3.0, 1.0, 2.0, 0.0, 0.0])
RELIEF = Event(-5.0, below=True)


def linear(z):
    return -4.0 + z @ SLOPES


@pytest.fixture(scope="module")
def ranked(space, table):
    z = np.random.default_rng(3).standard_normal((512, 5))
    shares = variance_shares(space, table, linear, z, linear(z))
    return next_experiment(space, table, shares, z, linear(z), RELIEF)


def test_the_unknown_that_moves_the_headline_most_comes_first(ranked):
    assert ranked["parameter"].to_list() == ["k_uptake", "em_effect", "k_decay"]
    assert ranked["gain"].is_sorted(descending=True)


def test_every_row_says_what_to_measure_and_that_it_is_approximate(ranked):
    first = ranked.row(0, named=True)
    assert first["experiment"] == "measure k_uptake (1/day): best guess 2 is assumed"
    assert "approximate" in first["method"]


def test_the_binned_share_agrees_with_the_smooth_one(ranked):
    """Bins lose a little and are noisy: 4 of their errors and a tenth of the share."""
    for row in ranked.iter_rows(named=True):
        assert abs(row["binned_share"] - row["verdict_share"]) < 4.0 * row["binned_error"] + 0.1 * row["verdict_share"]


def test_failed_draws_are_left_out(space, table):
    z = np.random.default_rng(3).standard_normal((128, 5))
    values = linear(z)
    shares = variance_shares(space, table, linear, z, values)
    values[:20] = np.nan
    found = next_experiment(space, table, shares, z, values, RELIEF)
    assert found["gain"].is_finite().all()


def test_knowing_everything_makes_every_call_right():
    share, gain = smooth_information(-4.0, 14.0, 1.0, RELIEF)
    chance = ndtr((-5.0 + 4.0) / np.sqrt(14.0))
    assert share == pytest.approx(1.0, abs=0.01)
    assert gain == pytest.approx(1.0 - max(chance, 1.0 - chance), abs=0.005)


def test_knowing_nothing_gains_nothing():
    assert smooth_information(-4.0, 14.0, 0.0, RELIEF) == pytest.approx((0.0, 0.0), abs=1e-12)


def test_the_gain_matches_a_simulation():
    """One million draws of the linear-normal case, share 9/14: within 4 Monte Carlo errors."""
    rng = np.random.default_rng(5)
    known = rng.standard_normal(1_000_000) * 3.0
    chance = ndtr((-5.0 + 4.0 - known) / np.sqrt(5.0))
    right = np.maximum(chance, 1.0 - chance)
    baseline = max(chance.mean(), 1.0 - chance.mean())
    _, gain = smooth_information(-4.0, 14.0, 9.0 / 14.0, RELIEF)
    assert gain == pytest.approx(right.mean() - baseline, abs=4.0 * right.std() / 1000.0 + 1e-3)


@given(st.floats(-20.0, 20.0), st.floats(0.01, 100.0), st.floats(0.0, 1.0))
def test_information_is_never_harmful_and_never_more_than_all(mean, variance, share):
    verdict_share, gain = smooth_information(mean, variance, share, RELIEF)
    assert gain >= -1e-12
    assert gain <= 0.5
    assert -1e-12 <= verdict_share <= 1.1


def test_more_knowledge_is_worth_more():
    gains = [smooth_information(-4.0, 14.0, share, RELIEF)[1] for share in np.linspace(0.0, 1.0, 11)]
    assert gains == sorted(gains)


def test_a_headline_far_from_its_margin_needs_no_experiment():
    near = smooth_information(-5.0, 4.0, 0.5, RELIEF)[1]
    far = smooth_information(-25.0, 4.0, 0.5, RELIEF)[1]
    assert near > 0.2
    assert far < 1e-6


def test_an_event_above_a_threshold_mirrors_one_below():
    above = Event(5.0, below=False)
    assert smooth_information(4.0, 14.0, 0.5, above) == pytest.approx(smooth_information(-4.0, 14.0, 0.5, RELIEF))
    np.testing.assert_array_equal(above.happened(np.array([4.0, 5.0, 6.0])), [False, True, True])
    np.testing.assert_array_equal(RELIEF.happened(np.array([-6.0, -5.0, -4.0])), [True, True, False])


def test_a_certain_headline_has_a_certain_answer():
    np.testing.assert_array_equal(RELIEF.probability(np.array([-6.0, -4.0]), 0.0), [1.0, 0.0])
    assert smooth_information(-6.0, 0.0, 0.0, RELIEF) == (0.0, 0.0)


def test_an_unrelated_unknown_gets_nothing_on_average():
    """400 sets of 64 draws: mean share and gain within 4 standard errors of 0, and the stated noise is the real one."""
    rng = np.random.default_rng(9)
    found = np.array([binned_information(rng.standard_normal(64), rng.random(64) < 0.4) for _ in range(400)])
    share, noise, gain = found.T
    assert abs(share.mean()) < 4.0 * share.std() / 20.0
    assert abs(gain.mean()) < 4.0 * gain.std() / 20.0
    assert share.std() == pytest.approx(noise.mean(), rel=0.15)


def test_a_decisive_unknown_is_found_from_the_draws_alone():
    z = np.random.default_rng(2).standard_normal(64)
    share, noise, gain = binned_information(z, z < -0.2)
    assert share > 0.6 > 5.0 * noise
    assert gain > 0.2


@pytest.mark.parametrize("passed", [np.zeros(64, bool), np.ones(64, bool)])
def test_an_answer_that_is_already_known_has_no_share(passed):
    assert binned_information(np.arange(64.0), passed) == (0.0, 0.0, 0.0)


def test_too_few_draws_have_no_binned_share():
    assert binned_information(np.arange(10.0), np.arange(10) < 5) == (0.0, 0.0, 0.0)
