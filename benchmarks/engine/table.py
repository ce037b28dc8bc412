"""The table: every peer at the largest tolerance that is accurate enough, timed in interleaved rounds of CPU time."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.engine.peers import Peer, UnavailableError, cpp, diffrax_, lsoda_numba, lsoda_scipy, ours, roadrunner
from benchmarks.engine.problems import PROBLEMS, reference
from numpy.typing import NDArray

from exojoint.engine import compile_system
from exojoint.engine.certify import relative_error

GRID = (1e-4, 5e-5, 2e-5, 1e-5, 5e-6, 2e-6, 1e-6, 5e-7, 2e-7, 1e-7, 5e-8, 2e-8)
WANTED = 1e-4  # 99th percentile over patients of the largest relative error of any state on any day
MODULES = (ours, cpp, lsoda_numba, roadrunner, lsoda_scipy, diffrax_)
COLUMNS = ("engine", "model", "rtol", "p99_error", "cpu_us_per_patient", "ratio_to_ours")


@dataclass
class Entry:
    """A peer that works here: its function, tolerance, error and CPU seconds per patient of every round."""

    peer: Peer
    solve: object
    rtol: float
    error: float
    seconds: list[float]


def peers(names: Sequence[str] = ()) -> list[Peer]:
    """Return all peers, or those whose name contains one of the words."""
    every = [p for m in MODULES for p in m.PEERS]
    return [p for p in every if not names or any(n in p.name for n in names)]


def p99(values: NDArray, exact: NDArray) -> float:
    """Return the 99th percentile over patients of the largest relative error (absolute floor 1e-9 of the unit)."""
    error = relative_error(values, exact)
    error[np.abs(values - exact) < 1e-9] = 0.0
    worst = error.reshape(len(values), -1).max(axis=1)
    return float(np.quantile(np.where(np.isfinite(worst), worst, np.inf), 0.99))


def prepare(model: str, chosen: Sequence[Peer], tell=print) -> list[Entry]:
    """Build every peer and find its tolerance."""
    problem = PROBLEMS[model]()
    exact = reference(problem, compile_system(problem.system), max(p.n_accuracy for p in chosen))
    entries = []
    for peer in chosen:
        try:
            solve = peer.make(problem)
        except UnavailableError as reason:
            tell(f"  {peer.name}: skipped, {reason}")
            continue
        for rtol in GRID:
            error = p99(solve(peer.n_accuracy, rtol), exact[: peer.n_accuracy])
            if error <= WANTED:
                break
        tell(f"  {peer.name}: rtol {rtol:g} gives p99 error {error:.1e}")
        entries.append(Entry(peer, solve, rtol, error, []))
    return entries


def time_rounds(entries: Sequence[Entry], rounds: int, tell=print) -> None:
    """Time all peers in turn, several rounds, so that a busy machine slows everybody down alike."""
    for k in range(rounds):
        for e in entries:
            start = time.process_time()
            e.solve(e.peer.n_time, e.rtol)
            e.seconds.append((time.process_time() - start) / e.peer.n_time)
        tell(f"  round {k + 1} of {rounds}")


def rows(model: str, entries: Sequence[Entry]) -> list[dict[str, object]]:
    """Return the table's rows: median CPU time, and the median over rounds of the ratio to ours in the same round."""
    own = next(e for e in entries if e.peer.name == "exojoint")
    table = []
    for e in entries:
        ratio = float(np.median(np.array(e.seconds) / np.array(own.seconds)))
        us = float(np.median(e.seconds)) * 1e6
        table.append(dict(zip(COLUMNS, (e.peer.name, model, e.rtol, e.error, us, ratio), strict=True)))
    return sorted(table, key=lambda r: float(str(r["cpu_us_per_patient"])))


def write(path: Path, table: Sequence[dict[str, object]]) -> None:
    """Write rows as CSV, rounded to three significant digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as f:
        writer = csv.DictWriter(f, COLUMNS)
        writer.writeheader()
        for row in table:
            writer.writerow({k: f"{v:.3g}" if isinstance(v, float) else v for k, v in row.items()})
