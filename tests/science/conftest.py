"""The default knee with the treatments of the first release, compiled once, and patients at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from exojoint.core.knowledge import knowledge_space
from exojoint.engine import Event, Kernel, Trajectory, compile_system, solve
from exojoint.joint.burn_in import BurnedIn, burn_in
from exojoint.joint.model import load_joint
from exojoint.joint.starting import grade_tone, starting_state
from exojoint.treatments.assemble import Knee, assemble
from exojoint.treatments.treatment import dispositions_for

TREATMENTS = ("exosome", "saline", "triamcinolone", "hyaluronate")


@dataclass(frozen=True)
class Bench:
    """A knee ready for experiments: sets patients up, brings them to rest, follows them."""

    knee: Knee
    kernel: Kernel

    def rest(self, kl=2.5, pain=50.0, n: int = 1, **parameters) -> BurnedIn:
        """Bring n patients of one grade to rest; keyword arguments set parameters (number or (n,) array)."""
        values = np.tile(self.knee.defaults(), (n, 1))
        state = np.tile(self.knee.initial(), (n, 1))
        grades = np.full(n, float(kl))
        parameters = {"rel_tone": grade_tone(grades)} | parameters
        for name, value in parameters.items():
            values[:, self.knee.parameter_names.index(name)] = value
        bmi = parameters.get("bmi_target")
        state[:, : len(self.knee.joint.states)] = starting_state(self.knee.joint, grades, bmi=bmi)
        return burn_in(self.knee.joint, self.kernel, values, state, np.full(n, pain))

    def follow(self, patients: BurnedIn, events: list[Event], days, names, **options) -> Trajectory:
        """Follow patients and read `names` on `days`."""
        return solve(self.kernel, patients.parameters, patients.state, events, days, names, **options)

    def values(self, patients: BurnedIn, row: int = 0) -> tuple[dict[str, float], dict[str, float]]:
        """State and parameters of one patient by name."""
        x = dict(zip(self.knee.state_names, map(float, patients.state[row]), strict=True))
        p = dict(zip(self.knee.parameter_names, map(float, patients.parameters[row]), strict=True))
        return x, p

    def draws(self, n: int, seed: int, spread: float = 1.0) -> np.ndarray:
        """Return n rows of parameters drawn from what we do not know, widened by `spread`."""
        space = knowledge_space(self.knee.parameters)
        z = spread * np.random.default_rng(seed).standard_normal((n, space.n_axes))
        values = np.tile(self.knee.defaults(), (n, 1))
        for name, drawn in space.values(z).items():
            values[:, self.knee.parameter_names.index(name)] = drawn
        return values


@pytest.fixture(scope="session")
def bench() -> Bench:
    knee = assemble(load_joint(), dispositions_for(TREATMENTS, rescue=True))
    return Bench(knee, compile_system(knee.system))
