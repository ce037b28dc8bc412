"""Protocols, unknowns and likelihood together: the function from scores to how well all targets are met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.likelihood import Likelihood, likelihood
from exojoint.calibration.predict import predict
from exojoint.calibration.protocol import Protocol
from exojoint.calibration.protocol_file import load_protocols
from exojoint.calibration.unknowns import Unknowns, unknowns

Floats = NDArray[np.float64]
Tell = Callable[[int], None]


@dataclass(frozen=True)
class Comparison:
    """What is compared with what.

    Parameters
    ----------
    protocols : tuple of Protocol
        The experiments.
    known : Unknowns
        Axes.
    like : Likelihood
        Of the published numbers.
    threads : int
        Results do not depend on it.
    tell : callable
        Called with the number of draws just predicted.
    """

    protocols: tuple[Protocol, ...]
    known: Unknowns
    like: Likelihood
    threads: int = 1
    tell: Tell = lambda _done: None

    @property
    def n_axes(self) -> int:
        """Number of unknowns."""
        return len(self.known.names)

    def predicted(self, z: Floats) -> Floats:
        """Predictions (k, n_targets) for scores z (k, n_axes), nan where the knee failed."""
        seen = [0]

        def tell(done: int, _total: int) -> None:
            self.tell(done - seen[0])
            seen[0] = done

        found = predict(self.protocols, self.known, z, threads=self.threads, tell=tell)
        return found.values[:, [found.ids.index(name) for name in self.like.ids]]

    def log_posterior(self, z: Floats, predicted: Floats) -> Floats:
        """Log of likelihood times standard-normal prior (k,), without the prior's constant."""
        scores = np.atleast_2d(z)
        return np.asarray(self.like.log_density(predicted) - 0.5 * np.square(scores).sum(axis=1))


def comparison(structure: str = "", threads: int = 1, tell: Tell = lambda _done: None) -> Comparison:
    """Return the comparison of the project's own protocols with the calibration targets.

    Parameters
    ----------
    structure : str
        A rival structure; the default one unless given.
    threads, tell
        As in `Comparison`.
    """
    protocols = load_protocols()
    return Comparison(protocols, unknowns(protocols, structure), likelihood(), threads, tell)
