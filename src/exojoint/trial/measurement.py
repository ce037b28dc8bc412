"""From what is true in a knee to what the trial writes down: latent scores, spells, errors of reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from exojoint.core.streams import Stream
from exojoint.trial.allocation import Roster, slot_ids
from exojoint.trial.design import Design
from exojoint.trial.instrument import Endpoint
from exojoint.trial.latent import LatentOutcomes

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the endpoints of all participants of a batch; the same participant always meets the same luck.

    `spells` is (n_trials * n, v) standard normal, shared by the instruments that ask about pain. `gains` is (n_pool,)
    baseline log-odds by endpoint. `pool_row` is (n_trials * n,).
    """

    design: Design
    stream: Stream
    ids: npt.NDArray[np.int64]
    pool_row: npt.NDArray[np.int64]
    spells: Array
    gains: Mapping[str, Array]

    def latent(self, endpoint: Endpoint, path: Array) -> Array:
        """Latent score (n_trials * n, v) from the observables (n_trials * n, v, observables of the design)."""
        values = path[:, :, self.design.observables.index(endpoint.observable)]
        if endpoint.follows is None:
            return values
        return endpoint.follows.path(values, values[:, 0], self.gains[endpoint.name][self.pool_row])

    def observed(self, endpoint: Endpoint, latent: Array) -> Array:
        """Recorded score (n_trials * n, v) if every visit were attended."""
        noise = self.stream.child("reading", endpoint.name).normal(self.ids, len(self.design.days))
        return endpoint.observe(latent, self.design.days, self.spells, noise)


def make_reader(design: Design, latent: LatentOutcomes, roster: Roster, stream: Stream) -> Reader:
    """The reader of one batch: names the luck of every participant, visit and instrument."""
    ids = slot_ids(*roster.shape)
    return Reader(
        design=design,
        stream=stream,
        ids=ids,
        pool_row=roster.patient.ravel(),
        spells=stream.child("spell").normal(ids, len(design.days)),
        gains=own_levels(design, latent, stream),
    )


def own_levels(design: Design, latent: LatentOutcomes, stream: Stream) -> dict[str, Array]:
    """Baseline log-odds (n_pool,) of each endpoint that follows pain: the patient's own, the same in every trial."""
    levels = {}
    patients = np.arange(latent.n_pool)
    for plan in design.endpoints:
        endpoint = plan.endpoint
        if endpoint.follows is not None:
            pain = latent.observable(latent.control, endpoint.observable)[:, 0, 0]
            own = stream.child("own level", endpoint.name).normal(patients, 1)[:, 0]
            solved = latent.usable
            levels[plan.name] = endpoint.follows.baseline(np.where(solved, pain, 50.0), latent.shares, own)
    return levels
