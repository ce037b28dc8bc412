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

from exojoint.engine import slots as at

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
    call(job.code[at.F_PATIENT], s[at.MEMORY] + here * s[at.ITEMSIZE], s[at.CONTROL_AT], s[at.OWN] + here * s[at.PARAMETERS] * 8)


@compiled
def write_outputs(job: Job, here: int) -> None:
    """Write what is wanted of one lane at its next output time."""
    s = job.sizes
    L = s[at.LANES]
    row = (job.lane[at.ID * L + here] * s[at.TIMES] + job.lane[at.NEXT_OUTPUT * L + here]) * s[at.WANTED]
    for j in range(s[at.WANTED]):
        k = job.wanted[j]
        source = s[at.ROW_Y_OUT] + k if k < s[at.STATES] else s[at.ROW_OUTPUTS] + k - s[at.STATES]
        job.values[row + j] = job.w[source * L + here]
    job.lane[at.NEXT_OUTPUT * L + here] += 1


@compiled
def apply_events(job: Job, here: int) -> None:
    """Apply everything that is due in one lane, then set its clock for the next event."""
    s = job.sizes
    L = s[at.LANES]
    patient = job.lane[at.ID * L + here]
    days, amounts = patient * s[at.DAY_STRIDE], patient * s[at.AMOUNT_STRIDE]
    e = job.lane[at.NEXT_EVENT * L + here]
    changed_input = False
    read = False
    while e < s[at.EVENTS] and job.event_day[days + e] <= job.c[at.T * L + here]:
        target = job.event[(days + e) * len(at.EVENT) + at.TARGET]
        amount = job.event_amount[amounts + e]
        if job.event[(days + e) * len(at.EVENT) + at.SOURCE] >= 0:
            if not read:
                call(job.code[at.F_NOW], s[at.MEMORY], s[at.CONTROL_AT], 0)
                call(job.code[at.F_OUTPUTS], s[at.MEMORY], s[at.CONTROL_AT], 0)
                read = True
            source = job.event[(days + e) * len(at.EVENT) + at.SOURCE]
            amount = job.w[
                (s[at.ROW_Y_OUT] + source if source < s[at.STATES] else s[at.ROW_OUTPUTS] + source - s[at.STATES]) * L + here
            ]
        kind = job.event[(days + e) * len(at.EVENT) + at.KIND]
        if kind == at.SET_INPUT:
            job.own[here * s[at.PARAMETERS] + target] = amount
            changed_input = True
        else:
            y = job.w[(s[at.ROW_Y] + target) * L + here] + amount if kind == at.ADD_STATE else amount
            job.w[(s[at.ROW_Y] + target) * L + here] = y
            scale = (s[at.ROW_ABSOLUTE] + target) * L + here
            job.w[scale] = max(job.w[scale], job.c[at.RSCALE * L + here] * abs(y))
        e += 1
    if changed_input:
        hoist(job, here)
    job.lane[at.NEXT_EVENT * L + here] = e
    job.c[at.STOP * L + here] = job.limits[at.DAY_END]
    if e < s[at.EVENTS]:
        job.c[at.STOP * L + here] = min(job.event_day[days + e], job.limits[at.DAY_END])
    job.c[at.H * L + here] = job.limits[at.FIRST_STEP]
    job.c[at.GROWTH * L + here] = FIRST_GROWTH


@compiled
def finite(job: Job, patient: int) -> bool:
    """Return whether all numbers of a patient are finite."""
    s = job.sizes
    for i in range(s[at.PARAMETERS]):
        if not np.isfinite(job.parameters[patient * s[at.PARAMETERS] + i]):
            return False
    for i in range(s[at.STATES]):
        if not np.isfinite(job.state[patient * s[at.STATES] + i]):
            return False
    return True


@compiled
def give_up(job: Job, patient: int, outcome: int, steps: int) -> None:
    """Write a failed patient: no number anywhere, and why."""
    s = job.sizes
    for i in range(s[at.TIMES] * s[at.WANTED]):
        job.values[patient * s[at.TIMES] * s[at.WANTED] + i] = np.nan
    for i in range(s[at.STATES]):
        job.final[patient * s[at.STATES] + i] = np.nan
    job.outcome[patient] = outcome
    job.steps[patient] = steps


