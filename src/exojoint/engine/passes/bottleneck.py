"""Intermediate results through which many states act on many rates become unknowns of the linear system.

If n states reach m rates only through one value (inflammation, overload), the Jacobian holds a block of n x m numbers
of rank one. With the value as an extra unknown that block is n + m numbers, and the elimination decides itself when to
remove it. The solution for the states is the same; factorising and solving cost about half in models of joints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exojoint.engine.expression import Expr, symbol, walk
from exojoint.engine.passes.elimination import Elimination, Pattern, eliminate

SOLUTIONS_PER_STEP = 8  # of Rodas5P: how often the factors are used
WORK_PER_ENTRY = 4  # operations to evaluate one Jacobian entry, a typical count
CANDIDATES = 10  # best structural guesses that are tried in every round


@dataclass(frozen=True)
class Structure:
    """Who reads whom, as indices into the nodes in evaluation order.

    Attributes
    ----------
    nodes : tuple of Expr
        Every node below the rates.
    args : tuple of tuple of int
        Operands of each node.
    variable : tuple of int
        State index of a node that is a state, else -1.
    rows : tuple of int
        Node of each rate.
    """

    nodes: tuple[Expr, ...]
    args: tuple[tuple[int, ...], ...]
    variable: tuple[int, ...]
    rows: tuple[int, ...]

    @property
    def n(self) -> int:
        """Number of states."""
        return len(self.rows)


def structure_of(rates: Sequence[Expr], states: Sequence[str]) -> Structure:
    """Return the reading structure of the rates."""
    nodes = tuple(walk(rates))
    index = {e: i for i, e in enumerate(nodes)}
    state = {symbol(n): i for i, n in enumerate(states)}
    return Structure(
        nodes,
        tuple(tuple(index[a] for a in e.args) for e in nodes),
        tuple(state.get(e, -1) for e in nodes),
        tuple(index[r] for r in rates),
    )


def bottlenecks(rates: Sequence[Expr], states: Sequence[str]) -> tuple[Expr, ...]:
    """Return the nodes worth an unknown of their own, in the order in which they were found."""
    s = structure_of(rates, states)
    chosen: dict[int, int] = {}
    best = _cost(s, chosen)
    while True:
        trials = [(_cost(s, {**chosen, i: len(chosen)}), i) for i in _candidates(s, chosen)]
        if not trials or min(trials)[0] >= best:
            return tuple(s.nodes[i] for i in chosen)
        best, winner = min(trials)
        chosen[winner] = len(chosen)


def pattern_of(s: Structure, chosen: Mapping[int, int]) -> Pattern:
    """Return the non-zero positions of the Jacobian, extended by one row and column per chosen node."""
    inside, seen = _inputs(s, chosen)
    pattern: Pattern = set()
    for row, mask in [(r, seen[i]) for r, i in enumerate(s.rows)] + [(s.n + c, inside[i]) for i, c in chosen.items()]:
        pattern.update((row, column) for column in _bits(mask))
    return pattern


def plan(s: Structure, chosen: Mapping[int, int]) -> Elimination:
    """Return the elimination of the extended system."""
    return eliminate(pattern_of(s, chosen), s.n + len(chosen))


def _cost(s: Structure, chosen: Mapping[int, int]) -> int:
    """Operations of one step that depend on the choice: entries, factorisation, solutions."""
    p = pattern_of(s, chosen)
    e = eliminate(p, s.n + len(chosen))
    return e.work + (SOLUTIONS_PER_STEP - 1) * e.size + WORK_PER_ENTRY * len(p)


def _candidates(s: Structure, chosen: Mapping[int, int]) -> list[int]:
    """Return the nodes with the largest (states in) x (rates out), one per pair of sets."""
    _, seen = _inputs(s, chosen)
    read = _readers(s, chosen)
    ranked = sorted(
        (i for i in range(len(s.nodes)) if s.variable[i] < 0 and i not in chosen),
        key=lambda i: (_gain(seen[i], read[i]), -i),
        reverse=True,
    )
    kept: dict[tuple[int, int], int] = {}
    for i in ranked:
        if _gain(seen[i], read[i]) <= 0 or len(kept) == CANDIDATES:
            break
        kept.setdefault((seen[i], read[i]), i)
    return list(kept.values())


def _gain(seen: int, read: int) -> int:
    a, b = seen.bit_count(), read.bit_count()
    return a * b - a - b


def _inputs(s: Structure, chosen: Mapping[int, int]) -> tuple[list[int], list[int]]:
    """Return as bit sets the variables inside each node, and those its readers see (a chosen node is one variable)."""
    inside, seen = [0] * len(s.nodes), [0] * len(s.nodes)
    for i, args in enumerate(s.args):
        for a in args:
            inside[i] |= seen[a]
        seen[i] = 1 << s.variable[i] if s.variable[i] >= 0 else 1 << (s.n + chosen[i]) if i in chosen else inside[i]
    return inside, seen


def _readers(s: Structure, chosen: Mapping[int, int]) -> list[int]:
    """Return as bit sets the rates (and chosen nodes) that read each node."""
    read = [0] * len(s.nodes)
    for row, i in enumerate(s.rows):
        read[i] |= 1 << row
    for i in range(len(s.nodes) - 1, -1, -1):
        mask = 1 << (s.n + chosen[i]) if i in chosen else read[i]
        for a in s.args[i]:
            read[a] |= mask
    return read


def _bits(mask: int) -> list[int]:
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
