"""Equations that pull to both sides of a switch: the switch becomes a narrow slope, on which the solution can rest.

Where the rates on either side of a comparison point at each other, no solution crosses it and none leaves it: it slides
along. The comparison, as a steep but smooth weight, has the sliding solution as its limit (Filippov's), and an implicit
method follows it with long steps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from exojoint.engine.exchange.evaluate import Evaluator, Value
from exojoint.engine.exchange.model import Model
from exojoint.engine.expression import Expr, walk
from exojoint.engine.functions import sqrt
from exojoint.engine.passes.rewrite import rewrite

WIDTH = 1e-7  # of the slope, as a share of what is compared: far below the tolerance of any comparison of courses
TOUCHING = 1e-9  # share of two sides by which they differ where a solution rests on their comparison
SOFT = ("lt", "le")


def softened(model: Model, restless: Collection[Expr], values: Mapping[str, Value], time: float) -> Model | None:
    """Return the model with some comparisons of its rates as smooth weights; None where there are none to soften.

    Parameters
    ----------
    model
        The model.
    restless
        Comparisons that were seen to switch to and fro; those whose sides touch are added.
    values, time
        Where the model is; gives the size of what is compared.
    """
    rates = model.system.rates
    switches = [e.args[0] for e in walk(rates) if e.op == "select" and e.args[0].op in SOFT]
    sides = [float(side) for side in Evaluator([side for e in switches for side in e.args])(values, time)]
    largest = max((abs(float(values[name])) for name in model.system.states), default=0.0) or 1.0
    widths = {
        e: WIDTH * (max(abs(a), abs(b)) or largest)
        for e, a, b in zip(switches, sides[::2], sides[1::2], strict=True)
        if e in restless or abs(a - b) <= TOUCHING * max(abs(a), abs(b))
    }
    if not widths:
        return None

    def rule(e: Expr) -> Expr:
        if e.op != "select" or e.args[0] not in widths:
            return e
        condition, then, otherwise = e.args
        distance = condition.args[1] - condition.args[0]
        weight = 0.5 + 0.5 * distance / sqrt(distance * distance + widths[condition] ** 2)
        return otherwise + weight * (then - otherwise)

    return replace(model, system=replace(model.system, rates=tuple(rewrite(rates, rule))))
