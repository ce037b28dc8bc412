"""Diameter distributions: percentiles, coarser bins, log-normal fit, entry into cartilage."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exojoint.product.size import SizeDistribution, fit_lognormal, lognormal_size, size_factor

FINE = np.arange(0.0, 2001.0)


def test_a_uniform_distribution_has_its_textbook_percentiles():
    size = SizeDistribution(np.array([100.0, 150.0, 200.0]), np.array([0.5, 0.5]))
    assert [size.percentile(p) for p in (0, 10, 50, 75, 100)] == pytest.approx([100, 110, 150, 175, 200])
    assert size.mean == 150
    assert size.share_between(110, 120) == pytest.approx(0.1)


def test_lognormal_bins_give_back_median_and_spread():
    size = lognormal_size(130.0, 1.4, FINE)
    fit = fit_lognormal(size)
    assert (fit.median_nm, fit.gsd) == pytest.approx((130.0, 1.4), rel=1e-4)
    assert fit.largest_gap < 1e-4
    assert size.d50 == pytest.approx(130.0, abs=0.01)
    assert size.d90 / size.d50 == pytest.approx(math.exp(1.2815516 * math.log(1.4)), rel=1e-4)
    assert size.mode == pytest.approx(130 * math.exp(-(math.log(1.4) ** 2)), abs=1)


def test_two_populations_show_as_a_gap_from_the_lognormal():
    mixed = lognormal_size(80, 1.1, FINE).fraction + lognormal_size(300, 1.1, FINE).fraction
    assert fit_lognormal(SizeDistribution.from_counts(FINE, mixed)).largest_gap > 0.1


@given(
    counts=st.lists(st.floats(0, 1e12), min_size=3, max_size=40).filter(lambda c: sum(c) > 1),
    step=st.integers(1, 30),
)
def test_coarser_bins_keep_every_particle_and_their_shares_at_common_edges(counts, step):
    edges = np.arange(len(counts) + 1, dtype=float) * 10
    size = SizeDistribution.from_counts(edges, np.array(counts))
    coarse = size.rebin(np.unique(np.append(edges[::step], edges[-1])))
    assert coarse.fraction.sum() == pytest.approx(1)
    shared = np.isin(size.edges_nm, coarse.edges_nm)
    assert coarse.cumulative == pytest.approx(size.cumulative[shared], abs=1e-12)


def test_particles_outside_the_new_edges_go_to_the_outer_bins():
    size = SizeDistribution(np.array([0.0, 100.0, 200.0]), np.array([0.5, 0.5]))
    assert size.rebin(np.array([50.0, 100.0, 150.0])).fraction.tolist() == [0.5, 0.5]


def test_percentiles_rise_and_invert_the_cumulative_share():
    size = lognormal_size(130.0, 1.4, np.arange(0.0, 1001.0, 5.0))
    diameters = [size.percentile(p) for p in range(101)]
    assert np.all(np.diff(diameters) >= 0)
    assert size.share_between(0, size.percentile(37)) == pytest.approx(0.37)


@pytest.mark.parametrize(
    ("edges", "fraction"),
    [([0, 1], [0.5]), ([0, 2, 1], [0.5, 0.5]), ([0, 1, 2], [1.5, -0.5]), ([0, 1], [math.nan]), ([0], [])],
)
def test_what_is_no_distribution_is_refused(edges, fraction):
    with pytest.raises(ValueError):
        SizeDistribution(np.array(edges, dtype=float), np.array(fraction, dtype=float))


def test_no_particles_and_a_percentile_beyond_100_are_refused():
    with pytest.raises(ValueError):
        SizeDistribution.from_counts(np.array([0.0, 1.0]), np.zeros(1))
    with pytest.raises(ValueError):
        lognormal_size(130.0, 1.4, FINE).percentile(101)


def test_a_distribution_cannot_be_changed_and_travels_between_processes():
    size = lognormal_size(130.0, 1.4, FINE)
    with pytest.raises(ValueError):
        size.fraction[0] = 1
    copy = pickle.loads(pickle.dumps(size))  # noqa: S301 - our own bytes
    assert copy.d50 == size.d50


def test_entry_into_cartilage_is_one_for_free_vesicles_of_the_reference_diameter():
    narrow = SizeDistribution(np.array([119.5, 120.5]), np.ones(1))
    assert size_factor(narrow, pore_nm=1e9) == pytest.approx(1)
    assert size_factor(narrow, pore_nm=120.0) == pytest.approx(0.25)


def test_the_median_understates_the_entry_of_a_broad_lot():
    broad = lognormal_size(130.0, 1.4, np.arange(0.0, 1001.0, 5.0))
    at_median = SizeDistribution(np.array([129.5, 130.5]), np.ones(1))
    assert size_factor(broad, 60.0) > 1.5 * size_factor(at_median, 60.0)
