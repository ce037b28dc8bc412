"""Exact derivatives by the chain rule on the graph, kept sparse: only what is not zero is ever made."""

from __future__ import annotations

import heapq
from collections.abc import Sequence, Set

from exojoint.engine.expression import (
    ONE,
    TRUTH,
    ZERO,
    Expr,
    constant,
    logical,
    power,
    unary,
    walk,
    where,
)

Gradient = dict[Expr, Expr]


def jacobian(roots: Sequence[Expr], wrt: Sequence[Expr], *, inside: bool = False) -> list[Gradient]:
    """Return for every root its non-zero partial derivatives.

    Parameters
    ----------
    roots
        Expressions to differentiate.
    wrt
        Nodes to differentiate by: symbols, time, or compound nodes, which then count as variables wherever they are
        read.
    inside
        Differentiate roots that are themselves compound nodes of ``wrt`` through their own definition.

    Returns
    -------
    list of dict
        One dictionary per root, from node of ``wrt`` to derivative, without zeros, in the order of ``wrt``.
    """
    graph = _Graph(roots, wrt, inside)
    graph.eliminate()
    order = {v: i for i, v in enumerate(wrt)}
    return [dict(sorted(g.items(), key=lambda item: order[item[0]])) for g in graph.rows()]


class _Graph:
    """Local derivatives as edges from reader to read; an inner node is removed by multiplying its edges through.

    Removing in the order of least work (readers times read) costs far fewer products than the chain rule from one end.
    See A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 10.
    """

    def __init__(self, roots: Sequence[Expr], wrt: Sequence[Expr], inside: bool) -> None:
        variables = set(wrt)
        nodes = list(walk(roots))
        active = set(variables)
        for e in nodes:
            if e.op not in TRUTH and e.op != "floor" and any(a in active for a in e.args):
                active.add(e)
        self.reads: dict[Expr | int, Gradient] = {}
        self.readers: dict[Expr, dict[Expr | int, None]] = {e: {} for e in nodes if e in active}
        self.inner = [e for e in nodes if e in active and e not in variables]
        for e in self.inner:
            self._connect(e, e, active)
        for row, r in enumerate(roots):
            if inside and r in variables:
                self._connect(row, r, active)
            else:
                self.reads[row] = {r: ONE} if r in active else {}
                if r in active:
                    self.readers[r][row] = None
        self.n_rows = len(roots)

    def _connect(self, reader: Expr | int, e: Expr, active: Set[Expr]) -> None:
        edges: Gradient = {}
        for i, a in enumerate(e.args):
            if a in active:
                gate = branch(e, i)
                local = partial(e, i) if gate is None else where(gate, ONE, ZERO)
                edges[a] = edges[a] + local if a in edges else local
        self.reads[reader] = {a: d for a, d in edges.items() if d is not ZERO}
        for a in self.reads[reader]:
            self.readers[a][reader] = None

    def _work(self, e: Expr) -> int:
        return len(self.reads[e]) * len(self.readers[e])

    def eliminate(self) -> None:
        """Remove all inner nodes, cheapest first, ties in the order of the equations."""
        rank = {e: i for i, e in enumerate(self.inner)}
        work = {e: self._work(e) for e in self.inner}
        queue = [(work[e], i) for i, e in enumerate(self.inner)]
        heapq.heapify(queue)
        while queue:
            cost, i = heapq.heappop(queue)
            e = self.inner[i]
            if work.get(e) != cost:
                continue
            del work[e]
            for near in self._remove(e):
                if isinstance(near, Expr) and near in work and self._work(near) != work[near]:
                    work[near] = self._work(near)
                    heapq.heappush(queue, (work[near], rank[near]))

    def _remove(self, e: Expr) -> dict[Expr | int, None]:
        """Connect the readers of a node with what it reads; return everything whose edges changed."""
        reads, readers = self.reads.pop(e), self.readers.pop(e)
        for a in reads:
            del self.readers[a][e]
        for r in readers:
            edges = self.reads[r]
            outer = edges.pop(e)
            for a, inner in reads.items():
                term = _times(outer, inner)
                edges[a] = edges[a] + term if a in edges else term
                self.readers[a][r] = None
        return {**readers, **dict.fromkeys(reads)}

    def rows(self) -> list[Gradient]:
        """Return what is left: the derivatives of every root."""
        return [{v: d for v, d in self.reads[row].items() if d is not ZERO} for row in range(self.n_rows)]


def _times(a: Expr, b: Expr) -> Expr:
    """Return a * b; a branch that is not taken stays zero whatever it is multiplied with (infinity too)."""
    for x, y in ((a, b), (b, a)):
        if x.op == "select" and x.args[2] is ZERO:
            return where(x.args[0], _times(x.args[1], y), ZERO)
        if x.op == "select" and x.args[1] is ZERO:
            return where(x.args[0], ZERO, _times(x.args[2], y))
    return a * b


def branch(e: Expr, i: int) -> Expr | None:
    """Return the condition under which operand i is the value of a select, min or max; None for other operations.

    The branch not taken must not leak: its derivative may be infinite, and zero times infinity is not a number.
    """
    a = e.args
    if e.op == "select":
        return a[0] if i == 1 else logical("not", a[0])
    if e.op in ("min", "max"):
        first = a[0] < a[1] if e.op == "min" else a[1] < a[0]
        return first if i == 0 else logical("not", first)
    return None


def partial(e: Expr, i: int) -> Expr:
    """Return the derivative of one arithmetic operation by its i-th operand (plus one for abs at zero)."""
    a = e.args
    match e.op:
        case "add":
            return ONE
        case "sub":
            return ONE if i == 0 else -ONE
        case "neg":
            return -ONE
        case "mul":
            return a[1 - i] if a[0] is not a[1] else a[0]
        case "div":
            return 1.0 / a[1] if i == 0 else -(e / a[1])
        case "pow":
            return _partial_power(e, i)
        case _:
            return _partial_function(e)


def _partial_power(e: Expr, i: int) -> Expr:
    base, exponent = e.args
    if i == 0:
        return exponent * power(base, exponent - 1.0)
    return e * unary("log", base)


def _partial_function(e: Expr) -> Expr:
    (a,) = e.args
    match e.op:
        case "sqrt":
            return 0.5 / e
        case "inv":
            return -(e * e)
        case "exp":
            return e
        case "log":
            return 1.0 / a
        case "abs":
            return where(a < 0.0, -1.0, 1.0)
        case "sin":
            return unary("cos", a)
        case "cos":
            return -unary("sin", a)
        case "atan":
            return 1.0 / (constant(1.0) + a * a)
        case _:
            raise ValueError(f"no derivative of {e.op}")
