"""An imported model: one system of the engine, where it starts, and what happens to it on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.engine.exchange.parts import Label
from exojoint.engine.expression import Expr
from exojoint.engine.system import System

Reals = NDArray[np.float64]
AMOUNT, CONCENTRATION = "amount.", "concentration."  # of a species, as names beside its id (ids have no point)


@dataclass(frozen=True, slots=True)
class Store:
    """Where the value of a quantity is kept.

    Attributes
    ----------
    name : str
        State or parameter of the system.
    moves : bool
        Whether it is a state.
    size : str
        Compartment whose size turns the quantity (a concentration) into what is kept (an amount); empty if it is kept
        as it is.
    """

    name: str
    moves: bool
    size: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happens when a condition becomes true.

    Attributes
    ----------
    id : str
    trigger : Expr
        The condition.
    before : bool
        Its truth just before the start.
    persistent : bool
        Whether it still happens when another incident of the same moment has made the condition false.
    early : bool
        Whether the values are computed when the condition becomes true, not when the incident's turn comes.
    priority : Expr or None
        Whose turn comes first: the highest.
    values : mapping of str to Expr
        New values by quantity.
    """

    id: str
    trigger: Expr
    before: bool
    persistent: bool
    early: bool
    priority: Expr | None
    values: Mapping[str, Expr]


@dataclass(frozen=True)
class Model:
    """A model as the engine sees it.

    Attributes
    ----------
    label : Label
        What it is called.
    system : System
        States, parameters and rates; every id can be read, each as SBML means it, and of every species also
        ``amount.<id>`` and ``concentration.<id>``. Without any state the system has a clock for one.
    start : mapping of str to float
        Value of every state and parameter at time 0, before anything happens.
    incidents : tuple of Incident
        Events.
    stores : mapping of str to Store
        Where quantities are kept that an event may set.
    columns : tuple of str
        Ids that have a value: species, compartments, parameters, reactions, species references, in file order.
    species : tuple of str
        Ids of species.
    concentrated : mapping of str to str
        Compartment of every species that is kept as a concentration.
    """

    label: Label
    system: System
    start: Mapping[str, float]
    incidents: tuple[Incident, ...]
    stores: Mapping[str, Store]
    columns: tuple[str, ...]
    species: tuple[str, ...]
    concentrated: Mapping[str, str]

    def parameters(self) -> Reals:
        """Return the parameters at the start, (n_parameters,)."""
        return np.array([self.start[name] for name in self.system.parameters])

    def state(self) -> Reals:
        """Return the state at the start, (n_states,)."""
        return np.array([self.start[name] for name in self.system.states])

    def text(self) -> str:
        """What the model is, in words."""
        label, system = self.label, self.system
        lines = [
            f"{label.title} ({label.name}, {label.dialect})",
            f"  {len(self.columns)} ids with a value, {len(self.species)} of them species; "
            f"states: {len(system.states)}, parameters: {len(system.parameters)}, events: {len(self.incidents)}",
            f"  states: {_listed(system.states)}",
        ]
        if self.incidents:
            lines.append(f"  events: {_listed([i.id or '(no id)' for i in self.incidents])}")
        lines += [f"  remark: {remark}" for remark in label.remarks]
        return "\n".join(lines)

    def data(self) -> dict[str, object]:
        """The summary for a machine."""
        label, system = self.label, self.system
        return {
            "file": label.name,
            "title": label.title,
            "dialect": label.dialect,
            "columns": list(self.columns),
            "species": list(self.species),
            "states": list(system.states),
            "parameters": list(system.parameters),
            "events": [i.id for i in self.incidents],
            "remarks": list(label.remarks),
        }


SHOWN = 12  # names listed in a summary


def _listed(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
