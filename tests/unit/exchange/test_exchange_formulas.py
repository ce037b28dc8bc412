"""Every operation of a formula against Python's own mathematics."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exojoint.engine.exchange.simulate import simulate
from exojoint.engine.exchange.translate import parse_sbml

T = np.array([0.0, 0.25, 1.0, 1.5, 2.0, 3.0, 4.5])
FORMULAS = {
    "2 + time * 3 - time / 4": lambda t: 2 + 3 * t - t / 4,
    "-time^2": lambda t: -(t**2),
    "p^time": lambda t: 2.0**t,
    "exp(-time)": lambda t: math.exp(-t),
    "ln(time + 1)": lambda t: math.log(t + 1),
    "log10(time + 1)": lambda t: math.log10(t + 1),
    "log(3, time + 1)": lambda t: math.log(t + 1, 3),
    "sqrt(time)": math.sqrt,
    "root(3, time)": lambda t: t ** (1 / 3),
    "abs(time - 2)": lambda t: abs(t - 2),
    "floor(time) + ceil(time)": lambda t: math.floor(t) + math.ceil(t),
    "floor(-time) + ceil(-time)": lambda t: math.floor(-t) + math.ceil(-t),
    "max(time, 1, p)": lambda t: max(t, 1, 2),
    "min(time, 1, p)": lambda t: min(t, 1, 2),
    "quotient(7 * time, p) + 10 * rem(time, p)": lambda t: math.trunc(7 * t / 2) + 10 * math.fmod(t, 2),
    "quotient(-7, p) + 10 * rem(-7, p)": lambda t: -3 + 10 * -1,
    "factorial(4) + factorial(p)": lambda t: 26,
    "factorial(floor(time))": lambda t: math.factorial(math.floor(t)),
    "sin(time) + cos(2 * time) + tan(time / 9)": lambda t: math.sin(t) + math.cos(2 * t) + math.tan(t / 9),
    "sec(time / 9) + csc(time + 0.1) + cot(time + 0.1)": lambda t: (
        1 / math.cos(t / 9) + 1 / math.sin(t + 0.1) + 1 / math.tan(t + 0.1)
    ),
    "arcsin(time / 4.5) + arccos(time / 4.5)": lambda t: math.asin(t / 4.5) + math.acos(t / 4.5),
    "arctan(time - 2)": lambda t: math.atan(t - 2),
    "arcsec(time + 1.1) + arccsc(time + 1.1)": lambda t: math.acos(1 / (t + 1.1)) + math.asin(1 / (t + 1.1)),
    "arccot(time + 0.1)": lambda t: math.atan(1 / (t + 0.1)),
    "sinh(time) + cosh(time) + tanh(time)": lambda t: math.sinh(t) + math.cosh(t) + math.tanh(t),
    "sech(time) + csch(time + 1) + coth(time + 1)": lambda t: (
        1 / math.cosh(t) + 1 / math.sinh(t + 1) + 1 / math.tanh(t + 1)
    ),
    "arcsinh(time - 2) + arccosh(time + 1)": lambda t: math.asinh(t - 2) + math.acosh(t + 1),
    "arctanh(time / 5) + arccoth(time + 1.5)": lambda t: math.atanh(t / 5) + math.atanh(1 / (t + 1.5)),
    "arcsech(1 / (time + 1)) + arccsch(time + 1)": lambda t: math.acosh(t + 1) + math.asinh(1 / (t + 1)),
    "pi + exponentiale + avogadro / 1e23": lambda t: math.pi + math.e + 6.02214179,
    "piecewise(1, time < 1, 2, time < 2, 3)": lambda t: 1 if t < 1 else 2 if t < 2 else 3,
    "piecewise(piecewise(1, time > 0.5, 4), time < 2, 9)": lambda t: (1 if t > 0.5 else 4) if t < 2 else 9,
    "piecewise(1, time >= 1 && !(time == 1.5) || false, 0)": lambda t: float(t >= 1 and t != 1.5),
    "piecewise(1, xor(time > 1, time > 2, true), 0)": lambda t: float((t > 1) ^ (t > 2) ^ True),
    "piecewise(1, implies(time > 1, time > 2), 0)": lambda t: float(t <= 1 or t > 2),
    "piecewise(1, 0 < time < p < 3, 0)": lambda t: float(0 < t < 2),
    "piecewise(1, time != 1, 0) + piecewise(1, time <= 2, 0)": lambda t: float(t != 1) + float(t <= 2),
    "(time > 1) + 2": lambda t: float(t > 1) + 2,
    "piecewise(3, time, 2)": lambda t: 3 if t else 2,
}


@pytest.mark.parametrize("infix", list(FORMULAS))
def test_a_formula_means_what_it_means_in_python(files, infix):
    model = parse_sbml(files.assigned(files.math(infix)))
    found = simulate(model, T, columns=["x"]).values[:, 0]
    np.testing.assert_allclose(found, [FORMULAS[infix](t) for t in T], rtol=3e-12, atol=1e-14)


def test_operations_without_operands_are_their_neutral_values(files):
    expected = {"plus": 0.0, "times": 1.0, "and": 1.0, "or": 0.0}
    for name, value in expected.items():
        math_ = f'<math xmlns="http://www.w3.org/1998/Math/MathML"><apply><{name}/></apply></math>'
        assert simulate(parse_sbml(files.assigned(math_)), [1.0], columns=["x"]).values[0, 0] == value


def test_a_choice_without_otherwise_is_no_number_elsewhere(files):
    model = parse_sbml(files.assigned(files.math("piecewise(1, time < 1)")))
    assert np.array_equal(simulate(model, T, columns=["x"]).values[:3, 0], [1.0, 1.0, np.nan], equal_nan=True)


def test_division_by_zero_gives_what_ieee_says(files):
    model = parse_sbml(files.assigned(files.math("(time - 1) / (p - 2)")))
    assert np.isinf(simulate(model, [0.0, 1.0, 2.0], columns=["x"]).values[:, 0]).tolist() == [True, False, True]


def test_formulas_nested_two_hundred_deep_are_read(files):
    deep = "time" + " + 1)" * 200
    model = parse_sbml(files.assigned(files.math("(" * 200 + deep)))
    assert simulate(model, [3.0], columns=["x"]).values[0, 0] == 203.0
