"""Administrations and other jumps, as calendars that the driver can follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.engine.slots import ADD_STATE, SET_INPUT, SET_STATE
from exojoint.engine.system import System

KINDS: Final = {"set": SET_STATE, "input": SET_INPUT, "add": ADD_STATE}

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Event:
    """Something that happens to patients on a day: a dose, a replaced value, a changed input.

    Attributes
    ----------
    day : float or (n,) array
        Day of the event, per patient if an array; nan means not for that patient.
    kind : {"add", "set", "input"}
        Add to a state, set a state, or set an input. On one day all settings act before all additions.
    target : str
        State or input.
    amount : float, (n,) array or str
        How much, in the target's unit. A name is an output, read just before the events of that day.
    """

    day: float | Reals
    kind: Literal["add", "set", "input"]
    target: str
    amount: float | Reals | str


@dataclass(frozen=True)
class Calendar:
    """Events of all patients, sorted by day.

    Attributes
    ----------
    day : (rows, e)
        Days; inf where a patient has no event left. One row serves all patients if none differs.
    event : (rows, e, 3)
        Kind, target column, and output that gives the amount or -1.
    amount : (rows, e)
        Amounts; one row if none differs.
    """

    day: Reals
    event: NDArray[np.int64]
    amount: Reals

    @property
    def size(self) -> int:
        """Number of events of a patient, at most."""
        return int(self.day.shape[1])


def events_of(events: Sequence[Event], rows: NDArray[np.int64]) -> list[Event]:
    """Return the events of some of the patients, in the order of ``rows``; a row may occur more than once."""

    return [
        replace(
            e, day=own_values(e.day, rows), amount=e.amount if isinstance(e.amount, str) else own_values(e.amount, rows)
        )
        for e in events
    ]


def own_values(value: float | Reals, rows: NDArray[np.int64]) -> float | Reals:
    """Return the values of some of the patients; a number is everybody's."""
    return value if isinstance(value, float | int) or np.ndim(value) == 0 else np.asarray(value)[rows]


def calendar(system: System, events: Sequence[Event], n: int) -> Calendar:
    """Return the events in the order in which they act; the order of the rows given does not matter.

    Raises
    ------
    InputError
        Unknown kind or target, a day before 0, an array that does not fit the patients, or two settings of one target
        on one day.
    """
    problems = [p for i, e in enumerate(events) for p in event_problems(system, e, f"event {i + 1}", n)]
    if problems:
        raise InputError(*problems)
    ordered = sorted(events, key=_canonical)
    code = np.array([code_of(system, e) for e in ordered], dtype=np.int64).reshape(-1, 3)
    days = [np.asarray(e.day, dtype=np.float64) for e in ordered]
    amounts = [np.asarray(0.0 if isinstance(e.amount, str) else e.amount, dtype=np.float64) for e in ordered]
    day = _table(days, n)
    amount = _table(amounts, n if len(day) > 1 else 1)
    day = np.where(np.isnan(day), np.inf, day)
    order = np.argsort(day, axis=1, kind="stable")
    day = np.take_along_axis(day, order, axis=1)
    event = code[order]
    shared = len(order) == 1
    amount = amount[:, order[0]] if shared else np.take_along_axis(amount, order, axis=1)
    _refuse_conflicts(system, day, event, amount)
    return Calendar(np.ascontiguousarray(day), np.ascontiguousarray(event), np.ascontiguousarray(amount))


def _table(columns: Sequence[Reals], least: int) -> Reals:
    """Stack columns side by side, with one row if no column is an array and no more rows are asked for."""
    rows = max([least if least > 1 else 1, *(c.size for c in columns if c.ndim)])
    return np.stack([np.broadcast_to(c, (rows,)) for c in columns], axis=1) if columns else np.empty((1, 0))


def _canonical(e: Event) -> tuple[int, str, str, bytes, bytes]:
    """Sort key that makes the order of the rows given irrelevant, down to the last bit of a sum."""
    amount = "" if not isinstance(e.amount, str) else e.amount
    number = b"" if isinstance(e.amount, str) else np.asarray(e.amount, dtype=np.float64).tobytes()
    return KINDS[e.kind], e.target, amount, number, np.asarray(e.day, dtype=np.float64).tobytes()


def code_of(system: System, e: Event) -> tuple[int, int, int]:
    """Return an event as numbers: kind, column of its target, and output that gives its amount or -1."""
    table = system.parameters if e.kind == "input" else system.states
    source = system.index(e.amount) if isinstance(e.amount, str) else -1
    return KINDS[e.kind], table.index(e.target), source


def event_problems(system: System, e: Event, where: str, n: int) -> list[Problem]:
    """Return what is wrong with an event."""
    if e.kind not in KINDS:
        return [Problem(where, f"kind {e.kind!r}", "add, set or input", did_you_mean(str(e.kind), KINDS))]
    known = system.inputs if e.kind == "input" else system.states
    problems = []
    if e.target not in known:
        what = "an input" if e.kind == "input" else "a state"
        problems.append(
            Problem(where, f"`{e.target}` is not {what}", f"one of {len(known)} names", did_you_mean(e.target, known))
        )
    if isinstance(e.amount, str) and e.amount not in system.readable:
        problems.append(
            Problem(
                where,
                f"amount `{e.amount}` is not an output",
                "a number or an output",
                did_you_mean(e.amount, system.readable),
            )
        )
    for name, value in (("day", e.day), ("amount", e.amount)):
        if not isinstance(value, str) and np.shape(value) not in ((), (n,)):
            problems.append(
                Problem(where, f"{name} has shape {np.shape(value)}", f"one number or ({n},)", "Give one per patient.")
            )
    if np.any(np.asarray(e.day, dtype=np.float64) < 0.0):
        problems.append(
            Problem(where, "day before 0", "day 0 or later", "Count days from the start of the integration.")
        )
    return problems


def _refuse_conflicts(system: System, day: Reals, event: NDArray[np.int64], amount: Reals) -> None:
    """Two settings of one target on one day have no order, unless they agree."""
    if day.shape[1] < 2:
        return
    later, earlier = event[:, 1:], event[:, :-1]
    same = (day[:, 1:] == day[:, :-1]) & np.isfinite(day[:, 1:]) & np.all(later[..., :2] == earlier[..., :2], axis=-1)
    differ = (amount[:, 1:] != amount[:, :-1]) | (later[..., 2] != earlier[..., 2])
    wrong = np.argwhere(same & differ & (later[..., 0] != ADD_STATE))
    if len(wrong):
        row, k = wrong[0]
        names = system.parameters if later[row, k, 0] == SET_INPUT else system.states
        raise InputError(
            Problem(
                f"events of day {day[row, k]:g}",
                f"`{names[later[row, k, 1]]}` is set to two values",
                "one value on one day",
                "Move one of the settings or leave it out.",
            )
        )
