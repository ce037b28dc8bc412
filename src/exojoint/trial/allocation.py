"""Who enters a trial, which arm she gets, and from which lot her injections come.

Participants are drawn from the pool in proportion to weight by systematic sampling of a shuffled pool: the expected
number of places is exactly proportional, and nobody is drawn twice while the pool is large enough. A drawn place is one
participant in one arm; where weight or a small pool makes a pool row fill two places, they are two participants (`copy`
0 and 1) with their own luck.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from exojoint.core.errors import InputError, Problem
from exojoint.core.streams import Stream
from exojoint.trial.design import Allocation
from exojoint.trial.latent import LatentOutcomes

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SLOT_BITS = 20  # a trial has fewer than a million participants, so trial and place share one 64-bit name
MAX_RATIO = 12  # allocation ratios are small whole numbers; 12 covers 1:1 up to 11:1 and 5:4:3
RATIO_TOLERANCE = 0.02  # share of patients by which a blocked ratio may miss the sizes asked for
MAX_LEVELS = 12  # a stratum with more levels is a continuous covariate by mistake


@dataclass(frozen=True, slots=True)
class Roster:
    """Participants of a batch of trials in order of enrolment; every field is (n_trials, n) whole numbers.

    `patient` is the row of the pool, `copy` tells apart two participants from one row, `arm` counts the arms of the
    batch, `lot` the lots of the arm, `block` the allocation blocks of the trial in order of opening.
    """

    patient: Integers
    copy: Integers
    arm: Integers
    lot: Integers
    block: Integers
    stratum: Integers

    @property
    def shape(self) -> tuple[int, int]:
        """Number of trials and of participants in each."""
        trials, n = self.patient.shape
        return trials, n


def slot_ids(n_trials: int, n: int) -> Integers:
    """(n_trials * n,) names of the places, the same whatever the number of trials or of places."""
    trials = np.arange(n_trials, dtype=np.int64)[:, None] << SLOT_BITS
    return (trials + np.arange(n, dtype=np.int64)[None, :]).ravel()


def enrol(
    allocation: Allocation,
    latent: LatentOutcomes,
    stream: Stream,
    n_trials: int,
    sizes: Mapping[str, int],
    lots_per_trial: int,
) -> Roster:
    """Draw, stratify, randomise and supply the participants of `n_trials` trials.

    Raises
    ------
    InputError
        If the sizes make no ratio that can be blocked, or a stratum is not a covariate with few levels.
    """
    n = sum(sizes.values())
    patient, copy = draw_participants(latent.shares, stream, n_trials, n)
    stratum = strata(allocation, latent)[patient]
    arm, block = permuted_blocks(allocation, stratum, ratio(sizes), stream)
    block = opening_order(block)
    libraries = [latent.lots_of(name) for name in sizes]
    lot = supply(block, arm, libraries, lots_per_trial, stream)
    return Roster(patient, copy, arm, lot, block, stratum)


def draw_participants(shares: Array, stream: Stream, n_trials: int, n: int) -> tuple[Integers, Integers]:
    """Pool rows and copy numbers of the participants, both (n_trials, n), in order of enrolment."""
    pool = len(shares)
    luck = stream.child("sample").uniform(np.arange(n_trials), pool + 1)
    shuffled = np.argsort(luck[:, 1:], axis=1)
    steps = np.cumsum(n * shares[shuffled], axis=1)
    steps[:, -1] = n  # the shares sum to 1 but for rounding
    places = _differences(np.floor(steps + luck[:, :1]).astype(np.int64))
    rows = np.repeat(shuffled.ravel(), places.ravel()).reshape(n_trials, n)
    first = np.repeat((np.cumsum(places, axis=1) - places).ravel(), places.ravel()).reshape(n_trials, n)
    arrival = stream.child("enrolment").uniform(slot_ids(n_trials, n), 1).reshape(n_trials, n)
    order = np.argsort(arrival, axis=1)
    copies = np.arange(n)[None, :] - first
    return np.take_along_axis(rows, order, axis=1), np.take_along_axis(copies, order, axis=1)


def _differences(counts: Integers) -> Integers:
    before = np.zeros_like(counts)
    before[:, 1:] = counts[:, :-1]
    return counts - before


def strata(allocation: Allocation, latent: LatentOutcomes) -> Integers:
    """(n_pool,) stratum of each patient of the pool: one per combination of the covariates' levels."""
    code = np.zeros(latent.n_pool, dtype=np.int64)
    for name in allocation.strata:
        if name not in latent.covariates:
            known = ", ".join(latent.covariates)
            raise InputError(
                Problem("allocation strata", f"{name!r} is not a covariate", f"some of {known}", "Change `strata`.")
            )
        levels, level = np.unique(latent.covariates[name], return_inverse=True)
        if len(levels) > MAX_LEVELS:
            raise InputError(
                Problem(
                    "allocation strata",
                    f"{name!r} has {len(levels)} levels",
                    f"at most {MAX_LEVELS}",
                    "Choose a graded covariate.",
                )
            )
        code = code * len(levels) + level
    return code


