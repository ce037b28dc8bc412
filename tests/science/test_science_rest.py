"""Knees that should rest do rest, levels stay positive, and another solver agrees."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.integrate import solve_ivp

from exojoint.treatments.administer import administer
from exojoint.treatments.treatment import load_treatment

YEAR = 365.25
LOSS_LIMIT = 0.7  # per cent of thickness a year (specification, section 19 item 6)
DRIFT_LIMIT = 0.02  # sclerosis and osteophytes a year
STEADY = ("m1", "m2", "il1b", "tnf", "il6", "il10", "ngf", "synovitis", "volume")


def arms():
    """Events of all treatments of the first release in one course."""
    return [
        *administer(load_treatment("exosome"), days=[0.0, 14.0], amount=1e12),
        *administer(load_treatment("triamcinolone"), days=[56.0], amount=40.0),
        *administer(load_treatment("hyaluronate"), days=[84.0, 91.0], amount=48.0),
        *administer(load_treatment("paracetamol"), days=[100.0], amount=1.0, context=False),
    ]


@pytest.mark.parametrize("years", [1, 2, 5, 10])
def test_a_healthy_knee_keeps_its_cartilage_and_its_bone(years, bench):
    healthy = bench.rest(kl=0, pain=5.0)
    seen = bench.follow(healthy, [], [0.0, years * YEAR], ["thickness_column", "sclerosis", "osteophytes"]).values[0]
    thickness, sclerosis, osteophytes = (seen[1] - seen[0]) / years
    assert -LOSS_LIMIT < 100 * thickness / seen[0, 0] <= 0
    assert abs(sclerosis) < DRIFT_LIMIT
    assert 0 <= osteophytes < DRIFT_LIMIT


def test_a_healthy_knee_keeps_its_mediators_steady(bench):
    healthy = bench.rest(kl=0, pain=5.0)
    seen = bench.follow(healthy, [], [0.0, 2 * YEAR], STEADY).values[0]
    assert np.max(np.abs(seen[1] / seen[0] - 1)) < 0.02


def test_osteophytes_do_not_shrink_in_any_grade(bench):
    for kl in (0, 1, 2, 2.5, 3, 4):
        seen = bench.follow(bench.rest(kl=kl), [], np.arange(0, 5 * YEAR, YEAR), ["osteophytes"]).values[0, :, 0]
        assert np.all(np.diff(seen) >= 0), kl


def test_the_reference_knee_rests_where_it_was_designed(bench):
    rested = bench.rest()
    start = bench.knee.initial()
    moved = dict(zip(bench.knee.state_names, np.abs(rested.state[0] - start), strict=True))
    assert max(moved.values()) < 1e-3, sorted(moved.items(), key=lambda item: -item[1])[:3]
    assert rested.parameters[0, bench.knee.parameter_names.index("gain_pain")] == pytest.approx(1.0, abs=1e-3)


def test_no_level_turns_negative_in_200_knees_drawn_with_doubled_spread(bench):
    n = 200
    patients = bench.rest(n=n)
    values = bench.draws(n, seed=3, spread=2.0)
    keep = [bench.knee.parameter_names.index(name) for name in ("gain_pain", "pain_reference")]
    values[:, keep] = patients.parameters[:, keep]
    drawn = type(patients)(values, patients.state, patients.outcome)
    days = np.arange(0.0, 183.0, 7.0)
    seen = bench.follow(drawn, arms(), days, (*bench.knee.state_names, "womac_pain"))
    followed = seen.outcome == 0
    assert followed.mean() > 0.99
    scale = np.nanmax(np.abs(seen.values), axis=(0, 1))
    lowest = np.nanmin(seen.values, axis=(0, 1)) / np.maximum(scale, 1e-9)
    assert lowest.min() > -1e-6, seen.names[int(np.argmin(lowest))]
    pain = seen.values[followed, :, -1]
    assert np.all((pain > 0) & (pain < 100))


def test_knees_of_300_knowledge_draws_come_to_rest(bench):
    n = 300
    values = bench.draws(n, seed=5)
    names = {name: values[:, i] for i, name in enumerate(bench.knee.parameter_names)}
    names.pop("rel_tone")
    assert bench.rest(n=n, **names).settled.mean() > 0.99


def test_another_solver_agrees_on_50_random_patients(bench):
    n = 50
    values = bench.draws(n, seed=9)
    names = {name: values[:, i] for i, name in enumerate(bench.knee.parameter_names)}
    names["rel_tone"] = np.exp(0.3 * np.random.default_rng(9).standard_normal(n))
    patients = bench.rest(n=n, **names)
    assert patients.settled.all()
    events = administer(load_treatment("exosome"), days=[0.0], amount=1e12)
    ours = bench.follow(patients, events, [7.0], bench.knee.state_names, mode="reference").values[:, 0]
    theirs = solved_by_scipy(bench, patients, events, 7.0)
    scale = np.maximum(np.abs(theirs), np.maximum(1e-3 * np.abs(theirs).max(axis=0), 1e-9))
    worst = (np.abs(ours - theirs) / scale).max(axis=0)
    assert worst.max() < 1e-5, bench.knee.state_names[int(np.argmax(worst))]


def solved_by_scipy(bench, patients, events, day) -> np.ndarray:
    """States on a day by another method on the plain equations, all patients as one block-diagonal problem."""
    names = bench.knee.state_names
    n, k = patients.state.shape
    start = dict(zip(names, patients.state.T.copy(), strict=True))
    for event in sorted(events, key=lambda event: event.kind == "add"):
        before = start[event.target] if event.kind == "add" else 0.0
        start[event.target] = before + np.full(n, event.amount)
    p = dict(zip(bench.knee.parameter_names, patients.parameters.T, strict=True))

    def rates(_, y):
        values, _seen = bench.knee.evaluate(dict(zip(names, y.reshape(k, n), strict=True)), p)
        return np.concatenate([np.broadcast_to(values[name], n) for name in names])

    y0 = np.concatenate([start[name] for name in names])
    blocks = sparse.kron(np.ones((k, k)), sparse.identity(n))
    floor = 1e-9 * np.maximum(np.abs(y0), 1e-3)
    solved = solve_ivp(rates, (0.0, day), y0, method="Radau", rtol=1e-5, atol=floor, jac_sparsity=blocks)
    assert solved.success
    return solved.y[:, -1].reshape(k, n).T
