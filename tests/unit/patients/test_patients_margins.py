"""Margins have exactly the moments that a Table 1 prints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojoint.patients.margins import Levels, LogNormal, bounded_normal, mixture

U = (np.arange(200_000) + 0.5) / 200_000


@pytest.mark.parametrize(
    "margin",
    [
        bounded_normal(62.0, 8.0, 40.0, 85.0),
        bounded_normal(50.0, 16.0, 15.0, 90.0),
        bounded_normal(25.0, 7.0, 15.0, 90.0),
        LogNormal(13.6, 7.4),
        Levels((2.0, 3.0), (0.6, 0.4)),
        Levels((1.0, 2.0, 4.0), (0.2, 0.5, 0.3)),
    ],
    ids=lambda margin: type(margin).__name__,
)
def test_the_drawn_mean_and_sd_are_the_table_s(margin):
    values = margin.quantile(U)
    assert values.mean() == pytest.approx(margin.mean, rel=1e-4)
    assert values.std() == pytest.approx(margin.sd, rel=1e-3)


def test_a_bounded_margin_stays_inside_its_bounds():
    values = bounded_normal(50.0, 16.0, 15.0, 90.0).quantile(np.array([1e-15, 0.5, 1.0 - 1e-15]))
    assert values[0] >= 15.0
    assert values[-1] <= 90.0


@settings(max_examples=200, deadline=None)
@given(st.floats(0.0, 100.0), st.floats(0.5, 40.0))
def test_a_bounded_margin_is_exact_or_refused(mean, sd):
    try:
        margin = bounded_normal(mean, sd, 0.0, 100.0)
    except ValueError as error:
        assert "truncated normal" in str(error)  # noqa: PT017  either outcome is right, depending on the numbers
        return
    values = margin.quantile(U[::20])
    assert values.mean() == pytest.approx(mean, abs=0.05)
    assert values.std() == pytest.approx(sd, rel=0.02)


@pytest.mark.parametrize(("mean", "sd"), [(95.0, 16.0), (50.0, 30.0), (50.0, 0.0), (15.0, 1.0), (20.0, 6.0)])
def test_impossible_moments_are_refused(mean, sd):
    with pytest.raises(ValueError, match="no truncated normal"):
        bounded_normal(mean, sd, 15.0, 90.0)


def test_a_mixture_has_mean_zero_variance_one_and_uniform_ranks():
    found = mixture((0.25, 0.3, 0.2, 0.25), {1: 1.3, 3: -0.7})
    shares, shifts = np.array(found.shares), np.array(found.shifts)
    assert shares @ shifts == pytest.approx(0.0)
    assert shares @ shifts**2 + found.within**2 == pytest.approx(1.0)
    rng = np.random.default_rng(1)
    member = rng.choice(4, p=shares, size=100_000)
    ranks = found.share_below(found.score(member, rng.standard_normal(100_000)))
    # Kolmogorov-Smirnov at 1.63/sqrt(n): a 1 % test with a fixed seed.
    assert np.abs(np.sort(ranks) - (np.arange(100_000) + 0.5) / 100_000).max() < 1.63 / np.sqrt(100_000)


def test_a_mixture_in_which_every_class_is_named_is_centred():
    found = mixture((0.5, 0.5), {0: 1.0, 1: 0.4})
    assert found.shifts == pytest.approx((0.3, -0.3))


def test_classes_cannot_differ_by_more_than_the_margin_s_spread():
    with pytest.raises(ValueError, match="variance of the margin"):
        mixture((0.5, 0.5), {0: 1.2})


def test_an_extreme_score_keeps_a_finite_rank():
    ranks = mixture((1.0,), {}).share_below(np.array([-40.0, 40.0]))
    assert 0.0 < ranks[0] < ranks[1] < 1.0
