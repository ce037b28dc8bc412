"""Step-function selection models: studies are published with a probability that depends on their p value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.bias.step_likelihood import maximise, observed_information, p_values, step_data
from exojoint.evidence.checks import choose, effects_and_variances, level_of
from exojoint.evidence.inference import Coefficients, Test, chi2_test
from exojoint.evidence.pooling.design import Moderators, design_matrix
from exojoint.evidence.pooling.fit import fit_model
from exojoint.evidence.results import Fit

Array = NDArray[np.float64]
ALTERNATIVES = ("greater", "less", "two.sided")


@dataclass(frozen=True, slots=True)
class SelectionResult:
    """Fit of a step-function selection model.

    Parameters
    ----------
    coefficients : Coefficients
        Mean effect (and slopes) before selection.
    tau : (float, float)
        Between-study variance before selection and its standard error.
    steps : tuple of float
        Upper ends of the p-value intervals.
    weights, se_weights : (J,)
        Relative publication probabilities; the first is 1.
    test : Test
        Likelihood-ratio test that all are 1: no selection.
    fit : Fit
        Sizes and log-likelihood.
    warnings : tuple of str
        E.g. intervals that were joined because no study fell into them.
    """

    coefficients: Coefficients
    tau: tuple[float, float]
    steps: tuple[float, ...]
    weights: Array
    se_weights: Array
    test: Test
    fit: Fit
    warnings: tuple[str, ...] = ()

    @property
    def estimate(self) -> float:
        """Mean effect before selection (first coefficient)."""
        return float(self.coefficients.values[0])

    @property
    def se(self) -> float:
        """Its standard error."""
        return float(self.coefficients.se[0])

    @property
    def tau2(self) -> float:
        """Between-study variance before selection."""
        return self.tau[0]


def selection_model(
    y: ArrayLike, v: ArrayLike, *, steps: Sequence[float] = (0.025, 1.0), alternative: str = "greater",
    moderators: Moderators | None = None, method: str = "ML", level: float = 0.95,
) -> SelectionResult:  # fmt: skip
    """Fit a step-function selection model by maximum likelihood.

    A study with p value in interval j is published with relative probability w_j (w_1 = 1), so its density is
    ``w_j phi((y - x b)/s) / (s sum_l w_l P_l)`` with ``s^2 = v + tau2`` and P_l the chance of interval l.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    steps : sequence of float
        Upper ends of the p-value intervals in (0, 1]; 1 is added where it is missing. The default is the
        three-parameter model: one step at a one-sided p of 0.025.
    alternative : str
        Which p values matter: ``greater`` (positive effects are wanted), ``less``, ``two.sided``.
    moderators : mapping, optional
        As in `meta_regression`.
    method : str
        ``ML``, or ``EE`` for a model without heterogeneity (tau2 = 0).
    level : float
        Of the normal intervals.

    Returns
    -------
    SelectionResult
        Intervals without a study are joined with the next, with a warning, for their weight cannot be estimated.

    Raises
    ------
    InputError
        For steps outside (0, 1], all studies in one interval, or fewer studies than parameters.

    References
    ----------
    Hedges LV. Stat Sci 1992;7:246-255. Vevea JL, Hedges LV. Psychometrika 1995;60:419-435.
    """
    side, level = choose(alternative, ALTERNATIVES, "alternative"), level_of(level)
    y_used, v_used, used, warnings = effects_and_variances(y, v)
    x, names = design_matrix(moderators, used)
    sign = -1.0 if side == "less" else 1.0  # turned so that wanted effects are positive
    two_sided = side == "two.sided"
    kept, joined = _steps(steps, p_values(sign * y_used / np.sqrt(v_used), two_sided))
    _check_size(y_used.size, x.shape[1] + len(kept), len(kept))
    data = step_data(sign * y_used, v_used, x, kept, two_sided)
    equal = choose(method, ("ML", "EE"), "method") == "EE"
    plain = fit_model(data.y, v_used, x, names, method="EE" if equal else "ML", interval="normal", level=level)
    tau2 = None if equal else plain.heterogeneity.tau2
    theta, value, converged = maximise(data, plain.coefficients.values, tau2, len(kept))
    notes = (*warnings, *joined, *(() if converged else ("the optimiser stopped before the likelihood was flat",)))
    q = x.shape[1]
    covariance = _covariance(observed_information(data, theta, _units(theta, q)), theta, q)
    se = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    coefficients = Coefficients(names, sign * theta[:q], covariance[:q, :q], np.full(q, math.inf), level)
    weights = np.concatenate([[1.0], np.exp(theta[q + 1 :])])
    test = chi2_test("no selection (likelihood ratio)", max(2 * (value - plain.fit.loglik), 0.0), len(kept) - 1)
    fit = Fit(f"{'EE' if equal else 'ML'} selection", y_used.size, theta.size - equal, value, converged)
    se_weights = np.concatenate([[0.0], weights[1:] * se[q + 1 :]])
    tau = (float(theta[q]), float(se[q]))
    return SelectionResult(coefficients, tau, kept, weights, se_weights, test, fit, notes)


def _check_size(k: int, parameters: int, intervals: int) -> None:
    if intervals < 2 or k <= parameters:
        what = "all studies fall into one interval" if intervals < 2 else f"{k} studies for {parameters} parameters"
        todo = "Choose other steps, or report that selection cannot be estimated."
        raise InputError(Problem("steps", what, "studies in two intervals and more studies than parameters", todo))


def _steps(steps: Sequence[float], p: Array) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Steps whose intervals hold a study; an empty interval joins the next, the last joins the one before."""
    ends = sorted({float(step) for step in steps} | {1.0})
    if not ends[0] > 0 or ends[-1] > 1:
        raise InputError(Problem("steps", f"{ends} leaves (0, 1]", "upper ends of p-value intervals"))
    kept: list[float] = []
    low = -1.0
    for end in ends:
        if bool(((p > low) & (p <= end)).any()):
            kept.append(end)
            low = end
    empty = len(ends) - len(kept)
    kept[-1] = 1.0
    text = f"{empty} of {len(ends)} p-value intervals hold no study: each was joined with its neighbour"
    return tuple(kept), (text,) if empty else ()


def _units(theta: Array, q: int) -> Array:
    units = np.maximum(np.abs(theta), 0.1)
    units[q] = max(float(theta[q]), 1e-3)
    return np.asarray(units)


def _covariance(information: Array, theta: Array, q: int) -> Array:
    """Inverse of the observed information; a variance of zero is held there and has no standard error."""
    keep = np.ones(theta.size, dtype=bool)
    keep[q] = theta[q] > 0
    matrix = np.zeros_like(information)
    matrix[np.ix_(keep, keep)] = np.linalg.pinv(information[np.ix_(keep, keep)], hermitian=True)
    return matrix
