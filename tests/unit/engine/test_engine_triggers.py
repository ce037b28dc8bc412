"""Triggers: what the course sets off itself happens at the instant of the crossing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.engine import Event, Kernel, Trigger, solve, trace


@pytest.fixture(scope="module")
def pain(compiled: Callable[..., Kernel]) -> Kernel:
    def equations(x: dict, p: dict) -> tuple[dict, dict]:
        return {"pain": p["rise"] - p["pill"] * x["pain"], "pills": 0.0, "alarm": 0.0}, {"double": 2 * x["pain"]}

    return compiled(trace(["pain", "pills", "alarm"], ["rise", "pill"], ["rise", "pill"], equations))


RISE = np.array([[1.0, 0.0], [2.0, 0.0], [0.5, 0.0]])
CALM = np.zeros((3, 3))


def test_a_trigger_fires_at_the_crossing_for_each_patient(pain: Kernel) -> None:
    relief = Trigger("double", 6.0, "up", [Event(0.0, "set", "pain", 0.0), Event(0.0, "add", "pills", 1.0)])
    course = solve(pain, RISE, CALM, [], [2.9, 3.1, 7.0], ["pain", "pills"], triggers=[relief])
    np.testing.assert_allclose(course.fired[:, 0], [3.0, 1.5, 6.0], rtol=1e-9)
    np.testing.assert_allclose(course.values[0, :, 0], [2.9, 0.1, 1.0], rtol=1e-6)
    np.testing.assert_allclose(course.values[:, 2, 1], [2.0, 4.0, 1.0])


def test_thresholds_may_differ_between_patients(pain: Kernel) -> None:
    level = np.array([1.0, 3.0, np.inf])
    course = solve(pain, RISE, CALM, [], [5.0], ["pain"], triggers=[Trigger("pain", level, "up", [])])
    np.testing.assert_allclose(course.fired[:2, 0], [1.0, 1.5], rtol=1e-9)
    assert np.isnan(course.fired[2, 0])


def test_a_trigger_may_switch_an_input_and_another_may_switch_it_back(pain: Kernel) -> None:
    on = Trigger("pain", 4.0, "up", [Event(0.0, "input", "pill", 2.0), Event(0.0, "input", "rise", 0.0)])
    off = Trigger(
        "pain", 1.0, "down", [Event(0.0, "input", "pill", 0.0), Event(0.0, "input", "rise", 1.0)], at_once=False
    )
    course = solve(pain, RISE[:1], CALM[:1], [], [20.0], ["pain"], triggers=[on, off], mode="reference")
    np.testing.assert_allclose(course.fired[0], [4.0, 4.0 + np.log(4.0) / 2], rtol=1e-7)


def test_a_trigger_fires_at_most_as_often_as_allowed(pain: Kernel) -> None:
    once = Trigger("pain", 1.0, "up", [Event(0.0, "set", "pain", 0.0), Event(0.0, "add", "pills", 1.0)], at_most=1)
    course = solve(pain, RISE, CALM, [], [10.0], ["pills", "pain"], triggers=[once])
    np.testing.assert_allclose(course.values[:, 0, 0], 1.0)
    np.testing.assert_allclose(course.values[0, 0, 1], 9.0, rtol=1e-6)


def test_a_dose_that_makes_a_condition_true_sets_it_off_at_once(pain: Kernel) -> None:
    alarm = Trigger("pain", 50.0, "up", [Event(0.0, "add", "alarm", 1.0)])
    course = solve(pain, RISE, CALM, [Event(2.0, "add", "pain", 100.0)], [2.0, 2.5], ["alarm"], triggers=[alarm])
    np.testing.assert_array_equal(course.values[:, :, 0], [[0.0, 1.0]] * 3)
    np.testing.assert_array_equal(course.fired[:, 0], 2.0)


def test_one_trigger_may_set_off_another(pain: Kernel) -> None:
    first = Trigger("pain", 1.0, "up", [Event(0.0, "add", "pills", 1.0)])
    second = Trigger("pills", 0.5, "up", [Event(0.0, "set", "alarm", "double")])
    course = solve(pain, RISE[:1], CALM[:1], [], [3.0], ["alarm"], triggers=[second, first])
    np.testing.assert_allclose(course.fired[0], [1.0, 1.0], rtol=1e-9)
    np.testing.assert_allclose(course.values[0, 0, 0], 2.0, rtol=1e-9)


def test_what_holds_from_the_start_fires_only_on_request(pain: Kernel) -> None:
    high = CALM + np.array([5.0, 0.0, 0.0])
    late, early = (Trigger("pain", 1.0, "up", [Event(0.0, "add", "alarm", 1.0)], at_once=now) for now in (False, True))
    assert np.isnan(solve(pain, RISE, high, [], [3.0], ["alarm"], triggers=[late]).fired).all()
    np.testing.assert_array_equal(solve(pain, RISE, high, [], [3.0], ["alarm"], triggers=[early]).fired[:, 0], 0.0)


def test_triggers_do_not_depend_on_neighbours_or_threads(pain: Kernel) -> None:
    rng = np.random.default_rng(1)
    p = np.column_stack([rng.uniform(0.2, 3.0, 100), np.zeros(100)])
    relief = Trigger("pain", 2.0, "up", [Event(0.0, "set", "pain", 0.0), Event(0.0, "add", "pills", 1.0)])
    whole = solve(pain, p, np.zeros((100, 3)), [], [1.0, 30.0], ["pain", "pills"], triggers=[relief], threads=2)
    alone = solve(pain, p[7:8], np.zeros((1, 3)), [], [1.0, 30.0], ["pain", "pills"], triggers=[relief])
    assert np.array_equal(whole.values[7:8], alone.values)
    assert np.array_equal(whole.fired[7:8], alone.fired)


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        (Trigger("pian", 1.0, "up", []), 'Did you mean "pain"'),
        (Trigger("pain", 1.0, "over", []), "direction 'over'"),  # type: ignore[arg-type]
        (Trigger("pain", np.ones(2), "up", []), "threshold has shape"),
        (Trigger("pain", 1.0, "up", [Event(0.0, "add", "pil", 1.0)]), "trigger 1, effect 1"),
    ],
)
def test_wrong_triggers_are_told(pain: Kernel, trigger: Trigger, told: str) -> None:
    with pytest.raises(InputError, match=told):
        solve(pain, RISE, CALM, [], [1.0], [], triggers=[trigger])
