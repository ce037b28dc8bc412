"""The system without any pass: equations as they were written, evaluated one operation after the other.

This is what the optimised programs are checked against, and what the rescue solver integrates.
"""

from __future__ import annotations

from exojoint.engine.expression import TIME, ZERO, Expr, symbol
from exojoint.engine.lower import lower
from exojoint.engine.passes.derivative import jacobian
from exojoint.engine.program import Builder, Program
from exojoint.engine.system import System


def plain_rows(system: System) -> dict[str, int]:
    """Return where the arrays of the plain programs begin, one number per row; ``end`` is the total."""
    n, m = len(system.states), len(system.outputs)
    sizes = {"y": n, "p": len(system.parameters), "t": 1, "rates": n, "slopes": n, "outputs": m, "matrix": n * n}
    first, total = {}, 0
    for name, size in sizes.items():
        first[name] = total
        total += size
    return {**first, "end": total}


def _start(system: System) -> tuple[Builder, dict[Expr, int]]:
    b = Builder()
    places = {symbol(s): b.load("y", i) for i, s in enumerate(system.states)}
    places |= {symbol(p): b.load("p", i) for i, p in enumerate(system.parameters)}
    places[TIME] = b.load("t")
    return b, places


def plain_rates(system: System) -> Program:
    """Return the program of the rates: reads ``y``, ``p``, ``t``; writes ``rates``."""
    b, places = _start(system)
    for i, value in enumerate(lower(b, system.rates, places)):
        b.store("rates", i, value)
    return b.finish("plain_rates")


def plain_jacobian(system: System) -> Program:
    """Return the program of the Jacobian in rows ``i * n + j`` of ``matrix``, and of the time slopes in ``slopes``."""
    b, places = _start(system)
    n = len(system.states)
    column = {symbol(s): j for j, s in enumerate(system.states)}
    for i, row in enumerate(jacobian(system.rates, list(column))):
        for v, value in zip(row, lower(b, list(row.values()), places), strict=True):
            b.store("matrix", i * n + column[v], value)
    slopes = [g.get(TIME, ZERO) for g in jacobian(system.rates, [TIME])]
    for i, value in enumerate(lower(b, slopes, places)):
        b.store("slopes", i, value)
    return b.finish("plain_jacobian")


def plain_outputs(system: System) -> Program:
    """Return the program of the outputs: reads ``y``, ``p``, ``t``; writes ``outputs``."""
    b, places = _start(system)
    for i, value in enumerate(lower(b, list(system.outputs.values()), places)):
        b.store("outputs", i, value)
    return b.finish("plain_outputs")
