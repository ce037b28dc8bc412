"""Courses: closed forms of dosing, known stiff problems, and when exactly things happen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from exojoint.core.errors import InputError
from exojoint.engine import Event, Kernel, Outcome, rest, solve, trace
from exojoint.engine.functions import TIME, exp, sin

KA, KE, VOLUME = 1.3, 0.2, 5.0
PARAMETERS = np.array([[KA, KE, VOLUME, 0.0]])
NOTHING = np.zeros((1, 2))
DAYS = np.array([0.1, 0.5, 1.0, 2.0, 5.0, 9.0, 12.0, 20.0])


def bateman(t: np.ndarray, dose: float) -> np.ndarray:
    """Amount in the body after a depot dose at day 0."""
    t = np.maximum(t, 0.0)
    return dose * KA / (KA - KE) * (np.exp(-KE * t) - np.exp(-KA * t))


def test_a_bolus_follows_the_one_compartment_formula(depot: Kernel) -> None:
    course = solve(depot, PARAMETERS, NOTHING, [Event(0.0, "add", "body", 10.0)], DAYS, ["body"], mode="reference")
    np.testing.assert_allclose(course.values[0, :, 0], 10.0 * np.exp(-KE * DAYS), rtol=1e-7)


def test_repeated_depot_doses_superpose(depot: Kernel) -> None:
    events = [Event(d, "add", "depot", 8.0) for d in (0.0, 4.0, 11.0)]
    course = solve(depot, PARAMETERS, NOTHING, events, DAYS, ["body", "concentration"], mode="reference")
    expected = sum(bateman(DAYS - d, 8.0) for d in (0.0, 4.0, 11.0))
    np.testing.assert_allclose(course.values[0, :, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(course.values[0, :, 1], expected / VOLUME, rtol=1e-6)


def test_an_infusion_by_an_input_follows_its_formula(depot: Kernel) -> None:
    events = [Event(1.0, "input", "infusion", 3.0), Event(6.0, "input", "infusion", 0.0)]
    course = solve(depot, PARAMETERS, NOTHING, events, DAYS, ["body"], mode="reference")
    length = np.clip(DAYS - 1.0, 0.0, 5.0)
    expected = 3.0 / KE * (1 - np.exp(-KE * length)) * np.exp(-KE * np.maximum(DAYS - 6.0, 0.0))
    np.testing.assert_allclose(course.values[0, :, 0], expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(("mode", "error"), [("screen", 2e-3), ("standard", 1e-4), ("reference", 1e-6)])
def test_each_mode_keeps_its_accuracy(depot: Kernel, mode: str, error: float) -> None:
    course = solve(depot, PARAMETERS, NOTHING, [Event(0.0, "add", "depot", 8.0)], DAYS, ["body"], mode=mode)
    np.testing.assert_allclose(course.values[0, :, 0], bateman(DAYS, 8.0), rtol=error)


def test_single_precision_states_keep_a_clock_of_double_precision(depot: Kernel) -> None:
    """A day such as 3.6 is no single number; a clock that rounded it would never arrive."""
    events = [Event(d, "add", "body", 1.0) for d in (3.6, 7.1, 8.3)]
    course = solve(depot, PARAMETERS, NOTHING, events, [3.6, 9.1], ["body"], mode="screen")
    expected = sum(np.exp(-KE * (9.1 - d)) for d in (3.6, 7.1, 8.3))
    np.testing.assert_allclose(course.values[0, :, 0], [0.0, expected], rtol=1e-3)


def test_an_output_on_the_day_of_an_event_is_the_value_before_it(depot: Kernel) -> None:
    events = [Event(0.0, "add", "body", 10.0), Event(5.0, "add", "body", 10.0)]
    course = solve(depot, PARAMETERS, NOTHING, events, [0.0, 5.0, 5.0, 8.0], ["body"], mode="reference", day_end=9.0)
    np.testing.assert_allclose(course.values[0, :3, 0], [0.0, *[10 * np.exp(-1.0)] * 2], rtol=1e-7)


def test_the_final_state_is_the_one_before_an_event_of_the_last_day(depot: Kernel) -> None:
    events = [Event(0.0, "add", "body", 10.0), Event(5.0, "add", "body", 100.0)]
    course = solve(depot, PARAMETERS, NOTHING, events, [], [], day_end=5.0, mode="reference")
    np.testing.assert_allclose(course.state[0, 1], 10 * np.exp(-1.0), rtol=1e-7)


def test_two_calls_are_one_course(depot: Kernel) -> None:
    dose = Event(0.0, "add", "depot", 8.0)
    first = solve(depot, PARAMETERS, NOTHING, [dose], [], [], day_end=4.0, mode="reference")
    second = solve(depot, PARAMETERS, first.state, [dose], [8.0], ["body"], mode="reference")
    expected = bateman(np.array([12.0]), 8.0) + bateman(np.array([8.0]), 8.0)
    np.testing.assert_allclose(second.values[0, 0, 0], expected[0], rtol=1e-6)


def test_all_settings_act_before_all_additions_whatever_the_order_of_rows(depot: Kernel) -> None:
    events = [
        Event(1.0, "add", "body", 3.0),
        Event(1.0, "set", "body", 100.0),
        Event(1.0, "add", "body", 0.1),
        Event(1.0, "input", "infusion", 2.0),
        Event(0.0, "add", "body", 7.0),
    ]
    p = PARAMETERS.copy()
    p[0, 1] = 0.0
    rng = np.random.default_rng(0)
    reference = solve(depot, p, NOTHING, events, [2.0], ["body"]).values
    np.testing.assert_allclose(reference[0, 0, 0], 103.1 + 2.0, rtol=1e-9)
    for _ in range(6):
        shuffled = [events[i] for i in rng.permutation(len(events))]
        np.testing.assert_array_equal(solve(depot, p, NOTHING, shuffled, [2.0], ["body"]).values, reference)


def test_patients_have_their_own_days_and_amounts(depot: Kernel) -> None:
    n = 21
    rng = np.random.default_rng(1)
    day, amount = rng.uniform(0, 10, n), rng.uniform(1, 5, n)
    day[4] = np.nan
    events = [Event(day, "add", "body", amount), Event(3.0, "add", "body", 1.0)]
    p, y = np.repeat(PARAMETERS, n, 0), np.zeros((n, 2))
    course = solve(depot, p, y, events, [12.0], ["body"], mode="reference")
    own = np.where(np.isnan(day), 0.0, amount * np.exp(-KE * (12.0 - np.nan_to_num(day))))
    np.testing.assert_allclose(course.values[:, 0, 0], own + np.exp(-KE * 9.0), rtol=1e-6)


def test_an_amount_may_be_read_from_the_course(depot: Kernel) -> None:
    events = [
        Event(0.0, "add", "body", 10.0),
        Event(5.0, "set", "body", "concentration"),
        Event(5.0, "add", "depot", "body"),
    ]
    course = solve(depot, PARAMETERS, NOTHING, events, [5.0], ["body"], mode="reference", day_end=5.001)
    before = course.values[0, 0, 0]
    np.testing.assert_allclose(course.state[0, 1], before / VOLUME, rtol=1e-1)
    np.testing.assert_allclose(course.state[0, 0], before, rtol=1e-2)


def test_time_itself_may_drive_the_rates(compiled: Callable[..., Kernel]) -> None:
    def equations(x: dict, p: dict) -> tuple[dict, dict]:
        return {"y": -p["k"] * (x["y"] - sin(TIME)) + exp(-TIME)}, {"clock": TIME}

    kernel = compiled(trace(["y"], ["k"], [], equations))
    days = np.linspace(0, 12, 13)
    course = solve(kernel, [[50.0]], [[1.0]], [], days, ["y", "clock"], mode="reference")
    exact = solve_ivp(
        lambda t, y: -50 * (y - np.sin(t)) + np.exp(-t), (0, 12), [1.0], "Radau", t_eval=days, rtol=1e-11, atol=1e-13
    )
    np.testing.assert_allclose(course.values[0, :, 0], exact.y[0], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(course.values[0, :, 1], days, atol=1e-12)


def test_the_order_of_convergence_is_five(compiled: Callable[..., Kernel]) -> None:
    """Error against number of steps on a smooth problem that reads time.

    The tableau, and its terms in time, are right.
    """
    kernel = compiled(trace(["a", "b"], [], [], lambda x, p: ({"a": x["b"] * sin(TIME), "b": -x["a"]}, {})))
    exact = solve_ivp(lambda t, y: [y[1] * np.sin(t), -y[0]], (0, 10), [1.0, 0.5], "DOP853", rtol=1e-13, atol=1e-14).y[
        :, -1
    ]
    errors, steps = [], []
    for rtol in (1e-5, 1e-9):
        course = solve(kernel, [[]], [[1.0, 0.5]], [], [10.0], ["a", "b"], rtol=rtol)
        errors.append(np.abs(course.values[0, 0] - exact).max())
        steps.append(course.steps[0])
    order = np.log(errors[0] / errors[1]) / np.log(steps[1] / steps[0])
    assert 4.2 < order < 6.5


STIFF: dict[str, tuple[list[str], Callable, list[float], np.ndarray]] = {
    "robertson": (
        ["a", "b", "c"],
        lambda a, b, c: (-0.04 * a + 1e4 * b * c, 0.04 * a - 1e4 * b * c - 3e7 * b * b, 3e7 * b * b),
        [1.0, 0.0, 0.0],
        np.array([0.4, 40.0, 4e3, 4e5]),
    ),
    "van der pol": (
        ["a", "b"],
        lambda a, b: (b, 1e3 * (1 - a * a) * b - a),
        [2.0, 0.0],
        np.array([100.0, 500.0, 1000.0]),
    ),
    "hires": (
        ["a", "b", "c", "d", "e", "f", "g", "h"],
        lambda a, b, c, d, e, f, g, h: (
            -1.71 * a + 0.43 * b + 8.32 * c + 0.0007,
            1.71 * a - 8.75 * b,
            -10.03 * c + 0.43 * d + 0.035 * e,
            8.32 * b + 1.71 * c - 1.12 * d,
            -1.745 * e + 0.43 * f + 0.43 * g,
            -280 * f * h + 0.69 * d + 1.71 * e - 0.43 * f + 0.69 * g,
            280 * f * h - 1.81 * g,
            -280 * f * h + 1.81 * g,
        ),
        [1.0, 0, 0, 0, 0, 0, 0, 0.0057],
        np.array([1.0, 100.0, 321.8122]),
    ),
}


@pytest.mark.parametrize("name", STIFF)
def test_known_stiff_problems_agree_with_radau(compiled: Callable[..., Kernel], name: str) -> None:
    states, rates, start, days = STIFF[name]
    kernel = compiled(trace(states, [], [], lambda x, p: (dict(zip(states, rates(*x.values()), strict=True)), {})))
    exact = solve_ivp(lambda t, y: rates(*y), (0, days[-1]), start, "Radau", t_eval=days, rtol=1e-11, atol=1e-16).y.T
    for mode, error in (("standard", 5e-3), ("reference", 1e-5)):
        course = solve(kernel, [[]], [start], [], days, states, mode=mode)
        assert course.outcome[0] == Outcome.ok
        np.testing.assert_allclose(course.values[0], exact, rtol=error, atol=error * 1e-3 * np.abs(exact).max(0).min())


def test_the_small_knee_agrees_with_lsoda(knee: Kernel, patients: Callable, knee_rates: Callable) -> None:
    p, y = patients(6)
    days = np.array([0.1, 1.0, 10.0, 100.0, 400.0])
    course = solve(knee, p, y, [], days, knee.system.states, mode="reference")
    for i in range(len(p)):
        exact = solve_ivp(knee_rates, (0, 400), y[i], "LSODA", t_eval=days, args=(p[i],), rtol=1e-10, atol=1e-12).y.T
        np.testing.assert_allclose(course.values[i], exact, rtol=1e-6, atol=1e-9)


def test_patients_come_to_rest_in_few_steps(knee: Kernel, patients: Callable, knee_rates: Callable) -> None:
    p, y = patients(30)
    settled = rest(knee, p, y, tolerance=1e-7)
    assert set(settled.outcome) == {Outcome.ok}
    assert settled.steps.mean() < 150
    for i in range(30):
        moves = np.abs(knee_rates(0.0, settled.state[i], p[i])) / np.maximum(np.abs(settled.state[i]), 1e-3)
        assert moves.max() < 1.1e-7


def test_who_never_settles_is_told_so_and_counters_may_run(compiled: Callable[..., Kernel]) -> None:
    kernel = compiled(trace(["a", "count"], ["k"], [], lambda x, p: ({"a": 1 - p["k"] * x["a"], "count": x["a"]}, {})))
    p, y = [[1.0]] * 3, [[0.0, 0.0]] * 3
    moving = rest(kernel, p, y, day_limit=500.0)
    assert set(moving.outcome) == {Outcome.not_settled}
    assert np.isnan(moving.state).all()
    still = rest(kernel, p, y, ignore=["count"])
    assert set(still.outcome) == {Outcome.ok}
    np.testing.assert_allclose(still.state[:, 0], 1.0, rtol=1e-5)


def test_a_patient_who_needs_too_many_steps_is_given_up(compiled: Callable[..., Kernel]) -> None:
    kernel = compiled(trace(["y"], ["k"], [], lambda x, p: ({"y": p["k"] * x["y"] ** 2}, {})))
    course = solve(kernel, [[1.0], [1e-4]], [[1.0], [1.0]], [], [0.5, 2.0], ["y"])
    assert course.outcome[0] in (Outcome.step_underflow, Outcome.not_finite, Outcome.step_limit)
    assert np.isnan(course.values[0]).all()
    assert np.isnan(course.state[0]).all()
    assert course.outcome[1] == Outcome.ok


def test_progress_is_told_and_ends_with_everybody(knee: Kernel, patients: Callable) -> None:
    p, y = patients(64)
    seen: list[tuple[int, int]] = []
    solve(knee, p, y, [], [10.0], ["m1"], progress=lambda done, n: seen.append((done, n)))
    assert seen[-1] == (64, 64)


def asked(**changes: object) -> Callable[[Kernel], object]:
    """A call of solve with one thing changed."""
    usual: dict = {"parameters": PARAMETERS, "state": NOTHING, "events": [], "times": [1.0], "outputs": []}
    return lambda kernel: solve(kernel, **(usual | changes))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (asked(parameters=[[1.0]]), "parameters: shape \\(1, 1\\)"),
        (asked(state=np.zeros((2, 2))), "2 rows for 1 patients"),
        (asked(times=[2.0, 1.0]), "not ascending"),
        (asked(times=[-1.0]), "from 0"),
        (asked(times=[]), "no last day"),
        (asked(times=[9.0], day_end=5.0), "before the last output day"),
        (asked(outputs=["bodi"]), 'Did you mean "body"'),
        (asked(mode="fast"), "not a mode"),
        (asked(atol=[1.0, -1.0]), "atol"),
        (asked(events=[Event(1.0, "add", "bode", 1.0)]), 'Did you mean "body"'),
        (asked(events=[Event(1.0, "input", "ka", 1.0)]), "is not an input"),
        (asked(events=[Event(-1.0, "add", "body", 1.0)]), "day before 0"),
        (asked(events=[Event(1.0, "add", "body", np.ones(3))]), "amount has shape"),
        (asked(events=[Event(1.0, "give", "body", 1.0)]), "kind 'give'"),  # type: ignore[arg-type]
        (asked(events=[Event(1.0, "add", "body", "bodyy")]), "not an output"),
        (asked(events=[Event(1.0, "set", "body", v) for v in (1.0, 2.0)]), "set to two values"),
        (lambda kernel: rest(kernel, PARAMETERS, NOTHING, ignore=["nobody"]), "not a state"),
    ],
)
def test_wrong_inputs_are_told(depot: Kernel, wrong: Callable[[Kernel], object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        wrong(depot)


def test_a_system_that_reads_time_cannot_rest(compiled: Callable[..., Kernel]) -> None:
    kernel = compiled(trace(["y"], [], [], lambda x, p: ({"y": TIME - x["y"]}, {})))
    with pytest.raises(InputError, match="reads time"):
        rest(kernel, [[]], [[1.0]])
