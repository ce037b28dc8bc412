"""Every row of the R package mmrm's answers to its FEV example (see mmrm.md beside this file)."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import least_squares

from exojoint.trial.analysis.mmrm import assemble, fit_mmrm
from exojoint.trial.analysis.mmrm_data import check_rows
from exojoint.trial.analysis.mmrm_design import standardise
from exojoint.trial.analysis.mmrm_moments import gather
from exojoint.trial.analysis.mmrm_newton import Outcome, describe
from exojoint.trial.analysis.mmrm_structures import STRUCTURES

CASES = [
    ("fev", name, method)
    for name in ("us", "cs", "csh", "ar1", "ar1h", "toep", "toeph", "ad", "adh")
    for method in ("satterthwaite", "kenward-roger")
] + [("fev_ml", "us", "satterthwaite")]


@dataclass(frozen=True)
class Example:
    y: np.ndarray
    X: np.ndarray
    terms: list[str]
    subject: np.ndarray
    visit: np.ndarray


@pytest.fixture(scope="module")
def example(shared):
    with (shared / "data" / "mmrm" / "fev_data.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    def column(name):
        return np.array([row[name] for row in rows])

    def is_(name, label):
        return (column(name) == label).astype(float)

    y = np.array([float("nan") if row["FEV1"] == "NA" else float(row["FEV1"]) for row in rows])
    terms = {
        "(Intercept)": np.ones(len(rows)),
        "RACEBlack or African American": is_("RACE", "Black or African American"),
        "RACEWhite": is_("RACE", "White"),
        "SEXFemale": is_("SEX", "Female"),
        "ARMCDTRT": is_("ARMCD", "TRT"),
    }
    for visit in ("VIS2", "VIS3", "VIS4"):
        terms[f"AVISIT{visit}"] = is_("AVISIT", visit)
        terms[f"ARMCDTRT:AVISIT{visit}"] = terms["ARMCDTRT"] * terms[f"AVISIT{visit}"]
    return Example(y, np.column_stack(list(terms.values())), list(terms), column("USUBJID"), column("AVISIT"))


@pytest.fixture(scope="module")
def reference(shared):
    """Answers by (case, structure, method): log-likelihood and term -> (estimate, se, df, t, p)."""
    found = {}
    with (shared / "data" / "mmrm" / "fev_reference.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = (row["case"], row["covariance"].split("(")[0], row["method"].lower())
            _, answers = found.setdefault(key, (float(row["log_likelihood"]), {}))
            answers[row["term"]] = tuple(float(row[name]) for name in ("estimate", "se", "df", "t", "p"))
    return found


def answers_in_order(reference, key, terms):
    loglik, answers = reference[key]
    return loglik, np.array([answers[term] for term in terms])


def test_every_reference_row_is_compared(reference):
    assert sorted(reference) == sorted(CASES)
    assert sum(len(answers) for _, answers in reference.values()) == 209


@pytest.mark.parametrize(("case", "name", "method"), CASES)
def test_our_maximum_is_the_references_or_better(example, reference, case, name, method):
    """The reference stops up to 3e-6 below its maximum; differences are therefore measured in standard errors."""
    loglik, wanted = answers_in_order(reference, (case, name, method), example.terms)
    fit = fit_mmrm(
        example.y, example.X, example.subject, example.visit,
        covariance=name, method=method, reml=case == "fev", fallback=(),
    )  # fmt: skip
    assert fit.converged
    assert -1e-9 < fit.loglik - loglik < 4e-6
    found = np.array([fit.contrast(row) for row in np.eye(len(example.terms))])
    se = wanted[:, 1]
    assert np.max(np.abs(found[:, 0] - wanted[:, 0]) / se) < 3e-4
    np.testing.assert_allclose(found[:, 1], se, rtol=1e-4)
    np.testing.assert_allclose(found[:, 2], wanted[:, 2], rtol=2e-4)
    np.testing.assert_allclose(found[:, 3], wanted[:, 3], rtol=1e-4, atol=3e-4)
    np.testing.assert_allclose(found[:, 4], wanted[:, 4], rtol=8e-3)


@pytest.mark.parametrize(("case", "name", "method"), CASES)
def test_at_the_references_own_stopping_point_every_number_agrees(example, reference, case, name, method):
    """Covariance parameters (2 to 10) are moved until estimates and standard errors agree; the rest must follow."""
    loglik, wanted = answers_in_order(reference, (case, name, method), example.terms)
    reml = case == "fev"
    rows = check_rows(example.y, example.X, example.subject, example.visit, None, None)
    design = standardise(rows.y, rows.X)
    moments = gather(design.z, rows.subject, rows.visit, rows.group_of_subject)
    structure = STRUCTURES[name]

    def fit(theta):
        end = describe(moments, structure, theta, reml)
        return assemble(rows, design, moments, end, ((name, Outcome.ok),), method, reml)

    def apart(theta):
        here = fit(theta)
        return np.concatenate([(here.beta - wanted[:, 0]) / wanted[:, 1], here.se / wanted[:, 1] - 1.0])

    top = fit_mmrm(example.y, example.X, example.subject, example.visit, covariance=name, reml=reml)
    n_sd = structure.n_sd(len(rows.visits))
    start = top.theta - np.log(design.scale) * (np.arange(len(top.theta)) < n_sd)
    there = fit(least_squares(apart, start, xtol=1e-15, ftol=1e-15, gtol=1e-15).x)
    found = np.array([there.contrast(row) for row in np.eye(len(example.terms))])
    np.testing.assert_allclose(there.theta, top.theta, atol=3e-4)
    assert abs(there.loglik - loglik) < 1e-9
    np.testing.assert_allclose(found[:, :4], wanted[:, :4], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found[:, 4], wanted[:, 4], rtol=1e-7)
