"""Who sits in which lane: taking the next patient from the queue, and writing down the one who leaves."""

from __future__ import annotations

import numpy as np

from exojoint.engine import slots as at
from exojoint.engine.driver.jumps import apply_events, arm, check_triggers, hoist, read_now, reading
from exojoint.engine.driver.memory import Job, claim

OK, NOT_FINITE = 0, 3  # outcomes that are decided here; step control decides the others


def write_outputs(job: Job, here: int) -> None:
    """Write what is wanted of one lane at its next output time."""
    s = job.sizes
    L = s[at.LANES]
    row = (job.lane[at.ID * L + here] * s[at.TIMES] + job.lane[at.NEXT_OUTPUT * L + here]) * s[at.WANTED]
    for j in range(s[at.WANTED]):
        job.values[row + j] = reading(job, job.wanted[j], here)
    job.lane[at.NEXT_OUTPUT * L + here] += 1


def finite(job: Job, patient: int) -> bool:
    """Return whether all numbers of a patient are finite (a sum of zeros stays zero, no number spoils it)."""
    s = job.sizes
    total = 0.0
    for i in range(s[at.PARAMETERS]):
        total += 0.0 * job.parameters[patient * s[at.PARAMETERS] + i]
    for i in range(s[at.STATES]):
        total += 0.0 * job.state[patient * s[at.STATES] + i]
    return total == 0.0


def give_up(job: Job, patient: int, outcome: int, steps: int) -> None:
    """Write a failed patient: no number anywhere, and why."""
    s = job.sizes
    for i in range(s[at.TIMES] * s[at.WANTED]):
        job.values[patient * s[at.TIMES] * s[at.WANTED] + i] = np.nan
    for i in range(s[at.STATES]):
        job.final[patient * s[at.STATES] + i] = np.nan
    for k in range(s[at.TRIGGERS]):
        job.fired[patient * s[at.TRIGGERS] + k] = np.nan
    job.outcome[patient] = outcome
    job.steps[patient] = steps


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
        read_now(job, s[at.COMPUTED])
        while (
            job.lane[at.NEXT_OUTPUT * L + here] < s[at.TIMES] and job.times[job.lane[at.NEXT_OUTPUT * L + here]] <= 0.0
        ):
            write_outputs(job, here)
    if s[at.TRIGGERS]:
        arm(job, here)
    apply_events(job, here)
    if s[at.TRIGGERS]:
        check_triggers(job, here)


def leave(job: Job, here: int, outcome: int) -> None:
    """Write the final state of the patient in a lane."""
    s = job.sizes
    L = s[at.LANES]
    patient = job.lane[at.ID * L + here]
    for i in range(s[at.STATES]):
        job.final[patient * s[at.STATES] + i] = job.w[(s[at.ROW_Y] + i) * L + here]
    job.outcome[patient] = outcome
    job.steps[patient] = int(job.c[at.ATTEMPTS * L + here])


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
