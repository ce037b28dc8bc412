"""Animals: healthy at rest, injured on day 0, and under reference_0_1 exactly what the prototype's animals are."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.engine import Kernel, compile_system, solve
from exojoint.joint.burn_in import BurnedIn
from exojoint.joint.induction import healthy_row, induce, list_inductions, load_induction, rest_healthy
from exojoint.joint.model import load_joint
from exojoint.joint.starting import starting_state
from exojoint.treatments.administer import administer
from exojoint.treatments.animals import ANIMALS, administer_to_animal, animal_rows
from exojoint.treatments.assemble import Knee, assemble
from exojoint.treatments.treatment import dispositions_for, load_treatment

from .conftest import burned_in

COURSES, FLOOR = 1e-5, 1e-9  # scale and bound of the specification's parity test
BURN_IN = 2000.0  # days that the prototype's animals rest
DAYS = np.arange(1.0, 57.0)
PAIN = 5.0
MODELS = (("rat", "ACLT"), ("rat", "MIA"), ("mouse", "DMM"), ("rabbit", "ACLT"))
GIVEN = {"rat": 1e10, "mouse": 1e9, "rabbit": 8e10}
WEEKLY = (28.0, 35.0, 42.0)


@dataclass(frozen=True)
class Cage:
    """One animal under the structure of the prototype."""

    knee: Knee
    kernel: Kernel

    def row(self, **changed) -> tuple[np.ndarray, np.ndarray]:
        """Parameters and starting state of one healthy animal."""
        values, state = np.array([self.knee.defaults()]), np.array([self.knee.initial()])
        for name, value in changed.items():
            values[0, self.knee.parameter_names.index(name)] = value
        state[:, : len(self.knee.joint.states)] = starting_state(self.knee.joint, [0])
        return values, state


def cage(species, structure) -> Cage:
    knee = assemble(load_joint(species, structure), dispositions_for(["exosome"], structure=structure))
    return Cage(knee, compile_system(knee.system))


@pytest.fixture(scope="module")
def cages():
    return {species: cage(species, "reference_0_1") for species in ANIMALS}


@pytest.fixture(scope="module")
def zoo(shared, prototype):
    """The prototype's own animals, with its engine at tight tolerances; readings of all its states."""
    path = shared / "science" / "reference" / "simulate.py"
    spec = importlib.util.spec_from_file_location("reference_simulate", path)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)  # the shared folder is not ours
        spec.loader.exec_module(module)
    module._r = prototype
    integrator = prototype.getIntegrator()
    usual = integrator.absolute_tolerance
    integrator.absolute_tolerance = 1e-16  # the zones of a mouse hold 1e-6 of our unit
    yield module
    integrator.absolute_tolerance = usual


def as_the_prototype_rests(cage: Cage) -> BurnedIn:
    """Rest for as long as the prototype does, which is not until nothing moves, and solve the pain gain as it does."""
    changed = {"rel_tone": 0.4, "switch_structure": 0.0, "gain_activity_pain": 0.0, "pain_reference": PAIN}
    values, state = cage.row(**changed, gain_pain=PAIN / (100 - PAIN))
    rested = solve(cage.kernel, values, state, [], [], [], day_end=BURN_IN, mode="reference").state
    kept = {name: cage.knee.parameters[name].value for name in ("switch_structure", "gain_activity_pain")}
    column = cage.knee.parameter_names.index
    pain = solve(cage.kernel, values, rested, [], [0.0], ["pain_behaviour"]).values[0, 0, 0]
    values[0, column("gain_pain")] *= PAIN / (100 - PAIN) / (pain / (100 - pain))
    for name, value in kept.items():
        values[0, column(name)] = value
    rested[:, cage.knee.state_names.index("replacement_hazard")] = 0.0
    return BurnedIn(values, rested, np.zeros(1, dtype=np.uint8))


