"""The rescue solver: follows whom the vector code could not, and agrees with it on everybody else."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import pytest

from exojoint.engine import Event, Kernel, Outcome, rest, solve, trace
from exojoint.engine.job import run_task

DAYS = np.array([0.0, 0.5, 7.0, 40.0])


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows that the vector code is made to lose."""
    rows: list[int] = []

    def lose(variant: object, task: object, results: object, **options: object) -> None:
        run_task(variant, task, results, **options)
        for row in rows:
            results.outcome[row] = Outcome.step_underflow
            results.values[row] = results.state[row] = np.nan

    monkeypatch.setattr(importlib.import_module("exojoint.engine.solve"), "run_task", lose)
    return rows


def test_a_lost_patient_is_followed_by_the_rescue_solver(knee: Kernel, patients: Callable, lost: list[int]) -> None:
    p, y = patients(4)
    events = [Event(0.0, "add", "dose", 3.0), Event(20.0, "input", "load", 0.2), Event(21.0, "set", "dose", "ratio")]
    whole = solve(knee, p, y, events, DAYS, ["thickness", "il1", "dose"], mode="reference")
    lost += [0, 2]
    saved = solve(knee, p, y, events, DAYS, ["thickness", "il1", "dose"], mode="reference")
    assert saved.rescued.tolist() == [True, False, True, False]
    assert set(saved.outcome) == {Outcome.ok}
    np.testing.assert_allclose(saved.values, whole.values, rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(saved.state, whole.state, rtol=1e-6, atol=1e-10)


def test_a_lost_patient_comes_to_rest_too(knee: Kernel, patients: Callable, lost: list[int]) -> None:
    p, y = patients(2)
    whole = rest(knee, p, y, ignore=["dose"])
    lost.append(1)
    saved = rest(knee, p, y, ignore=["dose"])
    assert saved.rescued.tolist() == [False, True]
    np.testing.assert_allclose(saved.state, whole.state, rtol=1e-3)


def test_who_cannot_be_saved_stays_failed(compiled: Callable[..., Kernel]) -> None:
    kernel = compiled(trace(["y"], ["k"], [], lambda x, p: ({"y": p["k"] * x["y"] ** 2}, {})))
    course = solve(kernel, [[1.0], [np.nan]], [[1.0], [1.0]], [], [2.0], ["y"])
    assert not course.rescued.any()
    assert (course.outcome != Outcome.ok).all()
    assert np.isnan(course.values).all()


def test_time_is_read_by_the_rescue_solver(compiled: Callable[..., Kernel], lost: list[int]) -> None:
    from exojoint.engine.functions import TIME

    kernel = compiled(trace(["y"], [], [], lambda x, p: ({"y": 3 * TIME**2 - (x["y"] - TIME**3)}, {})))
    lost.append(0)
    course = solve(kernel, [[]], [[0.0]], [], [2.0, 3.0], ["y"])
    assert course.rescued[0]
    np.testing.assert_allclose(course.values[0, :, 0], [8.0, 27.0], rtol=1e-6)
