"""Shares of variance: right where the answer is known, flagged where the method does not fit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojoint.core.distributions import parse_distribution, parse_variability
from exojoint.core.knowledge import knowledge_space
from exojoint.core.tables import Parameter, ParameterTable
from exojoint.decision.sensitivity import GROUP_LIMIT, group_axes, variance_shares
from exojoint.decision.sobol import grouped_sobol

SLOPES = np.array([3.0, 1.0, 2.0, 0.0, 0.0])


def draws(n, axes=5, seed=1):
    return np.random.default_rng(seed).standard_normal((n, axes))


def linear(z):
    return -5.0 + z @ SLOPES


def shares_of(space, table, headline, n=2000, **options):
    z = draws(n, space.n_axes)
    return variance_shares(space, table, headline, z, headline(z), **options)


def test_a_linear_headline_gives_squared_slopes(space, table):
    shares = shares_of(space, table, linear)
    for name, slope in zip(space.names, SLOPES, strict=True):
        assert shares.by_parameter.get(name, 0.0) == pytest.approx(slope**2 / 14.0)
    assert shares.interactions == pytest.approx(0.0, abs=1e-12)
    assert shares.fit.factor == pytest.approx(1.0)
    assert shares.flags == ()
    assert list(shares.by_parameter) == ["k_uptake", "em_effect", "k_decay"]


def test_shares_by_grade_add_up_their_parameters(space, table):
    shares = shares_of(space, table, linear)
    for grade, share in shares.by_grade.items():
        own = [value for name, value in shares.by_parameter.items() if table[name].grade == grade]
        assert share == pytest.approx(sum(own))
    assert sum(shares.by_grade.values()) + shares.interactions == pytest.approx(1.0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-3.0, 3.0), min_size=5, max_size=5), st.floats(-2.0, 2.0), st.integers(0, 1000))
def test_shares_and_interactions_always_sum_to_one_or_the_headline_is_constant(space, table, slopes, curve, seed):
    def headline(z):
        return z @ np.array(slopes) + curve * z[:, 0] * z[:, 1]

    z = draws(64, 5, seed)
    shares = variance_shares(space, table, headline, z, headline(z))
    total = sum(shares.by_parameter.values()) + shares.interactions
    assert total == pytest.approx(1.0) or not shares.fit.varies
    assert shares.interactions >= 0.0


def test_a_pure_product_is_all_interaction(space, table):
    shares = shares_of(space, table, lambda z: z[:, 0] * z[:, 1])
    assert shares.interactions == 1.0
    assert shares.by_parameter == {}


def test_half_a_product_is_half_interaction(space, table):
    shares = shares_of(space, table, lambda z: z[:, 0] + z[:, 1] * z[:, 2])
    assert abs(shares.interactions - 0.5) < 4.0 * shares.fit.explained_error
    assert abs(shares.by_parameter["k_uptake"] - 0.5) < 4.0 * shares.fit.explained_error


def test_a_curve_belongs_to_its_unknown_and_is_no_interaction(space, table):
    shares = shares_of(space, table, lambda z: z[:, 0] ** 2 + z[:, 1])
    assert shares.by_parameter["k_uptake"] == pytest.approx(2.0 / 3.0)
    assert shares.interactions == pytest.approx(0.0, abs=1e-12)
    row = shares.rows.row(0, named=True)
    assert (row["slope"], row["curve"]) == pytest.approx((0.0, np.sqrt(2.0)))


def test_the_straight_part_of_a_cubic_is_the_best_line_over_the_whole_belief(space, table):
    """The best line of z^3 under a standard normal has slope 3; its slope at the centre is 0."""
    shares = shares_of(space, table, lambda z: z[:, 0] ** 3)
    assert shares.rows["slope"][0] == pytest.approx(3.0)


def test_the_error_of_the_explained_share_matches_its_spread_over_repetitions(space, table):
    """Half product, 64 draws, 200 sets: the mean reported error is within 30 % of the SD, 2 errors hold 85 %."""

    def headline(z):
        return z[:, 0] + z[:, 1] * z[:, 2]

    fits = []
    for seed in range(200):
        z = draws(64, 5, seed)
        fits.append(variance_shares(space, table, headline, z, headline(z)).fit)
    found = np.array([fit.explained for fit in fits])
    errors = np.array([fit.explained_error for fit in fits])
    assert errors.mean() == pytest.approx(found.std(), rel=0.3)
    assert np.mean(np.abs(found - 0.5) < 2.0 * errors) >= 0.85


def test_draws_that_show_half_of_the_single_effects_are_flagged(space, table):
    z = draws(64)
    shares = variance_shares(space, table, linear, z, 0.5 * linear(z))
    assert shares.fit.factor == pytest.approx(0.5)
    assert sum(shares.by_parameter.values()) == pytest.approx(1.0)
    assert any("multiplied by 0.50" in flag for flag in shares.flags)


def test_draws_that_contradict_the_single_effects_are_all_interaction(space, table):
    z = draws(64)
    shares = variance_shares(space, table, linear, z, -linear(z))
    assert shares.interactions == 1.0
    assert any("everything is interaction" in flag for flag in shares.flags)


def test_single_effects_that_saturate_together_do_not_exceed_the_whole(space, table):
    """A bounded effect of many unknowns: the slopes at the tables' values promise more variance than there is."""

    def bounded(z):
        return -10.0 / (1.0 + np.exp(-2.0 * (z @ SLOPES)))

    z = draws(64)
    shares = variance_shares(space, table, bounded, z, bounded(z))
    assert shares.fit.single > shares.fit.variance
    assert 0.0 < shares.interactions < 1.0
    assert sum(shares.by_parameter.values()) + shares.interactions == pytest.approx(1.0)


