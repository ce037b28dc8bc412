"""The credibility of a run: rules give the levels they state, distances are told, nothing shipped is missing."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pytest

from exojoint.runs.verdict import (
    Accuracy,
    Effect,
    Interval,
    Mirna,
    Operating,
    Rate,
    Reason,
    RivalLine,
    Rivals,
    Variance,
    VerdictFile,
)
from exojoint.workflow.applicability import aspects
from exojoint.workflow.credibility import LEVELS, assess, model_risk, rules, target_lines
from exojoint.workflow.lookup import make_plan
from exojoint.workflow.twins import Near, active_treatments, near, scores, twin_domain, twin_lines, twin_results


@pytest.fixture(scope="module")
def plans(root):
    return {name: make_plan(root / "scenarios" / f"{name}.toml") for name in ("umbilical_phase2", "rat_acl")}


def verdict(*, assumed=0.7, p99=1e-6, type1=0.05):
    true = Interval(-1.7, -4.5, -0.2)
    effect = Effect(
        "e", "exosome", "saline", "womac_pain", 182.0, "point", "", true, None, None, None, 0.8, 0.4, 200, 0
    )
    shares = Variance({"assumed": assumed, "calibrated": 0.1}, {"k_imprint_off": 0.4}, 0.05)
    reason = Reason("no-go: small: P <= 0.1", 0.1, 0.0, 0.01, True)
    operating = Operating(Rate(type1, 0.006, 1280), None, None)
    return VerdictFile("x", "s", "no-go", (reason,), (effect,), operating, shares, Mirna(1.0), Accuracy(1e-7, p99, 200))


def test_the_risk_of_a_vesicle_trial_in_people_is_high_and_says_why(plans):
    found = assess(plans["umbilical_phase2"], verdict(), {"ok": 90, "not_settled": 10})
    assert found.risk.model.level == "high"
    assert "exosome" in found.risk.influence.reasons[0]
    assert "200 people" in found.risk.consequence.reasons[0]
    assert "small" in found.risk.influence.reasons[-1]
    assert "high" in found.conclusion[0]


def test_animals_are_a_smaller_consequence_than_people(plans):
    assert assess(plans["rat_acl"], verdict(), {"ok": 1}).risk.consequence.level == "low"


@pytest.mark.parametrize(("numbers", "level"), [(0, "high"), (1, "medium"), (2, "medium"), (3, "low")])
def test_influence_falls_with_numbers_that_others_published(plans, numbers, level):
    assert model_risk(plans["umbilical_phase2"], verdict(), Near((), numbers, 0)).influence.level == level


def test_the_table_of_risk_never_falls_when_influence_or_consequence_rises():
    matrix = rules()["matrix"]
    level = {(a, b): LEVELS.index(matrix[f"{a}_{b}"]) for a in LEVELS for b in LEVELS}
    for i in range(3):
        for j in range(2):
            assert level[LEVELS[i], LEVELS[j]] <= level[LEVELS[i], LEVELS[j + 1]]
            assert level[LEVELS[j], LEVELS[i]] <= level[LEVELS[j + 1], LEVELS[i]]


def test_goals_follow_the_run(plans):
    def met(**facts):
        found = assess(plans["umbilical_phase2"], verdict(**facts), {"ok": 1})
        return {goal.name: goal.met for goal in found.goals}

    names = rules()["goals"]
    assert met(assumed=0.1)[names["rests"]]
    assert not met(assumed=0.9)[names["rests"]]
    assert not met(p99=1e-2)[names["solved"]]
    assert met(type1=0.06)[names["false_positives"]]
    assert not met(type1=0.09)[names["false_positives"]]


def test_failed_knees_are_counted(plans):
    checks = assess(plans["umbilical_phase2"], verdict(), {"ok": 90, "not_settled": 10}).evidence.checks
    assert any("90 of 100" in check.found for check in checks)


def test_a_dose_beyond_the_twins_is_told_with_its_distance(plans):
    found = {aspect.name: aspect for aspect in aspects(plans["umbilical_phase2"])}
    dose = found["amount per administration, arm exosome (particle)"]
    assert not dose.inside
    assert "1.7-fold" in dose.tested
    assert found["treatment of arm exosome"].inside
    assert found["mean age (years)"].inside


def test_twins_near_a_run_give_its_treatment_to_its_species(plans):
    assert active_treatments(plans["umbilical_phase2"]) == ("exosome",)
    tested = near(plans["umbilical_phase2"])
    assert tested.names == ("bolandnazar2024",)
    assert (tested.numbers, tested.statements) == (0, 2)
    assert near(plans["rat_acl"]).names == ("forteza2024",)


def test_shipped_twins_are_whole_and_their_scores_are_those_of_the_table():
    table = twin_results()
    assert set(twin_domain()["twin"]) <= set(table["twin"])
    assert len(twin_lines(())) == table.height
    whole, *groups = scores()
    assert whole.n == sum(group.n for group in groups)
    assert whole.covered == sum(group.covered for group in groups)
    mean = sum(group.n * group.score for group in groups) / whole.n
    assert whole.score == pytest.approx(mean)
    assert all(line.why for line in twin_lines(()))


def test_every_shipped_check_names_a_test_that_exists(root):
    path = root / "src" / "exojoint" / "workflow" / "credibility_checks.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 8
    assert [row["where"] for row in rows if not Path(root / row["where"]).is_file()] == []


def test_every_target_is_listed_and_judged_where_a_calibration_is_shipped():
    lines = target_lines()
    assert len({line.id for line in lines}) == len(lines) >= 37
    for line in lines:
        assert (line.met == "not asked") == (line.model is None or line.window is None)


def test_rivals_are_told_where_a_run_weighed_them(plans):
    lines = (RivalLine("a", 0.5, "", 3, None, "learn"), RivalLine("b", 0.5, "", 3, None, "no-go"))
    rivals = Rivals("e", 0.25, 0.1, 0.4, lines)
    alone = assess(plans["umbilical_phase2"], verdict(), {"ok": 1})
    weighed = assess(plans["umbilical_phase2"], dataclasses.replace(verdict(), rivals=rivals), {"ok": 1})
    assert any("no rival explanation" in line for line in alone.uncertainty)
    assert any("2 rival explanations" in line and "25" in line for line in weighed.uncertainty)
