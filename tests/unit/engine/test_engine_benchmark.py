"""The benchmark model: gradients on it, and that the benchmark chooses tolerances as it says."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from exojoint.engine import Kernel, gradient, solve

OUTPUTS = ("gc", "il1", "agg", "m2", "pain")
DAYS = np.array([3.0, 42.0, 182.0, 730.0])
CHANGE = 2e-4  # of a parameter, on both sides


@pytest.fixture(scope="module")
def benchmark(root: Path) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root))
        importlib.import_module("benchmarks.engine.table")
        return importlib.import_module("benchmarks.engine.problems")


@pytest.fixture(scope="module")
def kernel(benchmark: ModuleType, compiled: Callable[..., Kernel]) -> Kernel:
    return compiled(benchmark.benchmark_model().system)


def test_gradients_of_the_benchmark_model_agree_with_central_differences(benchmark: ModuleType, kernel: Kernel) -> None:
    problem = benchmark.benchmark_model()
    p, y = problem.patients(np.arange(3))
    events = [e for e in problem.events(p) if e.day > 0.0]  # an amount is a number, not the parameter `dose`
    y = y + np.eye(25)[0] * 100.0
    wrt = tuple(n for n, (_, spread) in benchmark.PARAMETERS.items() if spread > 0.0)
    found = gradient(kernel, p, y, events, DAYS, OUTPUTS, wrt)
    exact = np.empty(found.gradient.shape)
    for j, name in enumerate(wrt):
        k, ends = problem.system.parameters.index(name), []
        for sign in (1.0, -1.0):
            q = p.copy()
            q[:, k] *= 1.0 + sign * CHANGE
            ends.append(solve(kernel, q, y, events, DAYS, OUTPUTS, rtol=1e-11).values)
        exact[..., j] = (ends[0] - ends[1]) / (2.0 * CHANGE * p[:, k, None, None])
    scale = np.abs(exact).max(axis=1, keepdims=True)  # of a sensitivity: its own largest value over the days
    size = np.abs(found.values).max(axis=1, keepdims=True)[..., None]
    scale = np.maximum(
        scale, 1e-3 * size / np.stack([p[:, problem.system.parameters.index(n)] for n in wrt], -1)[:, None, None]
    )
    error = np.abs(found.gradient - exact) / scale
    assert np.quantile(error, 0.99) <= 1e-4
    assert error.max() < 2e-3


def test_the_loosest_tolerance_that_is_accurate_enough_is_found(benchmark: ModuleType) -> None:
    table = importlib.import_module("benchmarks.engine.table")
    exact = np.ones((4, 3, 2))

    def solver(n: int, rtol: float) -> np.ndarray:
        return exact[:n] * (1.0 + 12.0 * rtol)

    assert table.loosest(solver, exact) == (8e-6, pytest.approx(9.6e-5))
    with pytest.raises(Exception, match="no tolerance"):
        table.loosest(lambda n, rtol: 2.0 * exact[:n], exact)


def test_courses_are_cut_at_doses_and_lose_no_output_day(benchmark: ModuleType) -> None:
    for count in (1, 3, 12, 52):
        problem = benchmark.with_doses(benchmark.benchmark_model(), count)
        pieces = benchmark.stretches(problem)
        assert [s.start for s in pieces] == list(problem.dose_days)
        assert len(pieces) == count
        days = np.concatenate([s.asked[: s.size] for s in pieces])
        np.testing.assert_array_equal(days, benchmark.DAYS)
        assert all(s.asked[-1] == s.stop for s in pieces)
