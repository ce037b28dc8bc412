"""Endpoints: scales, errors of reading, and where their numbers come from."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.trial.catalogue import endpoint_rows, list_endpoints, load_endpoint
from exojoint.trial.instrument import LogError, OddsOfPain, ScoreError

N = 20_000


def readings(name: str, level: float, days: tuple[float, ...], seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (N, len(days))
    return load_endpoint(name).observe(
        np.full(shape, level), days, rng.standard_normal(shape), rng.standard_normal(shape)
    )


@pytest.mark.parametrize("name", list_endpoints())
def test_every_endpoint_reads_inside_its_range_and_cites_its_rows(name):
    endpoint = load_endpoint(name)
    rng = np.random.default_rng(0)
    extreme = rng.uniform(-50.0, 400.0, (200, 3))
    values = endpoint.observe(
        np.maximum(extreme, 1e-6), (0.0, 7.0, 28.0), rng.standard_normal((200, 3)), rng.standard_normal((200, 3))
    )
    assert values.min() >= endpoint.instrument.lower
    assert values.max() <= endpoint.instrument.upper
    assert endpoint.name == name
    assert endpoint.rows
    assert all(row.source for row in endpoint.rows)


def test_every_row_of_the_table_belongs_to_an_endpoint():
    used = {row.name for name in list_endpoints() for row in load_endpoint(name).rows}
    assert used == set(endpoint_rows())


def test_unknown_endpoint_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match='Did you mean "womac_pain"'):
        load_endpoint("womac_pian")


def test_womac_pain_spells_correlate_by_half_over_four_weeks_and_decay_with_time():
    error = load_endpoint("womac_pain").error
    assert isinstance(error, ScoreError)
    path = error.spells((0.0, 28.0, 56.0, 238.0), np.random.default_rng(2).standard_normal((N, 4)))
    correlation = np.corrcoef(path, rowvar=False)
    tolerance = 4.0 / np.sqrt(N)
    assert correlation[0, 1] == pytest.approx(0.5, abs=tolerance)
    assert correlation[0, 2] == pytest.approx(0.25, abs=tolerance)
    assert correlation[2, 3] == pytest.approx(0.5**6.5, abs=tolerance)
    assert path.std(axis=0) == pytest.approx(np.ones(4), abs=tolerance)


def test_womac_pain_readings_have_the_spread_of_spell_error_and_grid():
    values = readings("womac_pain", 50.0, (0.0, 28.0))
    grid_variance = 2.0**2 / 12.0
    assert values.std() == pytest.approx(np.sqrt(9.0**2 + 6.0**2 + grid_variance), rel=0.02)
    assert np.all(values % 2.0 == 0.0)
    assert values.mean() == pytest.approx(50.0, abs=0.3)


def test_a_bad_spell_raises_womac_and_lowers_koos():
    days, shape = (0.0,), (1, 1)
    spell, quiet = np.full(shape, 2.0), np.zeros(shape)
    womac = load_endpoint("womac_pain").observe(np.full(shape, 50.0), days, spell, quiet)
    koos = load_endpoint("koos_pain").observe(np.full(shape, 50.0), days, spell, quiet)
    assert womac[0, 0] == 68.0
    assert koos[0, 0] == pytest.approx(32.0, abs=2.8 / 2)


def test_pain_is_clipped_only_where_it_is_written_down():
    assert readings("womac_pain", 2.0, (0.0,)).min() == 0.0
    error = load_endpoint("womac_pain").error
    assert error.read(np.array([[2.0]]), (0.0,), np.array([[-3.0]]), np.zeros((1, 1)))[0, 0] < 0.0


def test_two_plates_make_the_error_of_cmftc():
    values = readings("thickness_mftc", 3.4, (0.0,))
    assert values.std() == pytest.approx(0.055 * np.sqrt(2.0), rel=0.03)


def test_an_assay_reports_its_limit_where_it_sees_less():
    endpoint = load_endpoint("sf_il1b")
    assert isinstance(endpoint.error, LogError)
    values = readings("sf_il1b", 1.0, (0.0,))
    assert values.min() == endpoint.error.limit
    assert np.mean(values == endpoint.error.limit) == pytest.approx(0.5, abs=0.02)
    above = values[values > endpoint.error.limit]
    assert np.quantile(np.log(above), 0.5) == pytest.approx(0.8 * 0.6745, rel=0.05)


def test_assays_are_compared_as_logarithms_and_scores_as_they_are():
    assert load_endpoint("sf_args").analysed(np.array([1.0, np.e])) == pytest.approx([0.0, 1.0])
    assert load_endpoint("sf_args").analysed_unit == "log ratio"
    assert load_endpoint("jsw").analysed(np.array([4.2])) == pytest.approx([4.2])


def test_function_follows_pain_on_the_odds_scale_with_its_slope():
    follows = OddsOfPain(slope=0.85, correlation=0.75)
    pain = np.array([[50.0, 25.0]])
    score = follows.path(pain, pain[:, 0], np.array([0.4]))
    log_odds = np.log(score / (100.0 - score))
    assert log_odds[0, 0] == pytest.approx(0.4)
    assert log_odds[0, 1] - log_odds[0, 0] == pytest.approx(0.85 * np.log(25.0 / 75.0))


def test_baseline_function_has_the_mean_the_spread_and_the_correlation_asked_for():
    rng = np.random.default_rng(5)
    pain = 100.0 / (1.0 + np.exp(-rng.normal(0.1, 0.7, N)))
    weights = rng.uniform(0.5, 1.5, N)
    own = OddsOfPain(slope=0.85, correlation=0.75).baseline(pain, weights, rng.standard_normal(N))
    log_odds = np.log(pain / (100.0 - pain))
    assert np.corrcoef(own, log_odds)[0, 1] == pytest.approx(0.75, abs=0.02)
    assert own.std() == pytest.approx(log_odds.std(), rel=0.03)
    assert np.average(own, weights=weights) == pytest.approx(np.average(log_odds, weights=weights), abs=0.02)


def test_scores_of_exactly_zero_or_a_hundred_stay_finite():
    path = OddsOfPain(slope=0.9, correlation=0.75).path(
        np.array([[50.0, 0.0, 100.0]]), np.array([50.0]), np.array([0.0])
    )
    assert np.all(np.isfinite(path))
    assert path[0, 1] < 1e-3 < 99.9 < path[0, 2]


def test_missing_latent_values_stay_missing():
    values = load_endpoint("womac_pain").observe(np.array([[np.nan]]), (0.0,), np.zeros((1, 1)), np.zeros((1, 1)))
    assert np.isnan(values[0, 0])
