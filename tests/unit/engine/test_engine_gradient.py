"""Gradients: differences on shared steps agree with differences of reference solutions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.engine import Event, Kernel, Outcome, gradient, solve

DAYS = np.array([0.5, 5.0, 30.0, 120.0])
OUTPUTS = ["thickness", "ratio", "il1", "dose"]
WRT = ["half", "gain", "k1", "fast", "k4", "k5", "load", "k6", "h0", "matrix", "dose"]
EVENTS = [Event(0.0, "add", "dose", 3.0), Event(28.0, "add", "dose", 2.0), Event(60.0, "input", "load", 0.3)]


def central(kernel: Kernel, p: np.ndarray, y: np.ndarray, name: str) -> np.ndarray:
    """Central difference at reference accuracy, (n, m, k)."""
    ends = []
    system, change = kernel.system, 2e-4
    for sign in (1.0, -1.0):
        q, z = p.copy(), y.copy()
        table, k = (q, system.parameters.index(name)) if name in system.parameters else (z, system.states.index(name))
        step = np.where(table[:, k] == 0.0, change, change * table[:, k])
        table[:, k] += sign * step
        ends.append(solve(kernel, q, z, EVENTS, DAYS, OUTPUTS, rtol=1e-11).values)
    return (ends[0] - ends[1]) / (2.0 * step[:, None, None])


def test_gradients_agree_with_central_differences(knee: Kernel, patients: Callable) -> None:
    p, y = patients(5)
    found = gradient(knee, p, y, EVENTS, DAYS, OUTPUTS, WRT, threads=2)
    exact = np.stack([central(knee, p, y, name) for name in WRT], axis=-1)
    size = np.abs(solve(knee, p, y, EVENTS, DAYS, OUTPUTS).values).max(axis=1, keepdims=True)[..., None]
    scale = np.maximum(np.abs(exact).max(axis=1, keepdims=True), 1e-3 * size)
    error = np.abs(found.gradient - exact) / scale
    assert np.quantile(error, 0.99) <= 1e-4
    assert error.max() < 1e-3
    np.testing.assert_allclose(found.values, solve(knee, p, y, EVENTS, DAYS, OUTPUTS).values, rtol=1e-3, atol=1e-6)


def test_gradients_do_not_depend_on_threads(knee: Kernel, patients: Callable) -> None:
    p, y = patients(7)
    one, three = (gradient(knee, p, y, EVENTS, DAYS, OUTPUTS, WRT, threads=t) for t in (1, 3))
    assert np.array_equal(one.gradient, three.gradient)


def test_events_of_each_patient_are_kept(knee: Kernel, patients: Callable) -> None:
    p, y = patients(3)
    amount = np.array([1.0, 2.0, 3.0])
    own = gradient(knee, p, y, [Event(0.0, "add", "dose", amount)], [1.0], ["dose"], ["k6"])
    np.testing.assert_allclose(own.gradient[:, 0, 0, 0], -amount * np.exp(-p[:, 12]), rtol=1e-3)


def test_a_patient_who_fails_has_no_gradient_and_spoils_nobody(knee: Kernel, patients: Callable) -> None:
    p, y = patients(4)
    whole = gradient(knee, p, y, EVENTS, DAYS, OUTPUTS, WRT)
    p[1, 3] = np.nan
    spoiled = gradient(knee, p, y, EVENTS, DAYS, OUTPUTS, WRT)
    assert spoiled.outcome.tolist() == [Outcome.ok, Outcome.not_finite, Outcome.ok, Outcome.ok]
    assert np.isnan(spoiled.gradient[1]).all()
    assert np.array_equal(spoiled.gradient[[0, 2, 3]], whole.gradient[[0, 2, 3]])


def test_an_unknown_name_is_told(knee: Kernel, patients: Callable) -> None:
    p, y = patients(1)
    with pytest.raises(InputError, match='Did you mean "gain"'):
        gradient(knee, p, y, [], [1.0], ["il1"], ["gainn"])
