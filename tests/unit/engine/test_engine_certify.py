"""Certificates: the error of a mode, measured on the patients at hand."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np

from exojoint.engine import Event, Kernel, Trigger, certify, solve
from exojoint.engine.certify import relative_error

DAYS = np.array([1.0, 30.0, 200.0])


def test_a_certificate_orders_the_modes(knee: Kernel, patients: Callable) -> None:
    p, y = patients(60)
    events = [Event(0.0, "add", "dose", np.linspace(1, 2, 60))]
    errors = [
        certify(knee, p, y, events, DAYS, ["il1", "thickness"], mode=m).p99 for m in ("screen", "standard", "reference")
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[1] < 1e-3
    assert errors[2] < 1e-6


def test_a_certificate_counts_its_patients(knee: Kernel, patients: Callable) -> None:
    p, y = patients(60)
    p[::2, 0] = np.nan
    found = certify(knee, p, y, [], DAYS, ["il1"], sample=40, seed=3)
    assert found.n + found.failed == 40
    assert found.failed > 0
    assert found.p50 <= found.p99 <= found.max
    assert found == certify(knee, p, y, [], DAYS, ["il1"], sample=40, seed=3)


def test_triggers_are_certified_with_their_own_thresholds(knee: Kernel, patients: Callable) -> None:
    p, y = patients(30)
    level = np.linspace(0.5, 1.5, 30)
    trigger = Trigger("il1", level, "down", [Event(0.0, "add", "dose", np.linspace(1, 2, 30))])
    assert certify(knee, p, y, [], DAYS, ["dose"], sample=10, triggers=[trigger]).n == 10


def test_errors_are_relative_to_the_patients_own_size() -> None:
    exact = np.array([[[1.0], [1e-6]]])
    values = exact + np.array([[[1e-3], [1e-6]]])
    np.testing.assert_allclose(relative_error(values, exact)[0, :, 0], [1e-3, 1e-3])


def test_a_kernel_travels_to_another_process_as_equations(knee: Kernel, patients: Callable) -> None:
    p, y = patients(3)
    copy = pickle.loads(pickle.dumps(knee))  # noqa: S301 - our own bytes
    assert copy.system.digest == knee.system.digest
    assert copy.system.rates == knee.system.rates
    a, b = (solve(k, p, y, [], DAYS, ["ratio"]).values for k in (knee, copy))
    assert np.array_equal(a, b)