def test_a_headline_that_never_varies_has_no_shares(space, table):
    """Two identical arms: the null scenario."""
    shares = shares_of(space, table, lambda z: np.zeros(len(z)), sobol_points=16)
    assert shares.by_parameter == {}
    assert shares.by_grade == {}
    assert shares.interactions == 0.0
    assert shares.sobol is None
    assert any("does not vary" in flag for flag in shares.flags)


def test_failed_runs_are_counted_and_bridged_from_the_other_side(space, table):
    def fragile(z):
        values = linear(z)
        values[z[:, 0] > 0.4] = np.nan
        return values

    z = draws(200)
    shares = variance_shares(space, table, fragile, z, fragile(z))
    slope = shares.rows.filter(shares.rows["parameter"] == "k_uptake")["slope"][0]
    assert slope == pytest.approx(3.0)
    assert shares.failed == 1
    assert shares.evaluations == 11
    assert shares.rows.row(0, named=True)["curve"] == 0.0
    assert any("1 of 11 runs of the differences failed; 0 unknowns" in flag for flag in shares.flags)


def test_an_unknown_without_any_slope_is_named_in_the_count(space, table):
    def broken(z):
        values = linear(z)
        values[z[:, 0] != 0.0] = np.nan
        return values

    z = draws(64)
    shares = variance_shares(space, table, broken, z, linear(z))
    assert "k_uptake" not in shares.by_parameter
    assert any("1 unknowns have no effect that could be measured" in flag for flag in shares.flags)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_too_few_draws_leave_interactions_out(space, table, n):
    z = draws(n)
    shares = variance_shares(space, table, linear, z, linear(z))
    assert sum(shares.by_parameter.values()) == pytest.approx(1.0)
    assert any("too few draws" in flag for flag in shares.flags)


def test_a_headline_of_real_parameters_uses_their_distributions(space, table):
    def headline(z):
        values = space.values(z)
        return np.log(values["k_uptake"]) - np.log(values["k_decay"]) + 10.0 * values["w_a"]

    shares = shares_of(space, table, headline)
    assert shares.by_parameter["k_uptake"] == pytest.approx(shares.by_parameter["k_decay"], rel=1e-6)
    assert shares.by_parameter["w_a"] > 0.0
    assert shares.by_parameter["w_b"] > 0.0
    assert "k_known" not in shares.rows["parameter"].to_list()


def test_the_verdict_entry_is_valid_json_with_the_contract_s_keys(space, table):
    entry = shares_of(space, table, linear, n=64, sobol_points=16).as_dict()
    text = json.loads(json.dumps(entry, allow_nan=False))
    assert {"by_grade", "by_parameter", "interactions"} <= set(text)
    assert set(text["mc_error"]) == set(text["by_parameter"])
    assert len(text["groups"]) == 4


def test_an_entry_without_draws_is_still_valid_json(space, table):
    z = draws(2)
    entry = variance_shares(space, table, linear, z, linear(z)).as_dict()
    assert json.loads(json.dumps(entry, allow_nan=False))["check"]["factor"] is None


