"""The table: every peer at the largest tolerance that is accurate enough, timed in interleaved rounds of CPU time."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.engine.peers import (
    Peer,
    Solve,
    UnavailableError,
    cpp,
    diffrax_,
    lsoda_numba,
    lsoda_scipy,
    ours,
    roadrunner,
)
from benchmarks.engine.problems import Problem, reference
from numpy.typing import NDArray

from exojoint.engine import compile_system
from exojoint.engine.certify import relative_error

STEPS = (1.0, 0.8, 0.63, 0.5, 0.4, 0.32, 0.25, 0.2, 0.16, 0.125)  # ten tolerances to a decade
GRID = tuple(float(f"{s * 10.0**-k:.3g}") for k in range(4, 9) for s in STEPS)
COARSE = 3  # every third tolerance is tried first, then those before the first that is accurate enough
WANTED = 1e-4  # 99th percentile over patients of the largest relative error of any state on any day
MODULES = (ours, cpp, lsoda_numba, roadrunner, lsoda_scipy, diffrax_)
COLUMNS = ("engine", "model", "rtol", "p99_error", "cpu_us_per_patient", "ratio_to_ours")


@dataclass
class Entry:
    """A peer that works here: its function, tolerance, error and CPU seconds per patient of every round."""

    peer: Peer
    solve: Solve
    rtol: float
    error: float
    seconds: list[float]


def peers(names: Sequence[str] = ()) -> list[Peer]:
    """Return all peers, or ours and those whose name contains one of the words."""
    every = [p for m in MODULES for p in m.PEERS]
    return [p for p in every if not names or p.name == "exojoint" or any(n in p.name for n in names)]


def p99(values: NDArray, exact: NDArray) -> float:
    """Return the 99th percentile over patients of the largest relative error (absolute floor 1e-9 of the unit)."""
    error = relative_error(values, exact)
    error[np.abs(values - exact) < 1e-9] = 0.0
    worst = error.reshape(len(values), -1).max(axis=1)
    return float(np.quantile(np.where(np.isfinite(worst), worst, np.inf), 0.99))


def loosest(solve: Solve, exact: NDArray) -> tuple[float, float]:
    """Return the largest tolerance whose error is small enough, and the error."""

    def error(k: int) -> float:
        return p99(solve(len(exact), GRID[k]), exact)

    rough = next((k for k in range(0, len(GRID), COARSE) if error(k) <= WANTED), None)
    if rough is None:
        raise UnavailableError(f"no tolerance down to {GRID[-1]:g} gives a p99 error of {WANTED:g}")
    between = range(max(0, rough - COARSE + 1), rough + 1)
    return next((GRID[k], e) for k in between if (e := error(k)) <= WANTED)


def prepare(problem: Problem, chosen: Sequence[Peer], patients: int, absent: dict[str, str], tell=print) -> list[Entry]:
    """Build every peer and find its tolerance on the same patients; note in ``absent`` who cannot be built, and why."""
    exact = reference(problem, compile_system(problem.system), patients)
    entries = []
    for peer in chosen:
        try:
            solve = peer.make(problem)
            rtol, error = loosest(solve, exact)
        except UnavailableError as reason:
            absent[peer.name] = str(reason)
            tell(f"  {peer.name}: skipped, {reason}")
            continue
        tell(f"  {peer.name}: rtol {rtol:g} gives p99 error {error:.1e}")
        entries.append(Entry(peer, solve, rtol, error, []))
    return entries


def read_tolerances(path: Path, model: str) -> dict[str, float]:
    """Return the tolerance of every peer on a model from a table written before."""
    with path.open(newline="") as f:
        return {r["engine"]: float(r["rtol"]) for r in csv.DictReader(f) if r["model"] == model}


def at_tolerances(
    problem: Problem, chosen: Sequence[Peer], tolerances: dict[str, float], patients: int, tell=print
) -> list[Entry]:
    """Build the peers that have a tolerance, and measure their errors at it."""
    exact = reference(problem, compile_system(problem.system), patients)
    entries = []
    for peer in (p for p in chosen if p.name in tolerances):
        solve, rtol = peer.make(problem), tolerances[peer.name]
        entries.append(Entry(peer, solve, rtol, p99(solve(patients, rtol), exact), []))
        tell(f"  {peer.name}: rtol {rtol:g} gives p99 error {entries[-1].error:.1e}")
    return entries


def time_rounds(entries: Sequence[Entry], rounds: int, shrink: int = 1, tell=print) -> None:
    """Time all peers in turn, several rounds, so that a busy machine slows everybody down alike."""
    for k in range(rounds):
        for e in entries:
            n = max(8, e.peer.n_time // shrink)
            start = time.process_time()
            e.solve(n, e.rtol)
            e.seconds.append((time.process_time() - start) / n)
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
        writer = csv.DictWriter(f, list(table[0]))
        writer.writeheader()
        for row in table:
            writer.writerow({k: f"{v:.3g}" if isinstance(v, float) else v for k, v in row.items()})
