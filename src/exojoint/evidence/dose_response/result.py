"""A fitted dose-response curve and what it predicts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.evidence.dose_response.curves import Curve
from exojoint.evidence.inference import Coefficients, t_quantile
from exojoint.evidence.results import Fit

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DoseResponse:
    """A fitted dose-response curve.

    Parameters
    ----------
    curve : Curve
        Family.
    amplitudes : Coefficients
        Linear coefficients; their covariance includes what the shape leaves open.
    shape : Coefficients
        Logarithms of the shape parameters (no rows for a linear or quadratic curve).
    cross : (a, s)
        Covariance of amplitudes and log shapes.
    spread : dict
        Between-study variances (and correlations) of the amplitudes.
    fit : Fit
        Method, number of contrasts, log-likelihood (ML for curves with a shape).
    warnings : tuple of str
        What a reader must know.
    """

    curve: Curve
    amplitudes: Coefficients
    shape: Coefficients
    cross: Array
    spread: dict[str, float]
    fit: Fit
    warnings: tuple[str, ...] = ()

    @property
    def shape_values(self) -> dict[str, float]:
        """Shape parameters on their own scale."""
        return {name: float(math.exp(v)) for name, v in zip(self.shape.names, self.shape.values, strict=True)}

    @property
    def aic(self) -> float:
        """Akaike's criterion; compare curves fitted by ML to the same contrasts."""
        return self.fit.aic(self.fit.p + len(self.spread))

    def predict(self, dose: ArrayLike, reference: float = 0.0) -> tuple[Array, Array, Array]:
        """Effect of doses against a reference dose with its confidence interval.

        Parameters
        ----------
        dose : (k,)
            Doses, in the studies' unit.
        reference : float
            Dose to compare with.

        Returns
        -------
        estimate, lower, upper : (k,)
        """
        doses = np.atleast_1d(np.asarray(dose, dtype=np.float64))
        log_shape = self.shape.values

        def effect(shape: Array) -> Array:
            return loadings_of(self.curve, doses, reference, np.exp(shape)) @ self.amplitudes.values

        loadings = loadings_of(self.curve, doses, reference, np.exp(log_shape))
        by_shape = np.zeros((doses.size, log_shape.size))
        for i in range(log_shape.size):
            step = np.zeros(log_shape.size)
            step[i] = 1e-5
            by_shape[:, i] = (effect(log_shape + step) - effect(log_shape - step)) / 2e-5
        jacobian = np.hstack([loadings, by_shape])
        joint = np.block([[self.amplitudes.covariance, self.cross], [self.cross.T, self.shape.covariance]])
        se = np.sqrt(np.maximum(np.einsum("ki,ij,kj->k", jacobian, joint, jacobian), 0.0))
        quantile = float(t_quantile(self.amplitudes.level, math.inf))
        estimate = effect(log_shape)
        return estimate, estimate - quantile * se, estimate + quantile * se


def loadings_of(curve: Curve, dose: Array, reference: float, shape: Array) -> Array:
    """Basis of a curve at doses, against a reference dose, (k, amplitudes)."""
    return np.asarray(curve.basis(dose, shape) - curve.basis(np.array([reference]), shape))
