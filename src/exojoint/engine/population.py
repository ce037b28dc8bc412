"""Populations of any size in flat memory: patients are made, followed, reduced and forgotten in chunks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.engine.events import Event, calendar
from exojoint.engine.job import Patients, Results, Settings, Task, Workspace, empty_results, run_task
from exojoint.engine.kernel import Kernel
from exojoint.engine.outcome import Outcome
from exojoint.engine.reducers import BLOCK, Gatherer, Part, Reducer, reduce_blocks
from exojoint.engine.rescue import rescue
from exojoint.engine.sink import Sink
from exojoint.engine.solve import MODES, check_days, check_outputs, check_patients
from exojoint.engine.triggers import watch

Reals = NDArray[np.float64]
MakeChunk = Callable[[NDArray[np.int64]], tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, Sequence[Event]]]
AHEAD = 4  # chunks per thread that may wait for an earlier one before their thread pauses


@dataclass(frozen=True)
class Study:
    """What is done with every chunk; travels to other processes.

    Attributes
    ----------
    kernel : Kernel
    make_chunk : callable
        ``make_chunk(ids) -> (parameters, state)`` or ``(parameters, state, events)``: patients as a function of their
        ids.
    reducers : tuple of Reducer
    events : tuple of Event
        Of every patient, besides those that make_chunk gives.
    days : (m,)
    outputs : tuple of str
    day_end : float
    mode : str
    rtol : float or None
    chunk : int
        Patients per chunk, a multiple of the block.
    """

    kernel: Kernel
    make_chunk: MakeChunk
    reducers: tuple[Reducer, ...]
    events: tuple[Event, ...]
    days: Reals
    outputs: tuple[str, ...]
    day_end: float
    mode: str
    rtol: float | None
    chunk: int

    def ids(self, chunk: int, n: int) -> NDArray[np.int64]:
        """Return the patients of a chunk of a population of n."""
        return np.arange(chunk * self.chunk, min(n, (chunk + 1) * self.chunk), dtype=np.int64)


@dataclass(frozen=True)
class Population:
    """What is known of a population.

    Attributes
    ----------
    n : int
        Patients.
    outcomes : dict
        Patients by name of their outcome; names nobody had are left out.
    rescued : int
        Patients who were followed by the rescue solver.
    results : tuple
        One result per reducer, in their order.
    """

    n: int
    outcomes: dict[str, int]
    rescued: int
    results: tuple[Part, ...]


def population(
    kernel: Kernel,
    make_chunk: MakeChunk,
    n: int,
    reducers: Sequence[Reducer],
    *,
    times: ArrayLike,
    outputs: Sequence[str],
    events: Sequence[Event] = (),
    day_end: float | None = None,
    mode: str = "standard",
    rtol: float | None = None,
    threads: int = 1,
    chunk: int = 2048,
    progress: Callable[[int, int], None] | None = None,
    sink: Sink | None = None,
    cluster: str | None = None,
) -> Population:
    """Follow patients 0 .. n-1 and keep what the reducers keep.

    Parameters
    ----------
    kernel
        Compiled system.
    make_chunk
        Patients as a function of their ids (and nothing else, so that chunks may be made anywhere, in any order).
    n
        Patients.
    reducers
        What to keep.
    times, outputs, events, day_end, mode, rtol, threads, progress
        As in :func:`exojoint.engine.solve`; an event of ``events`` may not have one value per patient.
    chunk
        Patients followed at once by a thread (rounded up to blocks of 256). Memory grows with it, results do not
        change.
    sink
        Receives every patient's outputs, in the order of ids.
    cluster
        Address of a Dask scheduler, or ``local``: chunks are followed there and only parts come back.
    """
    days = check_days(times, day_end)
    check_outputs(kernel, outputs)
    study = Study(
        kernel, make_chunk, tuple(reducers), tuple(events), days, tuple(outputs),
        float(days[-1]) if day_end is None else float(day_end), mode, rtol, -(-chunk // BLOCK) * BLOCK,
    )  # fmt: skip
    tally = Tally(study, n, progress, sink)
    if cluster is not None:
        from exojoint.engine.cluster import follow_on_cluster  # dask is an extra

        follow_on_cluster(study, n, cluster, tally)
    else:
        _follow_here(study, n, threads, tally)
    return tally.population()


class Tally:
    """Collects chunks from any thread in any order and merges them in the order of patients."""

    def __init__(
        self, study: Study, n: int, progress: Callable[[int, int], None] | None = None, sink: Sink | None = None
    ) -> None:
        self.study, self.n, self.progress, self.sink = study, n, progress, sink
        self.gatherer = Gatherer(study.reducers)
        self.outcomes = np.zeros(len(Outcome), dtype=np.int64)
        self.rescued = 0
        self.done = 0
        self.kept: dict[int, Reals] = {}
        self.changed = threading.Condition()

    def give(self, chunk: int, report: ChunkReport) -> None:
        """Take what is kept of a chunk."""
        with self.changed:
            if report.values is not None:
                self.kept[chunk] = report.values
            self.gatherer.give(chunk, report.blocks)
            self.outcomes += report.outcomes
            self.rescued += report.rescued
            self.done += int(report.outcomes.sum())
            for k in sorted(k for k in self.kept if k < self.gatherer.next_chunk):
                values = self.kept.pop(k)
                if self.sink is not None:
                    self.sink.write(self.study.ids(k, self.n), values, self.study.outputs, self.study.days)
            if self.progress is not None:
                self.progress(self.done, self.n)
            self.changed.notify_all()

    def wait_for_turn(self, chunk: int, ahead: int) -> None:
        """Pause while a chunk is too far ahead of the first one that is missing."""
        with self.changed:
            self.changed.wait_for(lambda: chunk - self.gatherer.next_chunk < ahead)

    def release(self) -> None:
        """Let nobody wait any more."""
        with self.changed:
            self.gatherer.next_chunk = 2**62
            self.changed.notify_all()

    def population(self) -> Population:
        """Return what is known once all chunks were given."""
        outcomes = {o.name: int(self.outcomes[o]) for o in Outcome if self.outcomes[o]}
        results = tuple(self.gatherer.results()) if self.gatherer.whole else ()
        return Population(self.n, outcomes, self.rescued, results)


@dataclass(frozen=True)
class ChunkReport:
    """What is kept of a chunk: parts per block and reducer, patients by outcome, rescued, and values for a sink."""

    blocks: list[list[Part]]
    outcomes: NDArray[np.int64]
    rescued: int
    values: Reals | None = None


class Follower:
    """Follows chunks of a study, one after the other, in memory that is used again."""

    def __init__(self, study: Study) -> None:
        self.study = study
        chosen = MODES[study.mode]
        self.variant = study.kernel.variant(single=chosen.single)
        self.settings = Settings(study.rtol if study.rtol is not None else chosen.rtol)
        self.space = Workspace(self.variant)
        self.wanted = check_outputs(study.kernel, study.outputs)
        shape = (study.chunk, len(study.days), len(study.outputs), self.variant.layout.n_states)
        self.memory = empty_results(*shape)

    def follow(self, ids: NDArray[np.int64], *, keep: bool = False) -> ChunkReport:
        """Make, follow and reduce the patients with these ids."""
        study, n = self.study, len(ids)
        made = study.make_chunk(ids)
        p, y = check_patients(study.kernel, made[0], made[1])
        events = (*study.events, *(made[2] if len(made) == 3 else ()))
        system = study.kernel.system
        who = Patients(p, y, calendar(system, events, n), watch(system, (), n))
        task = Task(who, study.days, self.wanted, study.day_end, self.settings)
        m = self.memory
        results = Results(m.values[:n], m.state[:n], m.outcome[:n], m.steps[:n], m.fired[:n])
        run_task(self.variant, task, results, spaces=[self.space])
        rescued = rescue(study.kernel, task, results)
        blocks = reduce_blocks(study.reducers, results.values, int(ids[0]), study.outputs, study.days)
        outcomes = np.bincount(results.outcome, minlength=len(Outcome))
        return ChunkReport(blocks, outcomes, int(rescued.sum()), results.values.copy() if keep else None)


def _follow_here(study: Study, n: int, threads: int, tally: Tally) -> None:
    """Follow all chunks on threads of this process; the first failure ends them all."""
    chunks = iter(range(-(-n // study.chunk)))
    lock = threading.Lock()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            follower = Follower(study)
            while not failures:
                with lock:
                    chunk = next(chunks, None)
                if chunk is None:
                    return
                tally.wait_for_turn(chunk, AHEAD * threads)
                tally.give(chunk, follower.follow(study.ids(chunk, n), keep=tally.sink is not None))
        except BaseException as error:  # told to the caller below, from whichever thread it came
            failures.append(error)
            tally.release()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(max(1, threads))]
    for w in workers:
        w.start()
    try:
        for w in workers:
            while w.is_alive():
                w.join(0.1)
    except BaseException as error:
        failures.append(error)
        tally.release()
        for w in workers:
            w.join()
    if failures:
        raise failures[0]
