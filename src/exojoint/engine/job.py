"""One call of the driver: its numbers, its memory, and the threads that share its patients."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exojoint.engine import slots
from exojoint.engine.driver.memory import Job
from exojoint.engine.events import Calendar
from exojoint.engine.slots import CONTROL, LANE, LIMITS, SIZES
from exojoint.engine.triggers import Watch
from exojoint.engine.variant import Variant

Reals = NDArray[np.float64]
FIRST_STEP = 1e-3  # day; tried at the start and after every jump, and shortened at once where it is too long
ALIGNMENT = 64  # bytes; the widest vector register and the cache line of every processor served
POLL_SECONDS = 0.1  # how often progress is told and an interruption is noticed


@dataclass(frozen=True)
class Settings:
    """How closely to follow the equations.

    Attributes
    ----------
    rtol : float
        Relative tolerance of a step.
    atol : (n_states,) or None
        Absolute tolerance; None judges each state by the largest value that it has had in this patient.
    first_step : float
        Step tried at the start and after every event, day.
    max_steps : int
        Attempts after which a patient is given up.
    rest : float or None
        Rate per day below which a patient counts as settled; None integrates to the end.
    shared : bool
        Whether the first lane sets the steps of all lanes.
    """

    rtol: float
    atol: Reals | None = None
    first_step: float = FIRST_STEP
    max_steps: int = 100_000
    rest: float | None = None
    shared: bool = False


SCALE_SHARE = 1e-3  # absolute tolerance = rtol * this * the largest value that the state has had
SCALE_FLOOR = 1e-9  # a state that never exceeded this (in its unit) counts as nothing


@dataclass(frozen=True)
class Patients:
    """What goes in: parameters (n.

    N_parameters), state at day 0 (n, n_states), jumps; ``ignored`` states need not settle.
    """

    parameters: Reals
    state: Reals
    calendar: Calendar
    watch: Watch
    ignored: tuple[int, ...] = ()


@dataclass(frozen=True)
class Results:
    """What comes out: values (n.

    M, k), final state (n, n_states), outcome, attempts (n,), first day of triggers (n, t).
    """

    values: Reals
    state: Reals
    outcome: NDArray[np.uint8]
    steps: NDArray[np.int32]
    fired: Reals


def empty_results(n: int, n_times: int, n_wanted: int, n_states: int, n_triggers: int = 0) -> Results:
    """Return memory for the results of n patients."""
    return Results(
        np.empty((n, n_times, n_wanted)),
        np.empty((n, n_states)),
        np.empty(n, dtype=np.uint8),
        np.empty(n, dtype=np.int32),
        np.empty((n, n_triggers)),
    )


class Workspace:
    """Working memory of the lanes of one thread; it may serve any number of jobs of one variant."""

    def __init__(self, variant: Variant) -> None:
        shape, layout = variant.shape, variant.layout
        self.w = aligned((layout.rows["end"], shape.lanes), np.float32 if shape.single else np.float64)
        self.c = aligned((len(CONTROL), shape.lanes), np.float64)
        self.lane = np.zeros((len(LANE), shape.lanes), dtype=np.int64)
        self.own = np.zeros((shape.lanes, layout.n_parameters))

    def prepare(self, variant: Variant, settings: Settings, ignored: Sequence[int]) -> None:
        """Set what stays the same during a job."""
        n, rows = variant.layout.n_states, variant.layout.rows
        floor = settings.rtol * SCALE_SHARE * SCALE_FLOOR
        absolute = np.full(n, floor) if settings.atol is None else settings.atol
        self.w[rows["atol"] : rows["atol"] + n] = absolute[:, None]
        watched = np.ones(n)
        watched[list(ignored)] = 0.0
        self.w[rows["watched"] : rows["watched"] + n] = watched[:, None]
        self.c[slots.RTOL] = settings.rtol
        self.c[slots.RSCALE] = settings.rtol * SCALE_SHARE if settings.atol is None else 0.0
        self.c[slots.LIMIT] = settings.max_steps
        self.c[slots.RESTING] = settings.rest or 0.0


def aligned(shape: tuple[int, int], dtype: type[np.floating]) -> NDArray[np.floating]:
    """Return zeros that start on a cache line; numpy alone does not promise it and aligned loads crash otherwise."""
    size = shape[0] * shape[1] * np.dtype(dtype).itemsize
    raw = np.zeros(size + ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


@dataclass(frozen=True)
class Task:
    """What is asked of the engine.

    Attributes
    ----------
    patients : Patients
        Who.
    times : (m,)
        Output days.
    wanted : (k,)
        Columns of states and outputs.
    day_end : float
        Last day.
    settings : Settings
        How closely.
    """

    patients: Patients
    times: Reals
    wanted: NDArray[np.int64]
    day_end: float
    settings: Settings

    @property
    def size(self) -> int:
        """Number of patients."""
        return len(self.patients.parameters)


def run_task(
    variant: Variant,
    task: Task,
    results: Results,
    *,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
    spaces: Sequence[Workspace] = (),
) -> None:
    """Integrate all patients into ``results``, on several threads that take them one by one from one queue."""
    n = task.size
    threads = max(1, min(threads, -(-n // variant.shape.lanes)))
    memory = [*spaces[:threads], *(Workspace(variant) for _ in range(threads - len(spaces)))]
    queue = np.zeros(1, dtype=np.int64)
    calls = []
    for space in memory:
        space.prepare(variant, task.settings, task.patients.ignored)
        job = job_of(variant, task, results, space, queue)
        calls.append(threading.Thread(target=_drive, args=(variant, job), daemon=True))
    for c in calls:
        c.start()
    try:
        for c in calls:
            while c.is_alive():
                c.join(POLL_SECONDS)
                if progress is not None:
                    progress(min(int(queue[0]), n), n)
    except BaseException:
        queue[0] = n  # nobody else is seated; who is under way finishes, so that no memory is freed in use
        for c in calls:
            c.join()
        raise
    if progress is not None:
        progress(n, n)


def _drive(variant: Variant, job: Job) -> None:
    pointers = np.array([a.ctypes.data for a in job], dtype=np.uintp)
    variant.drive(pointers.ctypes.data)


def job_of(variant: Variant, task: Task, results: Results, space: Workspace, queue: NDArray[np.int64]) -> Job:
    """Return what one thread works on, as flat arrays over the memory of task, results and workspace."""
    limits = np.zeros(len(LIMITS))
    limits[slots.DAY_END], limits[slots.FIRST_STEP] = task.day_end, task.settings.first_step
    who = task.patients
    truth = np.zeros((2 * who.watch.size + 1, variant.shape.lanes), dtype=np.int64)
    asked: list[NDArray[Any]] = [_sizes(variant, task, space), np.array(variant.addresses, dtype=np.int64), limits]
    asked += [
        who.parameters,
        who.state,
        task.times,
        task.wanted,
        who.calendar.day,
        who.calendar.event,
        who.calendar.amount,
    ]
    asked += [who.watch.watch, who.watch.threshold, who.watch.effect, who.watch.amount]
    given: list[NDArray[Any]] = [results.values, results.state, results.outcome, results.steps, results.fired]
    own = [queue, space.w, space.c, space.lane, space.own, truth]
    return Job(*(a.reshape(-1) for a in (*asked, *given, *own)))


def _sizes(variant: Variant, task: Task, space: Workspace) -> NDArray[np.int64]:
    layout, calendar, watch = variant.layout, task.patients.calendar, task.patients.watch
    values = {
        "lanes": variant.shape.lanes,
        "itemsize": variant.shape.itemsize,
        "states": layout.n_states,
        "parameters": layout.n_parameters,
        "patients": task.size,
        "times": len(task.times),
        "wanted": len(task.wanted),
        "events": calendar.size,
        "day_stride": calendar.size if len(calendar.day) > 1 else 0,
        "amount_stride": calendar.size if len(calendar.amount) > 1 else 0,
        "triggers": watch.size,
        "threshold_stride": watch.size if len(watch.threshold) > 1 else 0,
        "effect_stride": len(watch.effect) if len(watch.amount) > 1 else 0,
        "memory": space.w.ctypes.data,
        "control": space.c.ctypes.data,
        "own": space.own.ctypes.data,
        "computed": int(np.any(task.wanted >= layout.n_states)),
        "shared": int(task.settings.shared),
        "resting": int(task.settings.rest is not None),
    }
    values |= {n: layout.rows[n.removeprefix("row_")] for n in SIZES if n.startswith("row_")}
    return np.array([values[name] for name in SIZES], dtype=np.int64)
