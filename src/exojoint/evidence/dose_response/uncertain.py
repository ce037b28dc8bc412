"""Dose-response with uncertain doses: the curve refitted for many possible conversions, then put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import level_of
from exojoint.evidence.dose_response.doses import TARGET_UNIT, convert_studies, draws
from exojoint.evidence.dose_response.fit import one_stage
from exojoint.evidence.dose_response.result import DoseResponse
from exojoint.evidence.dose_response.studies import DoseStudy

Array = NDArray[np.float64]
FEWEST = 10  # draws, below which the spread over conversions is not known


@dataclass(frozen=True, slots=True)
class UncertainDoseResponse:
    """Curves over many possible conversions of the doses.

    Parameters
    ----------
    fits : tuple of DoseResponse
        One per draw, doses in billions of particles.
    central : DoseResponse
        With every conversion at its median.
    unit : str
        Of the doses.
    level : float
        Of the intervals.
    warnings : tuple of str
        What a reader must know.
    """

    fits: tuple[DoseResponse, ...]
    central: DoseResponse
    unit: str
    level: float
    warnings: tuple[str, ...] = ()

    def coefficient(self, name: str) -> dict[str, float]:
        """An amplitude or log shape over all draws: estimate, se, and the share of its variance due to the doses.

        Rubin's rules: mean of the estimates; variance = mean of the squared errors + (1 + 1/m) variance of the
        estimates.
        """
        values, variances = [], []
        for fit in self.fits:
            part = fit.amplitudes if name in fit.amplitudes.names else fit.shape
            row = part[name]
            values.append(row["estimate"])
            variances.append(row["se"] ** 2)
        estimate, variance, share = combine(np.array(values), np.array(variances))
        return {"estimate": estimate, "se": math.sqrt(variance), "share_from_doses": share}

    def predict(self, dose: ArrayLike) -> tuple[Array, Array, Array]:
        """Effect of doses (billions of particles), its interval including the uncertain conversions, (k,) each."""
        doses = np.atleast_1d(np.asarray(dose, dtype=np.float64))
        quantile = float(ndtri(0.5 + self.level / 2))
        values, variances = [], []
        for fit in self.fits:
            estimate, lower, upper = fit.predict(doses)
            values.append(estimate)
            variances.append(((upper - lower) / (2 * quantile)) ** 2)
        rows = [combine(v, s) for v, s in zip(np.array(values).T, np.array(variances).T, strict=True)]
        centre = np.array([row[0] for row in rows])
        half = quantile * np.sqrt(np.array([row[1] for row in rows]))
        return centre, centre - half, centre + half


def combine(values: Array, variances: Array) -> tuple[float, float, float]:
    """Rubin's rules: estimate, total variance, and the share of it between draws.

    Parameters
    ----------
    values, variances : (m,)
        Estimates and squared standard errors of the draws; draws that failed are nan and left out.

    References
    ----------
    Rubin DB. Multiple imputation for nonresponse in surveys. 1987.
    """
    good = np.isfinite(values) & np.isfinite(variances)
    m = int(good.sum())
    if m == 0:
        return math.nan, math.nan, math.nan
    between = float(np.var(values[good], ddof=1)) * (1 + 1 / m) if m > 1 else 0.0
    total = float(variances[good].mean()) + between
    return float(values[good].mean()), total, between / total if total > 0 else 0.0


def uncertain_dose_response(
    studies: Sequence[DoseStudy], curve: str = "linear", *, method: str = "ML", number: int = 100, seed: int = 1,
    level: float = 0.95,
) -> UncertainDoseResponse:  # fmt: skip
    """Fit a curve to studies whose doses are in different units.

    Each draw gives every study one conversion factor of its own (all its doses share it); the one-stage model is fitted
    to the converted doses.

    Parameters
    ----------
    studies : sequence of DoseStudy
        Doses in particles, protein, volume or cells.
    curve, method
        As in `one_stage`.
    number : int
        Draws.
    seed : int
        Of the draws; equal seeds give equal results.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        As `one_stage`; for unknown units, or fewer than ten draws.
    """
    if number < FEWEST:
        raise InputError(Problem("number", f"{number} draws", f"at least {FEWEST}"))
    level = level_of(level)
    central = one_stage(convert_studies(studies), curve, method=method, level=level)
    fits = [
        one_stage(convert_studies(studies, shares), curve, method=method, level=level)
        for shares in draws(len(studies), number, seed)
    ]
    failed = sum(not fit.fit.converged for fit in fits)
    notes = (f"{failed} of {number} draws did not converge",) if failed else ()
    return UncertainDoseResponse(tuple(fits), central, TARGET_UNIT, level, (*central.warnings, *notes))
