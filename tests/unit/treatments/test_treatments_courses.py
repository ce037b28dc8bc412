"""Several treatments in one patient: what adds up, what does not, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.engine import compile_system, solve
from exojoint.joint.model import load_joint
from exojoint.treatments.administer import administer
from exojoint.treatments.assemble import assemble
from exojoint.treatments.course import Administration, combine_administrations, dispositions_for_courses
from exojoint.treatments.dispositions import SECRETED, load_disposition
from exojoint.treatments.treatment import beside_cells, dispositions_for, load_treatment

from .conftest import burned_in, draw

DAYS = np.arange(0.0, 183.0, 14.0)


def given(name, *days, **how):
    return Administration(load_treatment(name), days, **how)


def settings(events):
    return {(float(e.day), e.amount) for e in events if e.kind == "set"}


def added(events, target):
    return sum(e.amount for e in events if e.target == target and e.kind == "add")


def test_a_course_of_one_is_that_treatment():
    alone = administer(load_treatment("exosome"), days=[0.0, 28.0], amount=1e11, volume_ml=4.0)
    assert combine_administrations([given("exosome", 0.0, 28.0, amount=1e11, volume_ml=4.0)]) == alone
    assert combine_administrations([]) == []


def test_volumes_irritation_and_doses_of_one_day_add_up():
    events = combine_administrations(
        [given("exosome", 0.0, amount=1e11), given("hyaluronate", 0.0, amount=48.0, volume_ml=3.0)]
    )
    assert added(events, "volume") == 5.0
    assert added(events, "irritation") == pytest.approx(0.08 + 0.02 + 0.2 / 11 + 0.08 + 0.12)
    assert settings(events) == {(0.0, 1.0)}


def test_two_products_in_one_syringe_have_one_needle():
    events = combine_administrations(
        [given("exosome", 0.0, amount=1e11), given("hyaluronate", 0.0, amount=48.0, needle=False)]
    )
    assert added(events, "irritation") == pytest.approx(0.08 + 0.02 + 0.2 / 11 + 0.12)
    assert added(events, "volume") == 5.0


def test_an_injection_lets_expect_more_than_tablets_of_the_same_day():
    course = [given("nsaid", 0.0, 28.0, amount=1.0), given("saline", 0.0)]
    for order in itertools.permutations(course):
        assert settings(combine_administrations(order)) == {(0.0, 1.0), (28.0, 0.72)}


def test_expectation_is_settled_patient_by_patient():
    tablets = Administration(load_treatment("nsaid"), (np.array([0.0, 7.0, np.nan]),), 1.0)
    for order in itertools.permutations([tablets, given("saline", 7.0)]):
        oral, needle = sorted(
            (e for e in combine_administrations(order) if e.kind == "set"), key=lambda e: float(np.max(e.amount))
        )
        np.testing.assert_array_equal(oral.day, [0.0, np.nan, np.nan])
        np.testing.assert_array_equal(np.broadcast_to(needle.day, 3), [7.0, 7.0, 7.0])


def test_tablets_stop_when_they_are_said_to():
    events = combine_administrations([given("nsaid", 0.0, amount=1.0, stop=84.0)])
    assert [(e.day, e.amount) for e in events if e.kind == "input"] == [(0.0, 1.0), (84.0, 0.0)]


def test_an_injection_cannot_be_stopped():
    with pytest.raises(InputError, match="cannot be stopped"):
        combine_administrations([given("triamcinolone", 0.0, amount=40.0, stop=28.0)])


def test_a_patient_has_one_vesicle_product():
    with pytest.raises(InputError, match="exosome, exosome_charge_reversed to one patient"):
        combine_administrations(
            [given("exosome", 0.0, amount=1e11), given("exosome_charge_reversed", 7.0, amount=1e11)]
        )


def test_sequences_are_followed_in_any_order_of_their_members(knee, kernel):
    course = [
        given("exosome", 0.0, 28.0, amount=1e12),
        given("triamcinolone", 28.0, amount=40.0),
        given("paracetamol", 28.0, amount=1.0, stop=84.0),
    ]
    patient = burned_in(knee, kernel)
    seen = [
        solve(kernel, patient.parameters, patient.state, combine_administrations(order), DAYS, ["womac_pain"]).values
        for order in itertools.permutations(course)
    ]
    assert all(np.array_equal(values, seen[0]) for values in seen)


def test_cells_beside_a_product_get_vesicles_of_their_own_and_otherwise_do_not():
    cells, product, saline = (load_treatment(name) for name in ("msc", "exosome", "saline"))
    apart = dispositions_for_courses([[cells], [product], [saline]])
    assert SECRETED not in [part.name for part in apart]
    together = dispositions_for_courses([[cells, product], [saline]], rescue=True)
    feeds = {part.name: part.feeds for part in together}
    assert feeds["msc"] == SECRETED
    assert {"exosome", "paracetamol"} < set(feeds)
    assert beside_cells(dispositions_for(["exosome"])) == dispositions_for(["exosome"])


def test_a_second_instance_needs_the_first_whose_biology_it_shares():
    with pytest.raises(InputError, match=r"reads the parameters of `exosome`, which is missing"):
        assemble(load_joint(), [load_disposition(SECRETED)])


def both_instances():
    parts = beside_cells(dispositions_for(["msc", "exosome"]))
    return assemble(load_joint(), parts), assemble(load_joint(), dispositions_for(["msc", "exosome"]))


def test_secreted_vesicles_move_as_injected_ones_do():
    knee, shared = both_instances()
    rng = np.random.default_rng(3)
    for _ in range(20):
        x, p = draw(knee, rng)
        for name in [name for name in x if name.startswith("secreted_")]:
            x[name.removeprefix("secreted_")], p["msc_live"] = 0.0, 0.0
        for name in [name for name in p if name.startswith("secreted_")]:
            p[name] = p[name.removeprefix("secreted_")]
        rates, seen = knee.evaluate(x, p)
        alone_x = {name: x.get(f"secreted_{name}", x[name]) for name in shared.state_names}
        alone, observed = shared.evaluate(alone_x, p)
        own = {name for name in alone if f"secreted_{name}" in rates}
        assert len(own) == 17
        assert all(rates[f"secreted_{name}"] == pytest.approx(alone[name], rel=1e-12) for name in own)
        assert seen["secreted_signal_macrophage"] == pytest.approx(observed["signal_macrophage"])
        assert rates["m1"] == pytest.approx(alone["m1"], rel=1e-12)


def test_signals_of_injected_and_secreted_vesicles_cover_each_other():
    knee, _ = both_instances()
    x = dict(zip(knee.state_names, knee.initial(), strict=True))
    p = dict(zip(knee.parameter_names, knee.defaults(), strict=True))
    x |= {"vesicles_per_macrophage": 2500.0, "secreted_vesicles_per_macrophage": 2500.0}
    _, seen = knee.evaluate(x, p)
    assert (seen["signal_macrophage"], seen["secreted_signal_macrophage"]) == (0.5, 0.5)
    il10, one = (
        knee.evaluate(x, p)[0]["il10"],
        knee.evaluate(x | {"secreted_vesicles_per_macrophage": 0.0}, p)[0]["il10"],
    )
    none = knee.evaluate(x | {"vesicles_per_macrophage": 0.0, "secreted_vesicles_per_macrophage": 0.0}, p)[0]["il10"]
    assert (il10 - none) / (one - none) == pytest.approx(0.75 / 0.5)


def test_an_inactive_product_leaves_the_vesicles_of_cells_active():
    knee, _ = both_instances()
    kernel = compile_system(knee.system)
    patient = burned_in(knee, kernel)
    dead = patient.parameters.copy()
    for i, name in enumerate(knee.parameter_names):
        if name.startswith("potency_"):
            dead[:, i] = 0.0
    course = combine_administrations([given("msc", 0.0, amount=5e7), given("exosome", 0.0, amount=1e12)])
    seen = solve(kernel, dead, patient.state, course, [7.0], ["signal_macrophage", "secreted_signal_macrophage"])
    assert seen.values[0, 0, 0] == 0.0
    assert seen.values[0, 0, 1] > 0.001
