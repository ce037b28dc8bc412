"""The loop around the machine functions: who is in which lane, when a step ends, what is written down.

Compiled once per machine and precision, for every model: it sees a model only as numbers of rows and addresses of functions.
Everything here is scalar bookkeeping per lane; the arithmetic of a step is in the machine functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core.extending import intrinsic
from numpy.typing import NDArray

from exojoint.engine.slots import (
    ACCEPTED,
    ACTIVE,
    ADD_STATE,
    AMOUNT_STRIDE,
    ARRIVED,
    ATTEMPTS,
    COMPUTED,
    CONTROL_AT,
    DAY_END,
    DAY_STRIDE,
    ERROR,
    EVENT,
    EVENTS,
    F_CLAMP,
    F_COMMIT,
    F_CONTROL,
    F_DENSE,
    F_FACTORISE,
    F_FINISH,
    F_NOW,
    F_OUTPUTS,
    F_PATIENT,
    F_RATES,
    F_SETTLED,
    F_SOLVE,
    F_STAGE,
    FAILED,
    FIRST_STEP,
    FRESH,
    GROWTH,
    ID,
    IS_RESTING,
    ITEMSIZE,
    KIND,
    LANES,
    MEMORY,
    NEXT_EVENT,
    NEXT_OUTPUT,
    OWN,
    PARAMETERS,
    PATIENTS,
    PENDING,
    RATE,
    ROW_K0,
    ROW_LARGEST,
    ROW_OUTPUTS,
    ROW_Y,
    ROW_Y_OUT,
    SET_INPUT,
    SHARED,
    SOURCE,
    STATES,
    STOP,
    T_NEW,
    TARGET,
    THETA,
    TIMES,
    UNSETTLED,
    WANTED,
    H,
    T,
)  # fmt: skip

STAGES = 8
FIRST_GROWTH = 5.0  # the first step after an event may grow as any other
OK, NOT_FINITE, NOT_SETTLED = 0, 3, 4  # outcomes that the driver gives by itself; step control gives the others

Reals = NDArray[np.float64]
Wholes = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile with numba when first called; the type that a reader sees stays."""
    return cast(Function, njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)(function))


class Job(NamedTuple):
    """Everything that one call of the driver reads and writes, as pointers into memory that the caller keeps alive.

    Attributes
    ----------
    sizes, code, limits
        What slots.py lists; ``code`` holds the addresses of the machine functions.
    parameters, state, times, wanted
        One row per patient, one row per patient, output days, columns that are wanted.
    event_day, event, event_amount
        Calendars: a row per patient, or one for all (stride 0).
    values, final, outcome, steps
        Results, a row per patient.
    queue
        Next patient; all threads share it.
    w, c, lane, own
        Working memory of the lanes: states and factors, clocks and steps, whole numbers, their parameters.
    """

    sizes: Wholes
    code: Wholes
    limits: Reals
    parameters: Reals
    state: Reals
    times: Reals
    wanted: Wholes
    event_day: Reals
    event: Wholes
    event_amount: Reals
    values: Reals
    final: Reals
    outcome: NDArray[np.uint8]
    steps: NDArray[np.int32]
    queue: Wholes
    w: Reals
    c: Reals
    lane: Wholes
    own: Reals


def _call(typing: Any, address: Any, w: Any, c: Any, x: Any) -> Any:
    """Call the machine function at an address with working memory, control rows and one more pointer."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer] * 3)
        function = builder.inttoptr(args[0], kind.as_pointer())
        builder.call(function, [builder.inttoptr(a, pointer) for a in args[1:]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64, types.int64), codegen


def _claim(typing: Any, queue: Any, n: Any) -> Any:
    """Take the next n patients from the queue that all threads share; return the first."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", args[0], args[1], "monotonic")

    return types.int64(types.CPointer(types.int64), types.int64), codegen


call = intrinsic(_call)
claim = intrinsic(_claim)


@compiled
def hoist(job: Job, here: int) -> None:
    """Recompute the per-patient constants of one lane from its own parameters."""
    s = job.sizes
    call(job.code[F_PATIENT], s[MEMORY] + here * s[ITEMSIZE], s[CONTROL_AT], s[OWN] + here * s[PARAMETERS] * 8)


