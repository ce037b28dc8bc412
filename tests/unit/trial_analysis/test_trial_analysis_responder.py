"""OMERACT-OARSI responders, patient by patient, and the comparison of arms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.trial.analysis.proportions import miettinen_nurminen, newcombe, odds_ratio_interval, score_test
from exojoint.trial.analysis.responder import compare_responders, responder_status

NAN = float("nan")


def status(pain, function, patient_global):
    """Status of one patient from three (baseline, now) pairs."""
    return float(responder_status(*pain, *function, *patient_global))


SAME = (60.0, 60.0)


@pytest.mark.parametrize(
    ("pain", "function", "patient_global", "wanted"),
    [
        ((60, 30), SAME, SAME, 1),  # half and 30 points, in pain alone
        (SAME, (60, 30), SAME, 1),  # in function alone
        (SAME, SAME, (60, 30), 0),  # the global assessment alone is not enough
        ((60, 31), SAME, SAME, 0),  # 48 %
        ((38, 19), SAME, SAME, 0),  # half, but 19 points
        ((40, 20), SAME, SAME, 1),  # both limits exactly
        ((60, 48), (60, 48), SAME, 1),  # a fifth and 12 points in two of three
        ((60, 48), SAME, (60, 48), 1),
        (SAME, (60, 48), (60, 48), 1),
        ((60, 48), SAME, SAME, 0),  # one of three
        ((60, 49), (60, 49), (60, 49), 0),  # 18 %
        ((40, 31), (40, 31), (40, 31), 0),  # 22 %, but 9 points
        ((50, 40), (50, 40), SAME, 1),  # both limits exactly
        ((0, 0), (0, 0), (0, 0), 0),  # nothing to improve
        ((60, 90), (60, 48), (60, 48), 1),  # worse pain does not undo two of three
    ],
)
def test_the_rule_patient_by_patient(pain, function, patient_global, wanted):
    assert status(pain, function, patient_global) == wanted


@pytest.mark.parametrize(
    ("pain", "function", "patient_global", "wanted"),
    [
        ((60, 30), (60, NAN), (60, NAN), 1),  # pain decides alone
        (SAME, SAME, (60, NAN), 0),  # the global assessment cannot make a responder alone
        ((60, 48), SAME, (60, NAN), NAN),  # it could, with pain
        (SAME, (60, NAN), SAME, NAN),  # function could, alone
        ((NAN, 30), SAME, SAME, NAN),  # no baseline, no percentage
        ((60, NAN), (60, NAN), (60, NAN), NAN),
    ],
)
def test_missing_scores_leave_open_only_what_they_could_change(pain, function, patient_global, wanted):
    assert status(pain, function, patient_global) == pytest.approx(wanted, nan_ok=True)


@given(
    before=st.lists(st.floats(1.0, 100.0), min_size=3, max_size=3),
    now=st.lists(st.floats(0.0, 100.0), min_size=3, max_size=3),
    hidden=st.sets(st.integers(0, 2)),
)
def test_what_is_decided_with_missing_scores_is_true_with_all_of_them(before, now, hidden):
    whole = status(*zip(before, now, strict=True))
    seen = [NAN if i in hidden else value for i, value in enumerate(now)]
    partial = status(*zip(before, seen, strict=True))
    assert np.isnan(partial) or partial == whole


def test_missing_is_a_failure_or_is_left_out_as_named():
    found = np.array([1, 1, 0, NAN, 1, 0, 0, NAN, NAN, 0])
    arm = np.array([1] * 5 + [0] * 5)
    failed, observed = compare_responders(found, arm), compare_responders(found, arm, missing="observed")
    assert (failed.responders, failed.n) == (3, 5)
    assert (failed.responders_control, failed.n_control) == (0, 5)
    assert failed.risk_difference == pytest.approx(0.6)
    assert (observed.n, observed.n_control) == (4, 3)
    assert observed.risk_difference == pytest.approx(0.75)
    assert (failed.missing, observed.missing) == ("nonresponder", "observed")


def test_the_numbers_of_a_comparison_are_those_of_its_table():
    found = np.repeat([1.0, 0.0, 1.0, 0.0], [56, 14, 48, 32])
    arm = np.repeat(["exosome", "saline"], [70, 80])
    one = compare_responders(found, arm, control="saline", level=0.9)
    assert one.arms == ("exosome",)
    assert (one.share[0], one.share_control[0]) == (0.8, 0.6)
    assert one.nnt[0] == pytest.approx(5.0)
    assert one.odds_ratio[0] == pytest.approx(8 / 3)
    table = (56, 70, 48, 80)
    assert one.p[0] == pytest.approx(float(score_test(*table)))
    limits = newcombe(*table, level=0.9)
    np.testing.assert_allclose(np.ravel(one.risk_difference_interval()), limits)
    by_score = one.risk_difference_interval("miettinen_nurminen")
    np.testing.assert_allclose(np.ravel(by_score), miettinen_nurminen(*table, level=0.9))
    np.testing.assert_allclose(np.ravel(one.odds_ratio_interval()), odds_ratio_interval(*table, level=0.9))
    lo, hi, through = one.nnt_interval()
    np.testing.assert_allclose((lo[0], hi[0]), (1 / limits.hi, 1 / limits.lo))
    assert not through[0]


def test_many_trials_are_compared_at_once():
    rng = np.random.default_rng(1)
    found = rng.integers(0, 2, (5, 60)).astype(float)
    arm = np.tile(np.arange(60) % 3, (5, 1))
    many = compare_responders(found, arm)
    assert many.risk_difference.shape == (5, 2)
    assert many.p.shape == (5, 2)
    alone = compare_responders(found[3], arm[3])
    np.testing.assert_allclose(many.risk_difference[3], alone.risk_difference)
    np.testing.assert_allclose(many.risk_difference_interval().lo[3], alone.risk_difference_interval().lo)


def test_no_difference_needs_infinitely_many_patients():
    one = compare_responders([1.0, 0.0, 1.0, 0.0], [0, 0, 1, 1])
    assert one.nnt[0] == np.inf


def test_an_arm_without_observed_patients_is_nan():
    one = compare_responders([1.0, 0.0, NAN, NAN], [0, 0, 1, 1], missing="observed")
    assert np.isnan([one.risk_difference[0], one.p[0]]).all()


def test_wrong_inputs_of_responders_are_refused_with_words():
    with pytest.raises(InputError) as told:
        compare_responders([1.0, 0.0], [1, 1, 1], missing="ignore")  # type: ignore[arg-type]  # wrong on purpose
    for words in ("has shape (3,)", "no patient is in arm 0", "nonresponder or observed"):
        assert words in str(told.value)
    with pytest.raises(InputError, match="newcombe, miettinen_nurminen"):
        compare_responders([1.0, 0.0], [1, 0]).risk_difference_interval("wald")
