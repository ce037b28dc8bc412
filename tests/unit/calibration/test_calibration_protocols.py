"""Experiments as data: every target has one readout, wrong files are told, predictions are what the knee does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exojoint.calibration.predict import predict
from exojoint.calibration.protocol_file import load_protocols, parse_protocol, read_protocol
from exojoint.calibration.unknowns import unknowns
from exojoint.core.errors import InputError
from exojoint.evidence.targets import further_targets, load_targets

STEROID = {
    "schema": 1,
    "title": "Steroid against saline",
    "species": "human",
    "arm": [
        {"name": "saline", "give": [{"treatment": "saline", "days": [0]}]},
        {"name": "steroid", "give": [{"treatment": "triamcinolone", "days": [0], "amount": 40, "volume_ml": 1}]},
        {"name": "painful", "subject": {"pain": 70}},
    ],
    "readout": [
        {"id": "difference", "observable": "womac_pain", "arm": "steroid", "minus": "saline", "day": 28},
        {"id": "steroid", "observable": "womac_pain", "arm": "steroid", "day": 28},
        {"id": "saline", "observable": "womac_pain", "arm": "saline", "day": 28},
        {"id": "ratio", "observable": "womac_pain", "arm": "steroid", "over": "saline", "day": 28},
        {"id": "start", "observable": "womac_pain", "arm": "painful", "day": 0},
    ],
}


def protocol(**change):
    return parse_protocol({**STEROID, **change}, "steroid", Path("steroid.toml"))


@pytest.fixture(scope="module")
def steroid():
    trial = protocol()
    known = unknowns([trial])
    scores = np.zeros((2, len(known.names)))
    scores[1, known.names.index("em_triamcinolone_mediators")] = 2.0
    return predict([trial], known, scores)


def test_every_row_of_the_targets_has_exactly_one_readout():
    found = [readout.id for item in load_protocols() for readout in item.readouts]
    assert sorted(found) == sorted(target.id for target in (*load_targets(), *further_targets()))


def test_species_and_sources_of_targets_and_readouts_agree():
    species = {readout.id: item.species for item in load_protocols() for readout in item.readouts}
    assert all(species[target.id] == target.species for target in load_targets())


def test_differences_and_ratios_are_those_of_the_arms(steroid):
    assert steroid.column("difference") == pytest.approx(steroid.column("steroid") - steroid.column("saline"))
    assert steroid.column("ratio") == pytest.approx(steroid.column("steroid") / steroid.column("saline"))


def test_a_subject_starts_with_the_pain_of_its_file(steroid):
    assert steroid.column("start") == pytest.approx([70.0, 70.0])


def test_a_stronger_steroid_relieves_more(steroid):
    assert steroid.column("difference")[1] < steroid.column("difference")[0] < -3


def test_nobody_is_lost_at_the_tables(steroid):
    assert steroid.usable.all()
    assert sum(steroid.lost.values()) == 0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"species": "ratt"}, "rat"),
        ({"readouts": []}, "readout"),
        ({"structure": "defalt"}, "default"),
        ({"arm": [{"name": "saline", "gives": []}]}, "give"),
        ({"readout": [{"id": "x", "observable": "womac_pain", "arm": "salin", "day": 1}]}, "saline"),
        ({"readout": [{"id": "x", "observable": "womac_pain", "arm": "saline", "day": 1, "value": "chang"}]}, "change"),
    ],
)
def test_a_wrong_word_is_told_with_the_right_one(change, word):
    with pytest.raises(InputError, match=word):
        protocol(**change)


def test_two_protocols_may_not_share_the_name_of_a_readout():
    trial = protocol()
    with pytest.raises(InputError, match="Rename one"):
        predict([trial, trial], unknowns([trial]), np.zeros((1, len(unknowns([trial]).names))))


def test_people_of_a_changed_table_one_differ_in_what_was_changed():
    mean = {"value": "61 point", "grade": "assumed", "source": ["assumed"]}
    population = {"name": "kl2_3_symptomatic", "patients": 60, "change": {"pain_baseline": {"mean": mean}}}
    readouts = [
        {"id": "pain", "observable": "womac_pain", "arm": "untreated", "day": 0},
        {"id": "spread", "observable": "womac_pain", "arm": "untreated", "day": 0, "summary": "sd"},
        {
            "id": "seen", "observable": "womac_pain", "arm": "untreated", "day": 0, "summary": "sd",
            "noise": ["sd_visit_pain", "sd_measurement_pain"],
        },
    ]  # fmt: skip
    trial = protocol(population=population, arm=[{"name": "untreated"}], readout=readouts)
    found = predict([trial], known := unknowns([trial]), np.zeros((1, len(known.names))))
    assert found.column("pain")[0] == pytest.approx(61, abs=0.5)
    assert found.column("seen")[0] ** 2 == pytest.approx(found.column("spread")[0] ** 2 + 9**2 + 6**2)


def test_an_animal_reads_its_own_rows_and_shares_the_rest():
    rat = next(item for item in load_protocols() if item.name == "rat_ligament")
    known = unknowns([rat])
    assert "rat__n_macrophages" in known.names
    assert "rat__rel_collagenase" not in known.names
    scores = np.zeros((3, len(known.names)))
    scores[1, known.names.index("n_macrophages")] = 2.0
    scores[2, known.names.index("rat__n_macrophages")] = 2.0
    effect = predict([rat], known, scores).column("C31")
    assert effect[0] == effect[1] != effect[2]


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_protocol(tmp_path / "none.toml")
