"""The knowledge draws of a run in chunks, followed on this machine or carried to the workers of a cluster."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import polars as pl

from exojoint.core.errors import InputError, Problem
from exojoint.engine import Kernel
from exojoint.engine.cluster import connect, spread
from exojoint.runs.digest import code_version
from exojoint.workflow.answer import KEPT_TRIALS
from exojoint.workflow.draw import run_draw
from exojoint.workflow.plan import Plan

Tables = dict[str, pl.DataFrame]

DRAWS_PER_CHUNK = 4
ALL_TRIALS = 10**9
TABLES = (
    "draws", "trials", "null_trials", "visits", "patients", "curves", "trajectories", "vesicles", "dose_response",
    "population", "lots", "counts", "adverse_events",
)  # fmt: skip


def draws_of(chunk: int, n: int) -> range:
    """Return the draws of a chunk of a run of `n` draws."""
    return range(chunk * DRAWS_PER_CHUNK, min(n, (chunk + 1) * DRAWS_PER_CHUNK))


def chunk_tables(
    plan: Plan,
    kernel: Kernel,
    chunk: int,
    keep_all: bool,
    threads: int = 1,
    told: Callable[[int], None] | None = None,
) -> Tables:
    """Follow the draws of one chunk.

    Parameters
    ----------
    chunk : its number; with the scenario's seed it fixes every random number used here
    keep_all : keep the visits of all trials
    threads : results do not depend on it
    told : called with every draw that is finished
    """
    simulation = plan.scenario.text.simulation
    parts = []
    for draw in draws_of(chunk, simulation.knowledge_draws):
        kept = ALL_TRIALS if keep_all else max(0, KEPT_TRIALS - draw * simulation.trials_per_draw)
        parts.append(run_draw(plan, kernel, draw, threads, kept).tables)
        if told is not None:
            told(draw)
    return {name: pl.concat([part[name] for part in parts], how="vertical_relaxed") for name in TABLES}


def chunks_on_cluster(
    plan: Plan, kernel: Kernel, chunks: Sequence[int], keep_all: bool, address: str
) -> Iterator[tuple[int, Tables]]:
    """Yield chunks and their tables as the workers of a Dask cluster finish them; a lost worker's are done again.

    Parameters
    ----------
    address : of the scheduler, or `local` for two processes of this machine

    Raises
    ------
    InputError
        When Dask is not installed, or a worker has another version of this program.
    """
    with connect(address) as client:
        yield from spread(client, chunk_on_worker, (plan, kernel, code_version()), chunks, keep_all)


def chunk_on_worker(carried: tuple[Plan, Kernel, str], chunk: int, keep_all: bool) -> Tables:
    """Follow a chunk in a worker, if it has the same program as who asks."""
    plan, kernel, version = carried
    if _own_version() != version:
        told = f"{platform.node()} has version {_own_version()} of the program"
        raise InputError(Problem("cluster", told, version, "Install the same exojoint on every worker."))
    return chunk_tables(plan, kernel, chunk, keep_all)


@cache
def _own_version() -> str:
    return code_version()
