"""The primary analysis of a simulated trial, many times over: arm against control at every visit.

Model: change from baseline ~ visit + arm x visit + baseline x visit (+ covariates x visit), unstructured covariance of
the visits, REML, Satterthwaite. Machine code does it; what it cannot finish goes to the general fit and its fallbacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from exojoint.core.errors import InputError, Problem
from exojoint.trial.analysis.mmrm import FALLBACK, fit_mmrm
from exojoint.trial.analysis.mmrm_kernel import machine_code
from exojoint.trial.analysis.mmrm_newton import Outcome

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEVEL = 0.95  # two-sided confidence, the convention of confirmatory trials (ICH E9)


class TrialRow(NamedTuple):
    """One arm against control at one visit of one trial; `arm` is its label, `visit` the column of the outcome."""

    trial: int
    arm: object
    visit: int
    estimate: float
    se: float
    df: float
    t: float
    p: float
    lo: float
    hi: float
    converged: bool
    structure: str


@dataclass(frozen=True, slots=True)
class TrialEstimates:
    """Differences from control. NaN where the data of a trial cannot give one.

    Attributes
    ----------
    arms : labels of the arms compared with control.
    estimate, se, df : (trials, arms, visits), in units of the outcome.
    outcome : (trials,), how each fit ended (`Outcome`).
    structure : (trials,), covariance structure the numbers belong to: `us`, or a fallback.
    n_analysed : (trials,), patients with a baseline and at least one visit.
    level : of the confidence intervals.
    """

    arms: tuple[object, ...]
    estimate: FloatArray
    se: FloatArray
    df: FloatArray
    outcome: IntArray
    structure: NDArray[np.str_]
    n_analysed: IntArray
    level: float

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether each trial's fit reached a proper maximum (trials,)."""
        return np.equal(self.outcome, Outcome.ok)

    @property
    def t(self) -> FloatArray:
        """Estimate over standard error (trials, arms, visits)."""
        return self.estimate / self.se

    @property
    def p(self) -> FloatArray:
        """Two-sided p values (trials, arms, visits)."""
        return np.asarray(2.0 * special.stdtr(self.df, -np.abs(self.t)))

    @property
    def lo(self) -> FloatArray:
        """Lower confidence limits (trials, arms, visits)."""
        return self.estimate - self._half_width()

    @property
    def hi(self) -> FloatArray:
        """Upper confidence limits (trials, arms, visits)."""
        return self.estimate + self._half_width()

    def _half_width(self) -> FloatArray:
        return np.asarray(special.stdtrit(self.df, 0.5 + 0.5 * self.level)) * self.se

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Flat columns of equal length, ready for a table: one row per trial, arm and visit."""
        trial, arm, visit = (index.ravel() for index in np.indices(self.estimate.shape))
        numbers = {name: getattr(self, name).ravel() for name in ("estimate", "se", "df", "t", "p", "lo", "hi")}
        by_trial = {name: getattr(self, name)[trial] for name in ("converged", "structure", "n_analysed")}
        return {"trial": trial, "arm": np.array(self.arms)[arm], "visit": visit, **numbers, **by_trial}

    def rows(self) -> list[TrialRow]:
        """The same as `columns`, row by row."""
        columns = self.columns()
        return [
            TrialRow(*values) for values in zip(*(columns[name].tolist() for name in TrialRow._fields), strict=True)
        ]


def fit_trial(
    observed: ArrayLike,
    baseline: ArrayLike | None,
    arm: ArrayLike,
    *,
    control: object = 0,
    covariates: ArrayLike | None = None,
    covariance: str = "us",
    fallback: Sequence[str] = FALLBACK,
    level: float = LEVEL,
) -> TrialEstimates:
    """Analyse one trial; see `fit_trials`, without its first axis: observed (n, v), baseline (n,), arm (n,)."""
    return fit_trials(
        np.asarray(observed, dtype=float)[None],
        None if baseline is None else np.asarray(baseline, dtype=float)[None],
        np.asarray(arm)[None],
        control=control,
        covariates=None if covariates is None else np.asarray(covariates, dtype=float)[None],
        covariance=covariance,
        fallback=fallback,
        level=level,
    )


def fit_trials(
    observed: ArrayLike,
    baseline: ArrayLike | None,
    arm: ArrayLike,
    *,
    control: object = 0,
    covariates: ArrayLike | None = None,
    covariance: str = "us",
    fallback: Sequence[str] = FALLBACK,
    level: float = LEVEL,
    threads: int = 1,
) -> TrialEstimates:
    """Analyse many trials of the same size and visits.

    Parameters
    ----------
    observed : (trials, n, v), change from baseline; NaN where a visit was missed.
    baseline : (trials, n), or None for an outcome without one; a patient without a baseline is not analysed.
    arm : (trials, n), labels (bool, int or str).
    control : label of the control arm (False and 0 are the same label).
    covariates : (trials, n, c), further baseline covariates; each may have another effect at each visit.
    covariance, fallback : as in `fit_mmrm`.
    level : of the confidence intervals.
    threads : the result does not depend on it.

    Raises
    ------
    InputError
        For shapes that do not fit, an unknown control, a level outside (0, 1), or an unknown structure.
    """
    y, side = np.array(observed, dtype=float), np.asarray(arm)
    _check(y, baseline, side, covariates, control, level)
    arms = tuple(label for label in np.unique(side).tolist() if label != control)
    x, known = _effects(side, arms, baseline, covariates)
    y[~known] = np.nan
    trials, _, v = y.shape
    results = np.full((trials, len(arms), v, 3), np.nan)
    outcome = np.full(trials, Outcome.no_data, dtype=np.int64)
    structure = np.full(trials, covariance, dtype="<U8")
    todo = np.ones(trials, dtype=np.bool_)
    if covariance == "us" and v * len(arms) > 0:
        done = _by_machine(y, x, results, threads)
        outcome[done] = Outcome.ok
        todo &= ~done
    for trial in np.flatnonzero(todo):
        results[trial], outcome[trial], structure[trial] = _general(y[trial], x[trial], len(arms), covariance, fallback)
    analysed = (~np.isnan(y)).any(axis=2).sum(axis=1)
    se = np.sqrt(results[..., 1])
    return TrialEstimates(arms, results[..., 0], se, results[..., 2], outcome, structure, analysed, level)


def _by_machine(y: FloatArray, x: FloatArray, results: FloatArray, threads: int) -> NDArray[np.bool_]:
    """Fit what machine code can fit; tell which trials it did."""
    fit_one = machine_code()
    trials, reported = len(y), results.shape[1]
    summary = np.zeros((trials, 3))

    def fit_some(first: int, last: int) -> None:
        for trial in range(first, last):
            fit_one(y[trial], x[trial], reported, results[trial], summary[trial])

    edges = np.linspace(0, trials, max(1, min(threads, trials)) + 1).astype(int).tolist()
    if len(edges) == 2:
        fit_some(0, trials)
    else:
        with ThreadPoolExecutor(len(edges) - 1) as pool:
            list(pool.map(fit_some, edges[:-1], edges[1:]))
    return np.equal(summary[:, 0], 1.0)


def _general(
    y: FloatArray, x: FloatArray, reported: int, covariance: str, fallback: Sequence[str]
) -> tuple[FloatArray, Outcome, str]:
    """Fit one trial y (n, v), x (n, k) with the general MMRM."""
    n, v = y.shape
    k = x.shape[1]
    design = np.einsum("ab,ij->iabj", np.eye(v), x).reshape(n * v, v * k)
    subject, visit = np.divmod(np.arange(n * v), max(v, 1))
    fit = fit_mmrm(y.ravel(), design, subject, visit, covariance=covariance, fallback=fallback)
    results = np.full((reported, v, 3), np.nan)
    unit = np.eye(v * k)
    for j in range(reported):
        for a in range(v):
            estimate, se, df, _, _ = fit.contrast(unit[a * k + j])
            results[j, a] = estimate, se**2, df
    return results, fit.convergence.outcome, fit.convergence.structure


def _effects(
    side: NDArray[np.generic], arms: Sequence[object], baseline: ArrayLike | None, covariates: ArrayLike | None
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Columns of every visit (trials, n, k): arms first, then one, then standardised covariates; who has them all."""
    columns = [(side == label).astype(float) for label in arms]
    columns.append(np.ones(side.shape))
    numbers = [] if baseline is None else [np.asarray(baseline, dtype=float)]
    if covariates is not None:
        numbers.extend(np.moveaxis(np.asarray(covariates, dtype=float), -1, 0))
    known = np.ones(side.shape, dtype=np.bool_)
    for values in numbers:
        known &= np.isfinite(values)
    for values in numbers:
        columns.append(_standardise(values, known))
    return np.ascontiguousarray(np.stack(columns, axis=-1)), known