@compiled
def seat(job: Job, here: int, patient: int) -> None:
    """Put a patient into a lane at day 0, write outputs due at once and apply events of day 0."""
    s = job.sizes
    L = s[at.LANES]
    for i in range(s[at.PARAMETERS]):
        job.own[here * s[at.PARAMETERS] + i] = job.parameters[patient * s[at.PARAMETERS] + i]
    hoist(job, here)
    for i in range(s[at.STATES]):
        y = job.state[patient * s[at.STATES] + i]
        job.w[(s[at.ROW_Y] + i) * L + here] = y
        floor = job.w[(s[at.ROW_ATOL] + i) * L + here]
        job.w[(s[at.ROW_ABSOLUTE] + i) * L + here] = max(floor, job.c[at.RSCALE * L + here] * abs(y))
    job.c[at.T * L + here] = 0.0
    job.c[at.ATTEMPTS * L + here] = 0.0
    job.c[at.ACTIVE * L + here] = 1.0
    job.lane[at.ID * L + here] = patient
    job.lane[at.NEXT_OUTPUT * L + here] = 0
    job.lane[at.NEXT_EVENT * L + here] = 0
    if s[at.TIMES] > 0 and job.times[0] <= 0.0:
        call(job.code[at.F_NOW], s[at.MEMORY], s[at.CONTROL_AT], 0)
        if s[at.COMPUTED]:
            call(job.code[at.F_OUTPUTS], s[at.MEMORY], s[at.CONTROL_AT], 0)
        while job.lane[at.NEXT_OUTPUT * L + here] < s[at.TIMES] and job.times[job.lane[at.NEXT_OUTPUT * L + here]] <= 0.0:
            write_outputs(job, here)
    apply_events(job, here)


@compiled
def leave(job: Job, here: int, outcome: int) -> None:
    """Write the final state of the patient in a lane."""
    s = job.sizes
    L = s[at.LANES]
    patient = job.lane[at.ID * L + here]
    for i in range(s[at.STATES]):
        job.final[patient * s[at.STATES] + i] = job.w[(s[at.ROW_Y] + i) * L + here]
    job.outcome[patient] = outcome
    job.steps[patient] = int(job.c[at.ATTEMPTS * L + here])


@compiled
def refill(job: Job, here: int) -> None:
    """Seat the next patient of the queue; a patient who is no number, or has no time to run, is written at once."""
    s = job.sizes
    L = s[at.LANES]
    while True:
        patient = claim(job.queue, 1)
        if patient >= s[at.PATIENTS]:
            break
        if not finite(job, patient):
            give_up(job, patient, NOT_FINITE, 0)
            continue
        seat(job, here, patient)
        if job.limits[at.DAY_END] > 0.0:
            return
        leave(job, here, OK)
    job.lane[at.ID * L + here] = -1
    job.c[at.ACTIVE * L + here] = 0.0
    job.c[at.T * L + here] = 0.0
    job.c[at.H * L + here] = 1.0
    job.c[at.STOP * L + here] = 1.0


@compiled
def step(job: Job) -> None:
    """Take one step in all lanes, up to the error estimate; the rates of its start are already in k0."""
    s = job.sizes
    L = s[at.LANES]
    pitch = L * s[at.ITEMSIZE] * s[at.STATES]
    k = s[at.MEMORY] + s[at.ROW_K0] * L * s[at.ITEMSIZE]
    call(job.code[at.F_SOLVE], s[at.MEMORY], s[at.CONTROL_AT], k)
    for i in range(1, STAGES):
        k += pitch
        call(job.code[at.F_STAGE + i - 1], s[at.MEMORY], s[at.CONTROL_AT], k)
        call(job.code[at.F_RATES], s[at.MEMORY], s[at.CONTROL_AT], k)
        call(job.code[at.F_SOLVE], s[at.MEMORY], s[at.CONTROL_AT], k)
    for here in range(L):
        job.c[at.ERROR * L + here] = 0.0
    call(job.code[at.F_FINISH], s[at.MEMORY], s[at.CONTROL_AT], 0)
    if s[at.SHARED]:
        for here in range(1, L):
            job.c[at.ERROR * L + here] = job.c[at.ERROR * L]
    call(job.code[at.F_CONTROL], s[at.MEMORY], s[at.CONTROL_AT], 0)


