"""Closed forms of two compartments with exchange: bolus, repeated doses, infusion, each for patients of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from exojoint.engine import Event, Kernel, solve, trace

DAYS = np.array([0.05, 0.3, 1.0, 2.5, 4.0, 7.0, 11.0, 20.0])
KEPT = ["central", "peripheral"]


def exchange(x: Mapping, p: Mapping) -> tuple[dict, dict]:
    """A central compartment with loss, and a peripheral one that it exchanges with."""
    out, back = p["k12"] * x["central"], p["k21"] * x["peripheral"]
    return {"central": p["infusion"] - p["ke"] * x["central"] - out + back, "peripheral": out - back}, {}


@pytest.fixture(scope="module")
def exchanging(compiled: Callable[..., Kernel]) -> Kernel:
    return compiled(trace(KEPT, ["ke", "k12", "k21", "infusion"], ["infusion"], exchange))


@pytest.fixture(scope="module")
def people() -> np.ndarray:
    """Twelve patients: (12, 4) parameters, the infusion off."""
    rates = np.exp(np.random.default_rng(4).normal(np.log([0.4, 2.0, 0.7]), 0.5, (12, 3)))
    return np.column_stack([rates, np.zeros(12)])


def after_bolus(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Amounts (n, m, 2) after a central dose of 1 at day 0, none before (Gibaldi and Perrier, two compartments)."""
    ke, k12, k21 = (p[:, j, None] for j in range(3))
    total = ke + k12 + k21
    root = np.sqrt(total**2 - 4.0 * ke * k21)
    fast, slow = (total + root) / 2.0, (total - root) / 2.0
    gone = np.where(t < 0.0, 0.0, 1.0)
    t = np.maximum(t, 0.0)
    a, b = np.exp(-fast * t), np.exp(-slow * t)
    central = ((fast - k21) * a + (k21 - slow) * b) / root
    return gone[..., None] * np.stack([central, k12 * (b - a) / root], axis=-1)


def infused(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Amounts (n, m, 2) under an infusion of 1 per day from day 0: the integral of the bolus."""
    ke, k12, k21 = (p[:, j, None] for j in range(3))
    total = ke + k12 + k21
    root = np.sqrt(total**2 - 4.0 * ke * k21)
    fast, slow = (total + root) / 2.0, (total - root) / 2.0
    t = np.maximum(t, 0.0)
    a, b = (1.0 - np.exp(-fast * t)) / fast, (1.0 - np.exp(-slow * t)) / slow
    return np.stack([((fast - k21) * a + (k21 - slow) * b) / root, k12 * (b - a) / root], axis=-1)


def follow(kernel: Kernel, p: np.ndarray, events: list[Event], mode: str = "reference") -> np.ndarray:
    return solve(kernel, p, np.zeros((len(p), 2)), events, DAYS, KEPT, mode=mode).values


def test_a_bolus_distributes_and_leaves(exchanging: Kernel, people: np.ndarray) -> None:
    amount = np.linspace(1.0, 9.0, len(people))
    found = follow(exchanging, people, [Event(0.0, "add", "central", amount)])
    expected = amount[:, None, None] * after_bolus(people, DAYS)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_repeated_boluses_superpose(exchanging: Kernel, people: np.ndarray) -> None:
    days, amounts = (0.0, 3.0, 6.5), (5.0, 2.0, 8.0)
    found = follow(exchanging, people, [Event(d, "add", "central", a) for d, a in zip(days, amounts, strict=True)])
    expected = sum(a * after_bolus(people, DAYS - d) for d, a in zip(days, amounts, strict=True))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_an_infusion_fills_both_and_both_empty_after_it(exchanging: Kernel, people: np.ndarray) -> None:
    events = [Event(0.5, "input", "infusion", 3.0), Event(6.0, "input", "infusion", 0.0)]
    found = follow(exchanging, people, events)
    expected = 3.0 * (infused(people, DAYS - 0.5) - infused(people, DAYS - 6.0))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_the_standard_mode_keeps_a_ten_thousandth(exchanging: Kernel, people: np.ndarray) -> None:
    events = [Event(d, "add", "central", 5.0) for d in (0.0, 3.0)]
    found = follow(exchanging, people, events, mode="standard")
    expected = 5.0 * (after_bolus(people, DAYS) + after_bolus(people, DAYS - 3.0))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * 5e-3)
