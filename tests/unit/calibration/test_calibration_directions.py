"""What an unknown does to the readouts it is there for: more of it, more of that."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from exojoint.calibration.predict import predict
from exojoint.calibration.protocol_file import load_protocols
from exojoint.calibration.unknowns import unknowns

UP = (
    ("sd_reading_mftc", "C07", 1),
    ("rel_spread_collagen_loss", "C07", 1),
    ("rel_spread_collagen_loss", "C06a", -1),
    ("sd_reading_tftj", "C08", 1),
    ("k_replacement", "C25", 1),
    ("rel_collagen_wear", "C06b", -1),
)  # unknown, readout of the population, direction


@pytest.fixture(scope="module")
def moved():
    """The population as the tables have it, then with one unknown after the other 1.5 SDs up."""
    population = next(item for item in load_protocols() if item.name == "population_two_years")
    small = dataclasses.replace(population, people=dataclasses.replace(population.people, patients=80))
    known = unknowns([small])
    scores = np.zeros((1 + len(UP), len(known.names)))
    for row, (name, _, _) in enumerate(UP, start=1):
        scores[row, known.names.index(name)] = 1.5
    return predict([small], known, scores)


@pytest.mark.parametrize("row", range(len(UP)))
def test_an_unknown_moves_its_readout_in_its_direction(moved, row):
    _, readout, sign = UP[row]
    values = moved.column(readout)
    assert sign * (values[row + 1] - values[0]) > 0


def test_error_of_reading_leaves_what_is_true_of_knees(moved):
    true = moved.column("C06b")
    assert true[1] == true[0]


def test_classes_of_progression_are_in_order(moved):
    fast, middle, slow = (moved.column(name) for name in ("C06a", "C06b", "C06c"))
    assert np.all(fast < middle)
    assert np.all(middle < slow)
