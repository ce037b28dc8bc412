"""Adverse events per injection, and the probability that a treatment costs cartilage."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.core.streams import stream
from exojoint.trial.adverse_events import adverse_events, read_risks
from exojoint.trial.conduct import simulate_trials
from exojoint.trial.safety import harm_margin, structural_harm

SIZES = {"ev": 100, "saline": 100}
DAYS = {"ev": (0.0, 28.0, 56.0), "saline": (0.0, 28.0, 56.0)}
FLARE = {"flare": {"probability": 0.1, "grade": "assumed", "source": "assumed"}}


def batch_of(knee, n_trials=40):
    return simulate_trials(knee.design, knee.latent(), knee.rescue, stream(1), n_trials, SIZES, 3)


def test_events_happen_with_their_probability_per_injection_given(fake_knee):
    knee = fake_knee({"ev": 5.0})
    risks = {"ev": read_risks(FLARE, "ev")}
    table = adverse_events(batch_of(knee), risks, DAYS, {}, stream(2))
    ev = table.filter(arm="ev", event="flare")
    share = ev["n_events"].sum() / ev["n_injections"].sum()
    assert share == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / ev["n_injections"].sum()))
    assert table.filter(arm="saline")["n_events"].sum() == 0
    assert (ev["n_patients"] <= ev["n_events"]).all()


def test_injections_after_leaving_are_not_given(fake_knee):
    knee = fake_knee({"ev": 5.0})
    batch = batch_of(knee)
    table = adverse_events(batch, {"ev": read_risks(FLARE, "ev")}, DAYS, {}, stream(2))
    inside = batch.roster.arm == 0
    days = np.append(knee.design.days, np.inf)[batch.course.left]
    expected = sum((inside & (days > day)).sum() for day in DAYS["ev"])
    assert table.filter(arm="ev")["n_injections"].sum() == expected < 3 * inside.sum()


def test_a_covariate_raises_the_odds(fake_knee):
    knee = fake_knee({"ev": 5.0})
    knee.bmi = np.where(np.arange(200) < 100, 22.0, 31.0)
    row = {
        "probability": 0.1,
        "grade": "human_knee",
        "source": "T4-027",
        "covariate": "bmi",
        "at_least": 25.0,
        "odds_ratio": 2.3,
    }
    batch, luck = batch_of(knee, 200), stream(2)
    heavy, light = (
        adverse_events(batch, {"ev": read_risks({"flare": row}, "ev")}, DAYS, {"bmi": np.full(200, bmi)}, luck)
        for bmi in (31.0, 22.0)
    )
    rates = [t.filter(arm="ev")["n_events"].sum() / t.filter(arm="ev")["n_injections"].sum() for t in (light, heavy)]
    assert rates[0] == pytest.approx(0.1, abs=0.01)
    assert rates[1] / (1 - rates[1]) == pytest.approx(2.3 / 9.0, rel=0.08)


def test_no_risks_make_an_empty_table(fake_knee):
    table = adverse_events(batch_of(fake_knee({"ev": 5.0}), 2), {}, DAYS, {}, stream(2))
    assert table.height == 0
    assert "n_events" in table.columns


def test_a_certain_event_happens_at_every_injection(fake_knee):
    knee = fake_knee({"ev": 5.0})
    risks = {"ev": read_risks({"pain": {**FLARE["flare"], "probability": 1.0}}, "ev")}
    table = adverse_events(batch_of(knee, 2), risks, DAYS, {}, stream(2)).filter(arm="ev")
    assert table["n_events"].to_list() == table["n_injections"].to_list()


def test_a_wrong_table_of_risks_is_refused_with_all_its_mistakes():
    table = {
        "flare": {"probability": 1.2, "grade": "assumed", "oods_ratio": 2.0},
        "swelling": {"probability": 0.1, "grade": "assumed", "source": "x", "odds_ratio": 0},
    }
    with pytest.raises(InputError) as caught:
        read_risks(table, "exosome.toml")
    told = str(caught.value)
    for piece in ("probability 1.2", "has no source", "unknown key 'oods_ratio'", "odds_ratio 0"):
        assert piece in told


def test_an_unknown_covariate_is_refused(fake_knee):
    row = {**FLARE["flare"], "covariate": "bmmi", "at_least": 25.0, "odds_ratio": 2.0}
    with pytest.raises(InputError, match="bmmi"):
        adverse_events(
            batch_of(fake_knee({"ev": 5.0}), 1), {"ev": read_risks({"flare": row}, "ev")}, DAYS, {}, stream(2)
        )


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
