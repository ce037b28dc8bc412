"""How many patients side by side.

As many as the processor has room for, unless the model's memory then leaves the cache.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from exojoint.engine.events import Calendar
from exojoint.engine.job import Patients, Settings, Task, empty_results, run_task
from exojoint.engine.machine import Processor
from exojoint.engine.slots import EVENT, WATCH
from exojoint.engine.triggers import Watch
from exojoint.engine.variant import Variant

ROUNDS = 20  # interleaved, the best counts: other programs disturb a round, never help it
CLEARLY = 0.97  # share of the first variant's time below which another is clearly faster
PATIENTS = 64
ATTEMPTS = 40  # steps per patient and round: a few milliseconds in all


def candidates(processor: Processor, single: bool) -> tuple[int, ...]:
    """Return numbers of lanes worth trying on a processor, the likeliest first."""
    if processor.has("avx512f"):
        doubles: tuple[int, ...] = (8, 4)
    elif processor.has("avx"):
        doubles = (4, 8)
    else:
        doubles = (2, 4)
    return tuple(2 * n for n in doubles) if single else doubles


def fastest(variants: Sequence[Variant]) -> int:
    """Return the number of lanes of the variant that needs the least time per step and patient.

    The steps are taken with made-up numbers: a step costs the same whether it is accepted or not. The first variant
    wins unless another is clearly faster.
    """
    best = [np.inf] * len(variants)
    for _ in range(ROUNDS):
        for i, v in enumerate(variants):
            best[i] = min(best[i], _seconds_per_step(v))
    winner = int(np.argmin(best))
    return variants[winner if best[winner] < CLEARLY * best[0] else 0].shape.lanes


def _seconds_per_step(variant: Variant) -> float:
    layout = variant.layout
    rng = np.random.default_rng(0)
    nothing = Calendar(np.empty((1, 0)), np.empty((1, 0, len(EVENT)), dtype=np.int64), np.empty((1, 0)))
    no_watch = Watch(np.empty((0, len(WATCH)), dtype=np.int64), np.empty((1, 0)), nothing.event[0], np.empty((1, 0)))
    parameters = rng.uniform(0.5, 1.5, (PATIENTS, layout.n_parameters))
    state = rng.uniform(0.5, 1.5, (PATIENTS, layout.n_states))
    task = Task(
        Patients(parameters, state, nothing, no_watch),
        np.empty(0),
        np.empty(0, dtype=np.int64),
        1e6,
        Settings(1e-6, max_steps=ATTEMPTS),
    )
    results = empty_results(PATIENTS, 0, 0, layout.n_states)
    start = time.process_time()
    run_task(variant, task, results)
    return (time.process_time() - start) / max(1, int(results.steps.sum()))
