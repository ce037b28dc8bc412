"""What the default structure mends, one sentence each."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.joint.levers import neutral
from exojoint.joint.model import load_joint
from exojoint.joint.shapes import positive_part, saturating, saturating_square

from .conftest import defaults

FAST = 1e-4  # 1/d: largest scaled rate of the designed fixed point; smoothing leaves this much
SLOW = ("collagen_1", "collagen_2", "collagen_3", "sclerosis", "osteophytes", "rest_of_joint", "replacement_hazard")


def rates_of(joint, x, p, **levers):
    return joint.rates(x, p, neutral(joint.levers) | levers)


def test_shapes_are_one_at_one_and_half_at_their_half_level():
    assert saturating(1.0, 3.0) == 1.0
    assert saturating(3.0, 3.0) == pytest.approx(4.0 / 2)
    assert saturating_square(1.0, 6.0) == 1.0
    assert saturating_square(6.0**0.5, 6.0) == pytest.approx(7.0 / 2)
    assert positive_part(2.0, 0.01) == pytest.approx(2.0, abs=1e-4)
    assert 0 < positive_part(-2.0, 0.01) < 1e-4
    assert positive_part(0.0, 0.01) == 0.005


def test_the_reference_knee_is_at_rest_in_the_default_structure():
    joint = load_joint()
    x, p = defaults(joint)
    moved = {n: abs(r) / max(x[n], 1e-3) for n, r in rates_of(joint, x, p).items() if n not in SLOW}
    assert max(moved.values()) < FAST, sorted(moved.items(), key=lambda item: -item[1])[:3]


def test_the_reference_knee_is_not_quite_at_rest_in_the_reference_structure():
    joint = load_joint("human", "reference_0_1")
    x, p = defaults(joint)
    moved = [abs(r) / max(x[n], 1e-3) for n, r in rates_of(joint, x, p).items() if n not in SLOW]
    assert max(moved) > 10 * FAST


def test_a_valgus_knee_is_loaded_like_a_varus_knee():
    joint = load_joint()
    x, p = defaults(joint)
    varus = rates_of(joint, x, p | {"varus": 5.0})
    assert rates_of(joint, x, p | {"varus": -5.0}) == varus
    reference = load_joint("human", "reference_0_1")
    assert rates_of(reference, x, p | {"varus": -5.0}) != rates_of(reference, x, p | {"varus": 5.0})


def test_osteophytes_never_shrink():
    joint = load_joint()
    x, p = defaults(joint)
    for osteophytes in (0.1, 1.0, 3.0):
        for collagen in (0.4, 0.7, 1.0):
            worn = x | {f"collagen_{z}": collagen for z in (1, 2, 3)} | {"osteophytes": osteophytes}
            assert rates_of(joint, worn, p)["osteophytes"] > 0


def test_fluid_volume_turns_over_with_its_lymph_flow():
    joint = load_joint()
    x, p = defaults(joint)
    rate = rates_of(joint, x | {"volume": 14.6}, p)["volume"] - rates_of(joint, x, p)["volume"]
    assert rate == pytest.approx(-57.6 / 13.6)
    reference = load_joint("human", "reference_0_1")
    rate = rates_of(reference, x | {"volume": 14.6}, p)["volume"] - rates_of(reference, x, p)["volume"]
    assert rate == pytest.approx(-1.0)


def test_joint_space_stops_at_bone_on_bone():
    joint = load_joint()
    x, p = defaults(joint)
    worn = x | {f"collagen_{z}": 0.1 for z in (1, 2, 3)} | {f"aggrecan_{z}": 0.1 for z in (1, 2, 3)}
    assert 0 < joint.observe(worn, p, neutral(joint.levers))["jsw"] < 0.1
    reference = load_joint("human", "reference_0_1")
    assert reference.observe(worn, p, neutral(reference.levers))["jsw"] < 0.1


def test_a_matrix_that_has_lost_aggrecan_lets_its_fragments_go():
    joint, reference = load_joint(), load_joint("human", "reference_0_1")
    x, _ = defaults(joint)
    intact = x | {f"aggrecan_{z}": 1.0 for z in (1, 2, 3)}
    worn = x | {f"aggrecan_{z}": 0.4 for z in (1, 2, 3)}

    def args(knee, state):
        return knee.observe(state, defaults(knee)[1], neutral(knee.levers))["sf_args"]

    assert args(joint, x) == pytest.approx(args(reference, x), rel=1e-3)
    assert args(joint, intact) < args(reference, intact)
    assert args(joint, worn) > args(reference, worn)


def test_observables_of_the_reference_knee_read_as_in_a_clinic():
    joint = load_joint()
    x, p = defaults(joint)
    seen = joint.observe(x, p, neutral(joint.levers))
    assert set(seen) == set(joint.observables)
    assert seen["womac_pain"] == pytest.approx(50.0, abs=0.1)
    assert seen["nrs_pain"] == pytest.approx(5.0, abs=0.01)
    assert seen["koos_pain"] == pytest.approx(50.0, abs=0.1)
    assert seen["thickness_column"] == pytest.approx(1.93, abs=0.01)
    assert seen["thickness_tftj"] == pytest.approx(1.8, abs=0.001)
    assert seen["effusion_volume"] == 13.6
    assert (seen["sf_il6"], seen["sf_il1b"], seen["sf_tnf"]) == (975, 1.14, 2.9)
    assert seen["m1_m2_ratio"] == 1.0
    assert 0 < seen["damage_oarsi"] < 24


def test_pain_stays_inside_its_scale_however_strong_the_drive():
    joint = load_joint()
    x, p = defaults(joint)
    for gain in np.logspace(-6, 6, 7):
        seen = joint.observe(x, p | {"gain_pain": gain}, neutral(joint.levers))
        assert 0 < seen["womac_pain"] < 100


def test_rates_work_on_whole_populations_at_once():
    joint = load_joint()
    x, p = defaults(joint)
    tone = np.array([0.5, 1.0, 2.0])
    many = rates_of(joint, x, p | {"rel_tone": tone})["m1"]
    one = [rates_of(joint, x, p | {"rel_tone": value})["m1"] for value in tone]
    np.testing.assert_allclose(many, one, rtol=1e-14)


def test_no_drive_turns_negative_in_a_lean_sensitive_patient_or_in_cartilage_thicker_than_healthy():
    joint, reference = load_joint(), load_joint("human", "reference_0_1")

    def rates(knee, **changed):
        x, p = defaults(knee)
        x |= {name: value for name, value in changed.items() if name in x}
        p |= {name: value for name, value in changed.items() if name in p}
        return knee.rates(x, p, neutral(knee.levers))

    lean = {"bmi": 19.0, "gain_adiposity": 40.0, "m1": 0.0}
    assert rates(joint, **lean)["m1"] > 0 > rates(reference, **lean)["m1"]
    weights = {"w_pain_other": 0.0, "w_pain_inflammation": 0.0, "w_pain_ngf": 0.0, "w_pain_bone": 0.0}
    thick = weights | {"w_pain_structure": 1.0, "sensitisation_central": 0.0}
    thick |= {f"{part}_{z}": 1.3 for part in ("aggrecan", "collagen") for z in (1, 2, 3)}
    assert rates(joint, **thick)["sensitisation_central"] >= -1e-4 > rates(reference, **thick)["sensitisation_central"]
