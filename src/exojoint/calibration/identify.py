"""What the targets say about each unknown: profiles of the posterior, and the class that follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.comparison import Comparison
from exojoint.calibration.mode import Mode

Floats = NDArray[np.float64]
REACH = 2.0  # prior SDs on either side of the table's value at which a profile is read
DROP = 1.92  # half the 95 % point of chi-squared with one degree of freedom: such a loss excludes a value
CLASSES = ("identified", "one-sided", "confounded", "flat")


@dataclass(frozen=True)
class Profile:
    """How the fit answers to one unknown; losses of log-posterior, its own prior left out, against the mode.

    Parameters
    ----------
    low, high : float
        At 2 prior SDs below and above the table's value, with all other unknowns following.
    alone_low, alone_high : float
        The same with all others held at the mode.
    partner : str
        Unknown with which it is most correlated.
    correlation : float
        With the partner, in the posterior.
    """

    low: float
    high: float
    alone_low: float
    alone_high: float
    partner: str
    correlation: float

    @property
    def class_name(self) -> str:
        """Identified: both sides excluded; one-sided: one; confounded: none, unless all others are held; else flat."""
        excluded = (self.low >= DROP) + (self.high >= DROP)
        if excluded:
            return CLASSES[0] if excluded == len(("low", "high")) else CLASSES[1]
        return CLASSES[2] if max(self.alone_low, self.alone_high) >= DROP else CLASSES[3]


def profiles(compared: Comparison, mode: Mode, z: Floats) -> list[Profile]:
    """Return the profile of every unknown.

    Parameters
    ----------
    compared : Comparison
        Axes and targets.
    mode : Mode
        Where the profiles start; the others follow along the normal at the mode, and the knee is solved there.
    z : (k, n_axes) array
        Posterior draws, for correlations.
    """
    n = compared.n_axes
    covariance = np.linalg.inv(mode.precision)
    paths = []
    for together in (True, False):
        for end in (-REACH, REACH):
            shift = end - mode.z
            along = covariance / np.diag(covariance)[:, None] if together else np.eye(n)
            paths.append(mode.z + shift[:, None] * along)
    points = np.vstack(paths)
    value = compared.log_posterior(points, compared.predicted(points))
    own = 0.5 * np.square(np.concatenate([np.diag(path) for path in paths]))
    top = mode.log_posterior + 0.5 * np.square(mode.z)
    loss = np.nan_to_num(np.tile(top, 4) - (value + own), posinf=np.inf).reshape(4, n)
    r = np.corrcoef(z.T) - np.eye(n)
    partner = np.abs(r).argmax(axis=1)
    names = compared.known.names
    return [
        Profile(
            low=float(loss[0, i]),
            high=float(loss[1, i]),
            alone_low=float(loss[2, i]),
            alone_high=float(loss[3, i]),
            partner=names[partner[i]],
            correlation=float(r[i, partner[i]]),
        )
        for i in range(n)
    ]