@compiled
def write_outputs(job: Job, here: int) -> None:
    """Write what is wanted of one lane at its next output time."""
    s = job.sizes
    L = s[LANES]
    row = (job.lane[ID * L + here] * s[TIMES] + job.lane[NEXT_OUTPUT * L + here]) * s[WANTED]
    for j in range(s[WANTED]):
        k = job.wanted[j]
        source = s[ROW_Y_OUT] + k if k < s[STATES] else s[ROW_OUTPUTS] + k - s[STATES]
        job.values[row + j] = job.w[source * L + here]
    job.lane[NEXT_OUTPUT * L + here] += 1


@compiled
def apply_events(job: Job, here: int) -> None:
    """Apply everything that is due in one lane, then set its clock for the next event."""
    s = job.sizes
    L = s[LANES]
    patient = job.lane[ID * L + here]
    days, amounts = patient * s[DAY_STRIDE], patient * s[AMOUNT_STRIDE]
    e = job.lane[NEXT_EVENT * L + here]
    changed_input = False
    read = False
    while e < s[EVENTS] and job.event_day[days + e] <= job.c[T * L + here]:
        target = job.event[(days + e) * len(EVENT) + TARGET]
        amount = job.event_amount[amounts + e]
        if job.event[(days + e) * len(EVENT) + SOURCE] >= 0:
            if not read:
                call(job.code[F_NOW], s[MEMORY], s[CONTROL_AT], 0)
                call(job.code[F_OUTPUTS], s[MEMORY], s[CONTROL_AT], 0)
                read = True
            source = job.event[(days + e) * len(EVENT) + SOURCE]
            amount = job.w[
                (s[ROW_Y_OUT] + source if source < s[STATES] else s[ROW_OUTPUTS] + source - s[STATES]) * L + here
            ]
        kind = job.event[(days + e) * len(EVENT) + KIND]
        if kind == SET_INPUT:
            job.own[here * s[PARAMETERS] + target] = amount
            changed_input = True
        else:
            y = job.w[(s[ROW_Y] + target) * L + here] + amount if kind == ADD_STATE else amount
            job.w[(s[ROW_Y] + target) * L + here] = y
            job.w[(s[ROW_LARGEST] + target) * L + here] = max(job.w[(s[ROW_LARGEST] + target) * L + here], abs(y))
        e += 1
    if changed_input:
        hoist(job, here)
    job.lane[NEXT_EVENT * L + here] = e
    job.c[STOP * L + here] = job.limits[DAY_END]
    if e < s[EVENTS]:
        job.c[STOP * L + here] = min(job.event_day[days + e], job.limits[DAY_END])
    job.c[H * L + here] = job.limits[FIRST_STEP]
    job.c[GROWTH * L + here] = FIRST_GROWTH


@compiled
def finite(job: Job, patient: int) -> bool:
    """Return whether all numbers of a patient are finite."""
    s = job.sizes
    for i in range(s[PARAMETERS]):
        if not np.isfinite(job.parameters[patient * s[PARAMETERS] + i]):
            return False
    for i in range(s[STATES]):
        if not np.isfinite(job.state[patient * s[STATES] + i]):
            return False
    return True


@compiled
def give_up(job: Job, patient: int, outcome: int, steps: int) -> None:
    """Write a failed patient: no number anywhere, and why."""
    s = job.sizes
    for i in range(s[TIMES] * s[WANTED]):
        job.values[patient * s[TIMES] * s[WANTED] + i] = np.nan
    for i in range(s[STATES]):
        job.final[patient * s[STATES] + i] = np.nan
    job.outcome[patient] = outcome
    job.steps[patient] = steps


