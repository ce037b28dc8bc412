"""A study of a population, chunk by chunk: what is done with a chunk, and how chunks become one result."""

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
from exojoint.engine.reducers import Gatherer, Part, Reducer, reduce_blocks
from exojoint.engine.rescue import rescue
from exojoint.engine.sink import Sink
from exojoint.engine.solve import MODES, check_outputs, check_patients
from exojoint.engine.triggers import watch

Reals = NDArray[np.float64]
MakeChunk = Callable[[NDArray[np.int64]], tuple[ArrayLike, ArrayLike] | tuple[ArrayLike, ArrayLike, Sequence[Event]]]


@dataclass(frozen=True)
class Question:
    """What is asked of every patient.

    Attributes
    ----------
    days : (m,)
    outputs : tuple of str
    day_end : float
    mode : str
    rtol : float or None
    """

    days: Reals
    outputs: tuple[str, ...]
    day_end: float
    mode: str
    rtol: float | None


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
    question : Question
        What is asked of every patient.
    chunk : int
        Patients per chunk, a multiple of the block.
    """

    kernel: Kernel
    make_chunk: MakeChunk
    reducers: tuple[Reducer, ...]
    events: tuple[Event, ...]
    question: Question
    chunk: int

    def ids(self, chunk: int, n: int) -> NDArray[np.int64]:
        """Return the patients of a chunk of a population of n."""
        return np.arange(chunk * self.chunk, min(n, (chunk + 1) * self.chunk), dtype=np.int64)


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
                    self.sink.write(
                        self.study.ids(k, self.n), values, self.study.question.outputs, self.study.question.days
                    )
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

    def results(self) -> list[Part]:
        """Return the results of all reducers once all chunks were given."""
        return self.gatherer.results() if self.gatherer.whole else []


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
        asked = study.question
        chosen = MODES[asked.mode]
        self.variant = study.kernel.variant(single=chosen.single)
        self.settings = Settings(asked.rtol if asked.rtol is not None else chosen.rtol)
        self.space = Workspace(self.variant)
        self.wanted = check_outputs(study.kernel, asked.outputs)
        shape = (study.chunk, len(asked.days), len(asked.outputs), self.variant.layout.n_states)
        self.memory = empty_results(*shape)

    def follow(self, ids: NDArray[np.int64], *, keep: bool = False) -> ChunkReport:
        """Make, follow and reduce the patients with these ids."""
        study, asked, n = self.study, self.study.question, len(ids)
        made = study.make_chunk(ids)
        p, y = check_patients(study.kernel, made[0], made[1])
        events = (*study.events, *(made[2] if len(made) == 3 else ()))
        system = study.kernel.system
        who = Patients(p, y, calendar(system, events, n), watch(system, (), n))
        task = Task(who, asked.days, self.wanted, asked.day_end, self.settings)
        m = self.memory
        results = Results(m.values[:n], m.state[:n], m.outcome[:n], m.steps[:n], m.fired[:n])
        run_task(self.variant, task, results, spaces=[self.space])
        rescued = rescue(study.kernel, task, results)
        blocks = reduce_blocks(study.reducers, results.values, int(ids[0]), asked.outputs, asked.days)
        outcomes = np.bincount(results.outcome, minlength=len(Outcome))
        return ChunkReport(blocks, outcomes, int(rescued.sum()), results.values.copy() if keep else None)
