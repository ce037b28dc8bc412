"""A hundred thousand patients at four times the spread: `python -m validation.engine.safety` writes safety.csv."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from benchmarks.engine.problems import DAYS, PROBLEMS, Problem
from numpy.typing import NDArray

from exojoint.engine import Kernel, Outcome, compile_system, solve
from exojoint.engine.certify import relative_error

Reals = NDArray[np.float64]
HERE = Path(__file__).parent
WIDER = 4.0  # times the spread of the logarithms of the benchmark's parameters
CHUNK = 5_000
SHARE, HARDEST = 0.02, 0.005  # of the patients who ended well: solved again at random, and because they took most steps
SILENT = 1e-2  # relative error of a patient who ended well from which the outcome was a lie
NOTHING = 1e-9  # of the unit: a difference below this counts as nothing


def wide(problem: Problem, ids: NDArray[np.int64]) -> tuple[Reals, Reals]:
    """Return parameters and states of patients who differ four times as much."""
    p, y = problem.patients(ids)
    middle = np.exp(np.median(np.log(np.maximum(problem.patients(np.arange(4001))[0], 1e-300)), axis=0))
    ratio = np.where(middle > 1e-299, p / middle, 1.0)
    return middle * ratio**WIDER, y


def follow(problem: Problem, kernel: Kernel, n: int, threads: int) -> dict[str, object]:
    """Follow n patients, solve a share of those who ended well again, and count who was wrong without a word."""
    counts, errors, rescued, unmarked = np.zeros(len(Outcome), dtype=np.int64), [], 0, 0
    names = problem.system.states
    luck = np.random.default_rng(5)
    for first in range(0, n, CHUNK):
        p, y = wide(problem, np.arange(first, min(n, first + CHUNK)))
        course = solve(kernel, p, y, problem.events(p), DAYS, names, threads=threads)
        counts += np.bincount(course.outcome, minlength=len(Outcome))
        rescued += int(course.rescued.sum())
        ok = course.outcome == Outcome.ok
        unmarked += int((ok & ~np.isfinite(course.values).all(axis=(1, 2))).sum())
        unmarked += int((~ok & ~np.isnan(course.values).all(axis=(1, 2))).sum())
        good = np.flatnonzero(ok)
        hard = good[np.argsort(course.steps[good])[-max(1, int(HARDEST * len(good))) :]]
        rows = np.union1d(hard, luck.choice(good, max(1, int(SHARE * len(good))), replace=False))
        fine = solve(kernel, p[rows], y[rows], problem.events(p[rows]), DAYS, names, mode="reference", threads=threads)
        error = relative_error(course.values[rows], fine.values)
        error[np.abs(course.values[rows] - fine.values) < NOTHING] = 0.0
        errors.append(np.where(fine.outcome == Outcome.ok, error.reshape(len(rows), -1).max(axis=1), np.inf))
        print(problem.name, first + len(p), "followed", counts, flush=True)
    worst = np.concatenate(errors)
    p50, p99, largest = np.quantile(worst, [0.5, 0.99, 1.0])
    ends = {o.name: int(counts[o]) for o in Outcome}
    return {
        "model": problem.name, "patients": n, "spread": WIDER, **ends, "rescued": rescued, "solved_again": len(worst),
        "p50_error": f"{p50:.2g}", "p99_error": f"{p99:.2g}", "max_error": f"{largest:.2g}",
        "silent_failures": unmarked + int((worst > SILENT).sum()),
    }  # fmt: skip


def main() -> None:
    """Follow both models and write the table."""
    parser = argparse.ArgumentParser(description="Zero silent failures at four times the spread.")
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE / "safety.csv")
    asked = parser.parse_args()
    rows = []
    for make in PROBLEMS.values():
        problem = make()
        rows.append(follow(problem, compile_system(problem.system), asked.patients, asked.threads))
        with asked.out.open("w", newline="") as f:
            writer = csv.DictWriter(f, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
