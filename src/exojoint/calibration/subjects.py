"""Who is in an experiment, at rest on day 0: one set patient or animal per draw, or a population per draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.protocol import People, Subject
from exojoint.calibration.unknowns import Bench
from exojoint.core.errors import InputError, Problem
from exojoint.core.files import read_toml
from exojoint.core.streams import Stream
from exojoint.joint.burn_in import BurnedIn, burn_in
from exojoint.joint.induction import rest_healthy
from exojoint.joint.starting import grade_tone, starting_state
from exojoint.joint.tables import REFERENCE
from exojoint.patients.population import Population, list_populations, population_file, population_from
from exojoint.patients.sampling import Patients, match_effusion, recruit, with_knowledge

Floats = NDArray[np.float64]
Values = Mapping[str, Floats]


@dataclass(frozen=True)
class Group:
    """Knees at rest: `patients` rows for each draw, draw by draw, with `weights` (rows,)."""

    rested: BurnedIn
    patients: int
    weights: Floats

    def spread(self, values: Floats) -> Floats:
        """Repeat one value per draw for each of its patients."""
        return np.repeat(values, self.patients)


def rest_subject(ready: Bench, subject: Subject, values: Values, k: int, threads: int) -> Group:
    """Bring one set patient per draw to rest."""
    grades = np.full(k, float(subject.kl))
    parameters = _matrix(ready, values, k)
    tone = grade_tone(grades) if subject.tone is None else np.full(k, float(subject.tone))
    _put(ready, parameters, {"rel_tone": tone, **{name: np.full(k, value) for name, value in subject.set.items()}})
    bmi = np.full(k, subject.set["bmi_target"]) if "bmi_target" in subject.set else None
    joint = starting_state(ready.knee.joint, grades, bmi=bmi)
    state = np.tile(ready.knee.initial(), (k, 1))
    state[:, : joint.shape[1]] = joint
    pain = np.full(k, float(subject.pain))
    rested = burn_in(ready.knee.joint, ready.kernel, parameters, state, pain, threads=threads)
    return Group(rested, 1, np.ones(k))


def rest_animal(ready: Bench, subject: Subject, values: Values, k: int, threads: int) -> Group:
    """Bring one healthy animal per draw to rest; the subject's tone is a factor on the healthy one."""
    parameters = _matrix(ready, values, k)
    _put(ready, parameters, {name: np.full(k, value) for name, value in subject.set.items()})
    if subject.tone is not None:
        _put(ready, parameters, {"rel_tone": np.full(k, float(subject.tone))})
    start = np.tile(ready.knee.initial(), (k, 1))
    rested = rest_healthy(ready.knee.joint, ready.kernel, parameters, state=start, threads=threads)
    return Group(rested, 1, np.ones(k))


def rest_people(
    ready: Bench, people: People, place: Path | Traversable, values: Values, k: int, luck: Stream, threads: int
) -> Group:
    """Bring the same sample of a population to rest under every draw."""
    population = population_of(people, place)
    ids = np.arange(people.patients, dtype=np.int64)
    recruits = recruit(population, ready.knee.joint, ready.knee.parameters, luck, ids)
    n = people.patients
    parameters = np.repeat(_matrix(ready, values, k), n, axis=0)
    state = np.tile(ready.knee.initial(), (k * n, 1))
    groups = [with_knowledge(recruits, {name: float(column[i]) for name, column in values.items()}) for i in range(k)]
    for i, group in enumerate(groups):
        rows = slice(i * n, (i + 1) * n)
        _put(ready, parameters[rows], group.parameters)
        own = {name: float(column[i]) for name, column in values.items()}
        joint = _start(ready, group, own)
        state[rows, : joint.shape[1]] = joint
    pain = np.tile(groups[0].pain_latent, k)
    rested = burn_in(ready.knee.joint, ready.kernel, parameters, state, pain, threads=threads)
    wanted = np.tile(groups[0].covariates["effusion_volume"].to_numpy(), k)
    return Group(_recorded_effusion(ready, rested, wanted), n, np.tile(recruits.balance.weights, k))


def population_of(people: People, place: Path | Traversable) -> Population:
    """Return the population of a protocol: a known one or a file beside the protocol, with its changes.

    Raises
    ------
    InputError
        When there is no such population, or a changed key is wrong.
    """
    beside = place / f"{people.name}.toml"
    if people.name not in list_populations() and not beside.is_file():
        expected = f"one of {', '.join(list_populations())}, or a file beside the protocol"
        raise InputError(Problem(f"population '{people.name}'", "is unknown", expected, "Correct the name."))
    file = beside if beside.is_file() else population_file(people.name)
    return population_from(_merged(read_toml(file), people.change), f"{people.name}.toml")


def _merged(data: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(data)
    for key, value in change.items():
        deeper = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and "value" not in value
        merged[key] = _merged(merged[key], value) if deeper else value
    return merged


def _matrix(ready: Bench, values: Values, k: int) -> Floats:
    """(k, n_parameters): the tables with the draws' values."""
    matrix = np.tile(ready.knee.defaults(), (k, 1))
    _put(ready, matrix, {name: values[name] for name in ready.knee.parameter_names if name in values})
    return matrix


def _put(ready: Bench, matrix: Floats, values: Values) -> None:
    names = ready.knee.parameter_names
    for name, value in values.items():
        if name in names:
            matrix[:, names.index(name)] = value


def _start(ready: Bench, group: Patients, values: Mapping[str, float]) -> Floats:
    joint = ready.knee.joint
    within = group.collagen_z if joint.structure != REFERENCE else None
    return starting_state(joint, group.kl, bmi=group.parameters["bmi_target"], collagen_z=within, values=values)


def _recorded_effusion(ready: Bench, rested: BurnedIn, wanted: Floats) -> BurnedIn:
    """Scale the synovial volume to the recorded effusion; no other state of a resting knee depends on it."""
    parameters, state = rested.parameters.copy(), rested.state.copy()
    names, volume = ready.knee.parameter_names, ready.knee.state_names.index("volume")
    factor = match_effusion(state[:, volume], wanted)
    state[:, volume] *= factor
    for name in ("volume_rest", "volume_inflammation"):
        parameters[:, names.index(name)] *= factor
    return BurnedIn(parameters, state, rested.outcome)
