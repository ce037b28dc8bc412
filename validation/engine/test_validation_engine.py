# ruff: noqa: D103 - the names are sentences
"""Both comparisons in small, and what the committed tables must say."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from validation.engine import accuracy, safety

from exojoint.engine import compile_system
from exojoint.treatments.treatment import list_treatments

HERE = Path(__file__).parent
LIMITS = {("scipy LSODA", "reference"): 1e-5, ("libroadrunner", "reference"): 1e-5}
STANDARD = 1e-4


def table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="") as f:
        return list(csv.DictReader(f))


def test_every_treatment_has_a_dose_and_a_committed_comparison() -> None:
    assert {r["treatment"] for r in table("doses.csv")} == set(list_treatments())
    assert {r["treatment"] for r in table("accuracy.csv")} == set(list_treatments())


def test_the_committed_comparisons_agree() -> None:
    for row in table("accuracy.csv"):
        assert row["failed"] == "0"
        assert float(row["p99_error"]) < LIMITS.get((row["solver"], row["mode"]), STANDARD), row


def test_nobody_failed_without_a_word() -> None:
    for row in table("safety.csv"):
        assert int(row["patients"]) == 100_000
        assert row["silent_failures"] == "0"


def test_a_few_patients_agree_today() -> None:
    for case in accuracy.cases(["saline", "triamcinolone"], 3):
        exact = np.array([accuracy.by_scipy(case, k) for k in range(3)])
        standard, reference = accuracy.compare(case, "scipy LSODA", accuracy.SCIPY_RTOL, exact)
        assert float(str(standard["p99_error"])) < STANDARD
        assert float(str(reference["p99_error"])) < LIMITS["scipy LSODA", "reference"]


def test_a_thousand_wide_patients_are_safe_today() -> None:
    problem = safety.PROBLEMS["benchmark25"]()
    found = safety.follow(problem, compile_system(problem.system), 1_000, 1)
    assert found["silent_failures"] == 0
    assert found["ok"] == 1_000
