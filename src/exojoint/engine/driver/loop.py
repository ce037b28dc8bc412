"""The loop: a step in all lanes, what falls into it, who is served after it."""

from __future__ import annotations

from exojoint.engine import slots as at
from exojoint.engine.driver.jumps import apply_events, check_triggers, holds, ready
from exojoint.engine.driver.memory import Job, call, flush_tiny, restore
from exojoint.engine.driver.seats import OK, give_up, leave, refill, write_outputs

STAGES = 8
HALVINGS = 50  # of a step in search of the instant at which a trigger fires: down to the rounding of time
NOT_SETTLED = 4  # outcome of a patient who still moves when resting ends


def step(job: Job) -> None:
    """Take one step in all lanes, up to its verdict; the rates of its start are already in k0."""
    s = job.sizes
    L = s[at.LANES]
    pitch = L * s[at.ITEMSIZE] * s[at.STATES]
    k = s[at.MEMORY] + s[at.ROW_K0] * L * s[at.ITEMSIZE]
    call(job.code[at.F_SOLVE], s[at.MEMORY], s[at.CONTROL_AT], k)
    for i in range(STAGES - 1):
        k += pitch
        call(job.code[at.F_STAGE + i], s[at.MEMORY], s[at.CONTROL_AT], k)
        call(job.code[at.F_RATES], s[at.MEMORY], s[at.CONTROL_AT], k)
        call(job.code[at.F_SOLVE], s[at.MEMORY], s[at.CONTROL_AT], k)
    call(job.code[at.F_FINISH], s[at.MEMORY], s[at.CONTROL_AT], 0)
    if s[at.SHARED]:
        for here in range(1, L):
            job.c[at.ERROR * L + here] = job.c[at.ERROR * L]
    call(job.code[at.F_CONTROL], s[at.MEMORY], s[at.CONTROL_AT], 0)


def look_inside(job: Job, computed: int) -> None:
    """Make the state at theta of the step readable, and if asked for its outputs."""
    s = job.sizes
    call(job.code[at.F_DENSE], s[at.MEMORY], s[at.CONTROL_AT], 0)
    if computed:
        call(job.code[at.F_OUTPUTS], s[at.MEMORY], s[at.CONTROL_AT], 0)


def newly_true(job: Job, here: int) -> bool:
    """Return whether a trigger that may fire holds for what was last made readable."""
    some = False
    for k in range(job.sizes[at.TRIGGERS]):
        some = some or (ready(job, k, here) and holds(job, k, here))
    return some


def cut_at_triggers(job: Job) -> None:
    """End accepted steps where a trigger fires first: halve the step until that instant is known to rounding."""
    s = job.sizes
    L = s[at.LANES]
    for here in range(L):
        job.c[at.THETA * L + here] = 1.0
    look_inside(job, 1)
    some = False
    for here in range(L):
        cut = job.c[at.ACCEPTED * L + here] > 0.0 and newly_true(job, here)
        job.lane[at.CUT * L + here] = 1 if cut else 0
        job.c[at.BEFORE * L + here] = 0.0
        job.c[at.AFTER * L + here] = 1.0
        some = some or cut
    if not some:
        return
    for _ in range(HALVINGS):
        for here in range(L):
            job.c[at.THETA * L + here] = 0.5 * (job.c[at.BEFORE * L + here] + job.c[at.AFTER * L + here])
        look_inside(job, 1)
        for here in range(L):
            if job.lane[at.CUT * L + here]:
                side = at.AFTER if newly_true(job, here) else at.BEFORE
                job.c[side * L + here] = job.c[at.THETA * L + here]
    for here in range(L):
        if job.lane[at.CUT * L + here]:
            inside = job.c[at.AFTER * L + here] * job.c[at.STEP * L + here]
            job.c[at.T_NEW * L + here] = min(job.c[at.T_START * L + here] + inside, job.c[at.T_NEW * L + here])
            job.c[at.T * L + here] = job.c[at.T_NEW * L + here]


