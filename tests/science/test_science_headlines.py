"""Headline directions at the reference knee, with windows wide enough to survive calibration.

Sizes are fitted elsewhere; these tests keep the knee a knee: what relieves, what harms, what wanes, what saturates.
"""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.treatments.administer import administer
from exojoint.treatments.treatment import load_treatment

DAYS = np.arange(0.0, 731.0, 7.0)
PAIN, COLUMN, MFTC = "womac_pain", "thickness_column", "thickness_mftc"
STEROID_DOSES = [84.0 * k for k in range(8)]


def course(bench, patients, name, **how):
    events = administer(load_treatment(name), **how) if name else []
    seen = bench.follow(patients, events, DAYS, [PAIN, COLUMN, MFTC, "replacement_hazard"])
    return {key: seen.values[0, :, i] for i, key in enumerate(seen.names)}


def at(values, day):
    return float(values[np.searchsorted(DAYS, day)])


@pytest.fixture(scope="module")
def reference(bench):
    return bench.rest()


@pytest.fixture(scope="module")
def saline(bench, reference):
    return course(bench, reference, "saline", days=[0.0])


@pytest.fixture(scope="module")
def untreated(bench, reference):
    return course(bench, reference, "")


def test_untreated_pain_hardly_moves_and_cartilage_thins_by_about_two_per_cent_a_year(untreated):
    assert abs(at(untreated[PAIN], 364) - 50) < 1.5
    assert -3 < 100 * (at(untreated[COLUMN], 364) / untreated[COLUMN][0] - 1) < -1


def test_saline_relieves_like_the_trials_and_hardly_wanes(saline):
    assert -21 < at(saline[PAIN], 91) - 50 < -11
    assert at(saline[PAIN], 364) - 50 < -9


def test_steroid_beats_saline_early_and_not_late(bench, reference, saline):
    steroid = course(bench, reference, "triamcinolone", days=[0.0], amount=40.0)[PAIN] - saline[PAIN]
    assert -14 < at(steroid, 35) < -4
    assert abs(at(steroid, 182)) < 3
    assert at(steroid, 14) < at(steroid, 91) < at(steroid, 182)


def test_repeated_steroid_thins_cartilage(bench):
    patient = bench.rest(rel_tone=1.15)
    arms = [
        course(bench, patient, name, days=STEROID_DOSES, amount=amount)[COLUMN]
        for name, amount in (("triamcinolone", 40.0), ("saline", 0.0))
    ]
    lost = [arm[-1] - arm[0] for arm in arms]
    assert -0.15 < lost[1] < -0.05
    assert -0.25 < lost[0] < 1.5 * lost[1]


def test_hyaluronate_adds_little_to_saline(bench, reference):
    weekly = {"days": [0.0, 7.0, 14.0]}
    difference = (
        course(bench, reference, "hyaluronate", amount=48.0, **weekly)[PAIN]
        - course(bench, reference, "saline", volume_ml=3.0, **weekly)[PAIN]
    )
    assert -3 < np.mean(difference[3:27]) < -0.4


def test_paracetamol_relieves_a_little(bench, reference):
    taken, placebo = (course(bench, reference, "paracetamol", days=[0.0], amount=amount)[PAIN] for amount in (1.0, 0.0))
    assert -6.6 < at(taken, 84) - at(placebo, 84) < -0.8
    assert -13 < at(placebo, 112) - 50 < -7.5


def test_exosomes_relieve_more_with_dose_and_wane_within_a_year(bench, reference, saline):
    effect = [
        course(bench, reference, "exosome", days=[0.0], amount=amount)[PAIN] - saline[PAIN]
        for amount in (1e10, 1e11, 1e12)
    ]
    early = [at(values, 28) for values in effect]
    assert early[0] > early[1] > early[2] > -10
    assert early[2] > 100 * early[0], "effects saturate with dose"
    assert abs(at(effect[2], 364)) < 1


def test_one_native_injection_reaches_few_copies_of_a_mirna_per_cell(bench, reference):
    events = administer(load_treatment("exosome"), days=[0.0], amount=1e11)
    seen = bench.follow(reference, events, np.linspace(0, 14, 57), ["mirna_per_macrophage", "vesicles_per_macrophage"])
    copies, vesicles = np.nanmax(seen.values[0], axis=0)
    assert 0.1 < copies < 2
    assert 200 < vesicles < 800


def test_vesicles_get_shallower_by_orders_of_magnitude(bench, reference):
    events = administer(load_treatment("exosome"), days=[0.0], amount=1e11)
    names = [f"vesicles_per_chondrocyte_{z}" for z in (1, 2, 3)]
    top, middle, deep = np.nanmax(bench.follow(reference, events, np.linspace(0, 28, 57), names).values[0], axis=0)
    assert top > 30 * middle > 30 * 30 * deep > 0


def test_exosomes_do_not_thin_cartilage(bench, reference, saline):
    treated = course(bench, reference, "exosome", days=[0.0, 28.0, 56.0], amount=1e12)
    assert treated[COLUMN][-1] >= saline[COLUMN][-1]


def test_progression_follows_grade_load_and_tone(bench):
    def loss(**patient):
        seen = course(bench, bench.rest(**patient), "")
        return seen[COLUMN][0] - at(seen[COLUMN], 364)

    by_grade = [loss(kl=kl) for kl in (0, 1, 2, 3, 4)]
    assert by_grade == sorted(by_grade)
    reference = loss()
    assert loss(rel_tone=1.6) > reference
    assert 2 < loss(varus=12.0, bmi_target=39.5) / reference < 5


def test_replacement_hazard_rises_steeply_with_grade(bench):
    hazard = [course(bench, bench.rest(kl=kl), "")["replacement_hazard"][-1] for kl in (2, 3, 4)]
    assert 8 < hazard[1] / hazard[0] < 33
    assert 1.8 < hazard[2] / hazard[1] < 7.4


def test_baseline_joint_space_falls_with_grade(bench):
    widths = [bench.follow(bench.rest(kl=kl), [], [0.0], ["jsw"]).values[0, 0, 0] for kl in (0, 1, 2, 3, 4)]
    assert np.all(np.diff(widths) < 0)
    assert 0.5 < widths[-1] < 2 < widths[2] < 5


def test_healthy_fluid_is_less_than_osteoarthritic_fluid(bench):
    volumes = [
        bench.follow(bench.rest(kl=kl), [], [0.0], ["effusion_volume", "sf_args"]).values[0, 0] for kl in (0, 2.5)
    ]
    assert 5 < volumes[0][0] < 8.5 < volumes[1][0] < 16.5
    assert volumes[1][1] > 1.5 * volumes[0][1]
