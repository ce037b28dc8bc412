"""Joint replacement ends what it ends, when the hazard says so, and nothing before it changes."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.streams import stream
from exojoint.engine import compile_system, solve
from exojoint.joint.burn_in import burn_in
from exojoint.joint.model import load_joint
from exojoint.joint.starting import starting_state
from exojoint.treatments.administer import administer
from exojoint.treatments.assemble import assemble
from exojoint.treatments.replacement import end_structure, replaced_by, replacement_thresholds, replacement_trigger
from exojoint.treatments.treatment import dispositions_for, load_treatment

DAYS = np.arange(0.0, 3653.0, 14.0)
READ = ("womac_pain", "thickness_mftc", "jsw", "replacement_hazard", "sf_il6")
N = 40


@pytest.fixture(scope="module")
def late():
    """A late knee many times over, on its way to surgery."""
    knee = assemble(load_joint(), dispositions_for(["saline", "replacement"]))
    kernel = compile_system(knee.system)
    state = np.tile(knee.initial(), (N, 1))
    state[:, : len(knee.joint.states)] = starting_state(knee.joint, [4.0] * N)
    rested = burn_in(knee.joint, kernel, np.tile(knee.defaults(), (N, 1)), state, np.full(N, 65.0))
    return knee, kernel, rested


@pytest.fixture(scope="module")
def thresholds():
    return replacement_thresholds(stream(1, "test"), np.arange(N))


def follow(late, events=(), triggers=()):
    _, kernel, rested = late
    return solve(kernel, rested.parameters, rested.state, events, DAYS, READ, triggers=triggers)


def test_thresholds_are_a_standard_exponential_and_belong_to_the_patient():
    luck = stream(7, "test")
    many = replacement_thresholds(luck, np.arange(20_000))
    assert many.mean() == pytest.approx(1.0, abs=0.03)
    assert np.mean(many > 1.0) == pytest.approx(np.exp(-1.0), abs=0.01)
    assert np.array_equal(replacement_thresholds(luck, np.array([5, 3])), many[[5, 3]])


def test_surgery_comes_when_the_hazard_reaches_the_threshold(late, thresholds):
    untouched = follow(late)
    operated = follow(late, triggers=[replacement_trigger(thresholds)])
    wanted = replaced_by(thresholds, untouched.values[:, :, READ.index("replacement_hazard")], DAYS)
    assert 0.1 < np.isfinite(wanted).mean() < 1.0
    np.testing.assert_allclose(operated.fired[:, 0], wanted, atol=1.0)
    assert np.array_equal(np.isnan(operated.fired[:, 0]), np.isnan(wanted))


def test_nothing_changes_before_surgery_and_hazard_stops_at_it(late, thresholds):
    untouched, operated = follow(late), follow(late, triggers=[replacement_trigger(thresholds)])
    before = operated.fired[:, :1] >= DAYS
    np.testing.assert_array_equal(operated.values[before], untouched.values[before])
    hazard = operated.values[:, -1, READ.index("replacement_hazard")]
    done = np.isfinite(operated.fired[:, 0])
    np.testing.assert_allclose(hazard[done], thresholds[done], rtol=1e-6)


def test_two_passes_give_what_one_pass_with_a_trigger_gives(late, thresholds):
    operated = follow(late, triggers=[replacement_trigger(thresholds)])
    again = follow(late, administer(load_treatment("replacement"), days=[operated.fired[:, 0]], amount=1.0))
    np.testing.assert_allclose(again.values, operated.values, rtol=1e-4, atol=1e-6)


def test_structure_ends_with_the_joint_and_pain_goes_on_and_falls(late, thresholds):
    knee, _, _ = late
    operated = follow(late, triggers=[replacement_trigger(thresholds)])
    values = end_structure(knee.joint, operated, operated.fired[:, 0])
    after = operated.fired[:, :1] < DAYS
    for name, gone in {"thickness_mftc": True, "jsw": True, "sf_il6": True, "womac_pain": False}.items():
        seen = values[:, :, READ.index(name)]
        assert np.isnan(seen[after]).all() == gone, name
        assert np.isfinite(seen[~after]).all(), name
    years = after & (operated.fired[:, :1] + 365 < DAYS)
    assert values[:, :, 0][years].max() < 45.0 < values[:, 0, 0].min()
    assert np.isfinite(operated.values).all(), "the course itself is left as it is"


def test_a_knee_that_nobody_replaces_keeps_everything(late):
    knee, _, _ = late
    seen = follow(late)
    assert np.array_equal(end_structure(knee.joint, seen, np.full(N, np.nan)), seen.values)


def test_observables_of_tissue_end_and_those_of_the_person_do_not():
    ends = {name for name, row in load_joint().observables.items() if row.ends}
    assert {"jsw", "thickness_mftc", "sclerosis", "damage_oarsi", "sf_args"} < ends
    assert not ends & {"womac_pain", "nrs_pain", "koos_pain", "replacement_hazard"}
