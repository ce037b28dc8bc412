"""Meta-regression: which features of studies go with larger or smaller effects."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import effects_and_variances, groups_of, level_of
from exojoint.evidence.inference import Coefficients, Test, chi2_test, f_test
from exojoint.evidence.pooling.design import INTERCEPT, Moderators, design_matrix
from exojoint.evidence.pooling.fit import ModelFit, fit_model
from exojoint.evidence.pooling.pool import pool
from exojoint.evidence.results import PooledResult, RegressionResult

Array = NDArray[np.float64]
STUDIES_PER_COEFFICIENT = 10  # usual advice for meta-regression (Cochrane Handbook, section 10.11.5.1)


def meta_regression(
    y: ArrayLike, v: ArrayLike, moderators: Moderators, *, method: str = "REML", interval: str = "knapp-hartung",
    level: float = 0.95, intercept: bool = True, reference: Mapping[str, str] | None = None, solver: str = "exact",
) -> RegressionResult:  # fmt: skip
    """Regress effects on moderators with a residual between-study variance.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    moderators : mapping
        Column by name; numbers are slopes, words are factors (see `design_matrix`).
    method, interval, level
        As in `pool`.
    intercept : bool
        Whether there is one.
    reference : mapping, optional
        Reference level by factor.
    solver : str
        As in `pool`.

    Returns
    -------
    RegressionResult
        Coefficients, residual heterogeneity, omnibus test (chi-squared for ``normal`` intervals, else F), R2.

    Raises
    ------
    InputError
        For wrong rows, more coefficients than effects, columns that depend on each other.

    References
    ----------
    Knapp G, Hartung J. Stat Med 2003;22:2693-2710. Raudenbush SW. Analyzing effect sizes. 2009 (R2).

    Examples
    --------
    >>> fit = meta_regression([0.1, 0.3, 0.5, 0.7], [0.01] * 4, {"dose": [1, 2, 3, 4]}, method="EE", interval="normal")
    >>> round(float(fit.values[1]), 6)
    0.2
    """
    y_used, v_used, used, missing = effects_and_variances(y, v)
    x, names = design_matrix(moderators, used, intercept=intercept, reference=reference)
    model = fit_model(y_used, v_used, x, names, method=method, interval=interval, level=level_of(level), solver=solver)
    return _as_result(y_used, v_used, names, model, missing, solver)


def _as_result(
    y: Array, v: Array, names: tuple[str, ...], model: ModelFit, warnings: tuple[str, ...], solver: str
) -> RegressionResult:
    tested = tuple(i for i, name in enumerate(names) if name != INTERCEPT) or tuple(range(len(names)))
    omnibus = model.coefficients.wald(tested, "all moderators together")
    few: tuple[str, ...] = ()
    if y.size < STUDIES_PER_COEFFICIENT * (len(names) - 1):
        few = (f"{y.size} studies for {len(names) - 1} moderators: fewer than 10 studies per moderator",)
    notes = (*warnings, *model.warnings, *few)
    return RegressionResult(
        model.coefficients, model.heterogeneity, omnibus, _r2(y, v, names, model, solver), model.fit, notes
    )


def _r2(y: Array, v: Array, names: tuple[str, ...], model: ModelFit, solver: str) -> float:
    """Share of tau2 explained, in percent: ``max(0, 1 - tau2/tau2 without moderators)``; 0 where that is 0."""
    if INTERCEPT not in names or len(names) == 1 or y.size < 2 or model.fit.method == "EE":
        return math.nan
    ones = np.ones((y.size, 1))
    alone = fit_model(y, v, ones, (INTERCEPT,), method=model.fit.method, interval="normal", level=0.95, solver=solver)
    total = alone.heterogeneity.tau2
    return 100.0 * max(0.0, 1.0 - model.heterogeneity.tau2 / total) if total > 0 else 0.0


@dataclass(frozen=True, slots=True)
class SubgroupResult:
    """Pooled effects by subgroup and the test that they are equal.

    Parameters
    ----------
    names : tuple of str
        Subgroups in order of appearance.
    groups : tuple of PooledResult
        One per subgroup, each with its own tau2 (or the common one).
    between : Test
        That all subgroups have one mean effect.
    warnings : tuple of str
        What a reader must know.
    """

    names: tuple[str, ...]
    groups: tuple[PooledResult, ...]
    between: Test
    warnings: tuple[str, ...] = ()


def subgroups(
    y: ArrayLike, v: ArrayLike, group: Sequence[Hashable] | NDArray[np.generic], *, method: str = "REML",
    interval: str = "knapp-hartung", level: float = 0.95, common_tau2: bool = False,
) -> SubgroupResult:  # fmt: skip
    """Pool each subgroup and test whether they differ.

    With `common_tau2` the model is a meta-regression on the group with one residual tau2. Otherwise each subgroup has
    its own tau2 and ``Q_between = sum (m_g - m)^2 / se_g^2`` is chi-squared with one df less than there are groups.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    group : (k,)
        Subgroup of each study.
    method, interval, level
        As in `pool`.
    common_tau2 : bool
        One between-study variance for all subgroups; better when subgroups are small.

    Raises
    ------
    InputError
        For wrong rows and fewer than two subgroups.
    """
    y_used, v_used, used, warnings = effects_and_variances(y, v)
    labels = [label for label, yes in zip(list(group), used, strict=True) if yes]
    number = groups_of(labels, y_used.size, "group")
    names = tuple(dict.fromkeys(str(label) for label in labels))
    if len(names) < 2:
        raise InputError(Problem("group", "has one level only", "at least two subgroups"))
    tau2, test = None, None
    if common_tau2:
        x = (number[:, None] == np.arange(len(names))[None, :]).astype(np.float64)
        model = fit_model(y_used, v_used, x, names, method=method, interval=interval, level=level_of(level))
        tau2, test = model.heterogeneity.tau2, _equal(model.coefficients)
    results = tuple(
        pool(y_used[number == g], v_used[number == g], method=method, interval=interval, level=level, tau2=tau2)
        for g in range(len(names))
    )
    if test is None:
        means, se = np.array([r.estimate for r in results]), np.array([r.se for r in results])
        centre = float((means / se**2).sum() / (1 / se**2).sum())
        test = chi2_test("subgroups are equal", float((((means - centre) / se) ** 2).sum()), len(names) - 1)
    notes = tuple(f"{name}: {text}" for name, r in zip(names, results, strict=True) for text in r.warnings)
    return SubgroupResult(names, results, test, (*warnings, *notes))


def _equal(coefficients: Coefficients) -> Test:
    """Test that all group means are equal, from their contrasts with the first."""
    p = len(coefficients.names)
    contrasts = np.column_stack([-np.ones(p - 1), np.eye(p - 1)])
    values = contrasts @ coefficients.values
    q = float(values @ np.linalg.solve(contrasts @ coefficients.covariance @ contrasts.T, values))
    return f_test("subgroups are equal", q / (p - 1), p - 1, float(coefficients.df[0]))
