"""Criteria files: what a decision is judged by, and one clear message per wrong key."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from exojoint.core.errors import InputError
from exojoint.decision.criteria import (
    EffectCriterion,
    PerformanceCriterion,
    list_criteria,
    load_criteria,
    read_criteria,
)
from exojoint.trial.design_file import load_design

DEFAULT = (files("exojoint.decision") / "criteria" / "phase2_default.toml").read_text(encoding="utf-8")
MEASURE = """
[[criteria]]
name = "the trial is likely to be won"
side = "go"
measure = "assurance"
endpoint = "womac_pain"
day = "26 week"
probability = "at least"
threshold = { value = "50 percent", grade = "assumed", source = ["assumed"], note = "an even chance" }
"""


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path, *changes):
    text = DEFAULT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    with pytest.raises(InputError) as caught:
        read_criteria(written(tmp_path, text))
    return [str(problem) for problem in caught.value.problems]


def test_the_default_asks_for_five_points_at_week_26_and_no_harm_at_two_years():
    criteria = load_criteria("phase2_default")
    go = [item for item in criteria.criteria if item.side == "go"]
    assert [(item.endpoint, item.day, item.margin.value) for item in go] == [
        ("womac_pain", 182.0, -5.0),
        ("thickness_mftc", 728.0, -0.058),
    ]
    assert criteria.needs == (("womac_pain", 182.0), ("thickness_mftc", 728.0))


def test_the_default_asks_only_for_what_the_two_year_design_measures():
    design = load_design("parallel_2y")
    for endpoint, day in load_criteria("phase2_default").needs:
        assert day in design.plan(endpoint).days


def test_the_between_arm_margin_and_the_within_patient_mcid_are_two_numbers():
    criteria = load_criteria("phase2_default")
    pain = next(item for item in criteria.criteria if isinstance(item, EffectCriterion))
    assert abs(pain.margin.value) == 5.0
    assert criteria.mcid_within_patient.value == 10.0


def test_structural_harm_is_half_of_a_year_s_loss_under_placebo(shared):
    with (shared / "literature" / "oa_facts.csv").open(encoding="utf-8") as lines:
        loss = next(float(row["value"]) for row in csv.DictReader(lines) if row["id"] == "T1-016")
    harm = [item for item in load_criteria("phase2_default").criteria if item.endpoint == "thickness_mftc"]
    assert {item.margin.value for item in harm} == {loss / 2.0}


def test_every_number_has_a_source_that_was_collected(shared):
    known = {"assumed"}
    for table in (shared / "literature").glob("*_facts.csv"):
        with table.open(encoding="utf-8") as lines:
            known |= {row["id"] for row in csv.DictReader(lines)}
    for name in list_criteria():
        criteria = load_criteria(name)
        quantities = [criteria.near, criteria.mcid_within_patient, *(item.threshold for item in criteria.criteria)]
        quantities += [item.margin for item in criteria.criteria if isinstance(item, EffectCriterion)]
        for quantity in quantities:
            assert quantity.source
            assert set(quantity.source) <= known
            assert quantity.note


def test_a_criterion_reads_as_one_sentence():
    text = load_criteria("phase2_default").criteria[0].text("exosome", "saline")
    assert text == (
        "go: worthwhile pain relief is likely: P(true womac_pain of exosome minus saline at day 182 <= -5 point) >= 0.6"
    )


def test_a_criterion_may_ask_for_an_operating_characteristic(tmp_path):
    criteria = read_criteria(written(tmp_path, DEFAULT + MEASURE))
    item = criteria.criteria[-1]
    assert isinstance(item, PerformanceCriterion)
    assert item.text() == "go: the trial is likely to be won: assurance of womac_pain at day 182 >= 0.5"
    assert len(criteria.needs) == 2


def test_unknown_criteria_get_a_suggestion():
    with pytest.raises(InputError, match='Did you mean "phase2_default"'):
        load_criteria("phase2_defalt")


def test_all_wrong_keys_are_told_at_once(tmp_path):
    found = problems(
        tmp_path,
        ('side = "go"', 'side = "gone"'),
        ('day = "26 week"', 'day = "26"'),
        ('difference = "at most"', 'diference = "at most"'),
        ('threshold = { value = "60 percent"', 'threshold = { value = "160 percent"'),
        ('margin = { value = "-0.058 mm", grade = "derived"', 'margin = { value = "-0.058 mmm", grade = "derived"'),
    )
    joined = "\n".join(found)
    for expected in (
        "'gone' is unknown",
        "has no unit",
        "`diference`: unknown key",
        "`difference`: is missing",
        "160",
        "mmm",
    ):
        assert expected in joined.replace("1.6", "160"), expected
    assert all("mine.toml [[criteria]]" in text for text in found)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("schema = 1", "schema = 2"), "`schema`: 2 is unknown"),
        (('name = "phase2_default"', 'title = "x"'), "`title`: unknown key"),
        (('day = "26 week"', 'day = "-3 day"'), "out of range"),
        (('near = { value = "2"', 'near = { value = "-2"'), "out of range"),
        (('margin = { value = "-5 point"', "margin = { value = -5"), "is not a text with a unit"),
    ],
)
def test_a_wrong_key_names_file_key_and_cure(tmp_path, change, expected):
    assert any(expected in text and "mine.toml" in text for text in problems(tmp_path, change))


def test_a_file_without_criteria_is_refused(tmp_path):
    text = DEFAULT[: DEFAULT.index("[[criteria]]")]
    with pytest.raises(InputError, match="no criteria"):
        read_criteria(written(tmp_path, text))


def test_criteria_for_one_side_only_cannot_decide(tmp_path):
    text = DEFAULT.replace('side = "no-go"', 'side = "go"')
    with pytest.raises(InputError, match="no criterion for 'no-go'"):
        read_criteria(written(tmp_path, text))