@pytest.mark.parametrize("days", [(), WEEKLY], ids=["untreated", "vesicles"])
@pytest.mark.parametrize(("species", "model"), MODELS)
def test_animals_are_those_of_the_prototype(species, model, days, cages, zoo):
    own = cages[species]
    knee = own.knee
    rested = as_the_prototype_rests(own)
    events = induce(knee.joint, model.lower(), rested, knee.state_names)
    if days:
        events += administer_to_animal(load_treatment("exosome"), species, days=days, amount=GIVEN[species])
    read = (*knee.state_names, "damage_oarsi", "damage_mankin")
    ours = solve(own.kernel, rested.parameters, rested.state, events, DAYS, read, rtol=1e-10).values[0]
    symbols = [*(state.symbol for state in knee.states), "OARSI", "MANKIN"]
    enzymatic = {"s_ind": 15.0} if species == "rabbit" else {}
    told = zoo.animal(model, 56, GIVEN[species], days, species, obs=["time", *symbols], **enzymatic)
    first = [int(np.argmax(told["time"] == day)) for day in DAYS]  # before the dose, where a day stands twice
    theirs = np.array([told[symbol][first] for symbol in symbols]).T
    scale = np.maximum(np.abs(theirs), np.maximum(1e-3 * np.abs(theirs).max(axis=0), FLOOR))
    error = dict(zip(read, (np.abs(ours - theirs) / scale).max(axis=0), strict=True))
    assert max(error.values()) < COURSES, sorted(error.items(), key=lambda item: -item[1])[:5]


@pytest.mark.parametrize(("species", "model"), MODELS)
def test_rates_of_injured_animals_are_those_of_the_prototype(species, model, cages, prototype):
    """All 60 states that animals have, at the induced state and beside it."""
    own = cages[species]
    knee = own.knee
    rested = as_the_prototype_rests(own)
    events = induce(knee.joint, model.lower(), rested, knee.state_names)
    p = dict(zip(knee.parameter_names, rested.parameters[0], strict=True))
    start = dict(zip(knee.state_names, rested.state[0], strict=True))
    p |= {e.target: float(e.amount) for e in events if e.kind == "input"}
    start |= {e.target: float(np.ravel(e.amount)[0]) for e in events if e.kind == "set"}
    start |= {e.target: start[e.target] + float(e.amount) for e in events if e.kind == "add"}
    rng = np.random.default_rng(8)
    prototype.resetToOrigin()
    for name, row in knee.parameters.items():
        for zone in (1, 2, 3) if "Z*" in row.symbol else (0,):
            if row.symbol:
                prototype[row.symbol.replace("Z*", f"Z{zone}")] = p[name]
        for zone in (1, 2, 3) if row.symbol == "Z*_thC" else ():
            prototype[f"Z{zone}_thA"] = 1 - p[name]
    worst = 0.0
    for _ in range(10):
        x = {name: (value or 0.1) * float(np.exp(0.1 * rng.standard_normal())) for name, value in start.items()}
        x |= {name: min(value, 1.0) for name, value in x.items() if name.startswith("collagen")}
        rates, _ = knee.evaluate(x, p)
        for state in knee.states:
            prototype[state.symbol] = x[state.name]
        for state in knee.states:
            theirs = prototype[f"{state.symbol}'"]
            worst = max(worst, abs(rates[state.name] - theirs) / max(abs(theirs), FLOOR))
    assert worst < 1e-10


def test_a_healthy_animal_rests_with_intact_cartilage_and_little_pain(cages):
    own = cages["rat"]
    values, _ = own.row()
    rested = rest_healthy(own.knee.joint, own.kernel, values)
    assert rested.settled.all()
    at = dict(zip(own.knee.state_names, rested.state[0], strict=True))
    assert [at[f"collagen_{z}"] for z in (1, 2, 3)] == [1.0, 1.0, 1.0]
    assert at["m1"] < 0.3
    seen = solve(own.kernel, rested.parameters, rested.state, [], [0.0], ["pain_behaviour", "damage_oarsi"]).values
    assert seen[0, 0, 0] == pytest.approx(PAIN)
    assert seen[0, 0, 1] < 3.0
    assert healthy_row("rat", "rel_tone").value == 0.4


