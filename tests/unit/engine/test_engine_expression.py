"""Expressions: one node per meaning, simplified as they are written."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from exojoint.core.errors import InputError
from exojoint.engine.expression import FALSE, ONE, TRUE, ZERO, constant, symbol, walk
from exojoint.engine.functions import both, either, equal, exp, log, maximum, minimum, negate, sqrt, where

x, y, z = symbol("x"), symbol("y"), symbol("z")


def test_the_same_sum_is_the_same_node() -> None:
    assert x + y is y + x
    assert x * y * 2 is 2 * (y * x)
    assert x - y is not y - x


@pytest.mark.parametrize(
    ("written", "simple"),
    [
        (x + 0, x), (0 + x, x), (x - 0, x), (x - x, ZERO), (x * 1, x), (x * 0, ZERO), (0 / x, ZERO), (x / 1, x),
        (x**0, ONE), (x**1, x), (-1 * (0 - x), x), (x + (-y), x - y), (x - (-y), x + y), (-(x - y), y - x), (0 - x, -x),
        (x**0.5, sqrt(x)), ((-x) * y, -(x * y)), (x * -1, -x), (abs(-x), abs(x)), (minimum(x, x), x),
    ],
)  # fmt: skip
def test_trivial_operations_vanish(written: object, simple: object) -> None:
    assert written is simple


def test_numbers_are_folded_at_once() -> None:
    assert (constant(2) + 3).value == 5.0
    assert (constant(2) ** 3 / 4).value == 2.0
    assert exp(0.0).value == 1.0
    assert log(math.e).value == pytest.approx(1.0)
    assert (constant(1.0) / 0.0).op == "div", "a division by zero stays visible"


def test_conditions_are_folded_and_choose() -> None:
    assert where(constant(1) < 2, x, y) is x
    assert where(constant(3) < 2, x, y) is y
    assert where(x < y, z, z) is z
    assert both(TRUE, x < y) is (x < y)
    assert either(x < y, TRUE) is TRUE
    assert negate(negate(x < y)) is (x < y)
    assert negate(TRUE) is FALSE
    assert (x > y) is (y < x)
    assert (x >= y) is (y <= x)
    assert equal(x, y) is equal(y, x)
    assert maximum(2.0, 3.0).value == 3.0


def test_a_condition_cannot_be_used_as_truth() -> None:
    with pytest.raises(InputError, match="where\\(condition"):
        bool(x < y)


def test_where_refuses_a_number_as_condition() -> None:
    with pytest.raises(InputError, match="comparison"):
        where(x + y, 1.0, 2.0)


def test_arithmetic_with_strangers_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="str 'a' met in arithmetic"):
        x + "a"  # type: ignore[operator]


def test_walk_gives_operands_first_and_each_node_once() -> None:
    e = (x + y) * (x + y) - z
    order = list(walk([e, x + y]))
    assert len(order) == len(set(order)) == 6
    for node in order:
        assert all(order.index(a) < order.index(node) for a in node.args)


def test_keys_do_not_depend_on_the_process_or_on_history() -> None:
    code = "from exojoint.engine.expression import symbol as s; {}print(((s('x') + s('y')) * s('x') ** 2).key.hex())"
    keys = {
        subprocess.run([sys.executable, "-c", code.format(first)], capture_output=True, text=True, check=True).stdout
        for first in ("", "s('y') * s('x'); ", "s('q') + 1; ")
    }
    assert len(keys) == 1


def test_an_expression_prints_as_text() -> None:
    assert repr(x * 2 + y) in ("((x * 2.0) + y)", "((2.0 * x) + y)", "(y + (x * 2.0))", "(y + (2.0 * x))")
    assert repr(where(x < y, x, exp(y))) == "select((x < y), x, exp(y))"
