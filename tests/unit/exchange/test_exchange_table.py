"""Output times, columns and the CSV table."""

from __future__ import annotations

import contextlib
import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.engine.exchange.simulate import simulate
from exojoint.engine.exchange.table import course_csv
from exojoint.engine.exchange.times import parse_times
from exojoint.engine.exchange.translate import parse_sbml


@pytest.mark.parametrize(
    ("text", "first", "second", "last", "count"),
    [
        ("0:0.1:1", 0.0, 0.1, 1.0, 11),
        ("0:1:10", 0.0, 1.0, 10.0, 11),
        ("5:2.5:10", 5.0, 7.5, 10.0, 3),
        ("0:3:10", 0.0, 3.0, 9.0, 4),
        ("0:0.3333333:1", 0.0, 0.3333333, 1.0, 4),
        ("0: 1e-3 :1E-2", 0.0, 0.001, 0.01, 11),
    ],
)
def test_times_hold_their_end(text, first, second, last, count):
    times = parse_times(text)
    assert (times[0], times[1], times[-1], len(times)) == (first, second, last, count)


def test_one_time_is_enough():
    assert parse_times("0:1:0").tolist() == [0.0]


def test_times_are_the_decimals_that_were_meant():
    assert parse_times("0:0.1:1").tolist() == [float(f"0.{k}") if k < 10 else 1.0 for k in range(11)]


@given(st.integers(1, 500), st.sampled_from([0.1, 0.01, 0.07, 1e-5, 3.0]))
def test_whole_numbers_of_steps_always_reach_the_end(count, step):
    end = float(f"{count * step:.12g}")
    times = parse_times(f"0:{step!r}:{end!r}")
    assert len(times) == count + 1
    assert times[-1] == end
    assert np.all(np.diff(times) > 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "0:1",
        "0:1:2:3",
        "a:b:c",
        "0:0:1",
        "0:-1:1",
        "1:1:0",
        "-1:1:1",
        "0:nan:1",
        "0:1:inf",
        "0:1e-9:1",
        "0:1e-999:1",
    ],
)
def test_wrong_times_are_refused(text):
    with pytest.raises(InputError, match="times"):
        parse_times(text)


@given(st.text(max_size=30))
def test_any_text_is_times_or_refused(text):
    with contextlib.suppress(InputError):
        assert len(parse_times(text)) > 0


@pytest.fixture(scope="module")
def model(files):
    return parse_sbml(
        files.antimony("compartment C=2; A in C; R1: A -> B; k*A*C; B in C; A=1/3; B=0; k=1; k2=7; y := A + k2")
    )


def test_the_table_has_time_first_and_every_id_with_a_value(model):
    rows = list(csv.reader(io.StringIO(course_csv(simulate(model, [0.0, 0.5])))))
    assert rows[0] == ["time", "A", "B", "C", "k", "k2", "y", "R1"]
    assert len(rows) == 3
    assert [float(cell) for cell in rows[1][1:5]] == [1 / 3, 0.0, 2.0, 1.0]


def test_numbers_read_back_exactly(model):
    course = simulate(model, [0.0, 0.1, 0.7])
    rows = list(csv.reader(io.StringIO(course_csv(course))))[1:]
    assert np.array_equal(np.array(rows, dtype=float)[:, 1:], course.values)


def test_columns_can_be_chosen_and_ordered(model):
    assert simulate(model, [0.0, 1.0], columns=["y", "A"]).names == ("y", "A")
    with pytest.raises(InputError, match="no id with a value"):
        simulate(model, [0.0, 1.0], columns=["Y"])


def test_repeated_and_late_times_are_allowed(model):
    course = simulate(model, [2.0, 2.0, 3.0], columns=["A"])
    np.testing.assert_allclose(course.values[:, 0], np.exp([-2.0, -2.0, -3.0]) / 3, rtol=1e-7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"times": [1.0, 0.0]}, {"times": []}, {"times": [-1.0]}, {"times": [np.nan]}, {"rtol": 0.0}, {"rtol": 2.0},
        {"atol": -1.0}, {"species": "masses"}, {"amounts": ["k"]},
        {"amounts": ["A"], "concentrations": ["A"]}, {"concentrations": ["a"]},
    ],
)  # fmt: skip
def test_wrong_wishes_are_refused(model, wrong):
    options = {"times": [0.0, 1.0], **wrong}
    with pytest.raises(InputError):
        simulate(model, options.pop("times"), **options)


def test_a_model_says_what_is_in_it(model):
    text, data = model.text(), model.data()
    assert "2 of them species" in text
    assert data["states"] == ["amount.A", "amount.B"]
    assert data["columns"][0] == "A"
