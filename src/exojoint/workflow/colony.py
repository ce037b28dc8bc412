"""Animals of a run: rested healthy, injured on day 0, given their own volumes; everything else is as for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exojoint.core.streams import Stream
from exojoint.engine import Event, Kernel
from exojoint.joint.burn_in import BurnedIn
from exojoint.joint.induction import induce, rest_healthy
from exojoint.patients.animals import Colony, sample_animals
from exojoint.patients.sampling import Patients
from exojoint.workflow.plan import Plan

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def animals_of(plan: Plan, colony: Colony, values: Mapping[str, float], luck: Stream, ids: Ints) -> Patients:
    """Animals of one knowledge draw, their injury included."""
    injury = plan.induction
    table = plan.knee.parameters if injury is None else plan.knee.parameters.merge(injury.rows)
    return sample_animals(colony, table, values, luck, ids)


def rest_animals(plan: Plan, kernel: Kernel, parameters: Floats, threads: int) -> BurnedIn:
    """Healthy animals at rest, dispositions empty."""
    start = np.tile(plan.knee.initial(), (len(parameters), 1))
    return rest_healthy(plan.joint, kernel, parameters, state=start, threads=threads)


def injury_events(
    plan: Plan,
    people: Sequence[Patients],
    knowledge: Sequence[Mapping[str, float]],
    rested: BurnedIn,
    rows: Ints,
) -> list[Event]:
    """What induction does on day 0 to the animals of `rows`, (m,) indices into those of all draws.

    Parameters
    ----------
    people, knowledge : one per draw
    rested : of the same rows
    """
    injury = plan.induction
    if injury is None:
        return []
    own = {}
    for name, row in injury.rows.items():
        drawn = [
            group.parameters.get(name, np.full(len(group.ids), float(values.get(name, row.value))))
            for group, values in zip(people, knowledge, strict=True)
        ]
        own[name] = np.concatenate(drawn)[rows]
    return induce(plan.joint, injury.model, rested, plan.knee.state_names, own)
