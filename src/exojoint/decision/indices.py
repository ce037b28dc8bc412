"""Variance shares of several headlines at once: first-order and total indices of single unknowns and of groups.

First order by Saltelli et al., Comput Phys Commun 2010;181:259-270, or by Jansen, Comput Phys Commun 1999;117:35-43,
whichever has the smaller error; total by Jansen. Unknowns are independent and standard normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats.qmc import Sobol

from exojoint.decision.resampling import Measured, means, resample_counts

Floats = NDArray[np.float64]

# A number of a low-discrepancy sequence may be exactly 0: half a step of its 30 bits keeps the normal score finite.
TINY = 2.0**-31


@dataclass(frozen=True)
class Indices:
    """Indices of each set of axes for each headline; arrays are (n_sets, n_headlines).

    Attributes
    ----------
    first : share of the variance that the set explains alone, with bootstrap error and 95 % interval
    total : share that would vanish if the set were known, likewise
    n_used : base points whose three runs all have a value
    variance : (n_headlines,), of each headline over all of our belief
    evaluations, failed : runs, and runs without a value
    """

    first: Measured
    total: Measured
    n_used: NDArray[np.int64]
    variance: Floats
    evaluations: int
    failed: int


def base_points(n_axes: int, n: int, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Two independent samples of n standard-normal rows each, (n, n_axes); n should be a power of two.

    They are the two halves of one low-discrepancy sequence, shifted at random (Cranley, Patterson 1976).
    """
    sequence = Sobol(2 * n_axes, scramble=False).random(n)
    shifted = (sequence + generator.random(2 * n_axes)) % 1.0
    scores = ndtri(np.clip(shifted, TINY, 1.0 - TINY))
    return scores[:, :n_axes], scores[:, n_axes:]


def mixed_points(first: Floats, second: Floats, sets: Sequence[Sequence[int]]) -> Floats:
    """All rows to run: both samples, then for each set the first one with the set's axes taken from the second."""
    rows = [first, second]
    for axes in sets:
        swapped = first.copy()
        swapped[:, list(axes)] = second[:, list(axes)]
        rows.append(swapped)
    return np.concatenate(rows)


def indices(values: Floats, n_sets: int, generator: np.random.Generator) -> Indices:
    """Indices from the values at `mixed_points`.

    Parameters
    ----------
    values : (n * (2 + n_sets), n_headlines), NaN where a run failed; base points with a failed run are left out, set by
        set, and counted
    generator : for the bootstrap

    Raises
    ------
    ValueError
        When the rows are not two samples and one more for each of at least one set.
    """
    if n_sets < 1 or len(values) % (2 + n_sets):
        raise ValueError(f"{len(values)} rows cannot be two samples and {n_sets} sets of the same length")
    n = len(values) // (2 + n_sets)
    blocks = values.reshape(2 + n_sets, n, -1)
    counts = resample_counts(n, generator)
    found = [_one_set(blocks[0], blocks[1], mixed, counts) for mixed in blocks[2:]]
    first, total, n_used = zip(*found, strict=True)
    whole = np.isfinite(blocks[:2]).all(axis=0)
    both = np.where(whole, blocks[:2], np.nan).reshape(2 * n, -1)
    failed = int((~np.isfinite(values).all(axis=1)).sum())
    variance = np.nanvar(both, axis=0)
    return Indices(Measured.stack(first), Measured.stack(total), np.array(n_used), variance, len(values), failed)


def _one_set(a: Floats, b: Floats, mixed: Floats, counts: Floats) -> tuple[Measured, Measured, NDArray[np.int64]]:
    """Both indices of one set for all headlines, with errors; the better of two estimators of the first order, and the
    base points used.
    """
    whole = np.isfinite(a) & np.isfinite(b) & np.isfinite(mixed)
    a, b, mixed = (np.where(whole, part, np.nan) for part in (a, b, mixed))
    n_used = whole.sum(axis=0)
    centre = np.nanmean(np.concatenate([a, b]), axis=0) if whole.any() else np.full(a.shape[1], np.nan)
    a, b, mixed = a - centre, b - centre, mixed - centre
    parts = {
        "saltelli": b * (mixed - a),
        "jansen": np.square(b - mixed) / 2.0,
        "total": np.square(a - mixed) / 2.0,
        "square": (np.square(a) + np.square(b)) / 2.0,
        "mean": (a + b) / 2.0,
    }
    point = {name: means(np.ones((1, len(a))), part)[0] for name, part in parts.items()}
    drawn = {name: means(counts, part) for name, part in parts.items()}
    best, spread = _ratios(point), _ratios(drawn)
    found = {name: Measured.of(best[name], spread[name]) for name in best}
    better = found["saltelli"].error <= found["jansen"].error
    return found["saltelli"].where(better, found["jansen"]), found["total"], n_used


def _ratios(mean: dict[str, Floats]) -> dict[str, Floats]:
    """Means of the parts over the variance; NaN for a headline that does not vary."""
    variance = mean["square"] - np.square(mean["mean"])
    variance = np.where(variance > 0.0, variance, np.nan)
    return {
        "saltelli": mean["saltelli"] / variance,
        "jansen": 1.0 - mean["jansen"] / variance,
        "total": mean["total"] / variance,
    }
