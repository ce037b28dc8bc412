"""From a fresh process to the first course: with an empty cache, and again."""

from __future__ import annotations

import csv
import os
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
problem = {make}
p, y = problem.patients(np.arange(8))
print(solve(compile_system(problem.system), p, y, problem.events(p), DAYS, problem.system.states).outcome.sum())
"""
# The real knee's own patients need typical sizes from a first solution; starting up must not pay for them.
MAKE = {"benchmark25": "PROBLEMS['benchmark25']()", "knee": "PROBLEMS['knee']()"}


def run(models: Sequence[str], out: Path) -> None:
    rows = []
    for model in models:
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {"EXOJOINT_CACHE": cache}
            for state in ("cold", "cached", "cached"):
                start = time.perf_counter()
                subprocess.run([sys.executable, "-c", CODE.format(make=MAKE[model])], env=environment, check=True)
                rows.append({"model": model, "cache": state, "seconds": f"{time.perf_counter() - start:.2f}"})
                print(rows[-1])
    out.mkdir(parents=True, exist_ok=True)
    with (out / "startup.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, rows[0])
        writer.writeheader()
        writer.writerows(rows)