def ratio(sizes: Mapping[str, int]) -> Integers:
    """Arms (by number) in the smallest block that has the wanted ratio, e.g. sizes 100 and 50 give (0, 0, 1).

    Raises
    ------
    InputError
        If no block of up to 12 comes within 2 % of the sizes.
    """
    wanted = np.array(list(sizes.values())) / sum(sizes.values())
    for length in range(len(wanted), MAX_RATIO + 1):
        counts = np.rint(wanted * length).astype(np.int64)
        if counts.sum() == length and counts.min() > 0 and np.abs(counts / length - wanted).max() <= RATIO_TOLERANCE:
            return np.repeat(np.arange(len(wanted)), counts)
    listed = ", ".join(f"{arm} {n}" for arm, n in sizes.items())
    raise InputError(
        Problem(
            "allocation",
            f"sizes {listed} make no small ratio",
            f"blocks of at most {MAX_RATIO}",
            "Change `n` of the arms.",
        )
    )


def permuted_blocks(
    allocation: Allocation, stratum: Integers, base: Integers, stream: Stream
) -> tuple[Integers, Integers]:
    """Arm and block of every participant, both (n_trials, n), by permuted blocks within strata.

    A block repeats `base` a random multiple of times and is shuffled; the last block of a stratum may stay unfinished,
    as in a real trial.
    """
    n_trials, n = stratum.shape
    n_strata = int(stratum.max()) + 1
    lists = (np.arange(n_trials, dtype=np.int64)[:, None] << SLOT_BITS) + np.arange(n_strata, dtype=np.int64)
    multiples = np.array(allocation.block_multiples)
    n_blocks = -(-n // (len(base) * int(multiples.min())))
    pick = stream.child("block size").uniform(lists.ravel(), n_blocks)
    multiple = multiples[(pick * len(multiples)).astype(np.int64)]
    ends = np.cumsum(multiple * len(base), axis=1)
    length = n + len(base) * int(multiples.max())
    block = _block_of_position(ends, length)
    shuffle = stream.child("allocation").uniform(lists.ravel(), length)
    place = np.argsort(np.argsort(block + shuffle, axis=1), axis=1)
    start = np.take_along_axis(np.pad(ends, ((0, 0), (1, 0))), block, axis=1)
    size = np.take_along_axis(np.pad(multiple, ((0, 0), (0, 1)), constant_values=1), block, axis=1)
    arms = base[np.minimum((place - start) // size, len(base) - 1)]
    row = np.arange(n_trials)[:, None] * n_strata + stratum
    position = _position_in_stratum(stratum, n_strata)
    return arms[row, position], stratum * n_blocks + block[row, position]


def _block_of_position(ends: Integers, length: int) -> Integers:
    """(lists, length) block that each position of each allocation list falls into."""
    lists, n_blocks = ends.shape
    offset = np.arange(lists)[:, None] * (int(ends.max()) + length)
    positions = np.arange(length)[None, :] + offset
    found = np.searchsorted((ends + offset).ravel(), positions.ravel(), side="right").reshape(lists, length)
    return np.asarray(np.minimum(found - np.arange(lists)[:, None] * n_blocks, n_blocks))


def _position_in_stratum(stratum: Integers, n_strata: int) -> Integers:
    position = np.zeros_like(stratum)
    for code in range(n_strata):
        inside = stratum == code
        position[inside] = (np.cumsum(inside, axis=1) - 1)[inside]
    return position


def opening_order(block: Integers) -> Integers:
    """Blocks of each trial numbered from 0 in the order in which their first participant came."""
    numbered = np.empty_like(block)
    for trial, row in enumerate(block):
        _, first, inverse = np.unique(row, return_index=True, return_inverse=True)
        numbered[trial] = np.argsort(np.argsort(first))[inverse]
    return numbered


def supply(block: Integers, arm: Integers, libraries: list[int], lots_per_trial: int, stream: Stream) -> Integers:
    """Lot of every participant: a trial uses `lots_per_trial` lots of an arm's library, one after the other by block.

    Arms with libraries of one size share the choice of lots, as two doses of one product do.
    """
    n_trials = len(block)
    opened = block.max(axis=1, keepdims=True) + 1
    lot = np.zeros_like(block)
    for number, library in enumerate(libraries):
        used = min(lots_per_trial, library)
        chosen = np.argsort(stream.child("lots", library).uniform(np.arange(n_trials), library), axis=1)[:, :used]
        sequence = block * used // opened
        lot = np.where(arm == number, np.take_along_axis(chosen, sequence, axis=1), lot)
    return lot
