"""Errors have three parts, carry every problem, and travel between processes."""

from __future__ import annotations

import pickle

import pytest

from exojoint.core.errors import ExojointError, InputError, Problem, closest, did_you_mean, raise_problems


def test_a_problem_reads_as_where_what_expected_and_todo():
    problem = Problem("a.csv row 2 `k`", "value 'x' is not a number", "a finite number", "Correct the cell.")
    assert str(problem) == "a.csv row 2 `k`: value 'x' is not a number. Expected a finite number. Correct the cell."


def test_empty_parts_leave_no_trace():
    assert str(Problem("here", "is wrong")) == "here: is wrong."
    assert str(Problem("here", "is wrong", todo="Did you mean it?")) == "here: is wrong. Did you mean it?"


def test_an_input_error_lists_every_problem():
    error = InputError(Problem("a", "one"), Problem("b", "two"))
    assert str(error) == "a: one.\nb: two."
    assert [problem.where for problem in error.problems] == ["a", "b"]
    assert isinstance(error, ExojointError)


def test_an_input_error_survives_the_way_between_processes():
    error = InputError(Problem("a", "one", "x", "y"), Problem("b", "two"))
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert copy.problems == error.problems
    assert str(copy) == str(error)


def test_no_problems_raise_nothing():
    raise_problems([])
    with pytest.raises(InputError):
        raise_problems(iter([Problem("a", "one")]))


def test_a_near_word_is_suggested_and_a_far_one_is_not():
    known = ("exosome", "saline", "triamcinolone")
    assert did_you_mean("exosmoe", known) == 'Did you mean "exosome"?'
    assert did_you_mean("Saline", known) == 'Did you mean "saline"?'
    assert did_you_mean("xyz", known) == ""
    assert did_you_mean("saline", ()) == ""
    assert closest("salin" * 100_000, known) == ""
