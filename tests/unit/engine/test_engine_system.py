"""Systems: every fault of the equations is told, all at once."""

from __future__ import annotations

import pytest

from exojoint.core.errors import InputError
from exojoint.engine import System, trace
from exojoint.engine.expression import symbol
from exojoint.engine.functions import TIME


def test_a_traced_system_knows_its_names_and_equations() -> None:
    s = trace(["a"], ["k"], ["k"], lambda x, p: ({"a": -p["k"] * x["a"]}, {"twice": 2 * x["a"]}))
    assert s.states == ("a",)
    assert s.readable == ("a", "twice")
    assert s.rates[0] is -(symbol("k") * symbol("a"))
    assert s.index("twice") == 1
    assert not s.reads_time


def test_time_may_be_read() -> None:
    assert trace(["a"], [], [], lambda x, p: ({"a": TIME * x["a"]}, {})).reads_time


def test_the_digest_follows_the_meaning() -> None:
    def decay(factor: float) -> System:
        return trace(["a"], ["k"], [], lambda x, p: ({"a": factor * p["k"] * x["a"]}, {}))

    assert decay(1.0).digest == decay(1.0).digest
    assert decay(1.0).digest != decay(2.0).digest
    assert decay(1.0).digest != trace(["a"], ["k"], ["k"], lambda x, p: ({"a": p["k"] * x["a"]}, {})).digest


def test_numbers_are_rates_too() -> None:
    s = trace(["a"], [], [], lambda x, p: ({"a": 0}, {"one": 1.0}))
    assert s.rates[0].value == 0.0


def test_an_undeclared_name_is_suggested() -> None:
    with pytest.raises(InputError, match='Did you mean "pain"'):
        trace(["pain"], [], [], lambda x, p: ({"pain": x["pian"]}, {}))


def test_all_faults_are_told_at_once() -> None:
    a = symbol("a")
    with pytest.raises(InputError) as error:
        System.build(["a", "b"], ["k", "k"], ["q"], {"a": a + symbol("stray"), "c": a}, {"b": a, "ok": a < 1})
    told = str(error.value)
    for part in (
        "state `b`",
        "rate of `c`",
        "unknown symbol `stray`",
        "input `q`",
        "name `k`",
        "output `b`",
        "is a condition",
    ):
        assert part in told


def test_a_system_needs_a_state() -> None:
    with pytest.raises(InputError, match="at least one state"):
        System.build([], [], [], {}, {})
