"""Rival structures, each named in the scenario: one thing differs, everything else is the default."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.engine import compile_system, rest
from exojoint.joint.levers import neutral
from exojoint.joint.model import FLUXES, load_joint
from exojoint.joint.starting import starting_state
from exojoint.joint.tables import STRUCTURES

from .conftest import defaults, untreated

RIVALS = [name for name in STRUCTURES if name not in ("default", "reference_0_1")]
ELSEWHERE = ("belief", "two_pool")  # rivals in a disposition, not in the knee
INFLAMED = ("m1", "m2", "il1b", "tnf", "il6", "il10", "ngf", "synovitis", "fragments")
TONES = np.array([0.4, 0.6, 0.7, 0.9, 1.0, 1.1, 1.4, 1.8])


def test_every_structure_has_its_fluxes():
    assert set(FLUXES) == set(STRUCTURES)


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_adds_rows_of_its_own_and_changes_no_other(name):
    default, rival = load_joint().parameters, load_joint("human", name).parameters
    assert all(rival[row] == default[row] for row in default)
    own = set(rival) - set(default)
    assert bool(own) == (name not in ELSEWHERE)
    assert not own & set(load_joint("human", "reference_0_1").parameters)


@pytest.mark.parametrize("name", RIVALS)
def test_the_reference_knee_rests_where_the_default_does(name):
    joint = load_joint("human", name)
    x, p = defaults(joint)
    ours, plain = (j.rates(x, p, neutral(j.levers)) for j in (joint, load_joint()))
    assert ours == pytest.approx(plain, rel=1e-12, abs=1e-15)


def test_irritation_hurts_by_itself_in_one_structure_only_and_more_in_some_patients():
    x, p = defaults(load_joint())
    sore = x | {"irritation": 0.3}

    def pain(name, **changed):
        joint = load_joint("human", name)
        return joint.observe(sore, p | defaults(joint)[1] | changed, neutral(joint.levers))["womac_pain"]

    calm = load_joint().observe(x, p, neutral(load_joint().levers))["womac_pain"]
    assert pain("default") == calm
    assert pain("painful_flare") > calm + 5
    assert pain("painful_flare", rel_irritation_pain=3.0) > pain("painful_flare") + 5
    assert pain("painful_flare", w_pain_irritation=0.0) == pytest.approx(calm, rel=1e-14)


def test_without_a_share_that_sustains_itself_the_bistable_drive_is_the_default_one():
    joint, plain = load_joint("human", "bistable"), load_joint()
    x, p = defaults(joint)
    inflamed = x | {"m1": 1.7, "tnf": 0.4, "irritation": 0.2}
    ours = joint.rates(inflamed, p | {"w_drive_itself": 0.0}, neutral(joint.levers))
    assert ours["m1"] == pytest.approx(plain.rates(inflamed, p, neutral(plain.levers))["m1"], rel=1e-12)


@pytest.fixture(scope="module")
def resting():
    """Macrophages at rest by structure: (low starts, high starts), one per tone."""

    def of(structure):
        joint = load_joint("human", structure)
        system = untreated(joint)
        n = len(TONES)
        values = np.tile(joint.parameters.values_array(system.parameters), (2 * n, 1))
        changed = {"rel_tone": np.tile(TONES, 2), "switch_structure": 0.0, "gain_activity_pain": 0.0}
        for name, value in changed.items():
            values[:, system.parameters.index(name)] = value
        state = np.tile(starting_state(joint, [2.5]), (2 * n, 1))
        columns = [joint.state_names.index(name) for name in INFLAMED]
        state[:n, columns] *= 0.05
        state[n:, columns] *= 2.0
        settled = rest(compile_system(system), values, state, ignore=("replacement_hazard",))
        assert (settled.outcome == 0).all()
        return settled.state[:, joint.state_names.index("m1")].reshape(2, n)

    return of


def test_a_bistable_knee_has_two_states_at_high_tone_and_one_at_low_tone(resting):
    low, high = resting("bistable")
    two = high > low + 0.3
    assert dict(zip(TONES, two, strict=True)) == {t: 0.8 < t < 1.2 for t in TONES}
    assert np.all(high[TONES <= 0.7] < 0.1)
    assert high[list(TONES).index(1.0)] == pytest.approx(1.0, abs=0.01)
    assert np.all(low[TONES >= 1.4] > 1.2), "beyond, only the inflamed one is left"


def test_a_default_knee_has_one_state_at_any_tone(resting):
    low, high = resting("default")
    np.testing.assert_allclose(low, high, rtol=1e-2)
    assert np.all(np.diff(low) > 0)
