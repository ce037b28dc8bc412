"""What we do not know, and how patients differ, read from table cells."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from exojoint.core.distributions import Distribution, parse_distribution, parse_variability
from exojoint.core.errors import InputError

WHERE = "parameters.csv row 2 `k`"
U = np.linspace(0.001, 0.999, 401)


@pytest.mark.parametrize(
    ("text", "centre", "reference"),
    [
        ("normal(2)", 3.0, stats.norm(3.0, 2.0)),
        ("lognormal(0.5)", 3.0, stats.lognorm(0.5, scale=3.0)),
        ("uniform [2, 6]", 4.0, stats.uniform(2.0, 4.0)),
        ("beta(3, 7)", 0.286, stats.beta(3, 7)),
    ],
)
def test_quantiles_are_those_of_the_named_distribution(text, centre, reference):
    np.testing.assert_allclose(parse_distribution(text, WHERE).quantile(centre, U), reference.ppf(U), rtol=1e-9)


def test_logitnormal_is_normal_on_the_logit_scale():
    drawn = parse_distribution("logitnormal(0.8)", WHERE).quantile(0.2, U)
    logits = np.log(drawn / (1 - drawn))
    np.testing.assert_allclose(logits, stats.norm(np.log(0.25), 0.8).ppf(U), rtol=1e-9)


@pytest.mark.parametrize(
    ("text", "centre"),
    [
        ("normal(2) [1, 30]", 3.0),
        ("lognormal(1) [0.01, 0.3]", 0.15),
        ("lognormal(1) [0, 100]", 3.0),
        ("logitnormal(1) [0.1, 0.25]", 0.2),
        ("logitnormal(1) [-1, 2]", 0.2),
        ("beta(3, 7) [0.1, 0.9]", 0.2862),
        ("lognormal(0.5) [0.15, 0.3]", 0.15),
    ],
)
def test_a_truncated_distribution_keeps_its_median_and_stays_inside(text, centre):
    distribution = parse_distribution(text, WHERE)
    drawn = distribution.quantile(centre, U)
    assert drawn.min() >= distribution.lower
    assert drawn.max() <= distribution.upper
    assert (np.diff(drawn) >= 0).all()
    np.testing.assert_allclose(distribution.quantile(centre, np.array(0.5)), centre, rtol=1e-3)


def test_truncation_is_the_cut_distribution_on_each_side_of_the_median():
    drawn = parse_distribution("normal(1) [-0.5, 2]", WHERE).quantile(0.0, U)
    lower = stats.truncnorm(-0.5, 0.0).ppf(2 * U[U < 0.5])
    upper = stats.truncnorm(0.0, 2.0).ppf(2 * U[U > 0.5] - 1)
    np.testing.assert_allclose(drawn[U < 0.5], lower, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(drawn[U > 0.5], upper, rtol=1e-8, atol=1e-12)


def test_wide_bounds_change_nothing():
    free = parse_distribution("normal(2)", WHERE).quantile(3.0, U)
    bounded = parse_distribution("normal(2) [-1000, 1000]", WHERE).quantile(3.0, U)
    np.testing.assert_allclose(bounded, free, rtol=1e-12)


@pytest.mark.parametrize("text", ["fixed", "covariate", "input", "lot", "switch"])
def test_a_certain_number_does_not_vary(text):
    distribution = parse_distribution(text, WHERE)
    assert not distribution.uncertain
    np.testing.assert_array_equal(distribution.quantile(3.0, U), np.full_like(U, 3.0))


def test_a_dirichlet_weight_needs_its_group():
    distribution = parse_distribution("dirichlet(redundancy_1, 30)", WHERE)
    assert (distribution.kind, distribution.group, distribution.arguments) == ("dirichlet", "redundancy_1", (30.0,))
    assert parse_distribution("dirichlet(weights)", WHERE).arguments == (50.0,)
    with pytest.raises(ValueError, match="drawn with its group"):
        distribution.quantile(0.2, U)


def test_a_uniform_without_bounds_is_a_mistake_of_the_programmer():
    with pytest.raises(ValueError, match="two bounds"):
        Distribution("uniform").quantile(0.0, U)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lognorml(0.5)", 'Did you mean "lognormal"?'),
        ("FIXED", 'Did you mean "fixed"?'),
        ("", "uncertainty '' is unknown"),
        ("normal", "has 0 numbers instead of 1"),
        ("normal(1, 2)", "has 2 numbers instead of 1"),
        ("normal(-1)", "not above 0"),
        ("normal(0)", "not above 0"),
        ("normal(x)", "has 'x' where a number belongs"),
        ("normal(nan)", "not finite"),
        ("normal(1) [2, 1]", "bounds in the wrong order"),
        ("normal(1) [a, 1]", "has 'a' where a number belongs"),
        ("normal(1) [1]", "is unknown"),
        ("uniform", "has no bounds"),
        ("fixed [0, 1]", "cannot have bounds"),
        ("dirichlet(g, 50) [0, 1]", "cannot have bounds"),
        ("dirichlet()", "names no group"),
        ("dirichlet(50)", "names no group"),
        ("dirichlet(g, 5, 5)", "has 2 numbers instead of 1"),
        ("__import__('os')", "is unknown"),
    ],
)
def test_a_wrong_uncertainty_is_named(text, message):
    with pytest.raises(InputError) as caught:
        parse_distribution(text, WHERE)
    assert message in str(caught.value)
    assert str(caught.value).startswith(WHERE)


@pytest.mark.parametrize(
    ("text", "value", "what"),
    [
        ("lognormal(1)", 0.0, "cannot be lognormal"),
        ("dirichlet(g)", -0.1, "cannot be dirichlet"),
        ("logitnormal(1)", 1.0, "cannot be logitnormal"),
        ("normal(1) [0, 1]", 2.0, "lies outside [0, 1]"),
        ("beta(3, 7)", 0.3, "is not the median"),
        ("uniform [0, 1]", 0.2, "is not the median"),
    ],
)
def test_a_value_that_does_not_fit_its_uncertainty_is_found(text, value, what):
    problem = parse_distribution(text, WHERE).problem(value)
    assert problem is not None
    assert what in problem[0]


def test_the_median_of_a_beta_row_is_suggested():
    assert parse_distribution("beta(3, 7)", WHERE).problem(0.3) == (
        "value 0.3 is not the median of its beta uncertainty",
        "value 0.2862",
    )
    assert parse_distribution("beta(3, 7)", WHERE).problem(0.286) is None


def test_patient_factors_have_mean_one_and_the_stated_variation():
    z = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    factors = parse_variability("cv(0.4)", WHERE).factor(z)
    assert factors.min() > 0
    assert factors.mean() == pytest.approx(1.0, abs=1e-3)
    assert factors.std() == pytest.approx(0.4, abs=2e-3)


def test_patients_alike_have_factor_one():
    np.testing.assert_array_equal(parse_variability("none", WHERE).factor(U), np.ones_like(U))


def test_variability_reads_group_and_covariate():
    assert parse_variability("cv(0.3, burden)", WHERE).group == "burden"
    assert parse_variability("covariate", WHERE).covariate
    assert not parse_variability("none", WHERE).covariate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is unknown"),
        ("cv", "is unknown"),
        ("cvv(0.3)", 'Did you mean "cv"?'),
        ("cv()", "has '' where a number belongs"),
        ("cv(-0.3)", "not above 0"),
        ("cv(0.3, b c)", "a group that is no name"),
        ("cv(0.3, b, c)", "is unknown"),
        ("none(1)", "is unknown"),
        ("cv(0.3) [0, 1]", "is unknown"),
    ],
)
def test_a_wrong_variability_is_named(text, message):
    with pytest.raises(InputError) as caught:
        parse_variability(text, WHERE)
    assert message in str(caught.value)


@given(st.text(alphabet="lognrmadi()[],.0123456789 cv-", max_size=40))
def test_near_cells_never_break_the_readers(text):
    with contextlib.suppress(InputError):
        parse_distribution(text, WHERE)
    with contextlib.suppress(InputError):
        parse_variability(text, WHERE)
