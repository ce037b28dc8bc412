"""No level of the knee turns negative, whatever is drawn: the committed table, and some of its knees again."""

from __future__ import annotations

import csv

import pytest
from validation.knee.nonnegative import HERE, SPREAD, follow

TOLERATED = 1e-3  # of a level's own scale: a hundred times the relative tolerance of the solver


def table() -> list[dict[str, str]]:
    """Rows of the committed table."""
    with (HERE / "nonnegative.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_hundred_thousand_knees_stayed_above_nothing() -> None:
    """As committed."""
    every, *states = table()
    assert int(every["draws"]) >= 100_000
    assert float(every["spread"]) == SPREAD == 2.0
    assert all(float(row["lowest"]) > -TOLERATED for row in states)
    failed = int(every["draws"]) - int(every["ok"]) - int(every["not_settled"])
    assert 0 <= failed < 5e-4 * int(every["draws"]), "nearly every knee that rested was followed to the end"
    assert 0.0 < float(every["pain_low"]) < float(every["pain_high"]) < 100.0


def test_a_thousand_of_them_do_so_again() -> None:
    """In a minute."""
    every, *states = follow(1_000, threads=2)
    assert all(float(str(row["lowest"])) > -TOLERATED for row in states)
    assert int(str(every["not_settled"])) < 100
    before = {row["name"] for row in table()}
    assert {str(row["name"]) for row in states} == before - {"all"}
    assert float(str(every["lowest"])) == pytest.approx(0.0, abs=TOLERATED)
