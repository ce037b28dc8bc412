"""A patient's digits depend on the patient: not on neighbours, threads, lanes or order. Who fails, fails alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from exojoint.engine import Event, Kernel, Outcome, System, Trajectory, solve
from exojoint.engine.certify import relative_error

DAYS = np.array([0.0, 0.5, 7.0, 30.0, 180.0])
OUTPUTS = ["thickness", "ratio", "il1", "dose"]


def course(kernel: Kernel, p: np.ndarray, y: np.ndarray, amount: np.ndarray, **options: object) -> Trajectory:
    events = [Event(0.0, "add", "dose", amount), Event(28.0, "add", "dose", 2.0), Event(60.0, "input", "load", 0.3)]
    return solve(kernel, p, y, events, DAYS, OUTPUTS, **options)


@pytest.fixture(scope="module")
def base(knee: Kernel, patients: Callable) -> tuple[np.ndarray, np.ndarray, np.ndarray, Trajectory]:
    p, y = patients(203)
    amount = np.linspace(1.0, 9.0, len(p))
    return p, y, amount, course(knee, p, y, amount)


def identical(a: Trajectory, b: Trajectory) -> bool:
    same = all(np.array_equal(getattr(a, f), getattr(b, f), equal_nan=True) for f in ("values", "state"))
    return same and np.array_equal(a.outcome, b.outcome) and np.array_equal(a.steps, b.steps)


def test_the_order_of_patients_does_not_matter(knee: Kernel, base: tuple) -> None:
    p, y, amount, whole = base
    order = np.random.default_rng(0).permutation(len(p))
    shuffled = course(knee, p[order], y[order], amount[order])
    assert np.array_equal(shuffled.values, whole.values[order])
    assert np.array_equal(shuffled.state, whole.state[order])


def test_chunks_give_the_same_bits(knee: Kernel, base: tuple) -> None:
    p, y, amount, whole = base
    parts = [course(knee, p[s], y[s], amount[s]) for s in (slice(0, 1), slice(1, 90), slice(90, 203))]
    assert np.array_equal(np.concatenate([c.values for c in parts]), whole.values)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_give_the_same_bits(knee: Kernel, base: tuple, threads: int) -> None:
    p, y, amount, whole = base
    assert identical(course(knee, p, y, amount, threads=threads), whole)


@pytest.mark.parametrize("lanes", [1, 2, 4, 16])
def test_the_number_of_lanes_does_not_change_a_bit(
    knee_system: System, compiled: Callable, base: tuple, lanes: int
) -> None:
    p, y, amount, whole = base
    assert identical(course(compiled(knee_system, lanes=lanes), p, y, amount), whole)


def test_what_else_is_asked_for_does_not_change_a_bit(knee: Kernel, base: tuple) -> None:
    p, y, amount, whole = base
    events = [Event(0.0, "add", "dose", amount), Event(28.0, "add", "dose", 2.0), Event(60.0, "input", "load", 0.3)]
    other = solve(knee, p, y, events, [7.0, 180.0], ["il1"])
    assert np.array_equal(other.values[:, :, 0], whole.values[:, [2, 4], 2])


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_no_number_in_a_patient_spoils_nobody_else(knee: Kernel, base: tuple, poison: float) -> None:
    p, y, amount, whole = base
    p, y = p.copy(), y.copy()
    p[3, 5] = p[77, 0] = poison
    y[10, 2] = poison
    bad = [3, 10, 77]
    spoiled = course(knee, p, y, amount, threads=2)
    good = np.setdiff1d(np.arange(len(p)), bad)
    assert set(spoiled.outcome[bad]) == {Outcome.not_finite}
    assert np.isnan(spoiled.values[bad]).all()
    assert np.isnan(spoiled.state[bad]).all()
    assert np.array_equal(spoiled.values[good], whole.values[good])


def test_an_amount_that_is_no_number_fails_alone(knee: Kernel, base: tuple) -> None:
    p, y, amount, whole = base
    amount = amount.copy()
    amount[50] = np.nan
    spoiled = course(knee, p, y, amount)
    assert spoiled.outcome[50] != Outcome.ok
    assert np.isnan(spoiled.values[50]).all()
    good = np.arange(len(p)) != 50
    assert np.array_equal(spoiled.values[good], whole.values[good])


def test_four_times_the_spread_fails_nobody_silently(knee: Kernel, patients: Callable) -> None:
    p, y = patients(4096, seed=9, spread=1.2)
    amount = np.ones(len(p))
    wide = course(knee, p, y, amount, threads=2)
    failed = wide.outcome != Outcome.ok
    assert failed.mean() < 1e-3
    assert np.isfinite(wide.values[~failed]).all()
    assert np.isnan(wide.values[failed]).all()
    good = np.flatnonzero(~failed)
    hard = good[np.argsort(wide.steps[good])[-100:]]
    rows = np.union1d(hard, np.random.default_rng(1).choice(good, 300, replace=False))
    fine = course(knee, p[rows], y[rows], amount[rows], mode="reference", threads=2)
    assert (fine.outcome == Outcome.ok).all()
    error = relative_error(wide.values[rows], fine.values)
    error[np.abs(wide.values[rows] - fine.values) < 1e-9] = 0.0  # a dose that has long gone
    assert error.max() < 1e-2, "somebody ended well and was wrong"


def test_nobody_is_a_legal_population(knee: Kernel) -> None:
    nobody = course(knee, np.empty((0, 13)), np.empty((0, 7)), np.empty(0))
    assert nobody.values.shape == (0, 5, 4)
