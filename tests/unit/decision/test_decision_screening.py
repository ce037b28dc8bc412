"""Elementary effects and Sobol indices: exact where the answer is known, honest about failed runs and their errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from exojoint.decision.indices import base_points, indices, mixed_points
from exojoint.decision.marginals import Marginals
from exojoint.decision.morris import matter, screen, trajectories
from exojoint.decision.resampling import Measured, means, resample_counts

SLOPES = np.array([3.0, 1.0, 0.0, 2.0])


def generator(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def linear(z: np.ndarray) -> np.ndarray:
    return np.stack([z @ SLOPES, z[:, 0] * z[:, 1]], axis=1)


def ishigami(z: np.ndarray) -> np.ndarray:
    """Ishigami and Homma's function of three uniform numbers, and one that does nothing."""
    x = (2.0 * ndtr(z) - 1.0) * np.pi
    return (np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))[:, None]


def test_a_path_moves_every_unknown_once_and_only_one_at_a_time():
    points = trajectories(5, 7, generator()).reshape(7, 6, 5)
    moved = np.diff(points, axis=1) != 0.0
    assert (moved.sum(axis=2) == 1).all()
    assert (moved.sum(axis=1) == 1).all()


def test_a_linear_headline_has_its_slopes_as_effects_without_spread_or_error():
    points = trajectories(4, 6, generator())
    seen = screen(points, linear(points), generator())
    assert seen.mu[:, 0] == pytest.approx(SLOPES)
    assert seen.mu_star.value[:, 0] == pytest.approx(SLOPES)
    assert seen.sigma[:, 0] == pytest.approx(0.0, abs=1e-12)
    assert seen.mu_star.error[:, 0] == pytest.approx(0.0, abs=1e-12)
    assert (seen.evaluations, seen.failed) == (30, 0)


def test_unknowns_that_act_together_show_as_spread():
    points = trajectories(4, 40, generator())
    seen = screen(points, linear(points), generator())
    assert (seen.sigma[:2, 1] > 0.5).all()
    assert seen.mu_star.low[0, 1] < seen.mu_star.value[0, 1] < seen.mu_star.high[0, 1]
    assert seen.mu_star.value[2:, 1] == pytest.approx(0.0, abs=1e-12)


def test_a_failed_run_costs_the_two_moves_that_touch_it_and_is_counted():
    points = trajectories(4, 6, generator())
    values = linear(points)
    values[7] = np.nan  # inside the second path
    seen = screen(points, values, generator())
    assert seen.failed == 1
    assert seen.n_used[:, 0].sum() == 6 * 4 - 2
    assert seen.mu[:, 0] == pytest.approx(SLOPES)


def test_the_rule_takes_the_fewest_unknowns_that_hold_the_share_of_every_headline():
    points = trajectories(4, 40, generator())
    seen = screen(points, linear(points), generator())
    assert matter(seen, 0.6, 10)[0] == 0
    assert set(matter(seen, 0.95, 10)) == {0, 1, 3}
    assert len(matter(seen, 0.95, 2)) == 2


def test_indices_agree_with_the_exact_ones_of_ishigami_within_their_intervals():
    first, second = base_points(4, 512, generator())
    sets = [[0], [1], [2], [3], [0, 2]]
    found = indices(ishigami(mixed_points(first, second, sets)), len(sets), generator())
    alone = np.array([0.3139, 0.4424, 0.0, 0.0, 0.5576])
    total = np.array([0.5576, 0.4424, 0.2437, 0.0, 0.5576])
    assert found.first.value[:, 0] == pytest.approx(alone, abs=0.06)
    assert found.total.value[:, 0] == pytest.approx(total, abs=0.06)
    wide = 2.0 * np.maximum(found.total.error[:, 0], 1e-12)
    assert (np.abs(found.total.value[:, 0] - total) <= wide + 0.01).all()
    assert found.variance[0] == pytest.approx(13.845, rel=0.05)
    assert (found.total.low <= found.total.value + 1e-12).all()


def test_base_points_with_a_failed_run_are_left_out_of_their_set_only():
    first, second = base_points(4, 128, generator())
    sets = [[0], [1, 3]]
    values = linear(mixed_points(first, second, sets))
    values[2 * 128 + 5] = np.nan  # the fifth point of the first set
    found = indices(values, len(sets), generator())
    assert found.failed == 1
    assert found.n_used[:, 0].tolist() == [127, 128]
    assert found.total.value[:, 0] == pytest.approx([9.0 / 14.0, 5.0 / 14.0], abs=0.1)


def test_a_headline_that_does_not_vary_has_no_shares():
    first, second = base_points(3, 16, generator())
    rows = mixed_points(first, second, [[0]])
    found = indices(np.ones((len(rows), 1)), 1, generator())
    assert np.isnan(found.first.value).all()
    assert np.isnan(found.total.error).all()


def test_rows_that_cannot_be_a_design_are_refused():
    with pytest.raises(ValueError, match="two samples"):
        indices(np.ones((7, 1)), 1, generator())


def test_the_same_generator_gives_the_same_design_and_errors():
    one, other = (
        indices(linear(mixed_points(*base_points(4, 32, generator(3)), [[0]])), 1, generator(4)) for _ in "ab"
    )
    assert np.array_equal(one.first.error, other.first.error)
    assert np.array_equal(trajectories(4, 3, generator(5)), trajectories(4, 3, generator(5)))


def test_the_bootstrap_error_of_a_mean_is_its_standard_error():
    sample = generator(2).standard_normal(400)
    found = Measured.of(np.array(sample.mean()), means(resample_counts(400, generator()), sample))
    assert float(found.error) == pytest.approx(sample.std() / 20.0, rel=0.12)
    assert float(found.low) < sample.mean() < float(found.high)


def test_independent_axes_have_the_centre_and_spread_of_the_draws_and_go_back():
    scores = 0.5 + 0.2 * generator().standard_normal((200, 3))
    scores[:, 2] = 1.0
    belief = Marginals.of_draws(scores)
    assert belief.scores(np.zeros((1, 3)))[0] == pytest.approx(scores.mean(axis=0))
    assert belief.scores(belief.standard(scores)) == pytest.approx(scores)
    assert belief.standard(scores)[:, 2] == pytest.approx(0.0)
    assert not belief.is_prior
    assert Marginals.prior(3).is_prior