def test_groups_join_owner_and_grade(space, table):
    groups = group_axes(space, table, SLOPES**2)
    assert groups == {
        "exosome.csv, assumed": [0],
        "joint.csv, calibrated": [2],
        "exosome.csv, in_vitro": [1],
        "joint.csv, assumed": [3, 4],
    }
    named = group_axes(space, table, SLOPES**2, {"k_uptake": "lot"})
    assert "lot, assumed" in named


def test_at_most_eight_groups_are_made_and_every_axis_is_in_one():
    fixed = (parse_distribution("lognormal(0.3)", ""), parse_variability("none", ""))
    table = ParameterTable(
        Parameter(f"k_{i}", 1.0, "1", *fixed, "assumed", "", ("assumed",), "", "", f"file_{i}.csv", i)
        for i in range(12)
    )
    space = knowledge_space(table)
    groups = group_axes(space, table, np.arange(12.0))
    assert len(groups) == GROUP_LIMIT
    assert sorted(axis for axes in groups.values() for axis in axes) == list(range(12))
    assert groups["all others"] == [0, 1, 2, 3, 4]


def mixed(z):
    """Variance 4 + 1 + 1: two lines and one product."""
    return 2.0 * z[:, 0] + z[:, 1] + z[:, 2] * z[:, 3]


GROUPS = {"a": [0], "b": [1], "c": [2], "d": [3], "inert": [4]}
FIRST = {"a": 4.0 / 6.0, "b": 1.0 / 6.0, "c": 0.0, "d": 0.0, "inert": 0.0}
TOTAL = {"a": 4.0 / 6.0, "b": 1.0 / 6.0, "c": 1.0 / 6.0, "d": 1.0 / 6.0, "inert": 0.0}


def test_sobol_indices_are_right_within_four_errors():
    check = grouped_sobol(mixed, GROUPS, draws(4000))
    for group in check.groups:
        assert abs(group.first - FIRST[group.group]) <= 4.0 * group.first_error + 1e-12
        assert abs(group.total - TOTAL[group.group]) <= 4.0 * group.total_error + 1e-12
    assert check.evaluations == 4000 * 6
    assert check.failed == 0


def test_an_inert_group_has_exactly_nothing():
    inert = grouped_sobol(mixed, GROUPS, draws(64)).groups[-1]
    assert (inert.first, inert.total) == (0.0, 0.0)


def test_sobol_errors_match_the_spread_over_repetitions():
    """The mean reported error of the dominant group's total is within 30 % of the SD over 200 sets of 64 points."""
    found = [grouped_sobol(mixed, GROUPS, draws(64, 5, seed)).groups[0] for seed in range(200)]
    spread = np.std([group.total for group in found])
    assert np.mean([group.total_error for group in found]) == pytest.approx(spread, rel=0.3)


def test_sobol_counts_failed_runs_and_uses_the_rest():
    def fragile(z):
        values = mixed(z)
        values[z[:, 4] > 1.5] = np.nan
        return values

    check = grouped_sobol(fragile, GROUPS, draws(500))
    assert check.failed > 0
    assert all(100 < group.n_used < 500 for group in check.groups)
    assert abs(check.groups[0].total - 4.0 / 6.0) < 4.0 * check.groups[0].total_error


def test_sobol_without_any_success_has_no_number():
    check = grouped_sobol(lambda z: np.full(len(z), np.nan), GROUPS, draws(8))
    assert np.isnan(check.groups[0].first)
    assert check.groups[0].n_used == 0


def test_sobol_needs_three_points():
    with pytest.raises(ValueError, match="three points"):
        grouped_sobol(mixed, GROUPS, draws(2))


def test_the_grouped_check_agrees_with_a_linear_headline(space, table):
    shares = shares_of(space, table, linear, n=256, sobol_points=256)
    assert not any("grouped check" in flag for flag in shares.flags)
    assert shares.sobol is not None


def test_the_grouped_check_flags_a_product_inside_a_group(space, table):
    shares = shares_of(space, table, lambda z: z[:, 3] * z[:, 4] + 0.1 * z[:, 2], n=256, sobol_points=256)
    assert any(flag.startswith("group 'joint.csv, assumed': share 0.00") for flag in shares.flags)


def test_failures_of_the_grouped_check_are_flagged(space, table):
    def fragile(z):
        values = linear(z)
        values[z[:, 0] > 1.0] = np.nan
        return values

    z = draws(64)
    shares = variance_shares(space, table, fragile, z, linear(z), sobol_points=64)
    assert any("runs of the grouped check failed" in flag for flag in shares.flags)
