"""Every equation carries its units: evaluated with quantities, each rate has its state's unit per day."""

from __future__ import annotations

import pint
import pytest

from exojoint.core.units import unit_quantity, unit_registry
from exojoint.joint.model import load_joint
from exojoint.joint.tables import STRUCTURES
from exojoint.treatments.assemble import assemble
from exojoint.treatments.dispositions import list_dispositions, load_disposition


def everything(structure):
    return assemble(load_joint("human", structure), [load_disposition(name, structure) for name in list_dispositions()])


def quantities(knee):
    """States and parameters with their units; nothing is 0, so that no term can hide its unit."""
    x = {s.name: (s.init or 0.3) * unit_quantity(s.unit, s.name) for s in knee.states}
    p = {name: (row.value or 0.3) * unit_quantity(row.unit, name) for name, row in knee.parameters.items()}
    return x, p


def dimension(value):
    return unit_registry().Quantity(1.0, "") if isinstance(value, float | int) else value


@pytest.mark.parametrize("structure", STRUCTURES)
def test_every_rate_has_the_unit_of_its_state_per_day(structure):
    knee = everything(structure)
    rates, _ = knee.evaluate(*quantities(knee))
    day = unit_quantity("day", "")
    for state in knee.states:
        wanted = (unit_quantity(state.unit, state.name) / day).dimensionality
        assert dimension(rates[state.name]).dimensionality == wanted, state.name


@pytest.mark.parametrize("structure", STRUCTURES)
def test_every_observable_has_its_unit(structure):
    knee = everything(structure)
    _, seen = knee.evaluate(*quantities(knee))
    assert set(seen) >= set(knee.joint.observables)
    for name, value in seen.items():
        wanted = unit_quantity(knee.observables[name].unit, name)
        assert dimension(value).dimensionality == wanted.dimensionality, name


def test_every_contribution_has_the_unit_of_its_lever():
    knee = everything("default")
    x, p = quantities(knee)
    read = knee.joint.readouts(x, p)
    units = {name: lever.unit for lever in knee.joint.levers.values() for name in lever.names}
    for part in knee.dispositions:
        for name, value in part.effects(x, p, read).items():
            assert dimension(value).dimensionality == unit_quantity(units[name], name).dimensionality, name


def test_a_wrong_unit_is_noticed():
    knee = everything("default")
    x, p = quantities(knee)
    p["flow_lymph"] = 57.6 * unit_quantity("mL", "flow_lymph")
    with pytest.raises(pint.DimensionalityError):
        knee.evaluate(x, p)
