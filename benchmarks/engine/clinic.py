"""Ten thousand patients of the main scenario: recruited, brought to rest, followed for two years under three doses."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
from benchmarks.engine import table

from exojoint.engine import compile_system
from exojoint.workflow.curves import output_days, output_names
from exojoint.workflow.draw import knowledge_of, knowledge_scores, make_lots, root
from exojoint.workflow.lookup import make_plan
from exojoint.workflow.pool import Course, rest_pool, solve_course

SCENARIO = Path(__file__).parents[2] / "scenarios" / "umbilical_phase2.toml"
PATIENTS, THREADS = 10_000, 2


def run(out: Path) -> None:
    """Write clinic.csv: seconds of each stage, and of both together; compilation is not in them."""
    plan = make_plan(SCENARIO)
    kernel = compile_system(plan.knee.system)
    luck = root(plan).child("benchmark")
    values = knowledge_of(plan, knowledge_scores(plan, [0]))[0]
    rest_pool(plan, kernel, [values], [luck.child("patients")], 64, THREADS)
    clock = [(time.perf_counter(), time.process_time())]
    pool = rest_pool(plan, kernel, [values], [luck.child("patients")], PATIENTS, THREADS)
    clock.append((time.perf_counter(), time.process_time()))
    lots, _ = make_lots(plan, values, luck.child("lots"), 1)
    course = Course.full(plan.active[0], (lots[:1],), pool.n)
    found = solve_course(plan, kernel, pool, course, luck, output_days(plan), output_names(plan), threads=THREADS)
    clock.append((time.perf_counter(), time.process_time()))
    rows = []
    for stage, a, b in (("recruitment and burn-in", 0, 1), ("course", 1, 2), ("both", 0, 2)):
        wall, cpu = (clock[b][i] - clock[a][i] for i in (0, 1))
        rows.append(
            {
                "stage": stage,
                "patients": PATIENTS,
                "threads": THREADS,
                "seconds": wall,
                "cpu_seconds": cpu,
                "load": os.getloadavg()[0],
                "failed": int((~np.isfinite(found.values).all(axis=(1, 2))).sum()),
            }
        )
        print(rows[-1])
    table.write(out / "clinic.csv", rows)
