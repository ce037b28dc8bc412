"""A cluster: the same bits as on one machine, even when a worker is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.engine import Kernel, population
from exojoint.engine.reducers import Moments, Quantiles
from exojoint.engine.study import Question, Study, Tally

distributed = pytest.importorskip("distributed", reason="dask is an extra")

DAYS = np.array([1.0, 30.0])
REDUCERS = (Moments(), Quantiles(("il1",)))
N = 6000


def maker() -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """A function that travels by value: workers cannot import this file."""

    def make(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from exojoint.core.streams import stream

        base = np.array([0.5, 2.0, 0.1, 0.7, 2.0, 0.3, 0.1, 40.0, 0.2, 1.0, 0.01, 0.005, 3.0])
        start = np.array([1.0, 0.8, 1.0, 0.5, 1.0, 0.6, 0.0])
        z = stream(7, "patients").normal(ids, 13)
        return base * np.exp(0.3 * z), np.repeat(start[None], len(ids), 0)

    return make


def same(a: tuple, b: tuple) -> bool:
    return all(np.array_equal(x[k], y[k], equal_nan=True) for x, y in zip(a, b, strict=True) for k in x)


def test_a_local_cluster_survives_the_loss_of_a_worker_and_gives_the_same_bits(knee: Kernel) -> None:
    from exojoint.engine.cluster import connect, follow_with

    here = population(knee, maker(), N, REDUCERS, times=DAYS, outputs=["il1", "thickness"], threads=2)
    study = Study(knee, maker(), REDUCERS, (), Question(DAYS, ("il1", "thickness"), 30.0, "standard", None), 256)
    killed: list[int] = []
    with connect("local") as client:
        workers = {w: info["nanny"] for w, info in client.scheduler_info()["workers"].items()}
        assert len(workers) == 2
        process = client.submit(os.getpid, workers=[next(iter(workers))], pure=False).result()

        def kill_one(done: int, n: int) -> None:
            if not killed and done > n // 5:
                killed.append(process)
                os.kill(process, signal.SIGKILL)

        tally = Tally(study, N, kill_one)
        follow_with(client, study, N, tally)
    assert killed
    assert here.outcomes == {"ok": N}
    assert tally.outcomes[0] == N
    assert same(tuple(tally.results()), here.results)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, knee: Kernel) -> None:
    import exojoint.engine.cluster as module

    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(module.importlib, "import_module", missing)
    with pytest.raises(InputError, match="exojoint\\[cluster\\]"):
        population(knee, maker(), 10, [], times=DAYS, outputs=["il1"], cluster="local")
