"""The table of coverages is whole, says what the README says, and comes out again."""

# ruff: noqa: D103  # names of tests are sentences
from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from validation.evidence_intervals.__main__ import rows_of, run
from validation.evidence_intervals.design import Cell, cells, simulate
from validation.evidence_intervals.methods import PRIOR, bayesian

from exojoint.evidence.bayes import bayes_pool

TABLE = Path(__file__).resolve().parent / "coverage.csv"
DEFAULT = ("LS", "REML", "knapp-hartung")


@pytest.fixture(scope="module")
def table():
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def coverage(table, variance, estimator, interval, **where):
    chosen = {"variance": variance, "estimator": estimator, "interval": interval} | where
    return np.array(
        [float(row["coverage"]) for row in table if all(row[key] == value for key, value in chosen.items())]
    )


def test_every_setting_has_every_method_with_enough_replicates(table):
    assert len(table) == len(cells()) * 34
    assert {row["replicates"] for row in table} == {"5000"}
    assert max(float(row["mc_error"]) for row in table) < 0.0075


def test_the_default_holds_its_error_rate_where_there_is_no_effect(table):
    found = coverage(table, *DEFAULT, effect="0")
    assert found.size == 24
    assert found.min() > 0.94
    assert found.max() < 0.965


def test_normal_intervals_do_not(table):
    assert coverage(table, "LS", "REML", "normal", effect="0", k="3").min() < 0.9
    assert coverage(table, "LS", "DL", "normal", effect="0", k="3").min() < 0.9


def test_averaged_variances_hold_it_everywhere(table):
    found = coverage(table, "AV", "REML", "knapp-hartung")
    assert found.size == len(cells())
    assert 0.94 < found.min() < found.max() < 0.96
    usual = coverage(table, *DEFAULT, groups="animals", effect="2", k="28")
    assert usual.max() < 0.9  # what the usual variance does to large effects in small groups


def test_a_setting_comes_out_again():
    cell = Cell("animals", 5, 0.8, 1.0)
    with TABLE.open(encoding="utf-8", newline="") as stream:
        kept = {
            (row["variance"], row["estimator"], row["interval"]): row
            for row in csv.DictReader(stream)
            if (row["groups"], row["k"], row["tau"], row["effect"]) == ("animals", "5", "0.8", "1")
        }
    for row in rows_of(cell, 600):
        old = kept[row["variance"], row["estimator"], row["interval"]]
        error = float(np.hypot(float(row["mc_error"]), float(old["mc_error"])))
        assert abs(float(row["coverage"]) - float(old["coverage"])) < 4 * error


def test_the_quick_posterior_is_the_exact_one():
    y, variances = simulate(Cell("animals", 5, 0.3, 1.0), 20)
    covered, _, error = bayesian(y, variances["LS"], 1.0)
    for i in range(20):
        exact = bayes_pool(y[i], variances["LS"][i], tau_prior=PRIOR)
        assert error[i] + 1.0 == pytest.approx(exact.mean.mean, abs=2e-3)
        assert covered[i] == exact.mean.interval().covers(1.0)


def test_an_interrupted_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("validation.evidence_intervals.__main__.cells", lambda: cells()[:2])
    path = tmp_path / "coverage.csv"
    run(path, 10)
    whole = path.read_text(encoding="utf-8")
    path.write_text("".join(whole.splitlines(keepends=True)[:35]), encoding="utf-8")  # the first setting is done
    run(path, 10)
    assert path.read_text(encoding="utf-8") == whole
