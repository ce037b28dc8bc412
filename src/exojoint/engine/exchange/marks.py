"""Conditions that a course may cross: where equations change their form, and where triggers become true."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from exojoint.engine.exchange.evaluate import Evaluator, Value
from exojoint.engine.expression import RELATIONAL, Expr, symbols_of, walk

Reals = NDArray[np.float64]
AT_LEAST = 1e-16  # share of a stretch that is its shortest, so that time 0 has a next moment
STRAIGHT = 1e-9  # relative bend below which a function of time counts as a straight line


class Marks:
    """The comparisons and the steps (floor) inside some expressions.

    Parameters
    ----------
    roots : iterable of Expr
        Rates and triggers.
    states : iterable of str
        Names that move.
    """

    def __init__(self, roots: Iterable[Expr], states: Iterable[str]) -> None:
        self.nodes = [e for e in walk(roots) if e.op in RELATIONAL or e.op == "floor"]
        self._values = Evaluator(self.nodes)
        moving = set(states)
        timed = [e for e in self.nodes if not symbols_of((e,)) & moving]
        self._timed = [e for e in timed if any(node.op == "time" for node in walk((e,)))]
        self._distances = Evaluator([_distance(e) for e in self._timed])

    @property
    def any(self) -> bool:
        """Whether there is anything to watch."""
        return bool(self.nodes)

    def at(self, values: Mapping[str, Value], times: Reals) -> Reals:
        """Return the value of every mark at some times, (n_marks, m)."""
        found = self._values(values, times)
        return np.stack([np.broadcast_to(np.asarray(v, dtype=np.float64), times.shape) for v in found])

    def next_time(self, values: Mapping[str, Value], now: float, end: float) -> float:
        """Return the next time at which a mark that depends on time alone may change; ``end`` if there is none before.

        A straight line in time crosses at a time that can be computed: it is met exactly, and just after.
        """
        if not self._timed:
            return end
        step = (end - now) / 2.0
        distances = [[float(d) for d in self._distances(values, now + k * step)] for k in range(3)]
        best = end
        for e, a, b, c in zip(self._timed, *distances, strict=True):
            slope = (c - a) / (2.0 * step)
            bend = abs(c - 2.0 * b + a)
            if not math.isfinite(slope) or slope == 0.0 or bend > STRAIGHT * max(abs(a), abs(b), abs(c)):
                continue
            goal = 0.0 if e.op != "floor" else math.floor(a) + (1.0 if slope > 0.0 else 0.0)
            crossing = now + (goal - a) / slope if e.op == "floor" else self._crossing(e, values, now, a, slope)
            for t in (crossing, max(math.nextafter(crossing, math.inf), AT_LEAST * end)):
                if now < t < best:
                    best = t
        return best

    def _crossing(self, e: Expr, values: Mapping[str, Value], now: float, distance: float, slope: float) -> float:
        """Return where a comparison changes; plain comparisons of time with a number are read off."""
        left, right = e.args
        for clock, other in ((left, right), (right, left)):
            if clock.op == "time" and not any(node.op == "time" for node in walk((other,))):
                return float(Evaluator([other])(values, now)[0])
        return now - distance / slope


def _distance(e: Expr) -> Expr:
    """Return what changes its sign where a comparison changes, or what is stepped."""
    return e.args[0] if e.op == "floor" else e.args[0] - e.args[1]


def changed(a: Reals, b: Reals) -> NDArray[np.bool_]:
    """Return where two values of marks differ; not a number is equal to itself."""
    different: NDArray[np.bool_] = (a != b) & ~(np.isnan(a) & np.isnan(b))
    return different
