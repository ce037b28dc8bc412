"""Residence in two pools: vesicles are conserved, label outlives them, and free dye says how much of that is label."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.engine import compile_system, solve
from exojoint.joint.burn_in import burn_in
from exojoint.joint.model import load_joint
from exojoint.joint.starting import grade_tone, starting_state
from exojoint.treatments.administer import administer
from exojoint.treatments.assemble import assemble
from exojoint.treatments.dispositions import load_disposition
from exojoint.treatments.treatment import beside_cells, dispositions_for, load_treatment
from exojoint.treatments.two_pool import free_dye_control

from .conftest import draw

STRUCTURE = "two_pool"
DAYS = np.array([0.0, 0.25, 1.0, 3.0, 7.0, 28.0])


def knee_of(species="human"):
    return assemble(load_joint(species, STRUCTURE), dispositions_for(["exosome"], structure=STRUCTURE))


@pytest.fixture(scope="module")
def mouse():
    """A healthy mouse at rest, native and charge-reversed vesicles in two rows."""
    knee = knee_of("mouse")
    kernel = compile_system(knee.system)
    values, state = np.tile(knee.defaults(), (2, 1)), np.tile(knee.initial(), (2, 1))
    values[:, knee.parameter_names.index("rel_tone")] = grade_tone([0])
    values[1, knee.parameter_names.index("charge_positive")] = 1.0
    values[1, knee.parameter_names.index("charge_negative")] = 0.0
    state[:, : len(knee.joint.states)] = starting_state(knee.joint, [0, 0])
    return kernel, burn_in(knee.joint, kernel, values, state, [5.0, 5.0])


def follow(mouse, events):
    kernel, rested = mouse
    names = ("vesicles_in_joint", "label_in_joint")
    return solve(kernel, rested.parameters, rested.state, events, DAYS, names).values


def test_the_rival_has_two_states_and_six_rows_of_its_own():
    plain, rival = load_disposition("exosome"), load_disposition("exosome", STRUCTURE)
    assert {s.name for s in rival.states} - {s.name for s in plain.states} == {"vesicles_held", "label_left"}
    assert len(rival.parameters) == len(plain.parameters) + 6
    assert set(rival.observables) - set(plain.observables) == {"vesicles_in_joint", "label_in_joint"}


def test_vesicles_that_are_held_are_missing_elsewhere():
    knee, plain = knee_of(), assemble(load_joint(), dispositions_for(["exosome"]))
    rng = np.random.default_rng(5)
    for _ in range(30):
        x, p = draw(knee, rng)
        rates, plain_rates = knee.evaluate(x, p)[0], plain.evaluate(x, p)[0]
        lost = p["k_held_loss"] * x["vesicles_held"]
        assert rates["vesicles_fluid"] + rates["vesicles_held"] == pytest.approx(plain_rates["vesicles_fluid"] - lost)
        others = [name for name in plain_rates if name != "vesicles_fluid"]
        assert {name: rates[name] for name in others} == {name: plain_rates[name] for name in others}


def test_label_leaves_the_joint_with_lymph_and_by_its_own_loss_only():
    knee = knee_of()
    rng = np.random.default_rng(6)
    for _ in range(30):
        x, p = draw(knee, rng)
        rates, seen = knee.evaluate(x, p)
        places = [n for n in rates if n.startswith("vesicles_zone") or n in ("vesicles_depot", "vesicles_fluid")]
        label = sum(rates[n] for n in (*places, "vesicles_lining", "vesicles_held", "label_left"))
        drained = rates["vesicles_plasma"] + p["k_vesicle_plasma"] * x["vesicles_plasma"]
        assert label == pytest.approx(-drained - p["k_label_left"] * x["label_left"])
        assert seen["label_in_joint"] == pytest.approx(seen["vesicles_in_joint"] + x["label_left"])


def test_without_binding_it_is_the_default(mouse):
    kernel, rested = mouse
    knee = knee_of("mouse")
    loose = rested.parameters.copy()
    loose[:, knee.parameter_names.index("k_held_on")] = 0.0
    events = administer(load_treatment("exosome"), days=[0.0], amount=1e9, volume_ml=0.005)
    seen = solve(kernel, loose, rested.state, events, DAYS, ("vesicles_held", "vesicles_in_joint")).values
    assert (seen[:, :, 0] == 0).all()
    plain = assemble(load_joint("mouse"), dispositions_for(["exosome"]))
    columns = [knee.parameter_names.index(name) for name in plain.parameter_names]
    rows = [knee.state_names.index(name) for name in plain.state_names]
    places = [n for n in plain.state_names if n.startswith("vesicles_zone")]
    places += ["vesicles_depot", "vesicles_fluid", "vesicles_lining"]
    kept = compile_system(plain.system)
    default = solve(kept, rested.parameters[:, columns], rested.state[:, rows], events, DAYS, places).values
    np.testing.assert_allclose(seen[:, :, 1], default.sum(axis=2), rtol=1e-3, atol=1e-6)


def test_cationic_vesicles_stay_for_weeks_and_native_ones_do_not(mouse):
    native, cationic = follow(mouse, administer(load_treatment("exosome"), days=[0.0], amount=1e9, volume_ml=0.005))
    assert 0.4 < cationic[-1, 0] < 0.6  # about half on day 28, as cationic particles in the mouse
    assert native[-1, 0] < 0.01


def test_label_of_native_vesicles_is_hardly_told_from_free_dye(mouse):
    given = administer(load_treatment("exosome"), days=[0.0], amount=1e9, volume_ml=0.005)
    vesicles, label = follow(mouse, given)[0].T
    dye = follow(mouse, free_dye_control([0.0], 1.0))[0, :, 1]
    assert dye[3] == pytest.approx(0.3, abs=0.03)  # seen in the mouse: 30 % on day 3
    assert (label >= vesicles).all()
    assert label[3] > 5 * vesicles[3]
    assert 0.8 < label[3] / dye[3] < 1.3


def test_no_vesicles_leave_no_label(mouse):
    assert (follow(mouse, []) == 0).all()


def test_secreted_vesicles_have_the_second_pool_too():
    parts = beside_cells(dispositions_for(["msc", "exosome"], structure=STRUCTURE))
    knee = assemble(load_joint("human", STRUCTURE), parts)
    assert {"secreted_vesicles_held", "secreted_label_left"} < set(knee.state_names)
