"""Osteoarthritis that is made: healthy animals at rest, and the injuries that start an induced model."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.tables import Parameter, ParameterTable, read_parameters
from exojoint.engine import Event, Kernel
from exojoint.joint.burn_in import BurnedIn, burn_in
from exojoint.joint.model import JointModel
from exojoint.joint.starting import starting_state
from exojoint.joint.tables import folder
from exojoint.joint.views import ZONES

Reals = NDArray[np.float64]
Values = Mapping[str, float | Reals]
HEALTHY, HUMAN = "healthy", "human"
INTACT = 0.0  # Kellgren-Lawrence grade of a joint before anything has happened to it
COLUMNS = ("species", "model", "action", "target")


@dataclass(frozen=True, slots=True)
class Injury:
    """One thing that induction does.

    Parameters
    ----------
    action : str
        ``input`` (set a parameter for good), ``add`` (to a state) or ``multiply`` (what is left of a state).
    targets : tuple of str
        Parameter or states; a zonal name stands for its three zones.
    row : Parameter
        How much, with its uncertainty and what it rests on.
    """

    action: str
    targets: tuple[str, ...]
    row: Parameter


@dataclass(frozen=True, slots=True)
class Induction:
    """An induced model of osteoarthritis in one species.

    Parameters
    ----------
    species, model : str
        For example ``rat`` and ``aclt``.
    injuries : tuple of Injury
        What it does to a healthy joint.
    """

    species: str
    model: str
    injuries: tuple[Injury, ...]

    @property
    def rows(self) -> ParameterTable:
        """The numbers, for a knowledge space or a lineage."""
        return ParameterTable(injury.row for injury in self.injuries)


@functools.cache
def induction_rows() -> ParameterTable:
    """Return every row of every induced model and of the healthy animals before it."""
    return read_parameters(folder() / "species" / "inductions.csv", extra=COLUMNS)


def list_inductions(species: str) -> tuple[str, ...]:
    """Return the induced models that a species has numbers for, in alphabetical order; none for man."""
    found = {_cell(row, "model") for row in induction_rows().values() if _cell(row, "species") == species}
    return tuple(sorted(found - {HEALTHY}))


def load_induction(joint: JointModel, model: str) -> Induction:
    """Load an induced model for the species of a joint.

    Raises
    ------
    InputError
        When nobody has numbers for the model in this species.
    """
    known = list_inductions(joint.species)
    if model not in known:
        everywhere = {_cell(row, "model") for row in induction_rows().values()} - {HEALTHY}
        what = f"`{model[:80]}` has no numbers in the species {joint.species}"
        todo = did_you_mean(model, known) or "Choose another model or species; nothing is guessed."
        wanted = f"one of {', '.join(known)}" if known else f"an animal ({', '.join(sorted(everywhere))})"
        raise InputError(Problem("induction", what, wanted, todo))
    rows = [row for row in induction_rows().values() if _own(row, joint.species, model)]
    injuries = tuple(Injury(_cell(row, "action"), _targets(joint, _cell(row, "target")), row) for row in rows)
    return Induction(joint.species, model, injuries)


def healthy_row(species: str, target: str) -> Parameter:
    """Return what a healthy animal starts with: ``rel_tone`` or ``pain``.

    Raises
    ------
    InputError
        For man, whose joints start from a radiographic grade.
    """
    name = f"{species}_{HEALTHY}_{target}"
    if name not in induction_rows():
        what, expected = f"no healthy start of `{target}` for the species {species}", "an animal; rel_tone or pain"
        raise InputError(Problem("induction", what, expected, "Start a human knee from its grade."))
    return induction_rows()[name]


def rest_healthy(
    joint: JointModel, kernel: Kernel, parameters: ArrayLike, *, state: ArrayLike | None = None, threads: int = 1
) -> BurnedIn:
    """Bring healthy animals to rest: intact structure, the tone of a healthy joint.

    Parameters
    ----------
    joint : JointModel
        Of an animal.
    kernel : Kernel
        The joint alone or with dispositions.
    parameters : (n, n_parameters) array
        Columns as ``kernel.system.parameters``; ``rel_tone`` is taken as a factor of the healthy tone.
    state : (n, n_states) array, optional
        Where dispositions start; empty unless given.
    threads : int
        Threads; results do not depend on it.
    """
    p = np.array(parameters, dtype=np.float64)
    p[:, kernel.system.parameters.index("rel_tone")] *= healthy_row(joint.species, "rel_tone").value
    y = np.zeros((len(p), len(kernel.system.states))) if state is None else np.array(state, dtype=np.float64)
    y[:, : len(joint.states)] = starting_state(joint, np.full(len(p), INTACT))
    return burn_in(joint, kernel, p, y, np.full(len(p), healthy_row(joint.species, "pain").value), threads=threads)


def induce(
    joint: JointModel, model: str, rested: BurnedIn, states: Sequence[str], values: Values | None = None
) -> list[Event]:
    """Return the events of day 0 that turn healthy animals into an induced model.

    Injury may do what no treatment may: it takes cells and matrix away. The joint's own equations do the rest.

    Parameters
    ----------
    joint : JointModel
        Of an animal.
    model : str
        One of `list_inductions`.
    rested : BurnedIn
        Healthy animals at rest.
    states : sequence of str
        Names of the columns of ``rested.state``.
    values : mapping of str to float or (n,) array, optional
        Values of the induction's rows by name, in this knowledge draw or animal by animal; the table's unless given.

    Raises
    ------
    InputError
        When the model has no numbers for the species.
    """
    given = values or {}
    events: list[Event] = []
    for injury in load_induction(joint, model).injuries:
        amount = given.get(injury.row.name, injury.row.value)
        for target in injury.targets:
            if injury.action == "multiply":
                left = amount * rested.state[:, list(states).index(target)]
                events.append(Event(0.0, "set", target, left))
            elif injury.action == "add":
                events.append(Event(0.0, "add", target, amount))
            else:
                events.append(Event(0.0, "input", target, amount))
    return events


def _cell(row: Parameter, column: str) -> str:
    return dict(row.extra)[column]


def _own(row: Parameter, species: str, model: str) -> bool:
    return _cell(row, "species") == species and _cell(row, "model") == model


def _targets(joint: JointModel, target: str) -> tuple[str, ...]:
    if target in joint.state_names or target in joint.inputs:
        return (target,)
    return tuple(f"{target}_{zone}" for zone in ZONES)
