"""Patients in the real knee: they rest, with the pain and the effusion of their record."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.streams import stream
from exojoint.engine import compile_system, solve
from exojoint.joint.burn_in import burn_in
from exojoint.joint.model import load_joint
from exojoint.joint.starting import starting_state
from exojoint.patients.population import load_population
from exojoint.patients.sampling import match_effusion, sample_patients
from exojoint.treatments.assemble import assemble

N = 100


@pytest.fixture(scope="module")
def rested():
    """Knee, kernel, patients and their burned-in knees at the table's values."""
    knee = assemble(load_joint(), ())
    kernel = compile_system(knee.system)
    population = load_population("kl2_3_symptomatic")
    patients = sample_patients(population, knee.joint, knee.parameters, {}, stream(1, "patients"), np.arange(N))
    parameters = np.tile(knee.defaults(), (N, 1))
    for name, values in patients.parameters.items():
        parameters[:, knee.parameter_names.index(name)] = values
    bmi = patients.covariates["bmi"].to_numpy()
    state = starting_state(knee.joint, patients.kl, bmi=bmi, collagen_z=patients.collagen_z)
    return knee, kernel, patients, burn_in(knee.joint, kernel, parameters, state, patients.pain_latent)


def test_every_patient_rests_at_the_table_s_values(rested):
    assert rested[3].settled.all()


def test_a_rested_knee_has_the_pain_of_the_record(rested):
    _, kernel, patients, burned = rested
    day_0 = solve(kernel, burned.parameters, burned.state, [], [0.0], ["womac_pain"])
    np.testing.assert_allclose(day_0.values[:, 0, 0], patients.pain_latent, rtol=1e-9)


def test_the_expected_effusion_is_near_the_recorded_one(rested):
    knee, _, patients, burned = rested
    volume = burned.state[:, knee.state_names.index("volume")]
    factor = match_effusion(volume, patients.covariates["effusion_volume"].to_numpy())
    assert np.median(factor) == pytest.approx(1.0, abs=0.1)
    assert np.quantile(np.abs(np.log(factor)), 0.9) < 0.4


def test_a_knee_with_matched_effusion_rests_at_the_recorded_volume(rested):
    knee, kernel, patients, burned = rested
    wanted = patients.covariates["effusion_volume"].to_numpy()
    parameters, state = burned.parameters.copy(), burned.state.copy()
    volume = knee.state_names.index("volume")
    factor = match_effusion(state[:, volume], wanted)
    for name in ("volume_rest", "volume_inflammation"):
        parameters[:, knee.parameter_names.index(name)] *= factor
    state[:, volume] *= factor
    later = solve(kernel, parameters, state, [], [0.0, 14.0], ["volume", "m1"])
    np.testing.assert_allclose(later.values[:, :, 0], np.column_stack([wanted, wanted]), rtol=2e-3)
    np.testing.assert_allclose(later.values[:, 1, 1], later.values[:, 0, 1], rtol=2e-3)
