"""One knee: the joint and the dispositions of a scenario as one traced system, the same for all of its arms."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.core.tables import ParameterTable, read_table
from exojoint.engine import System, trace
from exojoint.joint.levers import combine
from exojoint.joint.model import JointModel
from exojoint.joint.shapes import Value
from exojoint.joint.tables import Observable, State
from exojoint.treatments.dispositions import Disposition, folder

Values = Mapping[str, Value]
HUMAN = "human"
SPECIES_COLUMNS = ("name", "rat", "mouse", "rabbit", "note")


@dataclass(frozen=True)
class Knee:
    """A joint with dispositions, traced once.

    Parameters
    ----------
    joint : JointModel
        The joint, which knows none of the dispositions.
    dispositions : tuple of Disposition
        In alphabetical order, so that the order of a scenario's arms cannot matter.
    parameters : ParameterTable
        Parameters of the joint, then of the dispositions.
    system : System
        The traced equations; outputs are the observables that are no states.
    """

    joint: JointModel
    dispositions: tuple[Disposition, ...]
    parameters: ParameterTable
    system: System

    @property
    def states(self) -> tuple[State, ...]:
        """States of the joint, then of the dispositions."""
        return (*self.joint.states, *(state for part in self.dispositions for state in part.states))

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states, the columns of a state array."""
        return self.system.states

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, the columns of a parameter array."""
        return self.system.parameters

    @property
    def observables(self) -> dict[str, Observable]:
        """Everything that can be observed: the joint's observables, the dispositions' own, and the states."""
        states = {s.name: Observable(s.name, s.unit, s.meaning, "", ()) for s in self.states}
        parts = {name: row for part in self.dispositions for name, row in part.observables.items()}
        return states | parts | dict(self.joint.observables)

    def defaults(self) -> NDArray[np.float64]:
        """Return the table's parameter values, (n_parameters,)."""
        return self.parameters.values_array(self.parameter_names)

    def initial(self) -> NDArray[np.float64]:
        """Return the starting values of the reference knee, untreated, (n_states,)."""
        return np.array([state.init for state in self.states])

    def evaluate(self, x: Values, p: Values) -> tuple[dict[str, Value], dict[str, Value]]:
        """Return (rates by state, observables by name) for any kind of values; what the system was traced from."""
        return equations(self.joint, self.dispositions, x, p)


def assemble(joint: JointModel, dispositions: Sequence[Disposition]) -> Knee:
    """Join a joint and dispositions into one system.

    Parameters
    ----------
    joint : JointModel
        Of any species.
    dispositions : sequence of Disposition
        In any order, each once; none for the joint alone.

    Raises
    ------
    InputError
        When a disposition appears twice, belongs to another structure, needs one that is missing, or has no numbers
        for the species.
    """
    parts = tuple(sorted(dispositions, key=lambda part: part.name))
    _check(joint, parts)
    parts = tuple(_scaled(part, joint.species) for part in parts)
    parameters = joint.parameters
    for part in parts:
        parameters = parameters.merge(part.parameters)
    states = [*joint.state_names, *(state.name for part in parts for state in part.states)]
    inputs = [*joint.inputs, *(name for part in parts for name in part.inputs)]

    def traced(x: Values, p: Values) -> tuple[dict[str, Value], dict[str, Value]]:
        rates, seen = equations(joint, parts, x, p)
        return rates, {name: value for name, value in seen.items() if name not in rates}

    return Knee(joint, parts, parameters, trace(states, tuple(parameters), inputs, traced))


def equations(
    joint: JointModel, parts: Sequence[Disposition], x: Values, p: Values
) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return the rates of all states and all observables: readouts, effects, levers, inflammation, rates."""
    read = joint.readouts(x, p)
    lever = combine(joint.levers, [part.effects(x, p, read) for part in parts])
    pain = joint.inflammation(x, p, lever)["pain"]
    rates = joint.rates(x, p, lever)
    seen = joint.observe(x, p, lever)
    score = joint.pain(x, p, lever) if any(part.equations.reads_pain for part in parts) else None
    for part in parts:
        inflow: Value = 0.0
        for other in parts:
            if other.feeds == part.name:
                inflow = inflow + other.secretion(x, p, read)
        rates |= part.rates(x, p, read, pain, inflow, score)
        seen |= part.observe(x, p, read)
    return rates, seen


def _check(joint: JointModel, parts: Sequence[Disposition]) -> None:
    names = [part.name for part in parts]
    for part in parts:
        where = f"disposition `{part.name}`"
        if names.count(part.name) > 1:
            raise InputError(Problem(where, "appears twice", "each disposition once", "Remove one."))
        if part.structure != joint.structure:
            what = f"belongs to structure {part.structure}"
            raise InputError(Problem(where, what, f"structure {joint.structure}, as the joint", "Load both alike."))
        for verb, other in (("secretes into", part.feeds), ("reads the parameters of", part.shares)):
            if other and other not in names:
                what = f"{verb} `{other}`, which is missing"
                raise InputError(Problem(where, what, f"`{other}` beside it", "Add it."))


def _scaled(part: Disposition, species: str) -> Disposition:
    """Return a disposition with the numbers of a species; a human number without a counterpart is refused."""
    if species == HUMAN:
        return part
    rows = read_table(folder() / "species.csv", SPECIES_COLUMNS)
    changed = dict(part.parameters)
    for row in rows:
        name = row["name"]
        if name not in changed:
            continue
        if not row[species]:
            what = f"has no number for `{name}` in the species {species}"
            todo = f"Scale it and fill the cell in species.csv, or leave {part.name} out."
            raise InputError(Problem(f"disposition `{part.name}`", what, "a scaled half-effect level", todo))
        changed[name] = dataclasses.replace(changed[name], value=float(row[species]), grade="assumed", note=row["note"])
    return dataclasses.replace(part, parameters=ParameterTable(changed.values()))
