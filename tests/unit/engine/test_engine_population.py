"""Populations: the same bits however they are divided, in flat memory, with every patient counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from exojoint.core.streams import stream
from exojoint.engine import Event, Kernel, population, solve
from exojoint.engine.reducers import Apply, Block, Gatherer, Histogram, Keep, Moments, Quantiles, Reducer, Responders
from exojoint.engine.sink import ParquetSink

DAYS = np.array([0.0, 1.0, 30.0])
OUTPUTS = ("thickness", "il1", "dose")
N = 1500
BASE = np.array([0.5, 2.0, 0.1, 0.7, 2.0, 0.3, 0.1, 40.0, 0.2, 1.0, 0.01, 0.005, 3.0])
START = np.array([1.0, 0.8, 1.0, 0.5, 1.0, 0.6, 0.0])
EVENTS = [Event(0.0, "add", "dose", 5.0), Event(14.0, "add", "dose", 5.0)]
REDUCERS: tuple[Reducer, ...] = (
    Moments(),
    Histogram("thickness", (0.5, 1.0, 1.5, 2.0)),
    Quantiles(("il1", "thickness")),
    Responders("il1", 1.0),
    Keep(("thickness",)),
)


def make(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Patients as a function of their ids."""
    z = stream(7, "patients").normal(ids, 13)
    return BASE * np.exp(0.3 * z), np.repeat(START[None], len(ids), 0)


def same(a: tuple, b: tuple) -> bool:
    return all(np.array_equal(x[k], y[k], equal_nan=True) for x, y in zip(a, b, strict=True) for k in x)


@pytest.fixture(scope="module")
def whole(knee: Kernel) -> np.ndarray:
    p, y = make(np.arange(N))
    return solve(knee, p, y, EVENTS, DAYS, OUTPUTS, threads=2).values


@pytest.fixture(scope="module")
def reduced(knee: Kernel) -> tuple:
    return population(knee, make, N, REDUCERS, times=DAYS, outputs=OUTPUTS, events=EVENTS).results


