"""Events: when they happen, in which order, with which values, and what they do to compartments and concentrations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exojoint.core.errors import InputError

T = np.linspace(0.0, 10.0, 41)


def close(a, b, tolerance=1e-7):
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * max(np.max(np.abs(b)), 1e-300))


def test_an_event_at_a_time_shows_after_that_time_and_at_it(follow):
    seen = follow("x = 1; y = 1; at (time >= 2.5): x = 3; at (time > 2.5): y = 3", [2.4, 2.5, 2.6])
    assert seen["x"].tolist() == [1, 3, 3]
    assert seen["y"].tolist() == [1, 1, 3]


def test_an_event_at_a_level_happens_when_the_level_is_reached(follow):
    seen = follow("S -> ; 0.5*S; S = 4; n = 0; at (S < 1): S = 4, n = n + 1, last = time; last = 0", T)
    period = 2 * math.log(4)
    count = np.floor(T / period)
    close(seen["S"], 4 * np.exp(-0.5 * (T - count * period)))
    assert seen["n"].tolist() == count.tolist()
    close(seen["last"][-1], period * count[-1], 1e-9)


def test_a_bouncing_ball_bounces_where_it_should(follow):
    seen = follow("x' = v; v' = -9.81; x = 10; v = 0; n = 0; at (x < 0): v = -0.8*v, x = 0, n = n + 1", [0, 1, 3, 5, 7])
    fall = math.sqrt(2 * 10 / 9.81)
    bounces = fall + np.cumsum([0.0, *(2 * fall * 0.8**k for k in (1, 2, 3))])
    assert seen["n"].tolist() == [float(np.sum(bounces < t)) for t in (0, 1, 3, 5, 7)]
    since, start = 3 - bounces[0], 0.8 * 9.81 * fall
    close(seen["x"][2], start * since - 9.81 / 2 * since**2)


def test_events_follow_a_fast_swing_without_losing_a_beat(follow):
    text = "p := sin(7*time); n = 0; m = 0; at (p > 0.9): n = n + 1; at (p < -0.9): m = m + 1"
    seen = follow(text, [0, 50])
    assert (seen["n"][-1], seen["m"][-1]) == (56, 56)


def test_a_short_pulse_in_time_is_met_although_nothing_else_moves(follow):
    seen = follow("x = 0; x' = piecewise(1, time > 3 && time < 3.001, 0)", [2.9, 3.1, 10])
    close(seen["x"], [0, 0.001, 0.001], 1e-9)


def test_equations_change_their_form_at_the_right_moment(follow):
    seen = follow("x = 0; x' = piecewise(1, x < 2, 0.5)", T)
    close(seen["x"], np.where(T < 2, T, 2 + 0.5 * (T - 2)), 1e-12)


def test_a_form_that_has_no_value_beyond_its_end_is_followed_up_to_it(follow):
    seen = follow("x' = piecewise(-sqrt(x), x > 0, 0); x = 1", [0, 1, 1.9, 3, 7])
    close(seen["x"], [1, 0.25, 0.0025, 0, 0], 1e-5)


def test_an_explosion_that_an_event_prevents_is_no_error(follow):
    seen = follow("x' = x*x; x = 1; n = 0; at (x > 10): x = 1, n = n + 1", [0, 0.5, 1.0, 2.0])
    close(seen["x"], [1, 2, 1 / 0.9, 1 / 0.8], 1e-6)
    assert seen["n"].tolist() == [0, 0, 1, 2]


def test_a_trigger_that_is_true_at_the_start_fires_only_if_it_was_false_before(follow):
    seen = follow("x = 0; y = 0; at (time >= 0), t0=false: x = 1; at (time >= 0), t0=true: y = 1", [0, 1])
    assert seen["x"].tolist() == [1, 1]
    assert seen["y"].tolist() == [0, 0]


def test_one_event_can_set_off_another_at_once(follow):
    seen = follow("x = 0; y = 0; z = 0; at (time >= 1): x = 1; at (x > 0.5): y = 2; at (y > 1): z = time", [0, 1, 2])
    assert [seen[n][-1] for n in "xyz"] == [1, 2, 1]


def test_priorities_decide_who_comes_first(follow):
    rows = [f"at (time >= 1), priority={p}: w = 10*w + {n}" for n, p in ((1, 2), (2, "k"), (3, 5))]
    assert (
        follow("; ".join(["w = 0; k = 9", *(r.replace(": w", ", fromTrigger=false: w") for r in rows)]), [2])["w"]
        == 231
    )
    assert follow("; ".join(["w = 0; k = 9", *rows]), [2])["w"] == 1  # all computed from w = 0; the lowest sets it last


def test_values_are_those_of_the_trigger_unless_the_event_says_otherwise(follow):
    text = "x = 1; y = 0; z = 0; at (time >= 1), priority=9: x = 5; at (time >= 1), priority=1: y = x; "
    seen = follow(text + "at (time >= 1), priority=1, fromTrigger=false: z = x", [2])
    assert (seen["x"], seen["y"], seen["z"]) == (5, 1, 5)


def test_an_event_that_is_not_persistent_is_cancelled_by_an_earlier_one(follow):
    first = "x = 1; y = 0; z = 0; at (time >= 1), priority=9: x = 0; "
    second = "at (time >= 1 && x > 0.5), priority=1, persistent=false: y = 1; "
    third = "at (time >= 1 && x > 0.5), priority=1, persistent=true: z = 1"
    seen = follow(first + second + third, [2])
    assert (seen["y"], seen["z"]) == (0, 1)


def test_an_event_can_set_compartments_concentrations_and_parameters(follow):
    text = (
        "compartment C = 2; S in C; S = 5; S -> ; k*S*C; k = 0.1; at (time >= 4): C = 4, k = 0.2; at (time >= 7): S = 3"
    )
    seen = follow(text, T)
    before, after = 5 * np.exp(-0.1 * T), 5 * math.exp(-0.4) / 2 * np.exp(-0.2 * (T - 4))
    close(seen["S"], np.where(T < 4, before, np.where(T < 7, after, 3 * np.exp(-0.2 * (T - 7)))))


def test_a_concentration_is_set_at_the_size_that_its_compartment_had(follow):
    text = "compartment C = 1; species S in C; S = 5; at (time >= 4): C = 4, S = 8"
    assert follow(text, [3, 5])["S"].tolist() == [5, 2]
    assert follow(text, [3, 5], species="amounts")["S"].tolist() == [5, 8]


def test_a_concentration_with_a_rate_rule_is_thinned_by_a_jump_of_its_compartment(follow):
    seen = follow("compartment C = 1; species S in C; S = 4; S' = -0.1*S; at (time >= 2): C = 2", [1, 3])
    close(seen["S"], [4 * math.exp(-0.1), 2 * math.exp(-0.3)])


def test_assignment_rules_answer_at_once_to_events(follow):
    seen = follow("k = 1; y := 2*k; z := y + time; at (time >= 1): k = 3; at (y > 5): k2 = y; k2 = 0", [0, 1, 2])
    assert seen["y"].tolist() == [2, 6, 6]
    assert seen["k2"].tolist() == [0, 6, 6]
    assert seen["z"].tolist() == [2, 7, 8]


def test_stoichiometry_can_be_set_by_an_event(follow):
    seen = follow("A -> n B; 0.5; A = 9; B = 0; n = 2; at (time >= 4): n = 4", T)
    close(seen["B"], np.where(T < 4, T, 4 + 2 * (T - 4)))


def test_a_trigger_that_is_a_number_is_true_when_it_is_not_zero(files, follow):
    trigger = files.math("piecewise(1, time >= 2, 0)")
    body = (
        '<listOfParameters><parameter id="x" value="0" constant="false"/></listOfParameters><listOfEvents>'
        f'<event useValuesFromTriggerTime="true"><trigger initialValue="true" persistent="true">{trigger}</trigger>'
        f'<listOfEventAssignments><eventAssignment variable="x">{files.math("7")}</eventAssignment>'
        "</listOfEventAssignments></event></listOfEvents>"
    )
    assert follow(files.document(body), [1, 2, 3])["x"].tolist() == [0, 7, 7]


def test_events_that_call_each_other_for_ever_are_an_error(follow):
    text = "x = 0; at (x < 1): x = 2; at (x > 1), t0=false: x = 0; at (time >= 1): x = 2"
    with pytest.raises(InputError, match="follow each other without end at time 1"):
        follow(text, [0, 2])


def test_a_switch_that_pulls_from_both_sides_holds_the_solution(follow):
    seen = follow("x' = piecewise(1, x < 0.5, -1); x = 0; y' = piecewise(2, x < 0.5, -1); y = 0", [0, 0.25, 2, 9])
    close(seen["x"], [0, 0.25, 0.5, 0.5], 1e-6)
    close(seen["y"], [0, 0.5, 1.75, 5.25], 1e-5)  # on the switch both sides count half: 2/2 - 1/2 per time


def test_conditions_that_switch_to_and_fro_in_company_are_an_error(follow):
    with pytest.raises(InputError, match=r"switch to and fro without end at time 0\.5"):
        follow("x' = piecewise(1, x < 0.5 && y > 0, -1); x = 0; y' = 1; y = 1", [0, 2])


def test_a_solution_that_explodes_is_an_error_that_says_where(follow):
    with pytest.raises(InputError, match="cannot be followed beyond time"):
        follow("x' = x*x; x = 1", [0, 2])


def test_a_slope_that_is_no_number_is_an_error_that_names_the_state(follow):
    with pytest.raises(InputError, match="the slope of `x` is no number"):
        follow("x' = 1/y; x = 1; y = 0; y' = 0", [0, 2])


MODELS = {
    "compartments": "compartment C=2, D=0.5; A in C; B in D; A -> 2 B; k*A*C; B -> A; 0.1*B*D; A=3; B=1; k=0.4; "
    "D' = 0.02*D; at (time >= 3.3): C = 1.5; at (B > 5): k = k/2, A = A + 1",
    "rules": "function sat(x, y) x*y/(1 + x) end; A -> B; sat(A, k)*E; A=5; B=0; k=0.5; $E := 1 + 0.3*sin(time); "
    "w' = A - w; w = 0; z := piecewise(w, w < 1, 1); at (w > 1.5): w = 0.2*w; at (time >= 6.1): k = 2*k",
    "amounts": "compartment C = 3; substanceOnly species A in C, B in C; A -> 2 B; 0.3*A; B -> ; 0.1*B^2/(1 + B); "
    "A = 7; B = 1; y := A/C; at (A < 2): A = A + 4; C' = -0.05*C",
}


@pytest.mark.parametrize("name", list(MODELS))
def test_another_engine_gives_the_same_courses(files, follow, peer, name):
    times = np.linspace(0.0, 12.0, 50)
    seen = follow(MODELS[name], times)
    other = peer(MODELS[name], times, seen)
    for column, (label, values) in zip(other.T, seen.items(), strict=True):
        np.testing.assert_allclose(values, column, rtol=1e-6, atol=1e-6 * np.abs(column).max(), err_msg=label)
