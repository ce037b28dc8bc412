"""Adverse events per injection, and the probability that a treatment costs cartilage."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.core.streams import stream
from exojoint.treatments.treatment import AdverseEvent, load_treatment
from exojoint.trial.adverse_events import Modifier, adverse_events, known_modifiers
from exojoint.trial.conduct import simulate_trials
from exojoint.trial.safety import harm_margin, structural_harm

SIZES = {"ev": 100, "saline": 100}
DAYS = {"ev": (0.0, 28.0, 56.0), "saline": (0.0, 28.0, 56.0)}


def risk(probability: float, *, per: str = "injection", name: str = "flare") -> AdverseEvent:
    return AdverseEvent(name, probability, 0.0, 1.0, per, "assumed", ("assumed",), "")


def batch_of(knee, n_trials=40):
    return simulate_trials(knee.design, knee.latent(), knee.rescue, stream(1), n_trials, SIZES, 3)


def rate(table, arm="ev") -> float:
    mine = table.filter(arm=arm)
    return mine["n_events"].sum() / mine["n_injections"].sum()


def test_events_happen_with_their_probability_per_injection_given(fake_knee):
    table = adverse_events(batch_of(fake_knee({"ev": 5.0})), {"ev": (risk(0.1),)}, DAYS, {}, stream(2))
    ev = table.filter(arm="ev", event="flare")
    assert rate(table) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / ev["n_injections"].sum()))
    assert rate(table, "saline") == 0.0
    assert (ev["n_patients"] <= ev["n_events"]).all()


def test_an_event_per_course_happens_once_at_most(fake_knee):
    table = adverse_events(batch_of(fake_knee({"ev": 5.0})), {"ev": (risk(0.5, per="course"),)}, DAYS, {}, stream(2))
    ev = table.filter(arm="ev")
    assert ev["n_events"].to_list() == ev["n_patients"].to_list()
    assert ev["n_events"].sum() / ev["n"].sum() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(ev["n"].sum()))


def test_injections_after_leaving_are_not_given(fake_knee):
    knee = fake_knee({"ev": 5.0})
    batch = batch_of(knee)
    table = adverse_events(batch, {"ev": (risk(0.1),)}, DAYS, {}, stream(2))
    inside = batch.roster.arm == 0
    leaves = np.append(knee.design.days, np.inf)[batch.course.left]
    expected = sum((inside & (leaves > day)).sum() for day in DAYS["ev"])
    assert table.filter(arm="ev")["n_injections"].sum() == expected < 3 * inside.sum()


def test_a_modifier_multiplies_the_odds(fake_knee):
    batch, modifier = batch_of(fake_knee({"ev": 5.0}), 200), Modifier("flare", "bmi", 25.0, 2.3)
    light, heavy = (
        rate(adverse_events(batch, {"ev": (risk(0.1),)}, DAYS, {"bmi": np.full(200, bmi)}, stream(2), (modifier,)))
        for bmi in (22.0, 31.0)
    )
    assert light == pytest.approx(0.1, abs=0.01)
    assert heavy / (1.0 - heavy) == pytest.approx(2.3 / 9.0, rel=0.08)


def test_infections_of_the_treatments_files_are_modified_by_weight(fake_knee):
    names = {event.name for name in ("exosome", "saline") for event in load_treatment(name).adverse_events}
    assert {modifier.event for modifier in known_modifiers()} <= names
    knee = fake_knee({"ev": 5.0})
    risks = {"ev": load_treatment("exosome").adverse_events, "saline": load_treatment("saline").adverse_events}
    table = adverse_events(batch_of(knee), risks, DAYS, {"bmi": knee.bmi}, stream(2))
    assert set(table["event"]) == names
    assert table.height == 40 * 2 * len(names)


def test_no_risks_make_an_empty_table(fake_knee):
    table = adverse_events(batch_of(fake_knee({"ev": 5.0}), 2), {}, DAYS, {}, stream(2))
    assert table.height == 0
    assert "n_events" in table.columns


def test_a_certain_event_happens_at_every_injection(fake_knee):
    table = adverse_events(batch_of(fake_knee({"ev": 5.0}), 2), {"ev": (risk(1.0),)}, DAYS, {}, stream(2))
    assert rate(table) == 1.0


def test_a_missing_covariate_is_named(fake_knee):
    modifier = Modifier("flare", "bmmi", 25.0, 2.0)
    with pytest.raises(InputError, match="bmmi"):
        adverse_events(batch_of(fake_knee({"ev": 5.0}), 1), {"ev": (risk(0.1),)}, DAYS, {}, stream(2), (modifier,))


def test_harm_is_extra_loss_beyond_the_margin():
    margin = harm_margin()
    assert margin.unit == "mm"
    assert margin.source == ("T1-016", "T4-020")
    differences = np.array([0.1, 0.0, -margin.value + 1e-9, -margin.value - 1e-9, -0.2, np.nan])
    harm = structural_harm(differences)
    assert harm.value == pytest.approx(2 / 5)
    assert (harm.n, harm.n_missing, harm.margin) == (5, 1, margin.value)
    assert structural_harm(differences, margin=0.5).value == 0.0
    assert structural_harm(differences, margin=0.5).mc_error > 0.0


def test_harm_of_no_draws_is_unknown():
    harm = structural_harm([np.nan])
    assert np.isnan(harm.value)
    assert harm.n == 0
