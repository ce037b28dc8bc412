"""Dose-response meta-analysis: within one study, in two stages, and in one stage."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, level_of
from exojoint.evidence.dose_response.curves import CURVES, Curve
from exojoint.evidence.dose_response.model import fit_mixed, spread_of, stacked
from exojoint.evidence.dose_response.result import DoseResponse, loadings_of
from exojoint.evidence.dose_response.shapes import fit_shape
from exojoint.evidence.dose_response.studies import DoseStudy
from exojoint.evidence.inference import Coefficients, Test, chi2_test
from exojoint.evidence.multilevel.terms import Term, slopes
from exojoint.evidence.results import Fit

Array = NDArray[np.float64]
METHODS = ("REML", "ML", "EE")


def fit_study(study: DoseStudy, curve: str = "linear", *, correlated: bool = True, level: float = 0.95) -> Coefficients:
    """Trend of one study by generalised least squares: ``b = (X' S^-1 X)^-1 X' S^-1 y``.

    Parameters
    ----------
    study : DoseStudy
        Its contrasts.
    curve : str
        ``linear`` or ``quadratic``.
    correlated : bool
        Use the covariance of the contrasts; False ignores it, as old analyses did.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        For a curve with a shape parameter, or more coefficients than doses.

    References
    ----------
    Greenland S, Longnecker MP. Am J Epidemiol 1992;135:1301-1309.
    """
    family = CURVES[choose(curve, ("linear", "quadratic"), "curve")]
    x = loadings_of(family, study.dose, study.reference_dose, np.zeros(0))
    if x.shape[0] < x.shape[1]:
        what = f"{x.shape[0]} doses for {x.shape[1]} coefficients"
        raise InputError(Problem(study.name, what, "at least as many doses", "Use one_stage, which borrows strength."))
    s = study.covariance if correlated else np.diag(np.diag(study.covariance))
    weighted = np.linalg.solve(s, x)
    covariance = np.asarray(np.linalg.inv(x.T @ weighted), dtype=np.float64)
    beta = covariance @ (weighted.T @ study.y)
    return Coefficients(family.amplitudes, beta, covariance, np.full(beta.size, math.inf), level_of(level))


def study_lack_of_fit(study: DoseStudy, curve: str = "linear") -> Test:
    """Chi-squared test that the study's effects lie on its fitted curve."""
    found = fit_study(study, curve)
    residual = study.y - loadings_of(CURVES[curve], study.dose, study.reference_dose, np.zeros(0)) @ found.values
    q = float(residual @ np.linalg.solve(study.covariance, residual))
    return chi2_test("lack of fit", q, study.y.size - found.values.size)


def two_stage(
    studies: Sequence[DoseStudy], curve: str = "linear", *, method: str = "REML", level: float = 0.95
) -> DoseResponse:
    """Fit each study's trend, then pool the trends with their full between-study covariance.

    Parameters
    ----------
    studies : sequence of DoseStudy
        Each with at least as many doses as the curve has coefficients.
    curve : str
        ``linear`` or ``quadratic``.
    method : str
        ``REML``, ``ML`` or ``EE``.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        For fewer than two studies, or a study with too few doses.

    References
    ----------
    Orsini N et al. Am J Epidemiol 2012;175:66-73.
    """
    kind, family = choose(method, METHODS, "method"), CURVES[choose(curve, ("linear", "quadratic"), "curve")]
    _check_studies(studies)
    fits = [fit_study(study, curve) for study in studies]
    size = len(family.amplitudes)
    y = np.concatenate([fit.values for fit in fits])
    v = block_diag(*(fit.covariance for fit in fits))
    x = np.tile(np.eye(size), (len(fits), 1))
    outer = np.repeat(np.arange(len(fits)), size)
    term = slopes(x, outer, "UN", "study", family.amplitudes)
    return _linear_result(family, y, v, x, term, kind, level)


def one_stage(
    studies: Sequence[DoseStudy], curve: str = "linear", *, method: str = "REML", level: float = 0.95
) -> DoseResponse:
    """Fit all contrasts of all studies in one mixed model: ``y_i = X_i b + X_i u_i + e_i``, ``u_i ~ N(0, G)``.

    Studies with fewer doses than coefficients take part. Curves with a shape (``emax``, ``bell`` ...) are fitted by ML:
    given the shape the model is linear, and the likelihood is maximised over the shape; amplitudes vary between
    studies, the shape does not.

    Parameters
    ----------
    studies : sequence of DoseStudy
        At least two.
    curve : str
        A key of `CURVES`.
    method : str
        ``REML`` (linear and quadratic only), ``ML`` or ``EE``.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        For fewer than two studies, studies in different units, or fewer contrasts than coefficients.

    References
    ----------
    Crippa A et al. Stat Methods Med Res 2019;28:1579-1596.
    """
    kind, family = choose(method, METHODS, "method"), CURVES[choose(curve, tuple(CURVES), "curve")]
    _check_studies(studies)
    y = np.concatenate([study.y for study in studies])
    if y.size < len(family.amplitudes) + len(family.shapes):
        what = f"{y.size} contrasts for a {family.name} curve"
        raise InputError(Problem("studies", what, "at least one contrast per coefficient", "Use a simpler curve."))
    v = block_diag(*(study.covariance for study in studies))
    if not family.shapes:
        x, term = stacked(studies, family, np.zeros(0))
        return _linear_result(family, y, v, x, term, kind, level)
    return fit_shape(studies, family, y, v, kind, level_of(level))


def _check_studies(studies: Sequence[DoseStudy]) -> None:
    if len(studies) < 2:
        raise InputError(Problem("studies", f"{len(studies)} studies", "at least two", "Use `fit_study`."))
    units = sorted({study.unit for study in studies})
    if len(units) > 1:
        todo = "Bring doses to one unit first (`convert_studies`)."
        raise InputError(Problem("studies", f"doses are in {', '.join(units)}", "one unit", todo))


def _linear_result(curve: Curve, y: Array, v: Array, x: Array, term: Term, method: str, level: float) -> DoseResponse:
    optimum, model = fit_mixed(curve, y, v, x, term, method)
    size = len(curve.amplitudes)
    infinite = np.full(size, math.inf)
    amplitudes = Coefficients(curve.amplitudes, optimum.at.beta, optimum.at.covariance, infinite, level_of(level))
    nothing = Coefficients((), np.zeros(0), np.zeros((0, 0)), np.zeros(0), amplitudes.level)
    fit = Fit(method, y.size, size, optimum.at.loglik, optimum.converged)
    notes = () if optimum.converged else ("the optimiser stopped before the likelihood was flat",)
    spread = spread_of(model, optimum.theta)
    return DoseResponse(curve, amplitudes, nothing, np.zeros((size, 0)), spread, fit, notes)
