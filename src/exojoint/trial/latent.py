"""What would happen to every patient of a pool under every arm: the potential outcomes that trials are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from exojoint.core.errors import InputError, Problem

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

Rescue = Callable[[str, Integers, Integers, Integers], Array]
"""Exact second solve: (arm, patient (m,), lot (m,), visit (m,)) -> (m, v, e) with rescue medication from that visit on.

Patients, lots, visits, endpoints are counted as in `LatentOutcomes.values`; a value at the visit itself is unaffected.
"""


@dataclass(frozen=True)
class LatentOutcomes:
    """Noise-free outcomes of one knowledge draw: a pool of patients under every arm and lot.

    Parameters
    ----------
    arms : names of the arms
    control : the arm the others are compared with
    days : (v,) ascending, starting at 0; the value at a day is the one before that day's injection
    endpoints : (e,) names of observables of the joint
    values : by arm, (n_pool, n_lots of the arm, v, e) in the observables' units; NaN where the solve failed
    weights : (n_pool,) what each patient counts for in the population, any scale
    covariates : by name, (n_pool,)

    Raises
    ------
    InputError
        If shapes, arms or days do not fit together.
    """

    arms: tuple[str, ...]
    control: str
    days: tuple[float, ...]
    endpoints: tuple[str, ...]
    values: Mapping[str, Array]
    weights: Array
    covariates: Mapping[str, npt.NDArray[np.generic]]

    def __post_init__(self) -> None:
        """Check that the pieces fit together."""
        problems = [*self._shape_problems(), *self._arm_problems()]
        if problems:
            raise InputError(*problems)

    def _arm_problems(self) -> list[Problem]:
        where = "latent outcomes"
        problems = []
        if set(self.values) != set(self.arms) or self.control not in self.arms:
            problems.append(
                Problem(
                    where, f"arms {self.arms}, values {tuple(self.values)}, control {self.control!r}", "one set of arms"
                )
            )
        if len(self.days) == 0 or self.days[0] != 0 or np.any(np.diff(self.days) <= 0):
            problems.append(Problem(where, f"days {self.days}", "ascending days from 0"))
        return problems

    def _shape_problems(self) -> list[Problem]:
        n = len(self.weights)
        problems = []
        for arm, values in self.values.items():
            expected = (n, len(self.days), len(self.endpoints))
            if values.ndim != 4 or (values.shape[0], *values.shape[2:]) != expected or values.shape[1] < 1:
                problems.append(
                    Problem(
                        f"latent outcomes of {arm!r}",
                        f"shape {values.shape}",
                        f"({n}, lots, {expected[1]}, {expected[2]})",
                    )
                )
        for name, column in self.covariates.items():
            if column.shape != (n,):
                problems.append(Problem(f"covariate {name!r}", f"shape {column.shape}", f"({n},)"))
        return problems

    @property
    def n_pool(self) -> int:
        """Number of patients in the pool."""
        return len(self.weights)

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """(n_pool,) True where every arm and lot was solved; the others enter no trial, in any arm, and are counted."""
        solved = [np.isfinite(values).all(axis=(1, 2, 3)) for values in self.values.values()]
        return np.asarray(np.logical_and.reduce(solved))

    @property
    def shares(self) -> Array:
        """(n_pool,) weights of the usable patients, summing to 1; 0 for the others.

        Raises
        ------
        InputError
            If no patient is usable.
        """
        weights = np.where(self.usable, self.weights, 0.0)
        total = float(weights.sum())
        if not total > 0.0:
            raise InputError(Problem("latent outcomes", "no patient was solved under every arm", "at least one"))
        return np.asarray(weights / total)

    def lots_of(self, arm: str) -> int:
        """Number of lots that an arm was solved with."""
        return int(self.values[arm].shape[1])

    def observable(self, arm: str, name: str) -> Array:
        """(n_pool, n_lots, v) values of one observable."""
        return self.values[arm][..., self.endpoints.index(name)]


def null_latent(latent: LatentOutcomes) -> LatentOutcomes:
    """The null product: every arm gets the control's outcomes, so any difference found is chance.

    Trials still draw different patients for the two arms, so the null is exact and not a comparison of twins.
    """
    control = latent.values[latent.control]
    return replace(latent, values=dict.fromkeys(latent.arms, control))


def null_rescue(latent: LatentOutcomes, rescue: Rescue) -> Rescue:
    """Rescue under the null product: every arm is solved as the control is."""

    def as_control(arm: str, patient: Integers, lot: Integers, visit: Integers) -> Array:  # noqa: ARG001  the arm is what the null forgets
        return rescue(latent.control, patient, lot, visit)

    return as_control
