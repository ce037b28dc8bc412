"""Operating characteristics from analysed trials whose answers are known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from exojoint.core.errors import InputError
from exojoint.trial.design_file import load_design
from exojoint.trial.performance import performance, share_error

DESIGN = load_design("parallel_2y")


def table(p, estimate=-5.0, draw=0, *, endpoint="womac_pain", truth=-5.0, converged=True, se=1.0) -> pl.DataFrame:
    p = np.atleast_1d(np.asarray(p, dtype=float))
    n = len(p)
    estimate = np.broadcast_to(np.asarray(estimate, dtype=float), n)
    return pl.DataFrame(
        {
            "draw": np.broadcast_to(draw, n),
            "trial": np.arange(n),
            "arm": ["ev"] * n,
            "endpoint": [endpoint] * n,
            "day": np.full(n, 182.0),
            "estimate": estimate,
            "se": np.full(n, se),
            "p": p,
            "lo": estimate - 1.96 * se,
            "hi": estimate + 1.96 * se,
            "converged": np.broadcast_to(converged, n),
            "true_difference": np.full(n, truth),
        }
    )


def test_assurance_is_the_mean_power_and_its_error_counts_draws():
    rows = pl.concat([table([0.01] * won + [0.5] * (10 - won), draw=k) for k, won in enumerate((2, 6, 10))])
    result = performance(DESIGN, rows)
    assurance = result.get("assurance", "ev", "womac_pain", 182)
    assert assurance.value == pytest.approx(0.6)
    assert assurance.n == 3
    assert assurance.mc_error == pytest.approx(0.4 / np.sqrt(3))
    assert result.get("power", "ev", "womac_pain", 182).value == pytest.approx(0.6)
    assert result.powers["power"].to_list() == pytest.approx([0.2, 0.6, 1.0])


def test_a_rejection_in_the_wrong_direction_is_an_error_and_not_a_win():
    rows = table([0.01, 0.01], estimate=[5.0, -5.0])
    result = performance(DESIGN, rows, null_rows=rows)
    assert result.get("assurance", "ev", "womac_pain", 182).value == 0.5
    assert result.get("type1", "ev", "womac_pain", 182).value == 1.0


def test_more_cartilage_is_a_win():
    result = performance(DESIGN, table([0.01, 0.01], estimate=[0.1, -0.1], endpoint="thickness_mftc", truth=0.1))
    assert result.get("assurance", "ev", "thickness_mftc", 182).value == 0.5


def test_a_trial_without_convergence_is_not_won_and_is_counted():
    rows = pl.concat([table([0.01] * 3), table([np.nan], converged=False), table([0.01], converged=False)])
    result = performance(DESIGN, rows, null_rows=rows)
    assert result.get("assurance", "ev", "womac_pain", 182).value == pytest.approx(0.6)
    assert result.get("not_converged", "ev", "womac_pain", 182).value == pytest.approx(0.4)
    assert result.get("type1", "ev", "womac_pain", 182).n == 5
    assert result.get("not_converged_null", "ev", "womac_pain", 182).value == pytest.approx(0.4)


def test_bias_coverage_and_standard_errors_of_an_honest_estimator():
    rng = np.random.default_rng(1)
    rows = pl.concat([table(np.full(200, 0.5), estimate=rng.normal(-5.0 + 0.3, 1.0, 200), draw=k) for k in range(40)])
    result = performance(DESIGN, rows)
    bias = result.get("bias", "ev", "womac_pain", 182)
    assert bias.n == 40
    assert bias.value == pytest.approx(0.3, abs=4 * bias.mc_error)
    assert bias.mc_error == pytest.approx(1.0 / np.sqrt(8000), rel=0.4)
    assert result.get("se_ratio", "ev", "womac_pain", 182).value == pytest.approx(1.0, abs=0.04)
    assert 0.92 < result.get("coverage", "ev", "womac_pain", 182).value < 0.95


def test_rows_without_a_truth_have_no_bias():
    result = performance(DESIGN, table([0.01, 0.2], truth=np.nan))
    assert "bias" not in result.table["measure"].to_list()
    assert result.get("assurance", "ev", "womac_pain", 182).value == 0.5


def test_one_draw_counts_trials_for_the_error_of_bias():
    rows = table([0.5] * 4, estimate=[-4.0, -6.0, -4.0, -6.0])
    bias = performance(DESIGN, rows).get("bias", "ev", "womac_pain", 182)
    assert (bias.value, bias.n) == (0.0, 4)


def test_dropout_and_rescue_are_shares_of_participants():
    counts = pl.DataFrame(
        {
            "draw": [0, 1],
            "trial": [0, 0],
            "arm": ["ev", "ev"],
            "n": [100, 100],
            "left": [10, 20],
            "rescued": [30, 30],
            "rescue_failed": [0, 0],
        }
    )
    result = performance(DESIGN, table([0.5]), counts=counts)
    assert result.get("dropout", "ev").value == pytest.approx(0.15)
    assert result.get("rescue", "ev").value == pytest.approx(0.30)
    assert result.get("dropout", "ev").n == 200


def test_a_measure_that_was_not_computed_is_refused():
    with pytest.raises(InputError, match="type1"):
        performance(DESIGN, table([0.5])).get("type1", "ev", "womac_pain", 182)


def test_a_table_without_a_column_is_refused():
    with pytest.raises(InputError, match="no column draw"):
        performance(DESIGN, table([0.5]).drop("draw"))


def test_a_share_of_none_still_has_an_error():
    assert share_error(0, 64) == pytest.approx(0.0107, abs=0.001)
    assert share_error(500, 1000) == pytest.approx(np.sqrt(0.25 / 1000), rel=0.01)