@compiled
def seat(job: Job, here: int, patient: int) -> None:
    """Put a patient into a lane at day 0, write outputs due at once and apply events of day 0."""
    s = job.sizes
    L = s[LANES]
    for i in range(s[PARAMETERS]):
        job.own[here * s[PARAMETERS] + i] = job.parameters[patient * s[PARAMETERS] + i]
    hoist(job, here)
    for i in range(s[STATES]):
        y = job.state[patient * s[STATES] + i]
        job.w[(s[ROW_Y] + i) * L + here] = y
        job.w[(s[ROW_LARGEST] + i) * L + here] = abs(y)
    job.c[T * L + here] = 0.0
    job.c[ATTEMPTS * L + here] = 0.0
    job.c[ACTIVE * L + here] = 1.0
    job.lane[ID * L + here] = patient
    job.lane[NEXT_OUTPUT * L + here] = 0
    job.lane[NEXT_EVENT * L + here] = 0
    if s[TIMES] > 0 and job.times[0] <= 0.0:
        call(job.code[F_NOW], s[MEMORY], s[CONTROL_AT], 0)
        if s[COMPUTED]:
            call(job.code[F_OUTPUTS], s[MEMORY], s[CONTROL_AT], 0)
        while job.lane[NEXT_OUTPUT * L + here] < s[TIMES] and job.times[job.lane[NEXT_OUTPUT * L + here]] <= 0.0:
            write_outputs(job, here)
    apply_events(job, here)


@compiled
def leave(job: Job, here: int, outcome: int) -> None:
    """Write the final state of the patient in a lane."""
    s = job.sizes
    L = s[LANES]
    patient = job.lane[ID * L + here]
    for i in range(s[STATES]):
        job.final[patient * s[STATES] + i] = job.w[(s[ROW_Y] + i) * L + here]
    job.outcome[patient] = outcome
    job.steps[patient] = int(job.c[ATTEMPTS * L + here])


@compiled
def refill(job: Job, here: int) -> None:
    """Seat the next patient of the queue; a patient who is no number, or has no time to run, is written at once."""
    s = job.sizes
    L = s[LANES]
    while True:
        patient = claim(job.queue, 1)
        if patient >= s[PATIENTS]:
            break
        if not finite(job, patient):
            give_up(job, patient, NOT_FINITE, 0)
            continue
        seat(job, here, patient)
        if job.limits[DAY_END] > 0.0:
            return
        leave(job, here, OK)
    job.lane[ID * L + here] = -1
    job.c[ACTIVE * L + here] = 0.0
    job.c[T * L + here] = 0.0
    job.c[H * L + here] = 1.0
    job.c[STOP * L + here] = 1.0


@compiled
def step(job: Job) -> None:
    """Take one step in all lanes, up to the error estimate; the rates of its start are already in k0."""
    s = job.sizes
    L = s[LANES]
    pitch = L * s[ITEMSIZE] * s[STATES]
    k = s[MEMORY] + s[ROW_K0] * L * s[ITEMSIZE]
    call(job.code[F_SOLVE], s[MEMORY], s[CONTROL_AT], k)
    for i in range(1, STAGES):
        k += pitch
        call(job.code[F_STAGE + i - 1], s[MEMORY], s[CONTROL_AT], k)
        call(job.code[F_RATES], s[MEMORY], s[CONTROL_AT], k)
        call(job.code[F_SOLVE], s[MEMORY], s[CONTROL_AT], k)
    for here in range(L):
        job.c[ERROR * L + here] = 0.0
    call(job.code[F_FINISH], s[MEMORY], s[CONTROL_AT], 0)
    if s[SHARED]:
        for here in range(1, L):
            job.c[ERROR * L + here] = job.c[ERROR * L]
    call(job.code[F_CONTROL], s[MEMORY], s[CONTROL_AT], 0)


@compiled
def outputs_in_step(job: Job) -> None:
    """Write every output that falls into the accepted steps, the lanes side by side."""
    s = job.sizes
    L = s[LANES]
    while True:
        some = False
        for here in range(L):
            job.lane[PENDING * L + here] = 0
            job.c[THETA * L + here] = 1.0
            if job.c[ACCEPTED * L + here] > 0.0 and job.lane[NEXT_OUTPUT * L + here] < s[TIMES]:
                due = job.times[job.lane[NEXT_OUTPUT * L + here]]
                if due <= job.c[T_NEW * L + here]:
                    job.lane[PENDING * L + here] = 1
                    job.c[THETA * L + here] = min((due - job.c[T * L + here]) * job.c[RATE * L + here], 1.0)
                    some = True
        if not some:
            return
        call(job.code[F_DENSE], s[MEMORY], s[CONTROL_AT], 0)
        if s[COMPUTED]:
            call(job.code[F_OUTPUTS], s[MEMORY], s[CONTROL_AT], 0)
        for here in range(L):
            if job.lane[PENDING * L + here]:
                write_outputs(job, here)


