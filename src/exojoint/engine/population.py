"""Populations of any size in flat memory: patients are made, followed, reduced and forgotten in chunks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from exojoint.core.streams import stream
from exojoint.engine.certify import Certificate, certify
from exojoint.engine.cluster import follow_on_cluster
from exojoint.engine.events import Event
from exojoint.engine.kernel import Kernel
from exojoint.engine.outcome import Outcome
from exojoint.engine.reducers import BLOCK, Part, Reducer
from exojoint.engine.sink import Sink
from exojoint.engine.solve import check_days, check_outputs
from exojoint.engine.study import Follower, MakeChunk, Question, Study, Tally

AHEAD = 4  # chunks per thread that may wait for an earlier one before their thread pauses


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
    certificate : Certificate or None
        Error of a random sample of these patients, solved again at a hundredth of the tolerance.
    """

    n: int
    outcomes: dict[str, int]
    rescued: int
    results: tuple[Part, ...]
    certificate: Certificate | None = None


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
    certified: int = 200,
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
    certified
        Patients solved again at a hundredth of the tolerance, for the certificate; 0 leaves it out.
    """
    days = check_days(times, day_end)
    check_outputs(kernel, outputs)
    end = float(days[-1]) if day_end is None else float(day_end)
    question = Question(days, tuple(outputs), end, mode, rtol)
    study = Study(kernel, make_chunk, tuple(reducers), tuple(events), question, -(-chunk // BLOCK) * BLOCK)
    tally = Tally(study, n, progress, sink)
    if cluster is not None:
        follow_on_cluster(study, n, cluster, tally)
    else:
        _follow_here(study, n, threads, tally)
    outcomes = {o.name: int(tally.outcomes[o]) for o in Outcome if tally.outcomes[o]}
    certificate = _certify(study, n, min(certified, n), threads) if certified and n else None
    return Population(n, outcomes, tally.rescued, tuple(tally.results()), certificate)


def _certify(study: Study, n: int, sample: int, threads: int) -> Certificate:
    """Make a random sample of the patients again and measure their error; always the same ones for the same n."""
    ids = np.sort(stream(0, "certify").generator().choice(n, sample, replace=False))
    made = study.make_chunk(ids)
    events = (*study.events, *(made[2] if len(made) == 3 else ()))
    asked = study.question
    return certify(
        study.kernel, made[0], made[1], events, asked.days, asked.outputs,
        sample=sample, day_end=asked.day_end, mode=asked.mode, rtol=asked.rtol, threads=threads,
    )  # fmt: skip


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
