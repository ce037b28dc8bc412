"""How many patients improved clearly: the OMERACT-OARSI rule and the comparison of two arms.

Rule: fact T4-009 (Pham and others 2004, Osteoarthritis Cartilage 12:389), thresholds in `responder.csv`. Pain, function
and the patient's global assessment are on 0-100, higher is worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.core.tables import read_parameters
from exojoint.trial.analysis.proportions import (
    INTERVALS,
    Interval,
    NntInterval,
    nnt_interval,
    odds_ratio,
    odds_ratio_interval,
    score_test,
)

FloatArray = NDArray[np.float64]
Missing = Literal["nonresponder", "observed"]


@lru_cache(maxsize=1)
def _rule() -> dict[str, float]:
    table = read_parameters(files("exojoint.trial.analysis") / "responder.csv")
    return {name: row.value for name, row in table.items()}


def responder_status(
    pain_baseline: ArrayLike,
    pain: ArrayLike,
    function_baseline: ArrayLike,
    function: ArrayLike,
    global_baseline: ArrayLike,
    patient_global: ArrayLike,
) -> FloatArray:
    """Classify patients by the OMERACT-OARSI rule: 1 responder, 0 not, NaN where missing values leave it open.

    All arrays have one shape, points of 0-100, higher is worse. A patient is classified as soon as the observed values
    decide: a responder by pain needs no function, and without enough observed improvement two missing values may not
    be able to make one. A score of 0 at baseline cannot improve.
    """
    rule = _rule()
    pairs = ((pain_baseline, pain), (function_baseline, function), (global_baseline, patient_global))
    before = np.stack([np.asarray(b, dtype=float) for b, _ in pairs])
    better = before - np.stack([np.asarray(now, dtype=float) for _, now in pairs])
    known = ~np.isnan(better)
    large = (better >= rule["large_change"]) & (better >= rule["frac_large_change"] * before)
    small = (better >= rule["small_change"]) & (better >= rule["frac_change"] * before)
    met = large[:2].any(axis=0) | (small.sum(axis=0) >= rule["n_changes"])
    possible = (~known[:2]).any(axis=0) | ((small | ~known).sum(axis=0) >= rule["n_changes"])
    return np.where(met, 1.0, np.where(possible, np.nan, 0.0))


@dataclass(frozen=True, slots=True)
class ResponderComparison:
    """Responders of each arm against control. Leading axes (`...`) are those of the status given.

    Attributes
    ----------
    arms : labels of the arms compared with control.
    responders, n : (..., arms), and `responders_control`, `n_control` (..., 1).
    missing : `nonresponder` (a patient who is not classified counts as a failure) or `observed` (is left out).
    level : of the confidence intervals.
    """

    arms: tuple[object, ...]
    responders: FloatArray
    n: FloatArray
    responders_control: FloatArray
    n_control: FloatArray
    missing: Missing
    level: float

    @property
    def share(self) -> FloatArray:
        """Share of responders in each arm (..., arms); NaN without patients."""
        return _ratio(self.responders, self.n)

    @property
    def share_control(self) -> FloatArray:
        """Share of responders under control (..., 1)."""
        return _ratio(self.responders_control, self.n_control)

    @property
    def risk_difference(self) -> FloatArray:
        """Share in the arm less share under control (..., arms)."""
        return self.share - self.share_control

    def risk_difference_interval(self, method: str = "newcombe") -> Interval:
        """Confidence limits of the risk difference by `newcombe` or `miettinen_nurminen` (..., arms) each."""
        if method not in INTERVALS:
            raise InputError(Problem("risk difference", f"unknown interval '{method}'", ", ".join(INTERVALS)))
        return INTERVALS[method](*self._counts(), self.level)

    @property
    def p(self) -> FloatArray:
        """Two-sided p of equal shares (..., arms): score test, agrees with the Miettinen-Nurminen interval."""
        return score_test(*self._counts())

    @property
    def odds_ratio(self) -> FloatArray:
        """Odds of responding in the arm over those under control (..., arms)."""
        return odds_ratio(*self._counts())

    def odds_ratio_interval(self) -> Interval:
        """Confidence limits of the odds ratio (..., arms) each."""
        return odds_ratio_interval(*self._counts(), self.level)

    @property
    def nnt(self) -> FloatArray:
        """Patients to treat for one more responder (..., arms); negative: for one fewer; infinite: no difference."""
        return _ratio(np.ones_like(self.risk_difference), self.risk_difference)

    def nnt_interval(self, method: str = "newcombe") -> NntInterval:
        """Confidence limits of the number needed to treat, from those of the risk difference."""
        return nnt_interval(self.risk_difference_interval(method))

    def _counts(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        return self.responders, self.n, self.responders_control, self.n_control


def compare_responders(
    status: ArrayLike,
    arm: ArrayLike,
    *,
    control: object = 0,
    missing: Missing = "nonresponder",
    level: float = 0.95,
) -> ResponderComparison:
    """Count responders by arm.

    Parameters
    ----------
    status : (..., n) from `responder_status`, for example one row per trial.
    arm : (..., n) labels.
    control : label of the control arm.
    missing : what becomes of a patient whose status is NaN: `nonresponder` or `observed` (left out).

    Raises
    ------
    InputError
        For shapes that differ, an unknown control or an unknown rule for missing values.
    """
    values, side = np.asarray(status, dtype=float), np.asarray(arm)
    labels = np.unique(side).tolist()
    problems = []
    if values.shape != side.shape or values.ndim == 0:
        problems.append(
            Problem("compare_responders: arm", f"has shape {side.shape}", f"that of status, {values.shape}")
        )
    if side.size and control not in labels:
        problems.append(Problem("compare_responders: control", f"no patient is in arm {control!r}", "a label of `arm`"))
    if missing not in ("nonresponder", "observed"):
        problems.append(Problem("compare_responders: missing", f"is '{missing}'", "nonresponder or observed"))
    if problems:
        raise InputError(*problems)
    counted = np.ones(values.shape, dtype=np.bool_) if missing == "nonresponder" else ~np.isnan(values)
    yes = values == 1.0
    arms = tuple(label for label in labels if label != control)
    groups = [side == label for label in (*arms, control)]
    responders = np.stack([np.sum(yes & group, axis=-1) for group in groups], axis=-1).astype(float)
    n = np.stack([np.sum(counted & group, axis=-1) for group in groups], axis=-1).astype(float)
    return ResponderComparison(
        arms, responders[..., :-1], n[..., :-1], responders[..., -1:], n[..., -1:], missing, level
    )


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return above / below