def _standardise(values: FloatArray, known: NDArray[np.bool_]) -> FloatArray:
    """Centre and scale within each trial, so that arithmetic does not depend on the unit; 0 where unknown."""
    number = np.maximum(known.sum(axis=1, keepdims=True), 1)
    filled = np.where(known, values, 0.0)
    centred = np.where(known, filled - filled.sum(axis=1, keepdims=True) / number, 0.0)
    sd = np.sqrt((centred**2).sum(axis=1, keepdims=True) / number)
    return centred / np.where(sd > 0, sd, 1.0)


def _check(
    y: FloatArray,
    baseline: ArrayLike | None,
    side: NDArray[np.generic],
    covariates: ArrayLike | None,
    control: object,
    level: float,
) -> None:
    problems = []
    if y.ndim != 3:
        raise InputError(Problem("fit_trials: observed", f"has shape {y.shape}", "(trials, patients, visits)"))
    wanted = y.shape[:2]
    shapes = {"arm": side.shape}
    if baseline is not None:
        shapes["baseline"] = np.shape(baseline)
    if covariates is not None:
        shapes["covariates"] = np.shape(covariates)[:2]
    for name, shape in shapes.items():
        if shape != wanted:
            problems.append(Problem(f"fit_trials: {name}", f"has shape {shape}", f"{wanted}", "One entry per patient."))
    if np.isinf(y).any():
        problems.append(Problem("fit_trials: observed", "is infinite somewhere", "finite or NaN", "Mark it missing."))
    if side.size and control not in np.unique(side).tolist():
        problems.append(Problem("fit_trials: control", f"no patient is in arm {control!r}", "a label of `arm`"))
    if not 0.0 < level < 1.0:
        problems.append(Problem("fit_trials: level", f"is {level}", "a number between 0 and 1", "95 % is 0.95."))
    if problems:
        raise InputError(*problems)
