"""What is kept of a population too large to keep: sums, histograms, quantiles, responders, a few chosen columns.

Every reducer turns a block of patients into plain arrays (a *part*) and merges parts. Blocks have a fixed size and are
merged in the order of patients, so results do not depend on chunks, threads or machines.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Part = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Block:
    """Courses of consecutive patients.

    Attributes
    ----------
    ids : (b,)
    values : (b, m, k), nan for patients who failed
    names : k names
    days : (m,)
    """

    ids: NDArray[np.int64]
    values: Reals
    names: tuple[str, ...]
    days: Reals

    def column(self, name: str) -> Reals:
        """Return one output, (b, m)."""
        return self.values[:, :, self.names.index(name)]


class Reducer(ABC):
    """Turns blocks into parts, merges parts, and reads the result off."""

    @abstractmethod
    def part(self, block: Block) -> Part:
        """Return what is kept of a block."""

    @abstractmethod
    def merge(self, first: Part, second: Part) -> Part:
        """Return what is kept of two consecutive stretches of patients."""

    def result(self, whole: Part) -> Part:
        """Return the result of all patients."""
        return whole


@dataclass(frozen=True)
class Moments(Reducer):
    """Number, mean, standard deviation, smallest and largest of every output on every day, each (m, k)."""

    def part(self, block: Block) -> Part:
        """Sums about the block's own mean; patients without a number do not count."""
        v = block.values
        known = np.isfinite(v)
        n = known.sum(axis=0)
        mean = np.where(known, v, 0.0).sum(axis=0) / np.maximum(n, 1)
        square = (np.where(known, v - mean, 0.0) ** 2).sum(axis=0)
        low = np.where(known, v, np.inf).min(axis=0, initial=np.inf)
        high = np.where(known, v, -np.inf).max(axis=0, initial=-np.inf)
        return {"n": n, "mean": mean, "square": square, "min": low, "max": high}

    def merge(self, first: Part, second: Part) -> Part:
        """Merge means and squares (Chan, Golub and LeVeque, The American Statistician 37 (1983) 242)."""
        n = first["n"] + second["n"]
        share = second["n"] / np.maximum(n, 1)
        gap = second["mean"] - first["mean"]
        return {
            "n": n,
            "mean": first["mean"] + gap * share,
            "square": first["square"] + second["square"] + gap**2 * first["n"] * share,
            "min": np.minimum(first["min"], second["min"]),
            "max": np.maximum(first["max"], second["max"]),
        }

    def result(self, whole: Part) -> Part:
        """Replace the sum of squares by the standard deviation, and what nobody has by nan."""
        n = whole["n"]
        sd = np.sqrt(np.divide(whole["square"], n - 1, out=np.full(n.shape, np.nan), where=n > 1))
        blank = {k: np.where(n > 0, whole[k], np.nan) for k in ("mean", "min", "max")}
        return {"n": n, "sd": sd, **blank}


@dataclass(frozen=True)
class Histogram(Reducer):
    """Counts of one output between edges on every day, (m, len(edges) + 1): below, between, at or above."""

    output: str
    edges: tuple[float, ...]

    def part(self, block: Block) -> Part:
        """Count the block."""
        column = block.column(self.output)
        place = np.searchsorted(np.asarray(self.edges), column, side="right")
        counts = [
            np.bincount(place[np.isfinite(column[:, d]), d], minlength=len(self.edges) + 1)
            for d in range(column.shape[1])
        ]
        return {"counts": np.array(counts, dtype=np.int64).reshape(column.shape[1], len(self.edges) + 1)}

    def merge(self, first: Part, second: Part) -> Part:
        """Add the counts."""
        return {"counts": first["counts"] + second["counts"]}


SMALLEST, LARGEST = 1e-12, 1e12  # sizes that a quantile tells apart; smaller counts as zero


