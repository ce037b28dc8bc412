"""How accurate the engine was on this run's own patients: a sample solved again at a hundredth of the tolerance."""

from __future__ import annotations

import numpy as np

from exojoint.engine import Kernel
from exojoint.runs.verdict import Accuracy
from exojoint.workflow.curves import output_days, output_names
from exojoint.workflow.draw import knowledge_of, knowledge_scores, make_lots, root
from exojoint.workflow.plan import Plan
from exojoint.workflow.pool import Course, rest_pool, solve_course

SAMPLE = 200
STANDARD, TIGHT = 1e-5, 1e-7  # relative tolerances; the mode's own, and a hundredth of it
FLOOR = 1e-3  # error is relative to the value, or to this share of the patient's largest value


def measure_accuracy(plan: Plan, kernel: Kernel, threads: int) -> Accuracy:
    """Quantiles over patients of the largest relative error of any observable on any day.

    The patients are of the first knowledge draw, under the first active arm.
    """
    luck = root(plan).child("accuracy")
    values = knowledge_of(plan, knowledge_scores(plan, [0]))[0]
    pool = rest_pool(plan, kernel, [values], [luck.child("patients")], SAMPLE, threads)
    lots, _ = make_lots(plan, values, luck.child("lots"), 1)
    arm = plan.active[0]
    course = Course.full(arm, (lots,), pool.n)
    days, names = output_days(plan), output_names(plan)
    rough, fine = (
        solve_course(plan, kernel, pool, course, luck, days, names, threads=threads, rtol=rtol).values
        for rtol in (STANDARD, TIGHT)
    )
    scale = np.maximum(np.abs(fine), FLOOR * np.abs(fine).max(axis=1, keepdims=True))
    worst = (np.abs(rough - fine) / np.maximum(scale, np.finfo(float).tiny)).max(axis=(1, 2))
    known = worst[np.isfinite(worst)]
    if len(known) == 0:
        return Accuracy(0.0, 0.0, 0)
    p50, p99 = np.quantile(known, [0.5, 0.99])
    return Accuracy(float(p50), float(p99), len(known))
