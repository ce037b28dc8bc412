"""The joint alone, compiled once."""

from __future__ import annotations

import pytest

from exojoint.engine import Kernel, System, compile_system, trace
from exojoint.joint.levers import neutral
from exojoint.joint.model import JointModel, load_joint


@pytest.fixture(scope="session")
def joint() -> JointModel:
    return load_joint()


def untreated(joint: JointModel) -> System:
    """The joint without any treatment, as a system."""

    def equations(x, p):
        lever = neutral(joint.levers)
        seen = joint.observe(x, p, lever)
        return joint.rates(x, p, lever), {name: seen[name] for name in seen if name not in joint.state_names}

    return trace(joint.state_names, tuple(joint.parameters), joint.inputs, equations)


@pytest.fixture(scope="session")
def kernel(joint: JointModel) -> Kernel:
    return compile_system(untreated(joint))


def defaults(joint: JointModel) -> tuple[dict[str, float], dict[str, float]]:
    """Starting values and table values of the reference knee by name."""
    return {s.name: s.init for s in joint.states}, {name: row.value for name, row in joint.parameters.items()}
