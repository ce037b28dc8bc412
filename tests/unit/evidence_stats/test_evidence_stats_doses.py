"""Dose-response: covariances of ratios that share a reference, and curves through doses."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.evidence.dose_response import (
    fit_study,
    greenland_longnecker_covariance,
    hamling_covariance,
    one_stage,
    study_from_arms,
    study_from_ratios,
    two_stage,
)

CASES, TOTALS = np.array([40.0, 50.0, 60.0, 30.0]), np.array([140.0, 130.0, 120.0, 50.0])


def raw(design):
    """Unadjusted log ratios with their variances and true covariance."""
    a, n = CASES, TOTALS
    own = {"case-control": 1 / a + 1 / (n - a), "cohort": 1 / a - 1 / n, "person-time": 1 / a}[design]
    size = np.log(a / (n - a)) if design == "case-control" else np.log(a / n)
    return size[1:] - size[0], own[1:] + own[0], np.diag(own[1:]) + own[0]


@pytest.mark.parametrize("design", ["case-control", "cohort", "person-time"])
@pytest.mark.parametrize("covariance", [greenland_longnecker_covariance, hamling_covariance])
def test_unadjusted_ratios_have_the_covariance_of_their_counts(design, covariance):
    ratio, v, expected = raw(design)
    np.testing.assert_allclose(covariance(ratio, v, CASES, TOTALS, design), expected, rtol=1e-7)


def test_adjustment_that_widens_all_ratios_widens_what_they_share():
    ratio, v, expected = raw("case-control")
    found = hamling_covariance(ratio, 1.3 * v, CASES, TOTALS)
    np.testing.assert_allclose(found, 1.3 * expected, rtol=1e-6)  # all effective counts shrink alike


def test_what_ratios_share_is_less_than_the_smallest_variance():
    ratio, v, _ = raw("cohort")
    found = hamling_covariance(ratio, v * [1e-3, 1.0, 30.0], CASES, TOTALS, "cohort")
    assert 0 < found[0, 1] < found[0, 0]


def test_counts_that_are_none_are_refused():
    with pytest.raises(InputError, match="cases row 2"):
        hamling_covariance([0.1], [0.02], [4, 0], [10, 10])


def test_one_line_through_all_doses_is_found_by_both_ways():
    rows = {"n": [20, 20, 20], "sd": [1.0, 1.0, 1.0]}
    studies = [study_from_arms("MD", name, [0, 1, 2], mean=[7, 6.5, 6.0], **rows) for name in "abc"]
    for found in (two_stage(studies), one_stage(studies)):
        assert found.amplitudes.values[0] == pytest.approx(-0.5, abs=1e-9)


def test_the_covariance_asked_for_is_the_one_used():
    ratio, v, _ = raw("case-control")
    given = {"log_ratio": [0, *ratio], "v": [0, *(v * [1.1, 1.3, 1.6])], "cases": CASES, "totals": TOTALS}
    studies = [
        study_from_ratios("x", [0, 1, 2, 3], **given, covariance=way) for way in ("greenland-longnecker", "hamling")
    ]
    slopes = [fit_study(study).se[0] for study in studies]
    assert slopes[0] != pytest.approx(slopes[1], rel=1e-4)
    assert slopes[0] == pytest.approx(slopes[1], rel=0.1)
