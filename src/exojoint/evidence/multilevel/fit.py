"""Multilevel and multivariate meta-analysis: effects that share studies, animals, laboratories or outcomes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, effects_and_variances, level_of, numbers
from exojoint.evidence.effects.covariance import checked_covariance
from exojoint.evidence.inference import Coefficients, Test, chi2_test, t_quantile
from exojoint.evidence.multilevel.likelihood import Model, independent_blocks
from exojoint.evidence.multilevel.optimise import Optimum, maximise
from exojoint.evidence.multilevel.terms import Term
from exojoint.evidence.pooling.design import INTERCEPT, Moderators, design_matrix
from exojoint.evidence.results import Fit, PooledPrediction

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MultilevelResult:
    """A fitted multilevel or multivariate model.

    Parameters
    ----------
    coefficients : Coefficients
        Mean effects and slopes.
    theta : (t,)
        Variance parameters, named by `model.parameter_names`; `components` shows them as variances.
    q : Test
        Residual heterogeneity with the sampling covariance alone.
    omnibus : Test
        That all moderators (all coefficients, without an intercept) are zero.
    fit : Fit
        Method, sizes, log-likelihood.
    model : Model
        Data and terms, for robust variances and profile intervals.
    warnings : tuple of str
        What a reader must know.
    """

    coefficients: Coefficients
    theta: Array
    q: Test
    omnibus: Test
    fit: Fit
    model: Model
    warnings: tuple[str, ...] = ()

    @property
    def components(self) -> dict[str, float]:
        """Variance parameters by name; of a free matrix of more than two effects its variances and correlations."""
        found: dict[str, float] = {}
        for term, part in zip(self.model.terms, self.model.split(self.theta), strict=True):
            if not term.by_cholesky:
                for name, value in zip(term.parameter_names, part, strict=True):
                    spread = name.startswith("tau.")
                    found[name.replace("tau.", "tau2.", 1) if spread else name] = float(value**2 if spread else value)
                continue
            g = term.covariance(part)
            sd = np.sqrt(np.diag(g))
            found |= {f"tau2.{level}": float(g[i, i]) for i, level in enumerate(term.levels)}
            for i in range(term.size):
                for j in range(i):
                    found[f"rho.{term.levels[j]},{term.levels[i]}"] = float(g[i, j] / (sd[i] * sd[j]))
        return found

    @property
    def estimate(self) -> float:
        """First coefficient: the mean effect of a model without moderators."""
        return float(self.coefficients.values[0])

    @property
    def se(self) -> float:
        """Standard error of the first coefficient."""
        return float(self.coefficients.se[0])

    @property
    def between_variance(self) -> float:
        """Variance of a new true effect about the mean: the sum of the variances of all random intercepts.

        Raises
        ------
        InputError
            When a term has several variances; then it depends on the outcome.
        """
        if any(term.size > 1 and term.structure not in ("ID", "CS", "KNOWN") for term in self.model.terms):
            todo = "Use `components` and the outcome of interest."
            raise InputError(Problem("random", "has several variances", "terms with one variance each", todo))
        return float(sum(part[0] for part in self.model.split(self.theta)))

    def icc(self, position: int = 0) -> float:
        """Correlation of two true effects that share the term at `position`: its variance over the sum of all."""
        return float(self.model.split(self.theta)[position][0]) / self.between_variance

    def predict(self, row: ArrayLike | None = None) -> PooledPrediction:
        """Mean effect and prediction interval at given moderators.

        Parameters
        ----------
        row : (p,), optional
            Values of the design's columns; the first coefficient alone when left out.
        """
        weights = np.eye(self.fit.p)[0] if row is None else np.asarray(row, dtype=np.float64)
        mean = self.coefficients.contrast(weights)
        quantile = float(t_quantile(self.coefficients.level, mean["df"]))
        half = quantile * math.sqrt(mean["se"] ** 2 + self.between_variance)
        ends = (mean["estimate"] - half, mean["estimate"] + half)
        return PooledPrediction(mean["estimate"], mean["se"], (mean["lower"], mean["upper"]), ends)


def multilevel(
    y: ArrayLike, v: ArrayLike, random: Sequence[Term], *, moderators: Moderators | None = None, intercept: bool = True,
    reference: Mapping[str, str] | None = None, method: str = "REML", interval: str = "normal", level: float = 0.95,
) -> MultilevelResult:  # fmt: skip
    """Fit effects with correlated sampling errors and any number of random terms.

    Parameters
    ----------
    y : (k,)
        Effects.
    v : (k,) or (k, k)
        Sampling variances, or their covariance matrix (`effects.covariance` builds one).
    random : sequence of Term
        From `intercepts`, `nested`, `structured`, `slopes`, `known_correlation`.
    moderators, intercept, reference
        As in `meta_regression`.
    method : str
        ``REML`` or ``ML``.
    interval : str
        ``normal`` or ``t`` (k - p degrees of freedom); `robust` is safer where studies share effects.
    level : float
        Of the intervals.

    Returns
    -------
    MultilevelResult

    Raises
    ------
    InputError
        For wrong rows, a covariance that is none, or variances that the data cannot tell apart.

    References
    ----------
    Konstantopoulos S. Res Synth Methods 2011;2:61-76 (three levels). Berkey CS et al. Stat Med 1998;17:2537-2550.
    """
    restricted = choose(method, ("REML", "ML"), "method") == "REML"
    by_t = choose(interval, ("normal", "t"), "interval") == "t"
    y_used, v_used, used, warnings = _data(y, v)
    x, names = design_matrix(moderators, used, intercept=intercept, reference=reference)
    k, p = x.shape
    if np.linalg.matrix_rank(x) < min(k, p):
        todo = "Drop one of them; a factor already has a level for the intercept."
        raise InputError(Problem("moderators", f"columns {', '.join(names)} depend on each other", "full rank", todo))
    if k <= p:
        raise InputError(
            Problem("moderators", "leave nothing to estimate variances from", "fewer columns than effects")
        )
    terms = tuple(_rows(term, used) for term in random)
    model = Model(y_used, v_used, x, names, terms, restricted, independent_blocks(v_used, terms))
    _check_identifiable(terms, k)
    optimum = maximise(model)
    if not optimum.converged:
        warnings = (*warnings, "the optimiser stopped before the likelihood was flat: the best point found is shown")
    df = np.full(p, float(k - p) if by_t else math.inf)
    coefficients = Coefficients(names, optimum.at.beta, optimum.at.covariance, df, level_of(level))
    tested: tuple[str | int, ...] = tuple(n for n in names if n != INTERCEPT) or names
    fit = Fit("REML" if restricted else "ML", k, p, optimum.at.loglik, optimum.converged)
    omnibus = coefficients.wald(tested, "all moderators together")
    notes = (*warnings, *_boundary(model, optimum))
    return MultilevelResult(coefficients, optimum.theta, residual_q(model), omnibus, fit, model, notes)


def _data(y: ArrayLike, v: ArrayLike) -> tuple[Array, Array, NDArray[np.bool_], tuple[str, ...]]:
    effects, given = numbers(y, "effects"), np.asarray(v, dtype=np.float64)
    if given.ndim == 2:
        if given.shape != (effects.size, effects.size):
            raise InputError(Problem("variances", f"has shape {given.shape}", f"({effects.size}, {effects.size})"))
        y_used, _, used, warnings = effects_and_variances(effects, np.diag(given))
        return y_used, checked_covariance(given[np.ix_(used, used)], "variances"), used, warnings
    y_used, v_used, used, warnings = effects_and_variances(effects, given)
    return y_used, np.diag(v_used), used, warnings


def _rows(term: Term, used: NDArray[np.bool_]) -> Term:
    if term.group.size != used.size:
        raise InputError(Problem(f"random {term.name}", f"has {term.group.size} rows", f"{used.size} rows"))
    known = None if term.known is None else term.known[np.ix_(used, used)]
    return Term(term.name, term.group[used], term.loadings[used], term.structure, term.levels, known)


def _check_identifiable(terms: tuple[Term, ...], k: int) -> None:
    single = [term for term in terms if term.size == 1 and term.known is None]
    seen: dict[bytes, str] = {}
    for term in single:
        canonical = np.unique(term.group, return_inverse=True)[1]
        first = {g: i for i, g in reversed(list(enumerate(canonical)))}
        key = np.array([first[g] for g in canonical]).tobytes() + term.loadings.tobytes()
        if key in seen:
            what = f"'{term.name}' groups the effects exactly as '{seen[key]}'"
            raise InputError(Problem("random", what, "terms that differ", "Leave one of them out."))
        seen[key] = term.name
        if np.unique(term.group).size == 1 and (term.loadings == 1).all() and k > 1:
            what = f"'{term.name}' has one group only: its variance cannot be told from the mean"
            raise InputError(Problem("random", what, "at least two groups"))


def _boundary(model: Model, optimum: Optimum) -> tuple[str, ...]:
    notes = []
    for name, value in zip(model.parameter_names, optimum.theta, strict=True):
        if name.startswith(("sigma2.", "tau.")) and value <= 1e-8:
            notes.append(f"{name} is zero: the data show no variation at this level")
        elif name.startswith("rho.") and abs(value) > 0.999:
            notes.append(f"{name} is at the edge of its range: the data cannot estimate it")
    return tuple(notes)


def residual_q(model: Model) -> Test:
    """Test for residual heterogeneity: ``(y - Xb)' V^-1 (y - Xb)`` with the sampling covariance alone."""
    wx = np.linalg.solve(model.v, model.x)
    beta = np.linalg.solve(model.x.T @ wx, wx.T @ model.y)
    residual = model.y - model.x @ beta
    q = float(residual @ np.linalg.solve(model.v, residual))
    return chi2_test("residual heterogeneity", q, model.y.size - model.x.shape[1])