@dataclass(frozen=True)
class Quantiles(Reducer):
    """Quantiles of chosen outputs on every day, each within a relative error.

    Values are counted in bins that grow geometrically (C. Masson, J. E. Rim and H. K. Lee, DDSketch, PVLDB 12 (2019)
    2195): counts add up exactly, so the result does not depend on how patients were divided.

    Attributes
    ----------
    outputs : tuple of str
    probabilities : tuple of float
    error : float
        Relative error of a quantile.
    """

    outputs: tuple[str, ...]
    probabilities: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)
    error: float = 0.005

    @property
    def _growth(self) -> float:
        return (1.0 + self.error) / (1.0 - self.error)

    @property
    def _bins(self) -> int:
        return int(np.ceil(np.log(LARGEST / SMALLEST) / np.log(self._growth))) + 1

    def part(self, block: Block) -> Part:
        """Count sizes in bins: negative values from the left, zero in the middle, positive values to the right."""
        n = self._bins
        counts = np.zeros((len(self.outputs), len(block.days), 2 * n + 1), dtype=np.int64)
        for i, name in enumerate(self.outputs):
            v = block.column(name)
            size = np.clip(np.abs(v), SMALLEST, LARGEST)
            step = np.ceil(np.log(size / SMALLEST) / np.log(self._growth))
            place = np.where(np.abs(v) < SMALLEST, 0.0, np.sign(v) * (1.0 + np.minimum(step, n - 1))) + n
            for d in range(len(block.days)):
                known = np.isfinite(v[:, d])
                counts[i, d] = np.bincount(place[known, d].astype(np.int64), minlength=2 * n + 1)
        return {"counts": counts}

    def merge(self, first: Part, second: Part) -> Part:
        """Add the counts."""
        return {"counts": first["counts"] + second["counts"]}

    def result(self, whole: Part) -> Part:
        """Return ``quantiles`` (probabilities, days, outputs)."""
        counts, n = whole["counts"], self._bins
        total = counts.sum(axis=-1)
        growth = self._growth
        sizes = SMALLEST * growth ** np.arange(n) * 2.0 / (1.0 + growth)
        centres = np.concatenate([-sizes[::-1], [0.0], sizes])
        below = counts.cumsum(axis=-1)
        found = []
        for p in self.probabilities:
            rank = np.maximum(np.ceil(p * total), 1)[..., None]
            found.append(np.where(total > 0, centres[(below >= rank).argmax(axis=-1)], np.nan))
        return {"quantiles": np.moveaxis(np.array(found), 1, 2)}


@dataclass(frozen=True)
class Responders(Reducer):
    """How many patients improve: output on each day below (or above) a level, or a change from the first day.

    Attributes
    ----------
    output : str
    level : float
        Threshold of the value, or of the change when ``change`` is true.
    below : bool
        Whether a responder is below the level (else above).
    change : bool
        Whether the change from the first output day counts.
    """

    output: str
    level: float
    below: bool = True
    change: bool = False

    def part(self, block: Block) -> Part:
        """Count responders and patients with a number, (m,)."""
        v = block.column(self.output)
        v = v - v[:, :1] if self.change else v
        hit = v < self.level if self.below else v > self.level
        return {"responders": hit.sum(axis=0), "n": np.isfinite(v).sum(axis=0)}

    def merge(self, first: Part, second: Part) -> Part:
        """Add the counts."""
        return {k: first[k] + second[k] for k in first}


@dataclass(frozen=True)
class Keep(Reducer):
    """Chosen outputs of every patient on chosen days: memory grows with the population, so choose few.

    Attributes
    ----------
    outputs : tuple of str
    days : tuple of int
        Indices into the output days; -1 is the last.
    """

    outputs: tuple[str, ...]
    days: tuple[int, ...] = (-1,)

    def part(self, block: Block) -> Part:
        """Copy the columns, (b, days, outputs)."""
        columns = [block.names.index(o) for o in self.outputs]
        return {"values": block.values[:, list(self.days)][:, :, columns].copy(), "ids": block.ids.copy()}

    def merge(self, first: Part, second: Part) -> Part:
        """Put one after the other."""
        return {k: np.concatenate([first[k], second[k]]) for k in first}


@dataclass(frozen=True)
class Apply(Reducer):
    """Any sum over patients: ``function(block)`` gives arrays that are added up."""

    function: Callable[[Block], Part]

    def part(self, block: Block) -> Part:
        """Call the function."""
        return self.function(block)

    def merge(self, first: Part, second: Part) -> Part:
        """Add the arrays."""
        return {k: first[k] + second[k] for k in first}


BLOCK: Final = 256  # patients; the unit of every sum, so that sums do not depend on the division into chunks


def reduce_blocks(
    reducers: Sequence[Reducer], values: Reals, first_id: int, names: tuple[str, ...], days: Reals
) -> list[list[Part]]:
    """Return for every block of a chunk the parts of all reducers.

    The chunk must start at a block.
    """
    parts = []
    for start in range(0, len(values), BLOCK):
        rows = values[start : start + BLOCK]
        ids = np.arange(first_id + start, first_id + start + len(rows), dtype=np.int64)
        parts.append([r.part(Block(ids, rows, names, days)) for r in reducers])
    return parts


class Gatherer:
    """Merges parts in the order of patients, whatever the order in which they arrive."""

    def __init__(self, reducers: Sequence[Reducer]) -> None:
        self.reducers = reducers
        self.whole: list[Part] = []
        self.waiting: dict[int, list[list[Part]]] = {}
        self.next_chunk = 0

    def give(self, chunk: int, blocks: list[list[Part]]) -> None:
        """Take the blocks of a chunk; merge what is next in order."""
        self.waiting[chunk] = blocks
        while self.next_chunk in self.waiting:
            for parts in self.waiting.pop(self.next_chunk):
                both = zip(self.reducers, self.whole, parts, strict=True) if self.whole else ()
                self.whole = [r.merge(a, b) for r, a, b in both] if self.whole else parts
            self.next_chunk += 1

    def results(self) -> list[Part]:
        """Return the results of all reducers."""
        return [r.result(w) for r, w in zip(self.reducers, self.whole, strict=True)]
