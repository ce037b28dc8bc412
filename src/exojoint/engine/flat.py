"""Expressions as a flat list of operations, in which form they travel between processes."""

from __future__ import annotations

from collections.abc import Iterable

from exojoint.engine.expression import Expr, node, walk

Table = tuple[tuple[tuple[str, tuple[int, ...], str, float], ...], tuple[int, ...]]


def to_table(roots: Iterable[Expr]) -> Table:
    """Return expressions as a flat list of operations on earlier ones, and the places of the roots."""
    kept = list(roots)
    place: dict[Expr, int] = {}
    rows: list[tuple[str, tuple[int, ...], str, float]] = []
    for e in walk(kept):
        place[e] = len(rows)
        rows.append((e.op, tuple(place[a] for a in e.args), e.name, e.value))
    return tuple(rows), tuple(place[r] for r in kept)


def from_table(table: Table) -> list[Expr]:
    """Return the expressions of a flat list, node by node as they were (nothing is simplified again)."""
    rows, roots = table
    nodes: list[Expr] = []
    for op, args, name, value in rows:
        nodes.append(node(op, tuple(nodes[a] for a in args), name, value))
    return [nodes[r] for r in roots]
