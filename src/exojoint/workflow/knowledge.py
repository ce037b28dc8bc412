"""What a run knows: the shipped posterior where the knee was calibrated, the tables' prior everywhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.posterior import (
    STRUCTURE,
    Posterior,
    axis_names,
    prior_text,
    refuse_stale,
    shipped_posterior,
)
from exojoint.core.knowledge import KnowledgeSpace
from exojoint.core.streams import Stream
from exojoint.core.tables import Parameter

Floats = NDArray[np.float64]
POSTERIOR, PRIOR = "posterior", "prior"
KINDS = (POSTERIOR, PRIOR)


@dataclass(frozen=True)
class Known:
    """How a run draws what it does not know.

    Parameters
    ----------
    posterior : Posterior or None
        None: everything from the prior.
    axes : tuple of str
        The calibration's axis of every unknown of the run, in its order; empty where the prior is used.
    because : str
        In words, for the synopsis and the report.
    """

    posterior: Posterior | None
    axes: tuple[str, ...]
    because: str

    @property
    def calibrated(self) -> tuple[bool, ...]:
        """Which unknowns of the run come from the posterior."""
        if self.posterior is None:
            return (False,) * len(self.axes)
        return tuple(axis in self.posterior.names for axis in self.axes)

    def scores(self, prior: Floats, luck: Stream, draws: Sequence[int]) -> Floats:
        """Scores (k, n) of the draws: `prior` with every calibrated column from the posterior."""
        return prior if self.posterior is None else self.posterior.scores(self.axes, prior, luck, draws)

    def centre_and_spread(self) -> tuple[Floats, Floats]:
        """Mean and SD of every unknown's score, (n,) each; 0 and 1 where the prior is used."""
        if self.posterior is None:
            return np.zeros(len(self.axes)), np.ones(len(self.axes))
        mean, covariance = self.posterior.moments(self.axes)
        return mean, np.sqrt(np.diag(covariance))

    def story(self, names: Sequence[str]) -> dict[str, str]:
        """What is known of every calibrated unknown, in words, by name: class, posterior and prior."""
        if self.posterior is None:
            return {}
        pairs = zip(names, self.axes, strict=True)
        return {name: _words(self.posterior.rows[axis]) for name, axis in pairs if axis in self.posterior.names}


def known(kind: str, species: str, structure: str, space: KnowledgeSpace, own: Sequence[str] = ()) -> Known:
    """Return what a run knows.

    Parameters
    ----------
    kind : str
        ``posterior`` or ``prior``, as the scenario says.
    species, structure : str
        Of the run's joint.
    space : KnowledgeSpace
        The run's unknowns.
    own : sequence of str
        Rows that the scenario's own table replaces: they keep that table's prior.

    Raises
    ------
    InputError
        When the posterior was made for tables with another prior.
    """
    if kind == PRIOR:
        return Known(None, ("",) * space.n_axes, "prior, as the scenario asks")
    if structure != STRUCTURE:
        because = f"prior: the knee of structure '{structure}' was not calibrated"
        return Known(None, ("",) * space.n_axes, because)
    rows: list[Parameter] = [space.table[name] for name in space.names]
    mine = [row for row in rows if row.name not in own]
    posterior = shipped_posterior()
    found = dict(zip((row.name for row in mine), axis_names(species, structure, mine), strict=True))
    refuse_stale(posterior, [found[row.name] for row in mine], mine)
    axes = tuple(found.get(name, "") for name in space.names)
    n = sum(axis in posterior.names for axis in axes)
    return Known(posterior, axes, f"posterior for {n} of {space.n_axes} unknowns, prior for the others")


def story_of(row: Parameter) -> str:
    """What the shipped calibration made of a row, in words; empty where it says nothing about this very prior."""
    cells = shipped_posterior().rows.get(row.name)
    if cells is None or cells["prior"] != prior_text(row):
        return ""
    return "no target depends on it" if cells["class"] == "unread" else _words(cells)


def _words(cells: Mapping[str, str]) -> str:
    after = f"{cells['median']} ({cells['q05']} to {cells['q95']})"
    before = f"{cells['prior_median']} ({cells['prior_q05']} to {cells['prior_q95']})"
    partner = f" with {cells['partner']}" if cells["class"] == "confounded" else ""
    return f"{cells['class']}{partner}: posterior {after}, prior {before} {cells['unit']}".removesuffix(" 1")
