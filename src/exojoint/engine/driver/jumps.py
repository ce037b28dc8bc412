"""Everything that changes a patient at one instant: events of the calendar and triggers of the state."""

from __future__ import annotations

import numpy as np

from exojoint.engine import slots as at
from exojoint.engine.driver.memory import Job, call

FIRST_GROWTH = 5.0  # the first step after a jump may grow as any other
CASCADE = 64  # rounds of triggers that set off each other at one instant; more is an endless loop


def hoist(job: Job, here: int) -> None:
    """Recompute the per-patient constants of one lane from its own parameters."""
    s = job.sizes
    w, own = s[at.MEMORY] + here * s[at.ITEMSIZE], s[at.OWN] + here * s[at.PARAMETERS] * 8
    call(job.code[at.F_PATIENT], w, s[at.CONTROL_AT], own)


def read_now(job: Job, computed: int) -> None:
    """Make the current state, and if asked for its outputs, readable in all lanes."""
    s = job.sizes
    call(job.code[at.F_NOW], s[at.MEMORY], s[at.CONTROL_AT], 0)
    if computed:
        call(job.code[at.F_OUTPUTS], s[at.MEMORY], s[at.CONTROL_AT], 0)


def reading(job: Job, column: int, here: int) -> float:
    """Return a state or output of one lane as last made readable."""
    s = job.sizes
    row = s[at.ROW_Y_OUT] + column if column < s[at.STATES] else s[at.ROW_OUTPUTS] + column - s[at.STATES]
    value: float = job.w[row * s[at.LANES] + here]
    return value


def act(job: Job, here: int, kind: int, target: int, amount: float) -> bool:
    """Set an input, set a state or add to it; return whether an input changed."""
    s = job.sizes
    if kind == at.SET_INPUT:
        job.own[here * s[at.PARAMETERS] + target] = amount
        return True
    L = s[at.LANES]
    y = job.w[(s[at.ROW_Y] + target) * L + here] + amount if kind == at.ADD_STATE else amount
    job.w[(s[at.ROW_Y] + target) * L + here] = y
    scale = (s[at.ROW_ABSOLUTE] + target) * L + here
    job.w[scale] = max(job.w[scale], job.c[at.RSCALE * L + here] * abs(y))
    return False


def restart(job: Job, here: int) -> None:
    """Start again with a small step after a jump."""
    L = job.sizes[at.LANES]
    job.c[at.H * L + here] = job.limits[at.FIRST_STEP]
    job.c[at.GROWTH * L + here] = FIRST_GROWTH


def apply_events(job: Job, here: int) -> None:
    """Apply everything of the calendar that is due in one lane, then set its clock for the next event."""
    s = job.sizes
    L = s[at.LANES]
    patient = job.lane[at.ID * L + here]
    days, amounts = patient * s[at.DAY_STRIDE], patient * s[at.AMOUNT_STRIDE]
    first = job.lane[at.NEXT_EVENT * L + here]
    last = first
    read = False
    while last < s[at.EVENTS] and job.event_day[days + last] <= job.c[at.T * L + here]:
        read = read or job.event[(days + last) * at.N_EVENT + at.SOURCE] >= 0
        last += 1
    if read:
        read_now(job, 1)
    changed = False
    for e in range(first, last):
        row = (days + e) * at.N_EVENT
        source = job.event[row + at.SOURCE]
        amount = job.event_amount[amounts + e] if source < 0 else reading(job, source, here)
        changed = act(job, here, job.event[row + at.KIND], job.event[row + at.TARGET], amount) or changed
    if changed:
        hoist(job, here)
    job.lane[at.NEXT_EVENT * L + here] = last
    job.c[at.STOP * L + here] = job.limits[at.DAY_END]
    if last < s[at.EVENTS]:
        job.c[at.STOP * L + here] = min(job.event_day[days + last], job.limits[at.DAY_END])
    restart(job, here)


def holds(job: Job, k: int, here: int) -> bool:
    """Return whether the condition of trigger k holds for what was last made readable."""
    s = job.sizes
    L = s[at.LANES]
    level = job.threshold[job.lane[at.ID * L + here] * s[at.THRESHOLD_STRIDE] + k]
    value = reading(job, job.watch[k * at.N_WATCH + at.COLUMN], here)
    true: bool = value > level if job.watch[k * at.N_WATCH + at.RISING] else value < level
    return true


def ready(job: Job, k: int, here: int) -> bool:
    """Return whether trigger k may still fire and its condition did not hold before."""
    s = job.sizes
    place = k * s[at.LANES] + here
    spent = job.truth[s[at.TRIGGERS] * s[at.LANES] + place]
    limit = job.watch[k * at.N_WATCH + at.AT_MOST]
    may: bool = job.truth[place] == 0 and (limit == 0 or spent < limit)
    return may


def fire(job: Job, k: int, here: int) -> None:
    """Let the effects of trigger k act in one lane, and note the day."""
    s = job.sizes
    L = s[at.LANES]
    patient = job.lane[at.ID * L + here]
    changed = False
    begin = job.watch[k * at.N_WATCH + at.FIRST_EFFECT]
    for e in range(begin, begin + job.watch[k * at.N_WATCH + at.N_EFFECTS]):
        row = e * at.N_EVENT
        source = job.effect[row + at.SOURCE]
        amount = job.effect_amount[patient * s[at.EFFECT_STRIDE] + e] if source < 0 else reading(job, source, here)
        changed = act(job, here, job.effect[row + at.KIND], job.effect[row + at.TARGET], amount) or changed
    if changed:
        hoist(job, here)
    job.truth[s[at.TRIGGERS] * L + k * L + here] += 1
    day = patient * s[at.TRIGGERS] + k
    if np.isnan(job.fired[day]):
        job.fired[day] = job.c[at.T * L + here]
    restart(job, here)


def arm(job: Job, here: int) -> None:
    """Note which conditions hold before day 0 (none, for a trigger that may fire at once)."""
    s = job.sizes
    L = s[at.LANES]
    read_now(job, 1)
    for k in range(s[at.TRIGGERS]):
        job.fired[job.lane[at.ID * L + here] * s[at.TRIGGERS] + k] = np.nan
        at_once = job.watch[k * at.N_WATCH + at.AT_ONCE]
        job.truth[k * L + here] = 1 if not at_once and holds(job, k, here) else 0
        job.truth[s[at.TRIGGERS] * L + k * L + here] = 0


def check_triggers(job: Job, here: int) -> None:
    """Fire every trigger whose condition has become true at this instant, and those that these set off in turn."""
    s = job.sizes
    L = s[at.LANES]
    for _ in range(CASCADE):
        read_now(job, 1)
        some = False
        for k in range(s[at.TRIGGERS]):
            now = holds(job, k, here)
            if now and ready(job, k, here):
                fire(job, k, here)
                some = True
            job.truth[k * L + here] = 1 if now else 0
        if not some:
            return
