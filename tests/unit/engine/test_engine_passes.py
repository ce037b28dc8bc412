"""Passes: each keeps the meaning and removes the work that it promises to remove."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojoint.engine import System
from exojoint.engine.assemble import assemble
from exojoint.engine.backends.oracle import evaluate
from exojoint.engine.expression import ZERO, Expr, constant, power, symbol, unary, walk
from exojoint.engine.functions import maximum, minimum, where
from exojoint.engine.lower import lower
from exojoint.engine.operations import UNARY
from exojoint.engine.passes.bottleneck import bottlenecks, pattern_of, structure_of
from exojoint.engine.passes.collect import gather, hoist, slot
from exojoint.engine.passes.derivative import jacobian
from exojoint.engine.passes.elimination import eliminate, write_factors, write_solution
from exojoint.engine.passes.reciprocal import share_reciprocals
from exojoint.engine.passes.rewrite import substitute
from exojoint.engine.plain import plain_jacobian, plain_rates
from exojoint.engine.program import Builder

NAMES = ("a", "b", "k", "m")
LEAVES = [symbol(n) for n in NAMES] + [constant(v) for v in (0.5, 2.0, 3.0)]


def value(e: Expr, at: dict[str, float]) -> float:
    """Evaluate one expression with the oracle."""
    b = Builder()
    place = {symbol(n): b.load("in", i) for i, n in enumerate(at)}
    b.store("out", 0, lower(b, [e], place)[0])
    arrays = {"in": np.array(list(at.values()))[:, None], "out": np.zeros((1, 1))}
    evaluate(b.finish("value"), arrays)
    return float(arrays["out"][0, 0])


def expressions() -> st.SearchStrategy[Expr]:
    def grow(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        pair = st.tuples(inner, inner)
        return st.one_of(
            pair.map(lambda t: t[0] + t[1]),
            pair.map(lambda t: t[0] - t[1]),
            pair.map(lambda t: t[0] * t[1]),
            pair.map(lambda t: t[0] / (t[1] * t[1] + 1.5)),
            pair.map(lambda t: where(t[0] < t[1], t[0] * 2, t[1])),
            pair.map(lambda t: minimum(t[0], t[1]) + maximum(t[0], 0.3)),
            inner.map(lambda e: -e),
            inner.map(lambda e: (e * e + 0.2) ** 0.5),
            inner.map(lambda e: power(e * e + 0.5, symbol("k"))),
            inner.map(lambda e: unary("exp", minimum(e, 2.0))),
            inner.map(lambda e: unary("atan", e)),
        )

    return st.recursive(st.sampled_from(LEAVES), grow, max_leaves=12)


points = st.fixed_dictionaries({n: st.floats(0.3, 1.7) for n in NAMES})


@settings(max_examples=60, deadline=None)
@given(expressions(), points)
def test_passes_keep_the_value(e: Expr, at: dict[str, float]) -> None:
    expected = value(e, at)
    shared = share_reciprocals([e])
    hoisted = hoist(shared, frozenset({"k", "m"}))
    back = {slot(k): c for k, c in enumerate(hoisted.constants)}
    assert value(shared[0], at) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert value(gather(shared, frozenset({"k", "m"}))[0], at) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert value(substitute(hoisted.roots, back)[0], at) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(expressions(), points)
def test_derivatives_agree_with_differences(e: Expr, at: dict[str, float]) -> None:
    a = symbol("a")
    (gradient,) = jacobian([e], [a])
    exact = value(gradient.get(a, ZERO), at)
    step = 1e-6
    left, here, right = (value(e, at | {"a": at["a"] + s}) for s in (-step, 0.0, step))
    forward, backward = (right - here) / step, (here - left) / step
    if abs(forward - backward) > 1e-3 * max(1.0, abs(forward)):
        return  # a kink or a jump lies within the step: the difference says nothing
    scale = max(1.0, abs(here), abs(exact))
    assert (right - left) / (2 * step) == pytest.approx(exact, rel=2e-4, abs=1e-6 * scale)


@pytest.mark.parametrize("op", [op for op in UNARY if op not in ("neg", "inv", "floor")])
def test_every_function_has_its_derivative(op: str) -> None:
    a = symbol("a")
    e = unary(op, a)
    exact = value(jacobian([e], [a])[0][a], {"a": 0.7})
    assert (UNARY[op](0.7 + 1e-6) - UNARY[op](0.7 - 1e-6)) / 2e-6 == pytest.approx(exact, rel=1e-8)


def test_the_branch_not_taken_stays_silent_even_at_infinity() -> None:
    a = symbol("a")
    root = where(a > 0.0, a**0.5, 0.0) * 3.0
    assert value(jacobian([root], [a])[0][a], {"a": 0.0}) == 0.0
    assert value(jacobian([maximum(a, 0.0) ** 1.5], [a])[0][a], {"a": -1.0}) == 0.0


def test_a_denominator_is_inverted_once() -> None:
    a, k = symbol("a"), symbol("k")
    shared = share_reciprocals([a / (k + a), 2 / (k + a), 1 / (k + a) ** 2, (k + a) ** -2])
    assert sum(n.op == "inv" for n in walk(shared)) == 2
    assert not any(n.op == "div" for n in walk(shared))


def test_parameter_only_work_leaves_the_inner_loop() -> None:
    a, b, k, m = (symbol(n) for n in NAMES)
    hoisted = hoist([k * a * m * b, (a + k) + m, k**3.7 * a, k + m], frozenset({"k", "m"}))
    assert all(n.name not in ("k", "m") for n in walk(hoisted.roots))
    assert k * m in hoisted.constants
    assert k + m in hoisted.constants
    assert power(k, constant(3.7)) in hoisted.constants
    assert len(hoisted.constants) == 3


def test_a_bottleneck_becomes_an_unknown_of_its_own() -> None:
    states = [f"s{i}" for i in range(10)]
    total = symbol("s0")
    for s in states[1:]:
        total = total + symbol(s)
    common = 1.0 / (1.0 + total * total)
    rates = [common * (i + 1) - symbol(s) for i, s in enumerate(states)]
    chosen = bottlenecks(rates, states)
    s = structure_of(rates, states)
    index = {e: i for i, e in enumerate(s.nodes)}
    pattern = pattern_of(s, {index[e]: c for c, e in enumerate(chosen)})
    assert len(chosen) == 1
    assert len(pattern) <= 31, "ten diagonals and one row and column instead of a full matrix"


@pytest.mark.parametrize("seed", range(5))
def test_the_unrolled_factorisation_solves_sparse_systems(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, known = 12, 9
    pattern = {(int(i), int(j)) for i, j in rng.integers(0, n, (30, 2))}
    dense = np.zeros((n, n))
    for i, j in pattern:
        dense[i, j] = rng.normal()
    dense += np.eye(n) * 6
    plan = eliminate(pattern, n)
    b = Builder()
    where_ = {(i, j): b.load("matrix", i * n + j) for i in range(n) for j in range(n) if dense[i, j] != 0}
    write_factors(b, where_, plan, "factors")
    right = rng.normal(size=known)
    arrays = {"matrix": dense.reshape(-1, 1), "factors": np.zeros((plan.size, 1)), "x": np.zeros((n, 1))}
    arrays["x"][:known, 0] = right
    evaluate(b.finish("factorise"), arrays)
    evaluate(write_solution(plan, known, "factors", "x", "x"), arrays)
    expected = np.linalg.solve(dense, np.concatenate([right, np.zeros(n - known)]))
    np.testing.assert_allclose(arrays["x"][:known, 0], expected[:known], rtol=1e-12)


def test_elimination_fills_little_and_is_reproducible() -> None:
    arrow = {(i, 0) for i in range(20)} | {(0, i) for i in range(20)}
    plan = eliminate(arrow, 20)
    assert plan.fill == 0
    assert plan.order[-2:] in ((0, 19), (18, 19), (0, 18)) or plan.order[-1] == 0
    again = dict.fromkeys(sorted(arrow, reverse=True))
    assert eliminate(set(again), 20) == plan


def test_optimised_programs_agree_with_the_plain_equations(knee_system: System, patients) -> None:
    p, y = patients(6)
    programs = assemble(knee_system)
    n, lanes = 7, len(p)
    arrays = {name: np.zeros((200, lanes)) for name in ("q", "factors", "x", "k0", "matrix", "rates", "slopes")}
    arrays |= {
        "p": p.T.copy(),
        "y": y.T.copy(),
        "u": y.T.copy(),
        "t": np.zeros((1, lanes)),
        "t_stage": np.zeros((1, lanes)),
    }
    arrays |= {"diagonal": np.full((1, lanes), 11.0), "step": np.ones((1, lanes))}
    evaluate(plain_rates(knee_system), arrays)
    evaluate(plain_jacobian(knee_system), arrays)
    evaluate(programs.patient, arrays)
    steps = {s.name: s for s in programs.steps}
    evaluate(steps["rates"], arrays)
    np.testing.assert_allclose(-arrays["x"][:n], arrays["rates"][:n], rtol=1e-12, atol=1e-14)
    evaluate(steps["factorise"], arrays)
    np.testing.assert_allclose(-arrays["x"][:n], arrays["rates"][:n], rtol=1e-12, atol=1e-14)
    right = np.random.default_rng(0).normal(size=(n, lanes))
    arrays["x"][:n] = right
    evaluate(steps["solve"], arrays)
    matrix = arrays["matrix"][: n * n].T.reshape(lanes, n, n) - 11.0 * np.eye(n)
    expected = np.linalg.solve(matrix, right.T[..., None])[..., 0].T
    np.testing.assert_allclose(arrays["x"][:n], expected, rtol=1e-9)


def test_the_plain_jacobian_agrees_with_differences(knee_system: System, patients) -> None:
    p, y = patients(1)
    n = 7
    arrays = {name: np.zeros((64, 1)) for name in ("matrix", "rates", "slopes")}
    arrays |= {"p": p.T.copy(), "y": y.T.copy(), "t": np.zeros((1, 1))}
    evaluate(plain_jacobian(knee_system), arrays)
    matrix = arrays["matrix"][: n * n, 0].reshape(n, n)
    for j in range(n):
        ends = []
        for sign in (1, -1):
            arrays["y"][:] = y.T
            arrays["y"][j] += sign * 1e-6
            evaluate(plain_rates(knee_system), arrays)
            ends.append(arrays["rates"][:n, 0].copy())
        np.testing.assert_allclose((ends[0] - ends[1]) / 2e-6, matrix[:, j], rtol=1e-6, atol=1e-7)


def test_powers_by_halves_are_products_and_roots() -> None:
    b = Builder()
    a = symbol("a")
    roots = [a**8, a**2.5, a**-3, a**1.3]
    for i, v in enumerate(lower(b, roots, {a: b.load("in", 0)})):
        b.store("out", i, v)
    program = b.finish("powers")
    assert program.count(["pow"]) == 1
    assert program.count(["mul"]) <= 6
    arrays = {"in": np.array([[1.7]]), "out": np.zeros((4, 1))}
    evaluate(program, arrays)
    np.testing.assert_allclose(arrays["out"][:, 0], [1.7**8, 1.7**2.5, 1.7**-3, 1.7**1.3], rtol=1e-14)
    assert math.isfinite(arrays["out"].sum())