@pytest.mark.parametrize("species", ANIMALS)
def test_induction_sets_injures_and_irritates_and_its_numbers_can_be_drawn(species, cages):
    own = cages[species]
    values, _ = own.row()
    rested = rest_healthy(own.knee.joint, own.kernel, values)
    for model in list_inductions(species):
        events = induce(own.knee.joint, model, rested, own.knee.state_names)
        inputs = {e.target: e.amount for e in events if e.kind == "input"}
        assert set(inputs) == {"instability", "rel_injury_enzymatic", "rel_injury_mechanical", "rel_tone"}
        assert inputs["rel_injury_enzymatic"] > inputs["rel_injury_mechanical"] >= 1
        left = {e.target: float(e.amount[0]) for e in events if e.kind == "set"}
        assert bool(left) == (model in ("mia", "aclt_acute"))
        assert all(name.endswith(("_1", "_2", "_3")) for name in left)
        drawn = induce(
            own.knee.joint, model, rested, own.knee.state_names, {f"{species}_{model}_instability": np.array([0.9])}
        )
        assert next(e.amount for e in drawn if e.target == "instability") == np.array([0.9])
    rows = load_induction(own.knee.joint, list_inductions(species)[0]).rows
    assert all(row.source for row in rows.values())


def test_models_without_numbers_are_refused_and_not_guessed():
    assert list_inductions("rabbit") == ("aclt",)
    assert list_inductions("human") == ()
    with pytest.raises(InputError, match="`dmm` has no numbers in the species rabbit"):
        load_induction(load_joint("rabbit"), "dmm")
    with pytest.raises(InputError, match='Did you mean "aclt"'):
        load_induction(load_joint("rat"), "acl")
    with pytest.raises(InputError, match="no numbers in the species human"):
        load_induction(load_joint(), "aclt")
    with pytest.raises(InputError, match="Start a human knee from its grade"):
        healthy_row("human", "pain")


def test_animals_get_their_own_volume_one_irritation_and_no_expectation():
    events = administer_to_animal(load_treatment("exosome"), "rat", days=[28.0, 35.0], amount=1e10)
    assert [(e.target, e.amount) for e in events[:2]] == [("volume", 0.05), ("irritation", pytest.approx(0.05))]
    assert {e.target for e in events} == {"volume", "irritation", "vesicles_fluid"}
    saline = administer_to_animal(load_treatment("saline"), "mouse", days=[0.0])
    assert [(e.target, e.amount) for e in saline] == [("volume", 0.005), ("irritation", 0.05)]
    twice = administer_to_animal(load_treatment("exosome"), "rat", days=[0.0], amount=1e10, volume_ml=0.1)
    assert twice[0].amount == 0.1
    tablets = administer_to_animal(load_treatment("nsaid"), "rat", days=[0.0], amount=1.0)
    assert [e.target for e in tablets] == ["dose_nsaid"]
    with pytest.raises(InputError, match="'human' is no animal"):
        animal_rows("human")


def test_zero_vesicles_are_their_vehicle_in_animals_too():
    nothing = administer_to_animal(load_treatment("exosome"), "rat", days=[0.0], amount=0.0)
    vehicle = administer_to_animal(load_treatment("saline"), "rat", days=[0.0])
    assert [e for e in nothing if e.target != "vesicles_fluid"] == vehicle


def test_a_person_is_given_what_a_person_is_given(knee, kernel):
    patient = burned_in(knee, kernel)
    events = administer(load_treatment("exosome"), days=[0.0], amount=1e11)
    assert solve(kernel, patient.parameters, patient.state, events, [7.0], ["volume"]).values[0, 0, 0] > 10
