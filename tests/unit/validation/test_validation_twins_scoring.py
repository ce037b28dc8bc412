"""Scores of forecasts against closed forms and by their own definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from validation.twins.naive import ClassRow, naive_interval
from validation.twins.scoring import (
    Interval,
    coverage,
    coverage_chance,
    interval_of,
    interval_score,
    pit_spread,
    quantile,
    share_below,
)
from validation.twins.twin import Value

Z = float(norm.ppf(0.9))


def value(**names):
    own = names.pop("own", {})
    usual = {"class": "c", "class_study": "own"}
    return Value("x", "", "", 1.0, 0.0, "", 0.0, "seen", (10,), own, usual | names)


def test_the_interval_score_is_the_width_inside_and_adds_ten_times_the_distance_outside():
    interval = Interval(1.0, 2.0, 4.0)
    assert interval_score(interval, 1.0) == interval_score(interval, 4.0) == 3.0
    assert interval_score(interval, 0.5) == pytest.approx(3.0 + 10 * 0.5)
    assert interval_score(interval, 4.25) == pytest.approx(3.0 + 10 * 0.25)


def test_the_interval_score_is_proper_the_true_quantiles_score_best_on_average():
    truth = norm.ppf((np.arange(4000) + 0.5) / 4000)

    def mean_score(half):
        return np.mean([interval_score(Interval(-half, 0.0, half), x) for x in truth])

    best = mean_score(Z)
    assert best < min(mean_score(Z * factor) for factor in (0.5, 0.8, 1.25, 2.0))
    assert best == pytest.approx(2 * norm.pdf(Z) / 0.1, rel=1e-3)  # closed form of the normal


def test_samples_of_a_normal_give_its_quantiles_and_weights_move_them():
    samples = norm.ppf((np.arange(10001) + 0.5) / 10001)
    interval = interval_of(samples)
    assert (interval.lo, interval.middle, interval.hi) == pytest.approx((-Z, 0.0, Z), abs=1e-3)
    tilted = np.exp(0.5 * samples)  # shifts a normal by 0.5
    assert quantile(samples, 0.5, tilted) == pytest.approx(0.5, abs=0.01)


def test_transforms_of_an_honest_forecast_are_uniform_and_of_a_narrow_one_are_not():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=400)
    honest = np.array([share_below(rng.normal(size=300), x) for x in truth])
    narrow = np.array([share_below(0.3 * rng.normal(size=300), x) for x in truth])
    assert pit_spread(honest) == pytest.approx(1.0, abs=0.12)
    assert pit_spread(narrow) > 1.8
    assert share_below(np.array([1.0, 2.0, 2.0, 3.0]), 2.0) == 0.5


def test_coverage_counts_limits_and_its_criterion_can_be_failed_by_chance():
    assert coverage([Interval(0, 1, 2)] * 4, [0.0, 2.0, 2.1, -0.1]) == 0.5
    assert coverage_chance(1000) > 0.999
    inside = sum(math.comb(24, n) * 0.8**n * 0.2 ** (24 - n) for n in range(16, 23))  # 65 to 95 % of 24
    assert coverage_chance(24) == pytest.approx(inside)
    assert coverage_chance(24, level=0.4) < 0.02


def test_the_naive_forecast_leaves_the_trial_itself_out():
    rows = tuple(
        ClassRow("c", name, mean, 0.0, 1) for name, mean in (("own", 99.0), ("a", 1.0), ("b", 2.0), ("d", 3.0))
    )
    interval = naive_interval(value(), rows)
    assert interval.middle == 2.0
    assert interval.hi == pytest.approx(2.0 + Z * 1.0)


def test_the_naive_forecast_takes_the_largest_synthesis_and_the_value_s_scale():
    rows = (
        ClassRow("c", "small", 0.0, 9.0, 5),
        ClassRow("c", "large", -10.0, 2.0, 30),
        ClassRow("other", "x", 5, 1, 99),
    )
    interval = naive_interval(value(own={"class_scale": -0.1}), rows)
    assert interval.middle == pytest.approx(1.0)
    assert (interval.lo, interval.hi) == pytest.approx((1.0 - 0.2 * Z, 1.0 + 0.2 * Z))


def test_half_lives_are_averaged_by_their_logarithms_and_turned_into_what_is_left():
    rows = tuple(ClassRow("c", name, mean, 0.0, 1) for name, mean in (("a", 6.0), ("b", 24.0), ("d", 96.0)))
    hours = naive_interval(value(class_form="log"), rows)
    left = naive_interval(value(class_form="left_at_24h"), rows)
    assert hours.middle == pytest.approx(24.0)
    assert hours.hi == pytest.approx(24.0 * math.exp(Z * math.log(4.0)))
    assert left.middle == pytest.approx(0.5)


def test_two_studies_are_no_class():
    rows = (ClassRow("c", "a", 1.0, 0.0, 1), ClassRow("c", "b", 2.0, 0.0, 1))
    with pytest.raises(ValueError, match="fewer than 3"):
        naive_interval(value(), rows)
