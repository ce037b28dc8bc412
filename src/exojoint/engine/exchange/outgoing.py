"""What leaves the house: a system with its numbers, what they mean, where they come from, and what is given when."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from exojoint.core.errors import InputError, Problem
from exojoint.engine.events import Event
from exojoint.engine.expression import Expr, constant, symbol
from exojoint.engine.system import System

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One quantity: its value (of a state at the start; nan for an output), unit, meaning and sources."""

    value: float
    unit: str
    meaning: str
    source: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outgoing:
    """A model to be written.

    Attributes
    ----------
    name : str
        Identifier of the model.
    notes : str
        What it is, in words.
    system : System
        Equations; time in days.
    entries : mapping of str to Entry
        Every state, parameter and output.
    events : sequence of Event
        Doses and other jumps of one patient: day and amount are numbers.
    """

    name: str
    notes: str
    system: System
    entries: Mapping[str, Entry]
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """What happens on one day: new value by state or input."""

    day: float
    values: Mapping[str, Expr]


def check_outgoing(model: Outgoing) -> None:
    """Refuse what no model file could hold.

    Raises
    ------
    InputError
        A name that is no identifier, a quantity without entry or value, an event of many patients.
    """
    system = model.system
    names = [model.name, *system.states, *system.parameters, *system.outputs]
    problems = [
        Problem(f"name `{n}`", "cannot be written", "letters, digits and _, no digit first", "Rename it.")
        for n in names
        if not IDENTIFIER.fullmatch(n)
    ]
    double = sorted({n for n in names[1:] if names[1:].count(n) > 1})
    problems += [Problem(f"name `{n}`", "has two meanings", "one meaning for a name", "Rename one.") for n in double]
    for name in names[1:]:
        entry = model.entries.get(name)
        if entry is None or (name not in system.outputs and not math.isfinite(entry.value)):
            problems.append(Problem(f"`{name}`", "has no value", "an entry with a finite value", "Add it."))
    for i, event in enumerate(model.events, start=1):
        if np.ndim(event.day) or (not isinstance(event.amount, str) and np.ndim(event.amount)):
            problems.append(
                Problem(f"event {i}", "is for many patients", "one day and one amount", "Choose a patient.")
            )
    if problems:
        raise InputError(*problems)


def days(model: Outgoing) -> list[Day]:
    """Return what happens day by day: settings before additions, as the engine does it."""
    found: dict[float, dict[str, Expr]] = {}
    for event in sorted(model.events, key=lambda e: (float(e.day), e.kind == "add")):
        if math.isnan(float(event.day)):
            continue
        values = found.setdefault(float(event.day), {})
        amount = symbol(event.amount) if isinstance(event.amount, str) else constant(float(event.amount))
        before = values.get(event.target, symbol(event.target))
        values[event.target] = before + amount if event.kind == "add" else amount
    return [Day(day, values) for day, values in found.items()]
