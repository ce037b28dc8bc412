"""All shipped draws predict the targets as the shipped tables and the committed page say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from exojoint.calibration.comparison import comparison
from exojoint.calibration.posterior import shipped_posterior
from exojoint.calibration.score import count_met, results
from exojoint.core.streams import stream
from exojoint.evidence.targets import load_targets
from exojoint.workflow.calibration import log_likelihoods, targets_table

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "src" / "exojoint" / "calibration" / "posterior"
SAMPLING = 0.35  # of a median or a bound, in the posterior's own SDs: unread unknowns and few draws move it by less


@pytest.fixture(scope="module")
def compared():
    """Targets and unknowns."""
    return comparison(threads=2)


@pytest.fixture(scope="module")
def predicted(compared):
    """Predictions of every shipped draw, with what was not calibrated from the prior, as a run has it."""
    posterior = shipped_posterior()
    prior = stream(1, "validation").normal(np.arange(len(posterior.z)), compared.n_axes)
    prior[:, [compared.known.names.index(name) for name in posterior.names]] = posterior.z
    return compared.predicted(prior)


def test_draws_predict_what_the_shipped_table_says(compared, predicted):
    """Medians and bounds of every target agree."""
    table = targets_table(SHIPPED)
    for k, row in enumerate(table.iter_rows(named=True)):
        assert row["id"] == compared.like.ids[k]
        low, middle, high = np.quantile(predicted[:, k], [0.05, 0.5, 0.95])
        reach = SAMPLING * predicted[:, k].std()
        assert abs(middle - row["median"]) <= reach, row["id"]
        assert abs(low - row["q05"]) <= 2 * reach, row["id"]
        assert abs(high - row["q95"]) <= 2 * reach, row["id"]


def test_no_shipped_draw_is_a_knee_that_fails(predicted):
    """Every draw gives every target."""
    assert np.isfinite(predicted).all()


def test_medians_of_the_draws_meet_at_least_thirty_results(compared, predicted):
    """Not only the mean point, also the middle of the draws."""
    middle = dict(zip(compared.like.ids, np.median(predicted, axis=0), strict=True))
    judged = results(load_targets(), middle)
    assert sum(result.met for result in judged) >= 30
    assert count_met(judged) >= 30


def test_most_intervals_reach_their_window(compared, predicted):
    """At least nine in ten 90 % intervals overlap the window of their target."""
    low, high = np.quantile(predicted, [0.05, 0.95], axis=0)
    window = pl.Series([target.window for target in compared.like.targets]).to_list()
    overlap = [a <= top and bottom <= b for a, b, (bottom, top) in zip(low, high, window, strict=True)]
    assert np.mean(overlap) >= 0.9


def test_the_posterior_fits_better_than_the_prototype_by_far():
    """Log-likelihoods: prototype, tables, posterior."""
    likely = log_likelihoods(SHIPPED)
    assert likely["prototype"] < likely["tables"] < likely["draws_median"] < likely["mode"]
    assert likely["mean_point"] - likely["prototype"] > 50


def test_the_committed_page_is_that_of_the_shipped_posterior():
    """Its table has the shipped numbers."""
    page = (HERE / "calibration.md").read_text(encoding="utf-8")
    for row in targets_table(SHIPPED).iter_rows(named=True):
        assert f"{row['median']:.3g} ({row['q05']:.3g} to {row['q95']:.3g}) | {row['mean_point']:.3g} |" in page
