"""Population sizes, threads and memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.engine import table
from benchmarks.engine.problems import DAYS, PROBLEMS

from exojoint.engine import compile_system, population
from exojoint.engine.reducers import Moments, Quantiles

SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
FEW = slice(0, 4)  # outputs that a stream keeps: the first states


def stream_once(model: str, n: int, threads: int) -> None:
    """Follow a population in this process and print wall and CPU seconds and peak memory in MB."""
    problem = PROBLEMS[model]()
    kernel = compile_system(problem.system)
    names = problem.system.states[FEW]

    def make(ids):
        p, y = problem.patients(ids)
        return p, y, problem.events(p)

    options = {
        "times": DAYS,
        "outputs": names,
        "threads": threads,
        "certified": 0,
        "chunk": min(2048, max(256, n // (4 * threads))),
    }
    population(kernel, make, 256, [Moments()], **options)
    wall, cpu = time.perf_counter(), time.process_time()
    found = population(kernel, make, n, [Moments(), Quantiles(names[:1])], **options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.perf_counter() - wall, time.process_time() - cpu, peak, found.outcomes.get("ok", 0))


def streams(model: str, largest: int) -> list[dict[str, object]]:
    """Each size in a fresh process, so that its peak memory is its own."""
    rows = []
    for n in (s for s in SIZES if s <= largest):
        for threads in (1, 2):
            code = f"from benchmarks.engine.scaling import stream_once as s; s({model!r}, {n}, {threads})"
            text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
            wall, cpu, peak, ok = (float(v) for v in text.split()[-4:])
            times = {"us_per_patient": wall * 1e6 / n, "cpu_us_per_patient": cpu * 1e6 / n}
            load = os.getloadavg()[0]
            rows.append({"model": model, "patients": n, "threads": threads, **times, "peak_mb": peak, "load": load})
            rows[-1]["failed"] = n - int(ok)
            print(rows[-1])
    return rows


def run(models: Sequence[str], out: Path, largest: int) -> None:
    rows = []
    for model in models:
        rows += streams(model, largest)
        table.write(out / "scaling.csv", rows)
