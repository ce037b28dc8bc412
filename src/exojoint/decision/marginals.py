"""Independent axes with the spread that the knowledge draws have: what one unknown can be moved over alone.

Knowledge drawn from a posterior is correlated, and its axes are narrower than the prior's. Variance shares need
independent unknowns, so each axis keeps the mean and the spread of its own draws, and the correlation is left out: what
is said about single unknowns is then said of their marginal distributions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Marginals:
    """Centre and spread of each knowledge axis, (n_axes,) each; 0 and 1 for the prior.

    Parameters
    ----------
    centre, spread : (n_axes,) arrays
        In standard deviations of the prior.
    """

    centre: Floats
    spread: Floats

    @classmethod
    def prior(cls, n_axes: int) -> Marginals:
        """The tables' own axes."""
        return cls(np.zeros(n_axes), np.ones(n_axes))

    @classmethod
    def of_draws(cls, scores: Floats) -> Marginals:
        """Mean and standard deviation of each axis over draws (n, n_axes)."""
        return cls(scores.mean(axis=0), scores.std(axis=0, ddof=1))

    @property
    def is_prior(self) -> bool:
        """Whether nothing was learnt: the tables' own axes."""
        return bool(np.all(self.centre == 0.0) and np.all(self.spread == 1.0))

    def scores(self, x: Floats) -> Floats:
        """Knowledge scores z of independent standard-normal rows x; same shape."""
        z: Floats = self.centre + self.spread * x
        return z

    def standard(self, z: Floats) -> Floats:
        """Rows x of knowledge scores z, 0 on axes without spread; same shape."""
        with np.errstate(divide="ignore", invalid="ignore"):
            x: Floats = np.where(self.spread > 0.0, (z - self.centre) / self.spread, 0.0)
        return x
