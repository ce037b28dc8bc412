"""Which knowledge the forecasts rest on: the prior of the tables, or the posterior once it is shipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from validation.twins.twin import Twin

from exojoint.calibration.posterior import DRAWS, shipped_posterior
from exojoint.calibration.unknowns import Unknowns, unknowns
from exojoint.core.streams import Stream

Floats = NDArray[np.float64]
KINDS = ("auto", "prior", "posterior")


@dataclass(frozen=True)
class Knowledge:
    """Knowledge draws for a set of twins: scores z (k, n_axes) on the axes of `known`, with weights (k,)."""

    kind: str
    known: Unknowns
    z: Floats
    weights: Floats


def draw_prior(twins: Sequence[Twin], k: int, luck: Stream) -> Knowledge:
    """Draw k times from the uncertainties of the tables."""
    known = unknowns([twin.protocol for twin in twins])
    z = luck.child("knowledge").normal(np.arange(k, dtype=np.int64), known.space.n_axes)
    return Knowledge("prior", known, z, np.ones(k))


def draw(kind: str, twins: Sequence[Twin], k: int, luck: Stream) -> Knowledge:
    """Draw k times from the prior, or from the posterior that the package ships; ``auto``: from what there is.

    Rows that no target informed keep their prior, as in a scenario.
    """
    prior = draw_prior(twins, k, luck)
    there = (files("exojoint.calibration") / "posterior" / DRAWS).is_file()
    if kind == "prior" or (kind == "auto" and not there):
        return prior
    z = shipped_posterior().scores(prior.known.names, prior.z, luck.child("posterior"), range(k))
    return Knowledge("posterior", prior.known, z, np.ones(k))
