"""Structure painful_flare: an injection can hurt, in as many patients as were seen, and in the default it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.streams import stream
from exojoint.engine import compile_system, solve
from exojoint.joint.burn_in import burn_in
from exojoint.joint.model import load_joint
from exojoint.joint.starting import starting_state
from exojoint.patients.population import load_population
from exojoint.patients.sampling import sample_patients
from exojoint.treatments.administer import administer
from exojoint.treatments.assemble import assemble
from exojoint.treatments.dispositions import administration_parameters
from exojoint.treatments.treatment import dispositions_for, load_treatment

N = 400
WEEK = np.concatenate([[0.0], np.arange(0.05, 1.0, 0.15), np.arange(1.0, 7.5, 1.0)])
RISE = 10.0  # points of 100 within a week: what counts as a flare
GIVEN = ("exosome", "saline", "hyaluronate", "msc")


@pytest.fixture(scope="module", params=["painful_flare", "default"])
def clinic(request):
    """Patients at rest under a structure: (structure, flare of a treatment as a share of patients)."""
    structure = request.param
    knee = assemble(load_joint("human", structure), dispositions_for(GIVEN, structure=structure))
    kernel = compile_system(knee.system)
    population = load_population("kl2_3_symptomatic")
    people = sample_patients(population, knee.joint, knee.parameters, {}, stream(1, "flare"), np.arange(N))
    values, state = np.tile(knee.defaults(), (N, 1)), np.tile(knee.initial(), (N, 1))
    for name, column in people.parameters.items():
        values[:, knee.parameter_names.index(name)] = column
    bmi = people.parameters["bmi_target"]
    state[:, : len(knee.joint.states)] = starting_state(knee.joint, people.kl, bmi=bmi, collagen_z=people.collagen_z)
    rested = burn_in(knee.joint, kernel, values, state, people.pain_latent)
    well = rested.settled
    rows = {name: row.value for name, row in administration_parameters(structure).items()}

    def flares(name, amount=0.0):
        events = administer(load_treatment(name), days=[0.0], amount=amount, rows=rows)
        pain = solve(kernel, rested.parameters[well], rested.state[well], events, WEEK, ["womac_pain"]).values[:, :, 0]
        hurt = (pain - pain[:, :1]).max(axis=1) >= RISE
        return float(np.average(hurt, weights=people.weights[well]))

    return structure, flares


def test_flares_are_as_frequent_as_reported_where_irritation_hurts_and_absent_otherwise(clinic):
    structure, flares = clinic
    share = {name: flares(name, amount) for name, amount in (("saline", 0), ("hyaluronate", 48.0), ("msc", 5e7))}
    if structure == "default":
        assert max(share.values()) == 0.0
        return
    assert 0.003 < share["saline"] < 0.035  # 1-2 %, give or take what 400 patients can tell
    assert 0.07 < share["hyaluronate"] < 0.2
    assert 0.12 < share["msc"] < 0.3
    rising = [flares("exosome", dose) for dose in (1e10, 1e12, 1e13)]
    assert rising == sorted(rising), "an ascending-dose trial has something to see"
    assert rising[-1] > 2 * rising[0]
