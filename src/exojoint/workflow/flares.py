"""Flares that a knee shows by itself: pain after an injection, where the structure lets irritation hurt.

In structure ``painful_flare`` an injection can raise pain, more in some patients than in others; there flares are
counted from that pain, and the graded probabilities of the treatments' files stand back. In every other structure no
needle hurts and those probabilities are all there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exojoint.core.streams import Stream
from exojoint.engine import Kernel
from exojoint.trial.adverse_events import Flags
from exojoint.trial.safety import safety_rows
from exojoint.workflow.plan import Plan
from exojoint.workflow.pool import Course, Pool, solve_course

Floats = NDArray[np.float64]
Flares = Mapping[str, Sequence[Flags]] | None
STRUCTURE = "painful_flare"
PAIN = "womac_pain"
INJECTION = "injection"
HOURS = (0.25, 0.5)  # days after an injection that are read beside every full day of the week


def simulated_flares(
    plan: Plan, kernel: Kernel, pool: Pool, courses: Mapping[str, Course], luck: Stream, threads: int
) -> Flares:
    """Which injection is followed by a flare; None where the structure has no pain of irritation.

    Returns
    -------
    mapping or None
        By arm, for its own treatment and then for what it gets besides: (n_pool, n_lots, administrations), whether pain
        rose within the week by as much as the safety table calls a flare; False for tablets and where a solve failed.
    """
    if plan.joint.structure != STRUCTURE:
        return None
    return {name: _of_arm(plan, kernel, pool, course, luck, threads) for name, course in courses.items()}


def _of_arm(plan: Plan, kernel: Kernel, pool: Pool, course: Course, luck: Stream, threads: int) -> list[Flags]:
    arm, week = course.arm, safety_rows()["dur_injection_flare"].value
    given = [(arm.treatment, arm.arm.days), *((more.treatment, more.also.days) for more in arm.also)]
    steps = np.array([0.0, *HOURS, *np.arange(1.0, week + 1.0)])
    every = np.unique([day + step for _, days in given for day in days for step in steps])
    seen = solve_course(plan, kernel, pool, course, luck, every, [PAIN], threads=threads).values[:, :, 0]
    pain = seen.reshape(pool.n, course.n_lots, len(every))
    return [_rises(pain, every, days, steps) & (treatment.giving.route == INJECTION) for treatment, days in given]


def _rises(pain: Floats, every: Floats, days: tuple[float, ...], steps: Floats) -> Flags:
    """(n_pool, n_lots, days) whether pain rises enough after each; what is read on a day is before its needle."""
    enough = safety_rows()["rise_injection_flare"].value
    found = np.zeros((*pain.shape[:2], len(days)), dtype=np.bool_)
    for index, day in enumerate(days):
        week = pain[:, :, np.searchsorted(every, day + steps)]
        with np.errstate(invalid="ignore"):
            found[:, :, index] = (week - week[:, :, :1]).max(axis=2) >= enough
    return found
