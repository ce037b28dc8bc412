"""Evaluate expressions with numpy: readable, exact about infinities, for any number of moments at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from exojoint.engine.expression import Expr, walk

Value = NDArray[np.float64] | float
Operation = Callable[..., Any]

OPERATIONS: Final[dict[str, Operation]] = {
    "neg": np.negative,
    "abs": np.abs,
    "inv": lambda a: np.divide(1.0, a),
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "floor": np.floor,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.float_power,
    "min": np.minimum,
    "max": np.maximum,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "select": np.where,
}


class Evaluator:
    """Values of some expressions wherever they are wanted.

    Parameters
    ----------
    roots : sequence of Expr
        What to evaluate.
    """

    def __init__(self, roots: Sequence[Expr]) -> None:
        nodes = list(walk(roots))
        place = {e: i for i, e in enumerate(nodes)}
        self._steps = [(e, OPERATIONS.get(e.op), tuple(place[a] for a in e.args)) for e in nodes]
        self._roots = [place[r] for r in roots]

    def __call__(self, values: Mapping[str, Value], time: Value) -> list[Any]:
        """Return the value of every root.

        Parameters
        ----------
        values
            Numbers or arrays of one shape by symbol.
        time
            Number or array of that shape.
        """
        found: list[Any] = []
        with np.errstate(all="ignore"):
            for e, operation, args in self._steps:
                if operation is not None:
                    found.append(operation(*(found[a] for a in args)))
                else:
                    found.append(_leaf(e, values, time))
        return [found[r] for r in self._roots]


def _leaf(e: Expr, values: Mapping[str, Value], time: Value) -> Any:  # noqa: ANN401  # a number or a condition
    match e.op:
        case "symbol":
            return values[e.name]
        case "time":
            return time
        case "const":
            return e.value
        case "true" | "false":
            return e.op == "true"
        case _:
            raise ValueError(f"no value of {e.op}")
