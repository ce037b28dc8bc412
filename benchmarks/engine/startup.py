"""From a fresh process to the first course: with an empty cache, and again."""

from __future__ import annotations

import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

CODE = """
import numpy as np
from benchmarks.engine.problems import PROBLEMS, DAYS
from exojoint.engine import compile_system, solve
problem = PROBLEMS["{model}"]()
p, y = problem.patients(np.arange(8))
print(solve(compile_system(problem.system), p, y, problem.events(p), DAYS, problem.system.states).outcome.sum())
"""


def run(models: Sequence[str], out: Path) -> None:
    rows = []
    for model in models:
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {"EXOJOINT_CACHE": cache}
            for state in ("cold", *["cached"] * 5):
                before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                subprocess.run([sys.executable, "-c", CODE.format(model=model)], env=environment, check=True)
                wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                rows.append({"model": model, "cache": state, "seconds": f"{wall:.2f}", "cpu_seconds": f"{cpu:.2f}"})
                print(rows[-1])
    out.mkdir(parents=True, exist_ok=True)
    with (out / "startup.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, rows[0])
        writer.writeheader()
        writer.writerows(rows)