def move_to_cut(job: Job) -> None:
    """Make the state at the cut the new state of the lanes that were cut; all outputs before it are written."""
    s = job.sizes
    L = s[at.LANES]
    some = False
    for here in range(L):
        job.c[at.THETA * L + here] = job.c[at.AFTER * L + here]
        some = some or job.lane[at.CUT * L + here] == 1
    if not some:
        return
    look_inside(job, 0)
    for here in range(L):
        if job.lane[at.CUT * L + here]:
            for i in range(s[at.STATES]):
                job.w[(s[at.ROW_Y_NEW] + i) * L + here] = job.w[(s[at.ROW_Y_OUT] + i) * L + here]
            if job.c[at.T_NEW * L + here] < job.c[at.STOP * L + here]:
                job.c[at.ARRIVED * L + here] = 0.0


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
                    theta = (due - job.c[at.T_START * L + here]) * job.c[at.RATE * L + here]
                    job.c[at.THETA * L + here] = min(theta, 1.0)
                    some = True
        if not some:
            return
        look_inside(job, s[at.COMPUTED])
        for here in range(L):
            if job.lane[at.PENDING * L + here]:
                write_outputs(job, here)


def after_step(job: Job) -> None:
    """Serve the lanes that reached an event or the end, were cut by a trigger, or failed."""
    s = job.sizes
    L = s[at.LANES]
    for here in range(L):
        if job.c[at.FAILED * L + here] > 0.0:
            steps = int(job.c[at.ATTEMPTS * L + here])
            give_up(job, job.lane[at.ID * L + here], int(job.c[at.FAILED * L + here]), steps)
            refill(job, here)
        elif job.c[at.ARRIVED * L + here] > 0.0 and job.c[at.T * L + here] >= job.limits[at.DAY_END]:
            leave(job, here, NOT_SETTLED if s[at.IS_RESTING] else OK)
            refill(job, here)
        elif s[at.TRIGGERS] and job.c[at.ACCEPTED * L + here] > 0.0:
            check_triggers(job, here)
            if job.c[at.ARRIVED * L + here] > 0.0:
                apply_events(job, here)
                check_triggers(job, here)
        elif job.c[at.ARRIVED * L + here] > 0.0:
            apply_events(job, here)


def release_settled(job: Job) -> None:
    """Let go of lanes at rest. Who joins now sits out the step in progress: it was prepared for somebody else."""
    s = job.sizes
    L = s[at.LANES]
    call(job.code[at.F_SETTLED], s[at.MEMORY], s[at.CONTROL_AT], 0)
    for here in range(L):
        job.lane[at.FRESH * L + here] = 0
        if job.lane[at.ID * L + here] >= 0 and job.c[at.UNSETTLED * L + here] == 0.0:
            leave(job, here, OK)
            refill(job, here)
            job.lane[at.FRESH * L + here] = 1
            job.c[at.ACTIVE * L + here] = 0.0


def admit_fresh(job: Job) -> None:
    """Let those who sat out a step take part in the next."""
    L = job.sizes[at.LANES]
    for here in range(L):
        if job.lane[at.FRESH * L + here] and job.lane[at.ID * L + here] >= 0:
            job.c[at.ACTIVE * L + here] = 1.0


def occupied(job: Job) -> bool:
    """Return whether any lane has a patient."""
    L = job.sizes[at.LANES]
    last = -1
    for here in range(L):
        last = max(last, job.lane[at.ID * L + here])
    return last >= 0


def drive(job: Job) -> None:
    """Integrate patients from the queue until it is empty and every lane has finished."""
    s = job.sizes
    L = s[at.LANES]
    mode = flush_tiny()
    for here in range(L):
        refill(job, here)
    while occupied(job):
        call(job.code[at.F_CLAMP], s[at.MEMORY], s[at.CONTROL_AT], 0)
        k0 = s[at.MEMORY] + s[at.ROW_K0] * L * s[at.ITEMSIZE]
        call(job.code[at.F_FACTORISE], s[at.MEMORY], s[at.CONTROL_AT], k0)
        if s[at.IS_RESTING]:
            release_settled(job)
        step(job)
        if s[at.TRIGGERS]:
            cut_at_triggers(job)
        outputs_in_step(job)
        if s[at.TRIGGERS]:
            move_to_cut(job)
        call(job.code[at.F_COMMIT], s[at.MEMORY], s[at.CONTROL_AT], 0)
        after_step(job)
        if s[at.IS_RESTING]:
            admit_fresh(job)
    restore(mode)
