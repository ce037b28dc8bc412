"""Doses as registries write them, each with what it must be read as; the table is judged by hand, row by row."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exojoint.evidence.questions.doses import doses_figure, study_doses
from exojoint.evidence.records.load import load_studies
from exojoint.evidence.registry.dose import FLAGS, Dose, parse_dose
from exojoint.evidence.registry.dose_numbers import plain
from exojoint.workflow import evidence_records

with (Path(__file__).parent / "dose_strings.csv").open(encoding="utf-8", newline="") as _table:
    CASES = [(row["text"], row["doses"]) for row in csv.DictReader(_table)]


def said(dose: Dose) -> str:
    """A dose as the table writes it: readings; divided by; volume in mL; doubts."""
    readings = "/".join(f"{r.low:.6g}~{r.high:.6g} {r.unit}" for r in dose.readings)
    volume = "" if dose.volume_ml is None else f"{dose.volume_ml:g}"
    return f"{readings}; {dose.per}; {volume}; {' '.join(sorted(flag.replace(' ', '_') for flag in dose.flags))}"


def test_the_table_is_broad():
    assert len(CASES) >= 120
    assert sum(not doses for _text, doses in CASES) >= 15, "what is no dose is tried as well"


@pytest.mark.parametrize(("text", "doses"), CASES)
def test_a_dose_is_read_as_the_table_says(text, doses):
    assert " & ".join(said(dose) for dose in parse_dose(text)) == doses


def test_every_flag_of_the_table_is_explained():
    for text, _doses in CASES:
        for dose in parse_dose(text):
            assert set(dose.flags) <= set(FLAGS)
            assert len(dose.doubts()) == len(dose.flags)


@pytest.mark.parametrize(("text", "whole"), [
    ("3 mL of 1 x 10^9 particles/mL", 3e9), ("1 mg/mL, 0.5 mL", 500.0), ("2 x 10^10 EVs per ml, 4 mL", 8e10),
    ("1 x 10^10 particles in 2 mL", 1e10),
])  # fmt: skip
def test_a_concentration_with_its_volume_is_a_whole_dose(text, whole):
    (dose,) = parse_dose(text)
    assert dose.whole[0].high == pytest.approx(whole)


@pytest.mark.parametrize("text", ["1 x 10^9 particles/mL", "1 million cells/kg", "2 mL/kg", "1 x 10^6 exosomes/cell"])
def test_a_part_of_a_dose_is_no_whole_dose(text):
    assert parse_dose(text)[0].whole == ()


PIECES = st.sampled_from([
    "1", "3-5", "10^9", "x 10", "10e11", " x ", "particles", " mL", "/kg", " in ", "10 ul", "µg", ",", "1,500", " and ",
    "10¹¹", "±", "(", ")", "~", "up to ", "million ", "·", "½", "exosomes", "'", "_", "e9", "-", "–", "day ", "per ",
])  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join))
def test_pieces_of_doses_never_break_the_reader(text):
    for dose in parse_dose(text):
        assert dose.readings
        assert all(0 <= reading.low <= reading.high < float("inf") for reading in dose.readings)
        assert all(reading.high < float("inf") for reading in dose.whole)


@given(st.text(max_size=200))
def test_spelling_is_settled_once(text):
    assert isinstance(plain(text), str)


@pytest.mark.parametrize(
    "piece", ["1 ", "10^", "1,", "human ", "1-", "3 x ", "1 mL or ", "'1", "1", "(", "10e", "1 of the "]
)
def test_long_hostile_texts_end(piece):
    parse_dose(piece * (20_000 // len(piece)))


def test_the_doses_of_studies_become_particles_with_a_range():
    found = {dose.study: dose for dose in study_doses(load_studies().values())}
    registered = found["NCT05060107"]
    assert registered.particles[::2] == (3e11, 5e12), "both readings of 10e11 count"
    assert registered.particles[1] == pytest.approx(3.87e11, rel=0.01), "the likelier reading is the middle"
    mass = found["cosenza2017"]
    assert mass.unit == "ug"
    assert mass.particles[2] / mass.particles[0] > 10, "micrograms leave particles uncertain by more than ten"
    assert found["east2020_exoflo"].unit == "mL"
    assert math.isnan(found["NCT05261360"].particles[1]), "per kilogram of an unknown weight"
    assert found["zhang2018_e1myc"].origin == "recalled"
    assert doses_figure(found.values(), "Doses").alt


def test_doses_are_told_by_a_verb(write):
    said = evidence_records.doses()
    assert "recalled" in said.text()
    assert all(one["flags"] is not None for one in said.data()["doses"])
    header = "study_id,kind,outcome,verified,intervention,dose_text,species"
    sheet = write("s.csv", f"{header}\nmade-up,animal,OARSI,seen,msc_ev,2 x 10^9 EVs,rat\n")
    (one,) = evidence_records.doses(sheet).data()["doses"]
    assert (one["low"], one["median"], one["high"]) == (2e9, 2e9, 2e9)
