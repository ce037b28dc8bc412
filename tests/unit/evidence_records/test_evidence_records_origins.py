"""Facts, records and targets hang together: nothing is dropped silently, and every target says where it comes from."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from importlib.resources import files

import pytest

from exojoint.evidence.facts import load_facts
from exojoint.evidence.questions.derive import load_origins, targets
from exojoint.evidence.records.audit import facts_in_records, is_comparison, reasons
from exojoint.evidence.records.load import load_records
from exojoint.evidence.targets import load_targets

DIFFERENT = {"C17", "C21a", "C21b"}  # the specification rounds between several numbers; derivations.csv says how


def own_reasons():
    """Facts with a reason of their own, not that of their topic."""
    text = files("exojoint.evidence").joinpath("records", "not_records.csv").read_text(encoding="utf-8")
    return {row["fact"] for row in csv.DictReader(text.splitlines()) if row["fact"]}


def test_every_fact_is_a_record_or_says_why_not():
    used, told = facts_in_records(), reasons()
    assert set(used) | set(told) == set(load_facts())
    assert not set(used) & set(told)
    assert len(used) >= 77


def test_every_comparison_with_an_interval_is_a_record_or_has_its_own_reason():
    comparisons = [fact.id for fact in load_facts().values() if is_comparison(fact)]
    assert len(comparisons) >= 40
    assert [name for name in comparisons if name not in facts_in_records() and name not in own_reasons()] == []


def test_every_fact_of_the_literature_is_here(shared):
    ids = set()
    for name in ("ev_facts.csv", "oa_facts.csv", "cmc_facts.csv"):
        with (shared / "literature" / name).open(encoding="utf-8", newline="") as file:
            ids |= {row["id"] for row in csv.DictReader(file)}
    assert ids <= set(load_facts())


def test_every_study_of_the_literature_is_here(shared):
    with (shared / "literature" / "ev_clinical_trials.csv").open(encoding="utf-8", newline="") as file:
        trials = {row["trial_id"].casefold() for row in csv.DictReader(file)}
    with (shared / "literature" / "ev_preclinical_studies.csv").open(encoding="utf-8", newline="") as file:
        animals = {row["study_id"].casefold() for row in csv.DictReader(file)}
    known = {record.study.casefold() for record in load_records().values()}
    assert trials | animals <= known | {name for name in trials if any(name in study for study in known)}


def test_every_target_has_an_origin():
    found = targets()
    assert [one.target.id for one in found] == [target.id for target in load_targets()]
    kinds = {kind: sum(one.origin.kind == kind for one in found) for kind in ("question", "record", "fact")}
    assert kinds["question"] >= 9
    assert kinds["record"] >= 20


@pytest.mark.parametrize("one", targets(), ids=lambda one: one.target.id)
def test_a_target_is_its_origins_number_or_says_why_not(one):
    if one.agrees is None:
        assert one.origin.note, "a number out of words or a list says how"
        return
    assert one.agrees or (one.target.id in DIFFERENT and one.origin.note)
    assert one.inside in (True, None)
    assert not one.origin.recalled or one.target.recalled or "recalled" in one.origin.note


def test_a_new_record_moves_a_target_that_rests_on_it():
    records = dict(load_records())
    old = records["altman2016.pain_short"]
    cell = replace(old["effect"], value=-1.0)
    records[old.id] = replace(old, cells={**old.cells, "effect": cell})
    (moved,) = [one for one in targets(records) if one.target.id == "C11"]
    assert moved.value == pytest.approx(-20.0)
    assert moved.agrees is False
    assert math.isclose(moved.target.value, -13.6), "the specification's number stays what it is"


def test_origins_name_what_exists():
    assert load_origins()["C13"].name == "oral_placebo"
