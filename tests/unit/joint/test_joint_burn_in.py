"""Patients start from their grade and come to rest before anything is given."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.engine import solve
from exojoint.joint.burn_in import burn_in, outcome_name
from exojoint.joint.model import load_joint
from exojoint.joint.starting import grade_table, grade_tone, starting_state

GRADES = [0, 1, 2, 2.5, 3, 4]
PAIN = np.array([5.0, 20.0, 40.0, 50.0, 60.0, 80.0])
SLOW = ("collagen_1", "collagen_2", "collagen_3", "sclerosis", "osteophytes", "rest_of_joint")


def population(joint, kernel, kl):
    parameters = np.tile(joint.parameters.values_array(kernel.system.parameters), (len(kl), 1))
    parameters[:, kernel.system.parameters.index("rel_tone")] = grade_tone(kl)
    return parameters, starting_state(joint, kl)


def column(joint, state, name):
    return state[:, joint.state_names.index(name)]


def test_structure_worsens_and_tone_rises_with_grade(joint):
    state = starting_state(joint, GRADES)
    assert np.all(np.diff(column(joint, state, "collagen_1")) < 0)
    assert np.all(np.diff(column(joint, state, "sclerosis")) > 0)
    assert np.all(np.diff(column(joint, state, "rest_of_joint")) < 0)
    assert np.all(np.diff(grade_tone(GRADES)) > 0)
    assert set(grade_table()) == set(GRADES)


def test_patients_of_one_grade_differ_in_collagen_and_intact_collagen_stays_intact(joint):
    z = np.array([-1.0, 0.0, 1.0])
    spread = column(joint, starting_state(joint, [2, 2, 2], collagen_z=z), "collagen_1")
    logit = np.log(spread / (1 - spread))
    np.testing.assert_allclose(np.diff(logit), 0.3, rtol=1e-12)
    assert spread[1] == pytest.approx(0.82)
    assert np.all(column(joint, starting_state(joint, [0, 0, 0], collagen_z=z), "collagen_1") == 1.0)


def test_spread_within_a_grade_follows_the_knowledge_draw(joint):
    wide = starting_state(joint, [2], collagen_z=[1.0], values={"sd_collagen_grade": 0.6})
    narrow = starting_state(joint, [2], collagen_z=[1.0])
    assert column(joint, wide, "collagen_1")[0] > column(joint, narrow, "collagen_1")[0]


def test_weight_sets_the_starting_body_mass_index(joint):
    assert column(joint, starting_state(joint, [2], bmi=[35.0]), "bmi")[0] == 35.0
    assert column(joint, starting_state(joint, [2]), "bmi")[0] == 29.5


def test_the_reference_structure_starts_the_rest_of_the_joint_alike():
    reference = load_joint("human", "reference_0_1")
    assert np.all(column(reference, starting_state(reference, GRADES), "rest_of_joint") == 1.0)


def test_an_unknown_grade_is_refused(joint):
    with pytest.raises(InputError, match=r"grade 5 is unknown"):
        starting_state(joint, [2, 5])


def test_burn_in_gives_every_patient_the_wanted_pain_and_touches_no_structure(joint, kernel):
    parameters, state = population(joint, kernel, GRADES)
    rested = burn_in(joint, kernel, parameters, state, PAIN)
    assert rested.settled.all()
    seen = solve(kernel, rested.parameters, rested.state, [], [0.0], ["womac_pain"])
    np.testing.assert_allclose(seen.values[:, 0, 0], PAIN, rtol=1e-12)
    for name in SLOW:
        np.testing.assert_allclose(column(joint, rested.state, name), column(joint, state, name), rtol=1e-12)
    assert np.all(column(joint, rested.state, "replacement_hazard") == 0.0)


def test_burn_in_restores_every_parameter_but_gain_and_reference_pain(joint, kernel):
    parameters, state = population(joint, kernel, GRADES)
    rested = burn_in(joint, kernel, parameters, state, PAIN)
    changed = np.any(rested.parameters != parameters, axis=0)
    assert {n for n, c in zip(kernel.system.parameters, changed, strict=True) if c} == {"gain_pain", "pain_reference"}


def test_release_switches_on_slow_rates_only(joint, kernel):
    parameters, state = population(joint, kernel, GRADES)
    rested = burn_in(joint, kernel, parameters, state, PAIN)
    after = solve(kernel, rested.parameters, rested.state, [], [0.0, 1.0], joint.state_names, mode="reference")
    before, later = after.values[:, 0], after.values[:, 1]
    moved = np.abs(later - before) / np.maximum(np.abs(before), 1e-3)
    hazard = joint.state_names.index("replacement_hazard")
    moved[:, hazard] = 0.0
    assert moved.max() < 1e-3


def test_the_resting_point_does_not_depend_on_where_it_started(joint, kernel):
    parameters, low = population(joint, kernel, GRADES)
    high = low.copy()
    fast = [i for i, name in enumerate(joint.state_names) if name not in (*SLOW, "bmi")]
    low[:, fast], high[:, fast] = 0.3 * low[:, fast], 2.5 * high[:, fast]
    ends = [burn_in(joint, kernel, parameters, start, PAIN).state for start in (low, high)]
    np.testing.assert_allclose(ends[0], ends[1], rtol=2e-3, atol=1e-6)


def test_a_patient_who_does_not_settle_is_a_counted_value(joint, kernel):
    parameters, state = population(joint, kernel, [2, 2])
    parameters[1, kernel.system.parameters.index("k_senescent_clearance")] = np.nan
    rested = burn_in(joint, kernel, parameters, state, PAIN[:2])
    assert list(rested.settled) == [True, False]
    assert np.isnan(rested.state[1]).all()
    assert not np.isnan(rested.state[0]).any()


def test_outcomes_have_names():
    assert outcome_name(0) == "ok"
    assert outcome_name(4) == "burn_in_not_settled"
    assert outcome_name(3) == "burn_in_not_finite"


@pytest.mark.parametrize("pain", [0.0, 100.0, np.nan])
def test_a_pain_at_the_end_of_the_scale_is_refused(joint, kernel, pain):
    with pytest.raises(InputError, match="strictly inside the scale"):
        burn_in(joint, kernel, *population(joint, kernel, [2]), [pain])
