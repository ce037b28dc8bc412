"""How published numbers are weighed, and which of them a prediction meets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from exojoint.calibration.likelihood import error_rows, likelihood, prototype_values
from exojoint.calibration.score import count_met, misses, result_of, results
from exojoint.evidence.targets import further_targets, load_targets


@pytest.fixture(scope="module")
def like():
    return likelihood()


@pytest.fixture
def published(like):
    return np.array([[target.value for target in like.targets]])


def test_every_target_with_a_window_has_an_error_and_no_other_has(like):
    judged = {target.id for target in (*load_targets(), *further_targets()) if target.window is not None}
    assert set(error_rows()) == set(like.ids) == judged


def test_the_density_is_the_normal_one_of_the_table(like, published):
    predicted = published * 1.1
    scaled = predicted.copy()
    scaled[:, like.log] = np.log(predicted[:, like.log])
    assert like.log_density(predicted)[0] == pytest.approx(
        multivariate_normal(like.value, like.covariance).logpdf(scaled[0])
    )


def test_published_numbers_are_the_most_likely_prediction(like, published):
    worse = np.vstack([published[0] + step for step in np.diag(np.sqrt(np.diag(like.covariance))) * 0.5])
    worse[:, like.log] = published[0, like.log] * np.exp(0.5)
    assert np.all(like.log_density(worse) < like.log_density(published)[0])


def test_numbers_of_one_study_share_their_error_and_others_do_not(like):
    rows = error_rows()
    sd = np.sqrt(np.diag(like.covariance))
    shared = like.covariance / np.outer(sd, sd)
    for i, first in enumerate(like.ids):
        for j, second in enumerate(like.ids):
            same = rows[first].study == rows[second].study
            assert shared[i, j] == pytest.approx(1.0 if i == j else 0.5 if same else 0.0), (first, second)


def test_a_recalled_number_counts_half(like):
    i = like.ids.index("C18")
    row = error_rows()["C18"]
    assert like.targets[i].recalled
    assert like.covariance[i, i] == pytest.approx(2 * (row.standard_error**2 + row.discrepancy**2))


def test_a_prediction_that_does_not_exist_is_impossible(like, published):
    none, negative = published.copy(), published.copy()
    none[0, 0] = np.nan
    negative[0, np.flatnonzero(like.log)[0]] = -1.0
    assert like.log_density(none)[0] == like.log_density(negative)[0] == -math.inf


def test_the_prototype_meets_the_results_that_the_specification_says():
    judged = results(load_targets(), prototype_values())
    assert len(judged) == 37
    assert sum(result.met for result in judged) == 24


def test_a_result_is_met_when_all_its_parts_are():
    values = {target.id: target.value for target in load_targets()}
    assert all(result.met for result in results(load_targets(), values))
    moved = next(result for result in results(load_targets(), {**values, "C06b": -30.0}) if result.id == "C06")
    assert not moved.met
    assert moved.outside == ("C06b",)
    assert result_of("C06b") == "C06"


def test_a_conflict_counts_once_when_the_spread_between_trials_covers_both():
    values = {target.id: target.value for target in load_targets()}
    between = {**values, "C13": -14.0, "C14a": -14.0, "C14b": -14.0, "C14c": -14.0, "C14d": -13.7}
    judged = results(load_targets(), between)
    assert [result.met for result in judged if result.group == "oral_placebo"] == [False, False]
    assert count_met(judged) == 36
    far = results(load_targets(), {**between, "C13": -30.0})
    assert count_met(far) == 35


def test_what_the_prototype_missed_for_a_lasting_reason_is_explained():
    assert {"C14", "C17", "C33"} <= set(misses())
