"""Patients who were seen at the same visits, summed: all that the likelihood of an MMRM needs from the data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@lru_cache(maxsize=64)
def triangle(size: int) -> tuple[IntArray, IntArray]:
    """Rows and columns of the upper triangle with diagonal, read-only."""
    rows, columns = np.triu_indices(size)
    rows.setflags(write=False)
    columns.setflags(write=False)
    return rows, columns


@dataclass(frozen=True, slots=True)
class Moments:
    """Cross-products by missing-data pattern. A pattern is a set of seen visits within one covariance group.

    Attributes
    ----------
    seen : (s, v), visits of each pattern.
    group : (s,), which covariance matrix the pattern's patients have.
    n_patients : (s,).
    pair_pattern, pair_first, pair_second : (m,), one entry per pattern and pair of seen visits (first <= second).
    products : (m, P (P + 1) / 2), sum over patients of the symmetrised z_first z_second', upper triangle, P = p + 1.
    n_columns : P.
    """

    seen: BoolArray
    group: IntArray
    n_patients: FloatArray
    pair_pattern: IntArray
    pair_first: IntArray
    pair_second: IntArray
    products: FloatArray
    n_columns: int


def gather(z: FloatArray, subject: IntArray, visit: IntArray, group: IntArray) -> Moments:
    """Sum the rows of z (N, P) by pattern; `subject`, `visit` are codes 0, 1, ... (N,); `group` is per subject."""
    n_visits = int(visit.max()) + 1
    row_of = np.full((int(subject.max()) + 1, n_visits), -1)
    row_of[subject, visit] = np.arange(len(z))
    keys, pattern_of = np.unique(np.column_stack([group, row_of >= 0]), axis=0, return_inverse=True)
    seen = keys[:, 1:].astype(bool)
    parts = [_pattern_products(z[row_of[np.ix_(pattern_of == s, seen[s])]]) for s in range(len(keys))]
    pairs = [_pairs(np.flatnonzero(row)) for row in seen]
    return Moments(
        seen=seen,
        group=keys[:, 0],
        n_patients=np.bincount(pattern_of, minlength=len(keys)).astype(float),
        pair_pattern=np.repeat(np.arange(len(keys)), [len(p) for p in parts]),
        pair_first=np.concatenate([first for first, _ in pairs]),
        pair_second=np.concatenate([second for _, second in pairs]),
        products=np.concatenate(parts),
        n_columns=z.shape[1],
    )


def _pairs(visits: IntArray) -> tuple[IntArray, IntArray]:
    first, second = triangle(len(visits))
    return visits[first], visits[second]


def _pattern_products(z: FloatArray) -> FloatArray:
    """z (n, visits, P) -> (pairs, P (P + 1) / 2)."""
    n, m, p = z.shape
    flat = z.reshape(n, m * p)
    gram = (flat.T @ flat).reshape(m, p, m, p)
    first, second = triangle(m)
    blocks = gram[first, :, second, :]
    rows, columns = triangle(p)
    return 0.5 * (blocks[:, rows, columns] + blocks[:, columns, rows])
