"""Two shares: published examples, statsmodels, symmetry, and the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import xlogy

from exojoint.trial.analysis.proportions import (
    Interval,
    miettinen_nurminen,
    newcombe,
    nnt_interval,
    odds_ratio,
    odds_ratio_interval,
    score_test,
    wilson,
)


@st.composite
def tables(draw):
    n, n0 = draw(st.integers(1, 200)), draw(st.integers(1, 200))
    return draw(st.integers(0, n)), n, draw(st.integers(0, n0)), n0


def test_newcombes_own_example():
    """56 of 70 against 48 of 80 (Newcombe 1998, table II, example a): methods 10 and 6."""
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=6e-5)
    assert miettinen_nurminen(56, 70, 48, 80) == pytest.approx((0.0528, 0.3382), abs=6e-5)


TABLES = [(56, 70, 48, 80), (9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (7, 34, 1, 34)]


@pytest.mark.parametrize("table", TABLES)
def test_newcombes_interval_is_that_of_statsmodels(table):
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    wanted = proportion.confint_proportions_2indep(*table, method="newcomb", compare="diff")
    np.testing.assert_allclose(newcombe(*table), wanted, atol=1e-8)


@pytest.mark.parametrize("table", TABLES)
def test_the_score_interval_ends_where_the_score_test_by_brute_force_rejects(table):
    """The share under control is found by searching the likelihood, not by the formula for its root."""
    x, n, x0, n0 = table

    def score(delta):
        lowest, highest = max(0.0, -delta), min(1.0, 1.0 - delta)

        def against(share):
            logs = (
                xlogy(x, share + delta),
                xlogy(n - x, 1 - share - delta),
                xlogy(x0, share),
                xlogy(n0 - x0, 1 - share),
            )
            return -sum(logs)

        share = minimize_scalar(against, bounds=(lowest, highest), method="bounded", options={"xatol": 1e-11}).x
        p = share + delta
        variance = (p * (1 - p) / n + share * (1 - share) / n0) * (n + n0) / (n + n0 - 1)
        return (x / n - x0 / n0 - delta) / np.sqrt(variance)

    lo, hi = miettinen_nurminen(*table)
    assert score(float(lo)) == pytest.approx(stats.norm.ppf(0.975), abs=1e-3)
    assert score(float(hi)) == pytest.approx(-stats.norm.ppf(0.975), abs=1e-3)


@given(tables())
def test_intervals_contain_the_difference_and_stay_in_range(table):
    x, n, x0, n0 = table
    for interval in (newcombe, miettinen_nurminen):
        lo, hi = interval(*table)
        assert -1.0 - 1e-12 <= lo <= x / n - x0 / n0 + 1e-12
        assert x / n - x0 / n0 - 1e-12 <= hi <= 1.0 + 1e-12


@given(tables())
def test_intervals_turn_round_with_the_arms(table):
    x, n, x0, n0 = table
    for interval in (newcombe, miettinen_nurminen):
        lo, hi = interval(x, n, x0, n0)
        assert interval(x0, n0, x, n) == pytest.approx((-hi, -lo), abs=1e-9)
        assert interval(n - x, n, n0 - x0, n0) == pytest.approx((-hi, -lo), abs=1e-9)


@given(tables())
def test_the_score_test_rejects_where_its_interval_leaves_out_zero(table):
    p = float(score_test(*table))
    lo, hi = miettinen_nurminen(*table, level=0.95)
    if abs(p - 0.05) > 1e-6:
        assert (p < 0.05) == (lo > 0 or hi < 0)


def test_the_score_test_is_pearsons_chi_square_up_to_its_sample_size():
    table = np.array([[56, 14], [48, 32]])
    chi_square = stats.chi2_contingency(table, correction=False).statistic * 149 / 150
    assert score_test(56, 70, 48, 80) == pytest.approx(stats.chi2.sf(chi_square, 1), rel=1e-10)


def test_wilsons_interval_is_scipys():
    wanted = stats.binomtest(7, 20).proportion_ci(method="wilson")
    assert wilson(7, 20) == pytest.approx((wanted.low, wanted.high), rel=1e-10)


def test_the_odds_ratio_and_woolfs_interval():
    """Closed form: log odds ratio plus or minus z times the root of the summed reciprocals."""
    assert odds_ratio(56, 70, 48, 80) == pytest.approx(56 * 32 / (14 * 48))
    half = stats.norm.ppf(0.975) * np.sqrt(1 / 56 + 1 / 14 + 1 / 48 + 1 / 32)
    wanted = np.exp(np.log(56 * 32 / (14 * 48)) + np.array([-half, half]))
    assert odds_ratio_interval(56, 70, 48, 80) == pytest.approx(tuple(wanted), rel=1e-12)


def test_an_empty_cell_leaves_the_odds_ratio_infinite_but_its_interval_finite():
    assert odds_ratio(10, 10, 5, 10) == np.inf
    assert odds_ratio(0, 10, 5, 10) == 0.0
    assert np.isnan(odds_ratio(0, 10, 0, 10))
    lo, hi = odds_ratio_interval(10, 10, 5, 10)
    assert 0 < lo < hi < np.inf


def test_everybody_or_nobody_responding_is_no_difference():
    for x in (0, 10):
        assert score_test(x, 10, x, 10) == 1.0
        lo, hi = miettinen_nurminen(x, 10, x, 10)
        assert lo == pytest.approx(-hi)
        assert hi < 0.4


def test_no_patients_give_nan():
    for interval in (newcombe, miettinen_nurminen, odds_ratio_interval):
        assert np.isnan(interval(0, 0, 3, 10)).all()
    assert np.isnan(score_test(0, 0, 3, 10))


def test_arrays_of_tables_are_answered_one_by_one():
    x, x0 = np.array([[3, 5], [7, 9]]), np.array([[2], [4]])
    for interval in (newcombe, miettinen_nurminen, odds_ratio_interval):
        lo, _ = interval(x, 10, x0, 10)
        assert lo.shape == (2, 2)
        assert lo[1, 0] == pytest.approx(interval(7, 10, 4, 10)[0], abs=1e-12)


def test_a_number_needed_to_treat_runs_through_infinity_where_harm_is_possible():
    clear = nnt_interval(Interval(np.array(0.1), np.array(0.25)))
    assert (clear.lo, clear.hi, clear.through_infinity) == (4.0, 10.0, False)
    open_ = nnt_interval(Interval(np.array(-0.05), np.array(0.25)))
    assert (open_.lo, open_.hi, open_.through_infinity) == (-20.0, 4.0, True)
    harm = nnt_interval(Interval(np.array(-0.25), np.array(-0.1)))
    assert (harm.lo, harm.hi, harm.through_infinity) == (-10.0, -4.0, False)
