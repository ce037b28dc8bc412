"""How accurate the engine was on this run's own patients: a sample solved again at a hundredth of the tolerance."""

from __future__ import annotations

from collections.abc import Mapping

from exojoint.engine import Certificate, Kernel, certify
from exojoint.runs.verdict import Accuracy
from exojoint.workflow.curves import output_days, output_names
from exojoint.workflow.draw import knowledge_of, knowledge_scores, make_lots, root
from exojoint.workflow.plan import Plan
from exojoint.workflow.pool import Course, course_inputs, rest_pool

SAMPLE = 200


def certify_run(plan: Plan, kernel: Kernel, threads: int) -> Certificate:
    """Quantiles over patients of the largest relative error of any observable on any day.

    The patients are of the first knowledge draw, under the first active arm.
    """
    luck = root(plan).child("accuracy")
    values = knowledge_of(plan, knowledge_scores(plan, [0]))[0]
    pool = rest_pool(plan, kernel, [values], [luck.child("patients")], SAMPLE, threads)
    lots, _ = make_lots(plan, values, luck.child("lots"), 1)
    course = Course.full(plan.active[0], (lots,), pool.n)
    inputs = course_inputs(plan, pool, course, luck)
    return certify(kernel, *inputs, output_days(plan), output_names(plan), sample=SAMPLE, threads=threads)


def headline(found: Certificate) -> Accuracy:
    """What the verdict says of a certificate; zero patients, zero error where nobody could be compared."""
    return Accuracy(found.p50, found.p99, found.n) if found.n else Accuracy(0.0, 0.0, 0)


def manifest_entry(found: Certificate) -> Mapping[str, float]:
    """What the manifest says of a certificate: tolerance, patients compared and failed, quantiles of their errors."""
    measured: dict[str, float] = {"rtol": found.rtol, "n": found.n, "failed": found.failed}
    return measured | ({"p50": found.p50, "p99": found.p99, "max": found.max} if found.n else {})
