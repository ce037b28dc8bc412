"""A dose becomes events: what zero dose means, what irritates, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.engine import solve
from exojoint.treatments.administer import administer
from exojoint.treatments.dispositions import administration_parameters
from exojoint.treatments.treatment import list_treatments, load_treatment

from .conftest import burned_in

DAYS = np.arange(0.0, 183.0, 14.0)
READ = ("womac_pain", "thickness_column", "m1", "volume", "irritation")


def amounts(events, target):
    return [event.amount for event in events if event.target == target]


def course(knee, kernel, events):
    patient = burned_in(knee, kernel)
    return solve(kernel, patient.parameters, patient.state, events, DAYS, READ).values


def test_an_injection_adds_volume_irritates_and_sets_expectation():
    events = administer(load_treatment("saline"), days=[0.0, 28.0], volume_ml=4.0)
    assert [(e.day, e.kind, e.target) for e in events] == [
        (day, kind, target)
        for day in (0.0, 28.0)
        for kind, target in (("add", "volume"), ("add", "irritation"), ("set", "expectation"))
    ]
    assert amounts(events, "volume") == [4.0, 4.0]
    assert amounts(events, "irritation") == [0.08, 0.08]
    assert amounts(events, "expectation") == [1.0, 1.0]


def test_tablets_set_an_input_and_a_smaller_expectation():
    events = administer(load_treatment("paracetamol"), days=[7.0], amount=1.0)
    assert [(e.kind, e.target, e.amount) for e in events] == [
        ("set", "expectation", 0.72),
        ("input", "dose_paracetamol", 1.0),
    ]


def test_rescue_leaves_expectation_as_it_is():
    events = administer(load_treatment("paracetamol"), days=[np.array([28.0, np.nan])], amount=1.0, context=False)
    assert [e.target for e in events] == ["dose_paracetamol"]


def test_particles_become_units_of_the_fluid_state_per_patient():
    events = administer(load_treatment("exosome"), days=[0.0], amount=np.array([1e11, 5e11]))
    np.testing.assert_allclose(amounts(events, "vesicles_fluid")[0], [100.0, 500.0])
    np.testing.assert_allclose(amounts(events, "irritation")[0], [0.1 + 0.2 / 11, 0.1 + 0.2 / 3])


def test_endotoxin_irritates_and_an_inert_product_only_by_its_needle():
    exosome = load_treatment("exosome")
    clean = amounts(administer(exosome, days=[0.0], amount=1e11), "irritation")[0]
    dirty = amounts(administer(exosome, days=[0.0], amount=1e11, endotoxin_eu=2.5), "irritation")[0]
    inert = amounts(administer(exosome, days=[0.0], amount=1e11, endotoxin_eu=2.5, inert=True), "irritation")[0]
    assert dirty - clean == pytest.approx(0.05)
    assert inert == 0.08


def test_irritation_follows_the_knowledge_draw():
    events = administer(load_treatment("saline"), days=[0.0], rows={"irritation_vehicle": 0.2})
    assert amounts(events, "irritation") == [0.2]


def test_extended_release_splits_its_dose():
    events = administer(load_treatment("triamcinolone_er"), days=[0.0], amount=32.0)
    assert amounts(events, "triamcinolone_crystal")[0] == pytest.approx(3.2)
    assert amounts(events, "triamcinolone_depot")[0] == pytest.approx(28.8)


@pytest.mark.parametrize("what", ["amount", "volume_ml", "endotoxin_eu"])
@pytest.mark.parametrize("value", [-1.0, np.nan, np.array([1.0, -1.0])])
def test_negative_or_missing_amounts_are_refused(what, value):
    with pytest.raises(InputError, match="negative or not finite"):
        administer(load_treatment("exosome"), days=[0.0], **({"amount": 1e11} | {what: value}))


def test_a_treatment_needs_a_day():
    with pytest.raises(InputError, match="given on no day"):
        administer(load_treatment("saline"), days=[])


def test_no_administration_equals_untreated_bit_for_bit(knee, kernel):
    later = administer(load_treatment("exosome"), days=[np.array([np.nan])], amount=1e12)
    assert np.array_equal(course(knee, kernel, []), course(knee, kernel, later))


def test_zero_particles_without_formulation_equal_their_vehicle_bit_for_bit(knee, kernel):
    vehicle = administer(load_treatment("saline"), days=[0.0, 28.0], volume_ml=4.0)
    nothing = administer(
        load_treatment("exosome"), days=[0.0, 28.0], amount=0.0, volume_ml=4.0, rows={"irritation_exosome": 0.0}
    )
    assert np.array_equal(course(knee, kernel, vehicle), course(knee, kernel, nothing))
    formulated = administer(load_treatment("exosome"), days=[0.0, 28.0], amount=0.0, volume_ml=4.0)
    assert not np.array_equal(course(knee, kernel, vehicle), course(knee, kernel, formulated))


@pytest.mark.parametrize("name", ["triamcinolone", "hyaluronate"])
def test_zero_drug_without_formulation_equals_its_vehicle_bit_for_bit(name, knee, kernel):
    vehicle = administer(load_treatment("saline"), days=[0.0], volume_ml=1.0)
    nothing = administer(load_treatment(name), days=[0.0], amount=0.0, volume_ml=1.0, rows={f"irritation_{name}": 0.0})
    assert np.array_equal(course(knee, kernel, vehicle), course(knee, kernel, nothing))


def test_the_strict_null_product_does_what_its_vehicle_does(knee, kernel):
    patient = burned_in(knee, kernel)
    dead = patient.parameters.copy()
    for name in knee.parameter_names:
        if name.startswith("potency_"):
            dead[:, knee.parameter_names.index(name)] = 0.0
    null = administer(load_treatment("exosome"), days=[0.0, 28.0], amount=1e12, inert=True)
    vehicle = administer(load_treatment("saline"), days=[0.0, 28.0])
    arms = [
        solve(kernel, dead, patient.state, events, DAYS, READ, mode="reference").values for events in (null, vehicle)
    ]
    np.testing.assert_allclose(arms[0], arms[1], rtol=1e-6, atol=1e-8)


def test_order_of_events_does_not_matter(knee, kernel):
    events = administer(load_treatment("exosome"), days=[0.0, 28.0], amount=1e12)
    events += administer(load_treatment("triamcinolone"), days=[28.0], amount=40.0)
    assert np.array_equal(course(knee, kernel, events), course(knee, kernel, events[::-1]))


def test_every_treatment_can_be_given():
    for name in list_treatments():
        treatment = load_treatment(name)
        events = administer(treatment, days=[0.0], amount=0.5)
        assert {e.target for e in events} >= {dose.target for dose in treatment.giving.doses}
        assert ("volume" in {e.target for e in events}) == (treatment.giving.route == "injection")


def test_every_administration_row_is_named_by_a_treatment():
    used = {"irritation_endotoxin_max", "irritation_endotoxin_half"}
    for name in list_treatments():
        giving = load_treatment(name).giving
        irritation = giving.irritation
        used |= {giving.expectation, irritation.vehicle, irritation.formulation}
        used |= {irritation.amount_max, irritation.amount_half}
    assert used - {""} == set(administration_parameters())