def test_reducers_agree_with_all_courses_at_once(whole: np.ndarray, reduced: tuple) -> None:
    moments, histogram, quantiles, responders, kept = reduced
    np.testing.assert_allclose(moments["mean"], whole.mean(0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(moments["sd"], whole.std(0, ddof=1), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(moments["min"], whole.min(0))
    np.testing.assert_array_equal(moments["max"], whole.max(0))
    assert (moments["n"] == N).all()
    assert histogram["counts"].sum() == N * len(DAYS)
    np.testing.assert_array_equal(histogram["counts"][2, 1:-1], np.histogram(whole[:, 2, 0], (0.5, 1.0, 1.5, 2.0))[0])
    exact = np.quantile(whole[:, :, [1, 0]], [0.05, 0.25, 0.5, 0.75, 0.95], axis=0, method="inverted_cdf")
    np.testing.assert_allclose(quantiles["quantiles"], exact, rtol=0.0051)
    np.testing.assert_array_equal(responders["responders"], (whole[:, :, 1] < 1.0).sum(0))
    np.testing.assert_array_equal(kept["values"][:, 0, 0], whole[:, -1, 0])
    np.testing.assert_array_equal(kept["ids"], np.arange(N))


@pytest.mark.parametrize(("threads", "chunk"), [(1, 256), (2, 256), (3, 512), (2, 1000)])
def test_threads_and_chunks_do_not_change_a_bit(knee: Kernel, reduced: tuple, threads: int, chunk: int) -> None:
    options = {"times": DAYS, "outputs": OUTPUTS, "events": EVENTS, "threads": threads, "chunk": chunk}
    assert same(population(knee, make, N, REDUCERS, **options).results, reduced)


def test_a_sample_of_every_population_is_certified(knee: Kernel) -> None:
    options = {"times": DAYS, "outputs": OUTPUTS, "events": EVENTS}
    found = population(knee, make, N, [], **options).certificate
    assert found is not None
    assert found.n == 200
    assert found.rtol == 1e-5
    assert 0.0 < found.p50 <= found.p99 < 1e-3
    assert found == population(knee, make, N, [], **options, threads=2, chunk=256).certificate
    assert population(knee, make, 300, [], **options, certified=0).certificate is None
    assert population(knee, make, 50, [], **options).certificate.n == 50


def test_failures_are_counted_and_left_out(knee: Kernel) -> None:
    def some_bad(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p, y = make(ids)
        p[ids % 10 == 3, 0] = np.nan
        return p, y

    found = population(knee, some_bad, 600, [Moments(), Keep(("il1",))], times=DAYS, outputs=OUTPUTS)
    assert found.outcomes == {"ok": 540, "not_finite": 60}
    assert (found.results[0]["n"] == 540).all()
    assert np.isnan(found.results[1]["values"]).sum() == 60
    assert found.rescued == 0


def test_patients_may_bring_their_own_events(knee: Kernel) -> None:
    def dosed(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[Event]]:
        return (*make(ids), [Event(0.0, "add", "dose", ids.astype(float))])

    found = population(knee, dosed, 300, [Keep(("dose",), (1,))], times=[0.0, 1e-6], outputs=["dose"])
    np.testing.assert_allclose(found.results[0]["values"][:, 0, 0], np.arange(300), rtol=1e-4)


def test_own_sums_and_changes_are_possible(knee: Kernel, whole: np.ndarray) -> None:
    reducers = [
        Apply(lambda block: {"sum": block.column("il1").sum(axis=0)}),
        Responders("thickness", -1e-4, change=True),
        Responders("il1", 1.0, below=False),
    ]
    found = population(knee, make, N, reducers, times=DAYS, outputs=OUTPUTS, events=EVENTS).results
    np.testing.assert_allclose(found[0]["sum"], whole[:, :, 1].sum(0))
    np.testing.assert_array_equal(found[1]["responders"], (whole[:, :, 0] - whole[:, :1, 0] < -1e-4).sum(0))
    np.testing.assert_array_equal(found[2]["responders"], (whole[:, :, 1] > 1.0).sum(0))


def test_a_parquet_file_receives_everybody_in_order(knee: Kernel, whole: np.ndarray, tmp_path: Path) -> None:
    with ParquetSink(tmp_path / "courses.parquet", single=False) as sink:
        population(knee, make, N, [], times=DAYS, outputs=OUTPUTS, events=EVENTS, threads=2, chunk=256, sink=sink)
    table = pq.read_table(tmp_path / "courses.parquet")
    np.testing.assert_array_equal(table["patient"].to_numpy(), np.repeat(np.arange(N), 3))
    np.testing.assert_array_equal(table["il1"].to_numpy().reshape(N, 3), whole[:, :, 1])
    assert [p.name for p in tmp_path.iterdir()] == ["courses.parquet"]


def test_a_file_that_was_not_finished_is_never_seen(knee: Kernel, tmp_path: Path) -> None:
    def broken(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if ids[0] > 500:
            raise ValueError("no such patients")
        return make(ids)

    with pytest.raises(ValueError, match="no such patients"), ParquetSink(tmp_path / "c.parquet") as sink:
        population(knee, broken, N, [], times=DAYS, outputs=OUTPUTS, threads=2, chunk=256, sink=sink)
    assert list(tmp_path.iterdir()) == []


def test_progress_ends_with_everybody(knee: Kernel) -> None:
    seen: list[tuple[int, int]] = []
    population(knee, make, 700, [], times=DAYS, outputs=OUTPUTS, chunk=256, progress=lambda *p: seen.append(p))
    assert seen[-1] == (700, 700)


def test_quantiles_keep_their_error_for_both_signs_and_zero() -> None:
    rng = np.random.default_rng(0)
    v = np.concatenate([rng.normal(size=700) * 10.0 ** rng.integers(-6, 6, 700), np.zeros(68)])
    reducer = Quantiles(("x",), tuple(np.linspace(0.01, 0.99, 25)))
    gatherer = Gatherer([reducer])
    for k in (2, 0, 1):
        part = v[k * 256 : (k + 1) * 256, None, None]
        gatherer.give(k, [[reducer.part(Block(np.arange(len(part)), part, ("x",), np.array([0.0])))]])
    exact = np.quantile(v, reducer.probabilities, method="inverted_cdf")
    np.testing.assert_allclose(gatherer.results()[0]["quantiles"][:, 0, 0], exact, rtol=0.0051, atol=1e-12)


def test_memory_stays_flat(knee: Kernel) -> None:
    import tracemalloc

    peaks = []
    for n in (2_000, 12_000):
        tracemalloc.start()
        population(knee, make, n, [Moments()], times=DAYS, outputs=OUTPUTS, mode="screen", chunk=512)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
