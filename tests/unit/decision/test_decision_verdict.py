"""The call: three-way logic, errors that count draws, failures that are counted."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.decision.criteria import PerformanceCriterion, load_criteria
from exojoint.decision.verdict import decide, share_error

CRITERIA = load_criteria("phase2_default")


def frame(pain, thickness=None, arm="exosome", unit="mm"):
    """Draws of one arm: true differences in pain (n,) and thickness (n,)."""
    pain = np.asarray(pain, dtype=float)
    thickness = np.zeros(len(pain)) if thickness is None else np.asarray(thickness, dtype=float)
    parts = [("womac_pain", 182.0, "point", pain), ("thickness_mftc", 728.0, unit, thickness)]
    return pl.concat(
        pl.DataFrame({"draw": np.arange(len(pain)), "difference": values}).with_columns(
            arm=pl.lit(arm),
            control=pl.lit("saline"),
            endpoint=pl.lit(endpoint),
            day=pl.lit(day),
            unit=pl.lit(unit_),
        )
        for endpoint, day, unit_, values in parts
    )


def pain_share(share, n=100):
    """Differences of which a share is a worthwhile relief."""
    return np.where(np.arange(n) < round(share * n), -8.0, -1.0)


def test_a_likely_relief_without_harm_is_a_go():
    verdict = decide(CRITERIA, frame(pain_share(0.9)))
    assert verdict.verdict == "go"
    assert verdict.by_arm == {"exosome": "go"}
    assert [reason.met for reason in verdict.reasons] == [True, True, False, False]
    assert verdict.warnings == ()


def test_a_very_unlikely_relief_is_a_no_go():
    assert decide(CRITERIA, frame(pain_share(0.0))).verdict == "no-go"


def test_an_uncertain_relief_means_learn():
    assert decide(CRITERIA, frame(pain_share(0.35))).verdict == "learn"


def test_likely_harm_stops_a_likely_relief():
    verdict = decide(CRITERIA, frame(pain_share(0.9), np.full(100, -0.2)))
    assert verdict.verdict == "no-go"


def test_some_harm_is_a_reason_to_learn():
    thickness = np.where(np.arange(100) < 20, -0.2, 0.0)
    assert decide(CRITERIA, frame(pain_share(0.9), thickness)).verdict == "learn"


def test_a_gain_in_thickness_is_no_harm():
    assert decide(CRITERIA, frame(pain_share(0.9), np.full(100, 0.2))).verdict == "go"


def test_more_relief_never_makes_the_call_worse():
    order = {"no-go": 0, "learn": 1, "go": 2}
    calls = [order[decide(CRITERIA, frame(pain_share(share))).verdict] for share in np.linspace(0.0, 1.0, 21)]
    assert calls == sorted(calls)


def test_contradicting_criteria_are_a_no_go_with_a_warning():
    stop = dataclasses.replace(CRITERIA.criteria[2], probability="at least")
    criteria = dataclasses.replace(CRITERIA, criteria=(*CRITERIA.criteria[:2], stop))
    verdict = decide(criteria, frame(pain_share(0.9)))
    assert verdict.verdict == "no-go"
    assert any("contradict" in warning for warning in verdict.warnings)


@pytest.mark.parametrize(("share", "flagged"), [(0.60, True), (0.65, True), (0.55, True), (0.80, False), (0.35, False)])
def test_a_result_within_monte_carlo_error_of_its_threshold_is_flagged(share, flagged):
    verdict = decide(CRITERIA, frame(pain_share(share)))
    assert verdict.reasons[0].near is flagged
    assert any("within Monte Carlo error" in warning for warning in verdict.warnings) is flagged


def test_the_monte_carlo_error_counts_draws_not_rows():
    draws = frame(pain_share(0.7))
    once = decide(CRITERIA, draws).reasons[0]
    repeated = decide(CRITERIA, pl.concat([draws] * 20)).reasons[0]
    assert once.estimate.n == repeated.estimate.n == 100
    assert once.mc_error == repeated.mc_error == pytest.approx(np.sqrt(0.7 * 0.3 / 100), rel=0.02)


def test_four_times_the_draws_halve_the_error():
    small, large = (decide(CRITERIA, frame(pain_share(0.7, n))).reasons[0].mc_error for n in (100, 400))
    assert large == pytest.approx(small / 2.0, rel=0.02)


@given(st.integers(1, 500), st.floats(0.0, 1.0))
def test_the_error_of_a_share_is_never_zero(n, share):
    assert 0.0 < share_error(share, n) <= 0.5 / np.sqrt(n) + 1e-12


def test_the_error_of_a_share_is_right_on_average():
    """Over repeated sets of draws the SD of the share equals the mean of the reported errors within 5 %."""
    rng = np.random.default_rng(7)
    shares = rng.binomial(64, 0.3, size=4000) / 64
    errors = [share_error(share, 64) for share in shares]
    assert np.mean(errors) == pytest.approx(shares.std(), rel=0.05)


def test_failed_draws_are_counted_and_left_out():
    pain = pain_share(0.9)
    pain[:10] = np.nan
    verdict = decide(CRITERIA, frame(pain))
    assert verdict.reasons[0].estimate.n == 90
    assert verdict.reasons[0].probability == pytest.approx(80 / 90)
    assert any("10 of 100 draws have no true womac_pain" in warning for warning in verdict.warnings)


def test_without_a_single_draw_nothing_is_met_and_json_stays_valid():
    verdict = decide(CRITERIA, frame(np.full(10, np.nan), np.full(10, np.nan)))
    assert verdict.verdict == "learn"
    assert not any(reason.met for reason in verdict.reasons)
    text = json.dumps([reason.as_dict() for reason in verdict.reasons], allow_nan=False)
    assert json.loads(text)[0]["probability"] is None


def test_a_reason_has_exactly_the_keys_of_the_verdict_file():
    reason = decide(CRITERIA, frame(pain_share(0.9))).reasons[0].as_dict()
    assert list(reason) == ["criterion", "threshold", "probability", "mc_error", "met"]


def test_the_margin_is_converted_to_the_unit_of_the_draws():
    in_mm = decide(CRITERIA, frame(pain_share(0.9), np.full(100, -0.1)))
    in_um = decide(CRITERIA, frame(pain_share(0.9), np.full(100, -100.0), unit="um"))
    assert [reason.met for reason in in_mm.reasons] == [reason.met for reason in in_um.reasons]


def test_one_arm_that_is_a_go_makes_the_run_a_go():
    draws = pl.concat([frame(pain_share(0.0), arm="low"), frame(pain_share(0.9), arm="high")])
    verdict = decide(CRITERIA, draws)
    assert verdict.by_arm == {"low": "no-go", "high": "go"}
    assert verdict.verdict == "go"
    assert len(verdict.reasons) == 8


def test_arms_that_differ_without_a_go_mean_learn():
    draws = pl.concat([frame(pain_share(0.0), arm="low"), frame(pain_share(0.4), arm="high")])
    assert decide(CRITERIA, draws).verdict == "learn"


def test_the_control_s_own_rows_are_ignored():
    own = frame(np.zeros(100)).with_columns(arm=pl.lit("saline"))
    assert decide(CRITERIA, pl.concat([own, frame(pain_share(0.9))])).by_arm == {"exosome": "go"}


def test_a_missing_effect_names_what_the_run_has():
    with pytest.raises(InputError, match=r"no true thickness_mftc at day 728.*womac_pain at day 182"):
        decide(CRITERIA, frame(pain_share(0.9)).filter(pl.col("endpoint") == "womac_pain"))


def test_draws_without_the_needed_columns_are_refused():
    with pytest.raises(InputError, match="columns difference are missing"):
        decide(CRITERIA, frame(pain_share(0.9)).drop("difference"))


def test_a_run_without_a_treated_arm_is_refused():
    with pytest.raises(InputError, match="no treated arm"):
        decide(CRITERIA, frame(pain_share(0.9)).with_columns(arm=pl.lit("saline")))


@pytest.fixture
def with_assurance():
    threshold = dataclasses.replace(CRITERIA.criteria[0].threshold, value=0.5)
    item = PerformanceCriterion("the trial is won", "go", "assurance", "womac_pain", 182.0, "at least", threshold)
    return dataclasses.replace(CRITERIA, criteria=(*CRITERIA.criteria, item))


def performance(value, measure="assurance"):
    row = {"measure": measure, "endpoint": "womac_pain", "day": 182.0, "value": value, "mc_error": 0.03, "n": 64}
    return pl.DataFrame([row])


@pytest.mark.parametrize(("value", "call", "near"), [(0.8, "go", False), (0.2, "learn", False), (0.52, "go", True)])
def test_an_operating_characteristic_can_decide(with_assurance, value, call, near):
    verdict = decide(with_assurance, frame(pain_share(0.9)), performance(value))
    assert verdict.verdict == call
    assert verdict.reasons[-1].near is near
    assert verdict.reasons[-1].estimate.n == 64


def test_a_criterion_on_trials_needs_trials(with_assurance):
    with pytest.raises(InputError, match="no operating characteristics"):
        decide(with_assurance, frame(pain_share(0.9)))


def test_a_criterion_on_a_measure_that_is_not_there_is_told(with_assurance):
    with pytest.raises(InputError, match="0 rows for assurance"):
        decide(with_assurance, frame(pain_share(0.9)), performance(0.8, "power"))
