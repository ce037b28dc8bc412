"""From the label to the knee: how many vesicles an injection of a labelled dose truly brings.

The vial is diluted so that the *measured* concentration times the volume is the label. True NTA-equivalent particles
are label x method ratio x count error (one per lot) x fill error (one per administration) x recovery (thaw, walls,
needle).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.core.streams import Stream
from exojoint.product.catalogue import COUNT_METHODS, Numbers
from exojoint.product.lot import Lot
from exojoint.product.size import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Delivered:
    """What reached the joint at each administration.

    ids : (n,) administrations; particles : (n,) true NTA-equivalent particles; endotoxin_eu : (n,) endotoxin units;
    `factors` are the multipliers common to all of them, in the order of the chain.
    """

    ids: NDArray[np.int64]
    particles: Floats
    endotoxin_eu: Floats
    label_particles: float
    volume_ml: float
    factors: Mapping[str, float]
    warnings: tuple[str, ...]


def deliver(
    lot: Lot,
    label_particles: float,
    volume_ml: float,
    stream: Stream,
    ids: NDArray[np.int64],
    knowledge: Mapping[str, float],
    fill_score: Floats | None = None,
) -> Delivered:
    """Inject a labelled dose of a lot.

    Parameters
    ----------
    lot : Lot
        The lot; its count error is shared by all its vials.
    label_particles : float
        Particles on the label, in the lot's count method; 0 is a vial without vesicles.
    volume_ml : float
        Injected volume.
    stream : Stream
        Stream of this administration (name the visit in it).
    ids : (n,) integers
        Who gets it: one fill error each.
    knowledge : mapping of row name to value
        The knowledge draw.
    fill_score : (n,) array, optional
        `fill_scores(stream, ids)`, when the caller has it already (many lots given to the same patients).

    Raises
    ------
    InputError
        A negative or infinite label, a volume that is not above 0, a count method whose ratio to NTA is unknown.
    """
    _check(lot, label_particles, volume_ml)
    numbers = Numbers(knowledge)
    factors = {
        "method_ratio": 1.0 if lot.count_method == "nta" else 1.0 / numbers["ratio_mrps_nta"],
        "laboratory_count": numbers["rel_count"],
        "lot_count": lot.count_error,
        "recovery_thaw": numbers["frac_recovery_thaw"],
        "recovery_adsorption": numbers["frac_recovery_adsorption"],
        "recovery_needle": numbers["frac_recovery_needle"],
    }
    ids = np.asarray(ids, dtype=np.int64)
    spread = math.sqrt(math.log1p(numbers["cv_fill"] ** 2))
    fill = np.exp(spread * (fill_scores(stream, ids) if fill_score is None else fill_score))
    return Delivered(
        ids=ids,
        particles=label_particles * math.prod(factors.values()) * fill,
        endotoxin_eu=np.full(len(ids), lot.endotoxin_eu_per_ml * volume_ml),
        label_particles=label_particles,
        volume_ml=volume_ml,
        factors=factors,
        warnings=(*_warnings(lot, label_particles, volume_ml), *lot.warnings),
    )


def fill_scores(stream: Stream, ids: NDArray[np.int64]) -> Floats:
    """Standard-normal score (n,) of each administration's fill error."""
    return stream.child("fill").normal(ids, 1)[:, 0]


def _check(lot: Lot, label_particles: float, volume_ml: float) -> None:
    problems = []
    if not (math.isfinite(label_particles) and label_particles >= 0):
        problems.append(Problem("dose", f"{label_particles:g} particles", "0 or more", "Give a number of particles."))
    if not (math.isfinite(volume_ml) and volume_ml > 0):
        problems.append(Problem("volume", f"{volume_ml:g} mL", "more than 0 mL", "Give the injected volume."))
    if lot.count_method not in COUNT_METHODS:
        what = f"the count method '{lot.count_method}' has no known ratio to NTA"
        problems.append(Problem(lot.name, what, ", ".join(COUNT_METHODS), "Count the lot with one of these."))
    if problems:
        raise InputError(*problems)


def _warnings(lot: Lot, label_particles: float, volume_ml: float) -> tuple[str, ...]:
    said = []
    if not lot.released:
        said.append(f"{lot.name} was not released: {'; '.join(lot.release_reasons)}")
    needed = label_particles / volume_ml
    if needed > lot.particles_per_ml:
        said.append(
            f"{lot.name} holds {lot.particles_per_ml:.3g} particles/mL and the label needs {needed:.3g}: "
            f"it must be concentrated {needed / lot.particles_per_ml:.3g}-fold, at a loss that is not simulated"
        )
    return tuple(said)