@compiled
def after_step(job: Job) -> None:
    """Serve the lanes that reached an event or the end, or failed."""
    s = job.sizes
    L = s[LANES]
    for here in range(L):
        if job.c[FAILED * L + here] > 0.0:
            give_up(job, job.lane[ID * L + here], int(job.c[FAILED * L + here]), int(job.c[ATTEMPTS * L + here]))
            refill(job, here)
        elif job.c[ARRIVED * L + here] > 0.0:
            if job.c[T * L + here] < job.limits[DAY_END]:
                apply_events(job, here)
            else:
                leave(job, here, NOT_SETTLED if s[IS_RESTING] else OK)
                refill(job, here)


@compiled
def release_settled(job: Job) -> None:
    """Let go of lanes at rest. Who joins now sits out the step in progress: it was prepared for somebody else."""
    s = job.sizes
    L = s[LANES]
    for here in range(L):
        job.c[UNSETTLED * L + here] = 0.0
    call(job.code[F_SETTLED], s[MEMORY], s[CONTROL_AT], 0)
    for here in range(L):
        job.lane[FRESH * L + here] = 0
        if job.lane[ID * L + here] >= 0 and job.c[UNSETTLED * L + here] == 0.0:
            leave(job, here, OK)
            refill(job, here)
            job.lane[FRESH * L + here] = 1
            job.c[ACTIVE * L + here] = 0.0


@compiled
def occupied(job: Job) -> bool:
    """Return whether any lane has a patient."""
    s = job.sizes
    L = s[LANES]
    for here in range(L):
        if job.lane[ID * L + here] >= 0:
            return True
    return False


@compiled
def drive(job: Job) -> None:
    """Integrate patients from the queue until it is empty and every lane has finished."""
    s = job.sizes
    L = s[LANES]
    for here in range(L):
        refill(job, here)
    while occupied(job):
        call(job.code[F_CLAMP], s[MEMORY], s[CONTROL_AT], 0)
        call(job.code[F_FACTORISE], s[MEMORY], s[CONTROL_AT], s[MEMORY] + s[ROW_K0] * L * s[ITEMSIZE])
        if s[IS_RESTING]:
            release_settled(job)
        step(job)
        outputs_in_step(job)
        call(job.code[F_COMMIT], s[MEMORY], s[CONTROL_AT], 0)
        after_step(job)
        if s[IS_RESTING]:
            for here in range(L):
                if job.lane[FRESH * L + here] and job.lane[ID * L + here] >= 0:
                    job.c[ACTIVE * L + here] = 1.0
                    job.lane[FRESH * L + here] = 0


def entry(
    sizes: Any, code: Any, limits: Any, parameters: Any, state: Any, times: Any, wanted: Any, event_day: Any, event: Any,
    event_amount: Any, values: Any, final: Any, outcome: Any, steps: Any, queue: Any, w: Any, c: Any, lane: Any, own: Any,
) -> int:  # fmt: skip
    """Bind the pointers to their names and drive."""
    drive(
        Job(
            sizes, code, limits, parameters, state, times, wanted, event_day, event, event_amount, values, final, outcome,
            steps, queue, w, c, lane, own,
        )
    )  # fmt: skip
    return 0


def driver_assembly(single: bool) -> tuple[str, str]:
    """Return the driver as LLVM assembly, and the name of its entry.

    The entry takes a place for the result, a place for an error, and the pointers of :class:`Job` in order.
    """
    real, whole = types.CPointer(types.float64), types.CPointer(types.int64)
    pointers = dict.fromkeys(Job._fields, real)
    pointers |= dict.fromkeys(("sizes", "code", "wanted", "event", "queue", "lane"), whole)
    pointers |= {"outcome": types.CPointer(types.uint8), "steps": types.CPointer(types.int32)}
    pointers |= {"w": types.CPointer(types.float32) if single else real}
    dispatcher: Any = compiled(entry)
    dispatcher.compile(tuple(pointers.values()))
    (text,) = dispatcher.inspect_llvm().values()
    (name,) = (r.fndesc.llvm_func_name for r in dispatcher.overloads.values())
    return str(text), str(name)
