"""One knee from a joint and dispositions: dormant ones change nothing, and their order has no meaning."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.joint.levers import neutral
from exojoint.joint.model import load_joint
from exojoint.joint.tables import STRUCTURES
from exojoint.treatments.assemble import assemble
from exojoint.treatments.dispositions import list_dispositions, load_disposition

from .conftest import draw


@pytest.mark.parametrize("structure", STRUCTURES)
def test_dormant_dispositions_leave_the_joint_bit_for_bit(structure):
    joint = load_joint("human", structure)
    full = assemble(joint, [load_disposition(name, structure) for name in list_dispositions()])
    rng = np.random.default_rng(7)
    for _ in range(100):
        x, p = draw(full, rng)
        x |= {state.name: 0.0 for part in full.dispositions for state in part.states}
        p |= {name: 0.0 for part in full.dispositions for name in part.inputs}
        rates, _ = full.evaluate(x, p)
        alone = joint.rates(x, p, neutral(joint.levers))
        assert {name: rates[name] for name in alone} == alone
        assert all(rates[state.name] == 0.0 for part in full.dispositions for state in part.states)


def test_order_of_dispositions_does_not_matter(knee):
    again = assemble(knee.joint, knee.dispositions[::-1])
    assert again.state_names == knee.state_names
    assert again.system.digest == knee.system.digest


def test_a_knee_lists_states_parameters_and_observables_once(knee):
    assert len(knee.state_names) == 41 + 17 + 5 + 2 + 2 + 1
    assert len(knee.initial()) == len(knee.state_names)
    assert len(knee.defaults()) == len(knee.parameter_names)
    assert set(knee.joint.observables) <= set(knee.observables)
    assert knee.observables["signal_macrophage"].unit == "1"
    assert set(knee.system.readable) >= set(knee.observables)
    assert {"dose_paracetamol", "instability", "bmi_target"} <= set(knee.system.inputs)


def test_the_traced_system_is_the_plain_equations(knee, kernel):
    x = dict(zip(knee.state_names, knee.initial(), strict=True)) | {"vesicles_fluid": 100.0, "expectation": 1.0}
    p = dict(zip(knee.parameter_names, knee.defaults(), strict=True))
    rates, seen = knee.evaluate(x, p)
    assert set(rates) == set(knee.state_names)
    assert set(seen) >= set(knee.joint.observables)


@pytest.mark.parametrize(
    ("names", "structure", "message"),
    [
        (["context", "context"], "default", "appears twice"),
        (["context"], "reference_0_1", "belongs to structure reference_0_1"),
        (["msc"], "default", "secretes into `exosome`"),
    ],
)
def test_impossible_knees_are_refused(names, structure, message):
    with pytest.raises(InputError, match=message):
        assemble(load_joint(), [load_disposition(name, structure) for name in names])


def test_cells_feed_vesicles_into_the_fluid():
    full = assemble(load_joint(), [load_disposition(name) for name in ("context", "exosome", "msc")])
    x = dict(zip(full.state_names, full.initial(), strict=True))
    p = dict(zip(full.parameter_names, full.defaults(), strict=True))
    assert full.evaluate(x, p)[0]["vesicles_fluid"] == 0.0
    assert full.evaluate(x | {"msc_live": 50.0}, p)[0]["vesicles_fluid"] == pytest.approx(1000 * 50e6 / 1e9)
