"""Doses, population sizes, threads and memory."""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.engine.problems import DAYS, PROBLEMS, Problem

from exojoint.engine import compile_system, population, solve
from exojoint.engine.reducers import Moments, Quantiles

DOSES = {1: (0.0,), 3: (0.0, 28.0, 56.0), 12: tuple(28.0 * i for i in range(12)), 52: tuple(7.0 * i for i in range(52))}
SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
FEW = slice(0, 4)  # outputs that a stream keeps: the first states


def doses(problem: Problem, n: int = 1024, rounds: int = 5) -> list[dict[str, object]]:
    """CPU time per patient against the number of doses, all states on all days."""
    kernel = compile_system(problem.system)
    p, y = problem.patients(np.arange(n))
    best: dict[int, float] = dict.fromkeys(DOSES, np.inf)
    for _ in range(rounds):
        for count, days in DOSES.items():
            start = time.process_time()
            solve(kernel, p, y, problem.events(p, days), DAYS, problem.system.states)
            best[count] = min(best[count], (time.process_time() - start) / n)
    return [_row(problem.name, "doses", k, 1, s, s, "") for k, s in best.items()]


def _row(model: str, what: str, value: int, threads: int, wall: float, cpu: float, peak: str) -> dict[str, object]:
    """Seconds per patient as one row of the table."""
    times = {"us_per_patient": wall * 1e6, "cpu_us_per_patient": cpu * 1e6}
    return {"model": model, "what": what, "value": value, "threads": threads, **times, "peak_mb": peak}


def stream_once(model: str, n: int, threads: int) -> None:
    """Follow a population in this process and print wall and CPU seconds and peak memory in MB."""
    problem = PROBLEMS[model]()
    kernel = compile_system(problem.system)
    names = problem.system.states[FEW]

    def make(ids):
        p, y = problem.patients(ids)
        return p, y, problem.events(p)

    options = {"times": DAYS, "outputs": names, "threads": threads, "chunk": min(2048, max(256, n // (4 * threads)))}
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
            rows.append(_row(model, "patients", n, threads, wall / n, cpu / n, f"{peak:.0f}"))
            print(rows[-1], "failed", n - int(ok))
    return rows


def run(models: Sequence[str], out: Path) -> None:
    rows = []
    for model in models:
        rows += doses(PROBLEMS[model]())
        rows += streams(model, 1_000_000 if model == "benchmark25" else 100_000)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "scaling.csv").open("w", newline="") as f:
        writer = csv.DictWriter(f, rows[0])
        writer.writeheader()
        for r in rows:
            writer.writerow({k: f"{v:.3g}" if isinstance(v, float) else v for k, v in r.items()})
