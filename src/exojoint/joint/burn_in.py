"""Burn-in: let the fast part of a knee come to rest under its structure, and find the gain that gives its pain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.engine import Kernel, Outcome, rest
from exojoint.joint.levers import neutral
from exojoint.joint.model import JointModel

Reals = NDArray[np.float64]
FROZEN = {"switch_structure": 0.0, "gain_activity_pain": 0.0}  # values during burn-in, restored afterwards
COUNTER = "replacement_hazard"  # grows for ever; starts from 0 at day 0
NOT_SETTLED = "burn_in_not_settled"


@dataclass(frozen=True)
class BurnedIn:
    """Patients at rest on day 0.

    Parameters
    ----------
    parameters : (n, n_parameters) array
        As given, with ``gain_pain`` and ``pain_reference`` set; nan gain where burn-in failed.
    state : (n, n_states) array
        State at rest; nan where burn-in failed.
    outcome : (n,) array
        Values of `exojoint.engine.Outcome`; see `outcome_name`.
    """

    parameters: Reals
    state: Reals
    outcome: NDArray[np.uint8]

    @property
    def settled(self) -> NDArray[np.bool_]:
        """Which patients can be followed."""
        return np.equal(self.outcome, Outcome.ok)


def outcome_name(code: int) -> str:
    """Return the word for an outcome of burn-in: ``ok``, ``burn_in_not_settled`` or ``burn_in_`` with the fault."""
    return (
        "ok" if code == Outcome.ok else NOT_SETTLED if code == Outcome.not_settled else f"burn_in_{Outcome(code).name}"
    )


def burn_in(
    joint: JointModel,
    kernel: Kernel,
    parameters: ArrayLike,
    state: ArrayLike,
    pain_baseline: ArrayLike,
    *,
    threads: int = 1,
) -> BurnedIn:
    """Bring every patient to rest with structure frozen, then solve the pain gain exactly.

    Pain odds are linear in the gain and nothing else depends on the gain while activity does not answer to pain, so one
    division gives the wanted pain. On release only slow derivatives switch on; no state jumps.

    Parameters
    ----------
    joint : JointModel
        The joint that the kernel contains.
    kernel : Kernel
        The joint alone or with dispositions, all of them untreated.
    parameters : (n, n_parameters) array
        Columns as ``kernel.system.parameters``.
    state : (n, n_states) array
        Columns as ``kernel.system.states``; structure as it shall stay.
    pain_baseline : (n,) array
        Latent WOMAC pain on day 0, strictly between 0 and 100.
    threads : int
        Threads; results do not depend on it.

    Raises
    ------
    InputError
        When a baseline pain is not strictly inside the scale.
    """
    column = {name: i for i, name in enumerate(kernel.system.parameters)}
    p = np.array(parameters, dtype=np.float64)
    pain = np.broadcast_to(np.asarray(pain_baseline, dtype=np.float64), (len(p),))
    top = p[:, column["max_pain"]]
    if not np.all((pain > 0) & (pain < top)):
        what = "a baseline pain is not strictly inside the scale"
        raise InputError(Problem("pain_baseline", what, "values above 0 and below 100", "Exclude or truncate it."))
    p[:, column["pain_reference"]] = pain
    kept = {name: p[:, column[name]].copy() for name in FROZEN}
    for name, value in FROZEN.items():
        p[:, column[name]] = value
    p[:, column["gain_pain"]] = 1.0
    rested = rest(kernel, p, state, threads=threads, ignore=(COUNTER,))
    y = rested.state.copy()
    odds = _pain_odds(joint, kernel, p, y)
    for name, values in kept.items():
        p[:, column[name]] = values
    p[:, column["gain_pain"]] = pain / (top - pain) / odds
    y[:, kernel.system.states.index(COUNTER)] = np.where(rested.outcome == Outcome.ok, 0.0, np.nan)
    return BurnedIn(p, y, rested.outcome)


def _pain_odds(joint: JointModel, kernel: Kernel, p: Reals, y: Reals) -> Reals:
    """Odds of the pain score at gain 1, (n,)."""
    x = {name: y[:, i] for i, name in enumerate(kernel.system.states)}
    values = {name: p[:, i] for i, name in enumerate(kernel.system.parameters)}
    pain = joint.pain(x, values, neutral(joint.levers))
    odds: Reals = pain / (values["max_pain"] - pain)
    return odds
