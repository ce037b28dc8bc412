"""The most likely knee: Gauss-Newton steps from the tables to the mode, with the gradients of every prediction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.comparison import Comparison

Floats = NDArray[np.float64]
STEP = 0.5  # of central differences, in prior SDs: wide against solver noise, narrow against curvature
SHORTER = (1.0, 0.6, 0.3, 0.1)  # shares of a Gauss-Newton step that are tried at once
ENOUGH = 0.05  # gain in log-posterior below which the search stops
ROUNDS = 8


@dataclass(frozen=True)
class Mode:
    """The mode of the posterior and what the targets say around it.

    Parameters
    ----------
    z : (n_axes,) array
        Scores at the mode.
    predicted : (n_targets,) array
        Predictions there.
    gradient : (n_axes, n_targets) array
        Change of whitened predictions (in SDs of the errors) per prior SD of each unknown.
    log_posterior : float
        At the mode.
    """

    z: Floats
    predicted: Floats
    gradient: Floats
    log_posterior: float

    @property
    def precision(self) -> Floats:
        """Precision (n_axes, n_axes) of the normal that touches the posterior at its mode."""
        return np.asarray(np.eye(len(self.z)) + self.gradient @ self.gradient.T)


def evaluations(n_axes: int) -> int:
    """Predictions of one round of the search."""
    return 2 * n_axes + len(SHORTER)


def find_mode(compared: Comparison, rounds: int = ROUNDS) -> Mode:
    """Climb from the tables as written to the mode of the posterior."""
    n = compared.n_axes
    z = np.zeros(n)
    predicted = compared.predicted(z[None])[0]
    value = float(compared.log_posterior(z[None], predicted[None])[0])
    gradient = np.zeros((n, len(predicted)))
    for _ in range(rounds):
        gradient = gradient_at(compared, z)
        residual = compared.like.whitened(predicted[None])[0]
        step = np.linalg.solve(np.eye(n) + gradient @ gradient.T, gradient @ residual - z)
        tried = z + np.outer(SHORTER, step)
        seen = compared.predicted(tried)
        values = compared.log_posterior(tried, seen)
        best = int(np.nanargmax(values))
        gained = float(values[best]) - value
        if gained > 0:
            z, predicted, value = tried[best], seen[best], float(values[best])
        if gained < ENOUGH:
            break
    return Mode(z, predicted, gradient, value)


def gradient_at(compared: Comparison, z: Floats) -> Floats:
    """Gradient (n_axes, n_targets) of the whitened predictions; 0 where a neighbour of `z` has no prediction."""
    moved = STEP * np.eye(len(z))
    seen = compared.like.whitened(compared.predicted(np.vstack([z + moved, z - moved])))
    up, down = seen[: len(z)], seen[len(z) :]
    return np.nan_to_num((down - up) / (2.0 * STEP))  # residuals fall where predictions rise