@compiled
def outputs_in_step(job: Job) -> None:
    """Write every output that falls into the accepted steps, the lanes side by side."""
    s = job.sizes
    L = s[at.LANES]
    while True:
        some = False
        for here in range(L):
            job.lane[at.PENDING * L + here] = 0
            job.c[at.THETA * L + here] = 1.0
            if job.c[at.ACCEPTED * L + here] > 0.0 and job.lane[at.NEXT_OUTPUT * L + here] < s[at.TIMES]:
                due = job.times[job.lane[at.NEXT_OUTPUT * L + here]]
                if due <= job.c[at.T_NEW * L + here]:
                    job.lane[at.PENDING * L + here] = 1
                    job.c[at.THETA * L + here] = min((due - job.c[at.T * L + here]) * job.c[at.RATE * L + here], 1.0)
                    some = True
        if not some:
            return
        call(job.code[at.F_DENSE], s[at.MEMORY], s[at.CONTROL_AT], 0)
        if s[at.COMPUTED]:
            call(job.code[at.F_OUTPUTS], s[at.MEMORY], s[at.CONTROL_AT], 0)
        for here in range(L):
            if job.lane[at.PENDING * L + here]:
                write_outputs(job, here)


@compiled
def after_step(job: Job) -> None:
    """Serve the lanes that reached an event or the end, or failed."""
    s = job.sizes
    L = s[at.LANES]
    for here in range(L):
        if job.c[at.FAILED * L + here] > 0.0:
            give_up(job, job.lane[at.ID * L + here], int(job.c[at.FAILED * L + here]), int(job.c[at.ATTEMPTS * L + here]))
            refill(job, here)
        elif job.c[at.ARRIVED * L + here] > 0.0:
            if job.c[at.T * L + here] < job.limits[at.DAY_END]:
                apply_events(job, here)
            else:
                leave(job, here, NOT_SETTLED if s[at.IS_RESTING] else OK)
                refill(job, here)


@compiled
def release_settled(job: Job) -> None:
    """Let go of lanes at rest. Who joins now sits out the step in progress: it was prepared for somebody else."""
    s = job.sizes
    L = s[at.LANES]
    for here in range(L):
        job.c[at.UNSETTLED * L + here] = 0.0
    call(job.code[at.F_SETTLED], s[at.MEMORY], s[at.CONTROL_AT], 0)
    for here in range(L):
        job.lane[at.FRESH * L + here] = 0
        if job.lane[at.ID * L + here] >= 0 and job.c[at.UNSETTLED * L + here] == 0.0:
            leave(job, here, OK)
            refill(job, here)
            job.lane[at.FRESH * L + here] = 1
            job.c[at.ACTIVE * L + here] = 0.0


@compiled
def occupied(job: Job) -> bool:
    """Return whether any lane has a patient."""
    s = job.sizes
    L = s[at.LANES]
    for here in range(L):
        if job.lane[at.ID * L + here] >= 0:
            return True
    return False


@compiled
def drive(job: Job) -> None:
    """Integrate patients from the queue until it is empty and every lane has finished."""
    s = job.sizes
    L = s[at.LANES]
    for here in range(L):
        refill(job, here)
    while occupied(job):
        call(job.code[at.F_CLAMP], s[at.MEMORY], s[at.CONTROL_AT], 0)
        call(job.code[at.F_FACTORISE], s[at.MEMORY], s[at.CONTROL_AT], s[at.MEMORY] + s[at.ROW_K0] * L * s[at.ITEMSIZE])
        if s[at.IS_RESTING]:
            release_settled(job)
        step(job)
        outputs_in_step(job)
        call(job.code[at.F_COMMIT], s[at.MEMORY], s[at.CONTROL_AT], 0)
        after_step(job)
        if s[at.IS_RESTING]:
            for here in range(L):
                if job.lane[at.FRESH * L + here] and job.lane[at.ID * L + here] >= 0:
                    job.c[at.ACTIVE * L + here] = 1.0
                    job.lane[at.FRESH * L + here] = 0


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
