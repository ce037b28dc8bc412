"""What a fitted MMRM is, and what can be asked of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.trial.analysis.mmrm_inference import Contrast, Inference, JointTest, joint, single
from exojoint.trial.analysis.mmrm_newton import Outcome

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# A contrast whose part on aliased columns exceeds this share of its size is not estimable.
ESTIMABLE_TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True)
class Convergence:
    """How the covariance was found.

    Attributes
    ----------
    outcome : of the structure that was kept.
    structure : the covariance structure the results belong to.
    attempts : every structure tried, in order, with its outcome.
    iterations : of the structure that was kept.
    """

    outcome: Outcome
    structure: str
    attempts: tuple[tuple[str, Outcome], ...]
    iterations: int


@dataclass(frozen=True, slots=True)
class DataUsed:
    """What went in: observations, subjects with at least one, visits in order, columns of X kept and aliased."""

    n_observations: int
    n_subjects: int
    visits: tuple[object, ...]
    kept: IntArray
    aliased: IntArray
    combination: FloatArray


@dataclass(frozen=True, slots=True)
class MmrmFit:
    """A fitted MMRM.

    Attributes
    ----------
    beta : (p,) fixed effects, in the order of the columns of X; NaN for aliased columns.
    cov_beta : (p, p), with the Kenward-Roger correction where that was asked for.
    theta : covariance parameters: log standard deviations first, then those of the pattern; group after group.
    sigma : (v, v), or (g, v, v) with groups: covariance of the visits.
    loglik : restricted log-likelihood (log-likelihood for reml=False).
    convergence, data, inference : how it was found, what went in, what contrasts need.
    """

    beta: FloatArray
    cov_beta: FloatArray
    theta: FloatArray
    sigma: FloatArray
    loglik: float
    convergence: Convergence
    data: DataUsed
    inference: Inference | None

    @property
    def se(self) -> FloatArray:
        """Standard errors of the fixed effects (p,)."""
        return np.sqrt(np.diag(self.cov_beta))

    @property
    def converged(self) -> bool:
        """Tell whether the structure that was kept reached a proper maximum."""
        return self.convergence.outcome == Outcome.ok

    @property
    def iterations(self) -> int:
        """Newton steps of the structure that was kept."""
        return self.convergence.iterations

    def contrast(self, L: ArrayLike) -> Contrast:
        """Test one linear combination L (p,) of the fixed effects; NaN where the data cannot estimate it."""
        row = self._estimable(np.atleast_2d(np.asarray(L, dtype=float)))
        if row is None or self.inference is None:
            estimate = np.nan if row is None else float(row[0] @ self.beta[self.data.kept])
            return Contrast(estimate, np.nan, np.nan, np.nan, np.nan)
        return single(self.inference, self.beta[self.data.kept], row[0])

    def joint_test(self, L: ArrayLike) -> JointTest:
        """Test several linear combinations L (k, p) at once by an F statistic; redundant rows give NaN."""
        rows = np.atleast_2d(np.asarray(L, dtype=float))
        kept = self._estimable(rows)
        if kept is None or self.inference is None:
            return JointTest(np.full(len(rows), np.nan), len(rows), np.nan, np.nan, np.nan)
        return joint(self.inference, self.beta[self.data.kept], kept)

    def _estimable(self, rows: FloatArray) -> FloatArray | None:
        """Carry rows (k, p) over to the kept columns, or None where an aliased column matters on its own."""
        if rows.shape[1] != len(self.beta):
            raise InputError(_wrong_length(rows.shape[1], len(self.beta)))
        kept = rows[:, self.data.kept]
        left = rows[:, self.data.aliased] - kept @ self.data.combination
        return kept if np.all(np.abs(left) <= ESTIMABLE_TOLERANCE * np.abs(rows).max(initial=1.0)) else None


def _wrong_length(got: int, wanted: int) -> Problem:
    return Problem("contrast", f"has {got} numbers", f"{wanted}, one per column of X", "Give one number per column.")
