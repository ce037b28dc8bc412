"""Jumps that the course itself sets off: an output crosses a threshold, and something happens at that instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.engine.events import Event, code_of, event_problems, events_of, own_values
from exojoint.engine.slots import EVENT, WATCH
from exojoint.engine.system import System

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Trigger:
    """Something that happens whenever an output crosses a threshold.

    The crossing is searched inside each step by halving. A condition that becomes true and false again within one step
    is not seen. A jump that makes a condition true sets its trigger off too.

    Attributes
    ----------
    output : str
        Output or state that is watched.
    threshold : float or (n,) array
        Level, in the output's unit.
    direction : {"up", "down"}
        Fires when the output becomes larger (``up``) or smaller (``down``) than the threshold.
    effects : sequence of Event
        What happens then, settings before additions; their ``day`` is not read.
    at_most : int
        Times that it may fire in one patient; 0 means any number.
    at_once : bool
        Whether it fires at day 0 if the condition holds then.
    """

    output: str
    threshold: float | Reals
    direction: Literal["up", "down"]
    effects: Sequence[Event]
    at_most: int = 0
    at_once: bool = False


@dataclass(frozen=True)
class Watch:
    """Triggers as arrays: (k, 6) what is watched, (rows, k) thresholds, (e, 3) effects, (rows, e) amounts."""

    watch: NDArray[np.int64]
    threshold: Reals
    effect: NDArray[np.int64]
    amount: Reals

    @property
    def size(self) -> int:
        """Number of triggers."""
        return len(self.watch)


def triggers_of(triggers: Sequence[Trigger], rows: NDArray[np.int64]) -> list[Trigger]:
    """Return the triggers of some of the patients, in the order of ``rows``."""
    return [replace(t, threshold=own_values(t.threshold, rows), effects=events_of(t.effects, rows)) for t in triggers]


def watch(system: System, triggers: Sequence[Trigger], n: int) -> Watch:
    """Return triggers as arrays.

    Raises
    ------
    InputError
        Unknown output, target or direction, or an array that does not fit the patients.
    """
    problems = [p for i, t in enumerate(triggers) for p in _problems(system, t, f"trigger {i + 1}", n)]
    if problems:
        raise InputError(*problems)
    rows: list[tuple[int, ...]] = []
    effects: list[Event] = []
    for t in triggers:
        ordered = sorted(t.effects, key=lambda e: code_of(system, e))
        rows.append(
            (system.index(t.output), int(t.direction == "up"), len(effects), len(ordered), t.at_most, int(t.at_once))
        )
        effects += ordered
    return Watch(
        np.array(rows, dtype=np.int64).reshape(-1, len(WATCH)),
        _columns([t.threshold for t in triggers]),
        np.array([code_of(system, e) for e in effects], dtype=np.int64).reshape(-1, len(EVENT)),
        _columns([0.0 if isinstance(e.amount, str) else e.amount for e in effects]),
    )


def _columns(values: Sequence[float | Reals]) -> Reals:
    arrays = [np.asarray(v, dtype=np.float64) for v in values]
    rows = max([1, *(a.size for a in arrays if a.ndim)])
    stacked = [np.broadcast_to(a, (rows,)) for a in arrays]
    return np.ascontiguousarray(np.stack(stacked, axis=1)) if arrays else np.empty((1, 0))


def _problems(system: System, t: Trigger, where: str, n: int) -> list[Problem]:
    problems = [p for i, e in enumerate(t.effects) for p in event_problems(system, e, f"{where}, effect {i + 1}", n)]
    if t.output not in system.readable:
        todo = did_you_mean(t.output, system.readable)
        problems.append(Problem(where, f"`{t.output}` is neither a state nor an output", "a name of the system", todo))
    if t.direction not in ("up", "down"):
        problems.append(
            Problem(where, f"direction {t.direction!r}", "up or down", did_you_mean(t.direction, ("up", "down")))
        )
    if np.shape(t.threshold) not in ((), (n,)):
        shape = np.shape(t.threshold)
        problems.append(
            Problem(where, f"threshold has shape {shape}", f"one number or ({n},)", "Give one per patient.")
        )
    return problems
