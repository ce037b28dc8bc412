"""Weighted regression of effects: the few matrix products that every estimator of this room is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Profile:
    """Weighted least squares at m trial values of tau2.

    Parameters
    ----------
    weights : (m, k)
        ``1/(v + tau2)``.
    beta : (m, p)
        Coefficients.
    inverse : (m, p, p)
        ``(X' W X)^-1``.
    residuals : (m, k)
        ``y - X beta``.
    """

    weights: Array
    beta: Array
    inverse: Array
    residuals: Array

    @property
    def q(self) -> Array:
        """Weighted sum of squares ``y' P y``, (m,)."""
        return np.asarray((self.weights * self.residuals**2).sum(axis=1))

    @property
    def q2(self) -> Array:
        """``y' P P y``, (m,)."""
        return np.asarray(((self.weights * self.residuals) ** 2).sum(axis=1))


def profile(y: Array, v: Array, x: Array, tau2: Array) -> Profile:
    """Fit by weighted least squares at each trial value of tau2.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    x : (k, p)
        Design, of full column rank.
    tau2 : (m,)
        Trial values.
    """
    w = 1.0 / (v[None, :] + np.atleast_1d(tau2)[:, None])
    wx = w[:, :, None] * x[None, :, :]
    inverse = np.asarray(np.linalg.inv(np.swapaxes(wx, 1, 2) @ x), dtype=np.float64)
    beta = np.einsum("mpq,mkq,k->mp", inverse, wx, y)
    return Profile(w, beta, inverse, y[None, :] - beta @ x.T)


def trace_p(fit: Profile, x: Array) -> Array:
    """``tr P`` with ``P = W - W X (X'WX)^-1 X'W``, (m,)."""
    return np.asarray(fit.weights.sum(axis=1) - np.einsum("mpq,mqp->m", fit.inverse, _moment(fit, x)))


def trace_pp(fit: Profile, x: Array) -> Array:
    """``tr P P``, (m,): Fisher information of tau2 (times 2) under REML."""
    w2x = (fit.weights**2)[:, :, None] * x[None, :, :]
    middle = fit.inverse @ _moment(fit, x)
    third = np.einsum("mpq,mkq,mk,kr->mpr", fit.inverse, w2x, fit.weights, x)
    first = (fit.weights**2).sum(axis=1)
    return np.asarray(first - 2 * np.einsum("mpp->m", third) + np.einsum("mpq,mqp->m", middle, middle))


def _moment(fit: Profile, x: Array) -> Array:
    w2x = (fit.weights**2)[:, :, None] * x[None, :, :]
    return np.asarray(np.swapaxes(w2x, 1, 2) @ x)


def log_likelihood(y: Array, v: Array, x: Array, tau2: Array, restricted: bool) -> Array:
    """(Restricted) log-likelihood at trial values of tau2, with all constants, (m,).

    The restricted one is that of the n - p error contrasts ``K'y`` with ``K'K = I``: it contains ``+ log|X'X|/2``.
    """
    fit = profile(y, v, x, tau2)
    k, p = x.shape
    value = 0.5 * np.log(fit.weights).sum(axis=1) - 0.5 * fit.q
    if not restricted:
        return np.asarray(value - 0.5 * k * np.log(2 * np.pi))
    value += 0.5 * np.linalg.slogdet(fit.inverse)[1] + 0.5 * np.linalg.slogdet(x.T @ x)[1]
    return np.asarray(value - 0.5 * (k - p) * np.log(2 * np.pi))


def projection(weights: Array, x: Array) -> Array:
    """``P = W - W X (X'WX)^-1 X'W`` for one set of weights, (k, k)."""
    wx = weights[:, None] * x
    return np.asarray(np.diag(weights) - wx @ np.linalg.solve(x.T @ wx, wx.T))
