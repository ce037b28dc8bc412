"""The two verbs of the engine: follow patients through time, and let them come to rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.engine.events import Event, calendar
from exojoint.engine.job import FIRST_STEP, Patients, Results, Settings, Task, empty_results, run_task
from exojoint.engine.kernel import Kernel
from exojoint.engine.outcome import Outcome
from exojoint.engine.rescue import rescue
from exojoint.engine.triggers import Trigger, watch

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Mode:
    """A level of accuracy: relative tolerance and whether states are kept in single precision."""

    rtol: float
    single: bool = False


MODES: Final = {
    "screen": Mode(1e-4, single=True),  # p99 error about 1e-3 on the benchmark model
    "standard": Mode(1e-5),  # about 5e-5
    "reference": Mode(1e-8),  # about 1e-7
}


@dataclass(frozen=True)
class Trajectory:
    """The course of every patient.

    Attributes
    ----------
    days : (m,)
        Output days.
    names : tuple of str
        What was asked for, k names.
    values : (n, m, k)
        Outputs; on the day of an event the value before the event; nan for a patient who failed.
    state : (n, n_states)
        State at the last day, before any event of that day (when resting: where the patient settled).
    outcome : (n,), values of Outcome
    steps : (n,)
        Steps tried.
    fired : (n, t)
        Day on which each trigger fired first; nan if it never did.
    rescued : (n,)
        Whether the patient was followed by the rescue solver only.
    """

    days: Reals
    names: tuple[str, ...]
    values: Reals
    state: Reals
    outcome: NDArray[np.uint8]
    steps: NDArray[np.int32]
    fired: Reals
    rescued: NDArray[np.bool_]


def solve(
    kernel: Kernel,
    parameters: ArrayLike,
    state: ArrayLike,
    events: Sequence[Event],
    times: ArrayLike,
    outputs: Sequence[str],
    *,
    day_end: float | None = None,
    mode: str = "standard",
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
    rtol: float | None = None,
    atol: ArrayLike | None = None,
    first_step: float = FIRST_STEP,
    triggers: Sequence[Trigger] = (),
) -> Trajectory:
    """Follow patients from day 0.

    Parameters
    ----------
    kernel
        Compiled system.
    parameters : (n, n_parameters)
        One row per patient, columns as ``kernel.system.parameters``.
    state : (n, n_states)
        State at day 0, before the events of day 0.
    events
        Administrations and other jumps.
    times : (m,)
        Output days, ascending, from 0 on.
    outputs
        Names of outputs or states, k of them.
    day_end
        Last day; default: the last output day.
    mode
        ``screen``, ``standard`` or ``reference``.
    threads
        Threads; results do not depend on it.
    progress
        Called now and then with (patients begun, patients).
    rtol, atol
        Tolerances that replace those of the mode; ``atol`` is a number or one per state. Without it, a state is judged
        against the largest value that it has had in the same patient.
    first_step
        Step tried at the start and after every event, day.
    triggers
        Jumps that the course itself sets off.

    Raises
    ------
    InputError
        Arrays that do not fit, unknown names, days out of order.
    """
    chosen = MODES.get(mode)
    if chosen is None:
        raise InputError(
            Problem("mode", f"`{mode}` is not a mode", f"one of {', '.join(MODES)}", did_you_mean(mode, MODES))
        )
    p, y = check_patients(kernel, parameters, state)
    days = check_days(times, day_end)
    end = float(days[-1]) if day_end is None else float(day_end)
    wanted = check_outputs(kernel, outputs)
    tolerance = _tolerance(kernel, atol)
    settings = Settings(rtol if rtol is not None else chosen.rtol, tolerance, first_step)
    results = empty_results(len(p), len(days), len(wanted), y.shape[1], len(triggers))
    if not len(p):
        return _trajectory(days, outputs, results, np.zeros(0, dtype=np.bool_))
    jumps = calendar(kernel.system, events, len(p)), watch(kernel.system, triggers, len(p))
    task = Task(Patients(p, y, *jumps), days, wanted, end, settings)
    run_task(kernel.variant(single=chosen.single), task, results, threads=threads, progress=progress)
    return _trajectory(days, outputs, results, rescue(kernel, task, results))


def rest(
    kernel: Kernel,
    parameters: ArrayLike,
    state: ArrayLike,
    *,
    tolerance: float = 1e-6,
    day_limit: float = 73_000.0,
    threads: int = 1,
    ignore: Sequence[str] = (),
    mode: str = "standard",
) -> Trajectory:
    """Integrate every patient until nothing moves.

    Parameters
    ----------
    kernel, parameters, state, threads
        As in :func:`solve`.
    tolerance
        A patient is settled when every |rate| / max(|state|, 1e-3) is below this, 1/day.
    day_limit
        Days after which a patient who still moves is ``not_settled``.
    ignore
        States that may move for ever (counters).
    mode
        As in :func:`solve`.

    Returns
    -------
    Trajectory
        Without output days; ``state`` is the state at rest.
    """
    p, y = check_patients(kernel, parameters, state)
    unknown = [s for s in ignore if s not in kernel.system.states]
    if unknown:
        raise InputError(
            *(
                Problem("ignore", f"`{s}` is not a state", "states", did_you_mean(s, kernel.system.states))
                for s in unknown
            )
        )
    if kernel.system.reads_time:
        raise InputError(
            Problem("rest", "the system reads time itself", "rates that depend on states only", "Use solve.")
        )
    results = empty_results(len(p), 0, 0, y.shape[1])
    if not len(p):
        return _trajectory(np.empty(0), (), results, np.zeros(0, dtype=np.bool_))
    ignored = tuple(kernel.system.states.index(s) for s in ignore)
    jumps = calendar(kernel.system, (), len(p)), watch(kernel.system, (), len(p))
    chosen = MODES[mode]
    settings = Settings(chosen.rtol, rest=tolerance)
    task = Task(Patients(p, y, *jumps, ignored), np.empty(0), np.empty(0, dtype=np.int64), day_limit, settings)
    run_task(kernel.variant(single=chosen.single), task, results, threads=threads)
    rescued = rescue(kernel, task, results)
    results.state[results.outcome == Outcome.not_settled] = np.nan
    return _trajectory(np.empty(0), (), results, rescued)


def _trajectory(days: Reals, names: Sequence[str], results: Results, rescued: NDArray[np.bool_]) -> Trajectory:
    return Trajectory(
        days, tuple(names), results.values, results.state, results.outcome, results.steps, results.fired, rescued
    )


def check_patients(kernel: Kernel, parameters: ArrayLike, state: ArrayLike) -> tuple[Reals, Reals]:
    """Return parameters and states as arrays that fit the system and each other."""
    p = np.ascontiguousarray(parameters, dtype=np.float64)
    y = np.ascontiguousarray(state, dtype=np.float64)
    s = kernel.system
    problems = [
        Problem(
            name,
            f"shape {a.shape}",
            f"(patients, {width})",
            f"Columns are the {width} {what} of the system, in their order.",
        )
        for name, a, width, what in (
            ("parameters", p, len(s.parameters), "parameters"),
            ("state", y, len(s.states), "states"),
        )
        if a.ndim != 2 or a.shape[1] != width
    ]
    if not problems and len(p) != len(y):
        problems.append(
            Problem("state", f"{len(y)} rows for {len(p)} patients", "one row per patient", "Repeat or cut the rows.")
        )
    if problems:
        raise InputError(*problems)
    return p, y


def check_days(times: ArrayLike, day_end: float | None) -> Reals:
    """Return output days, ascending from 0 and not beyond the last day."""
    days = np.ascontiguousarray(times, dtype=np.float64).reshape(-1)
    problems = []
    if not np.all(np.isfinite(days)) or np.any(days < 0.0) or np.any(np.diff(days) < 0.0):
        problems.append(
            Problem("times", "not ascending finite days from 0", "for example 0, 7, 28", "Sort them; count from day 0.")
        )
    if day_end is None and not len(days):
        problems.append(Problem("times", "no output day and no last day", "at least one of them", "Give day_end."))
    if day_end is not None and (not np.isfinite(day_end) or day_end < 0.0 or (len(days) and days[-1] > day_end)):
        problems.append(
            Problem("day_end", f"{day_end} ends before the last output day", "the last output day or later", "Move it.")
        )
    if problems:
        raise InputError(*problems)
    return days


def check_outputs(kernel: Kernel, outputs: Sequence[str]) -> NDArray[np.int64]:
    """Return the columns of outputs in the table of states and outputs."""
    readable = set(kernel.system.readable)
    unknown = [o for o in outputs if o not in readable]
    if unknown:
        raise InputError(
            *(
                Problem(
                    f"output `{o}`",
                    "neither a state nor an output",
                    f"one of {len(readable)} names",
                    did_you_mean(o, readable),
                )
                for o in unknown
            )
        )
    return np.array([kernel.system.index(o) for o in outputs], dtype=np.int64)


def _tolerance(kernel: Kernel, atol: ArrayLike | None) -> Reals | None:
    if atol is None:
        return None
    values = np.asarray(atol, dtype=np.float64)
    n = len(kernel.system.states)
    if values.shape not in ((), (n,)) or np.any(values < 0.0):
        raise InputError(
            Problem("atol", f"shape {values.shape}", f"one number or ({n},), not negative", "Give one per state.")
        )
    return np.ascontiguousarray(np.broadcast_to(values, (n,)))
