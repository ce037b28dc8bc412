"""Three-address code in plain numpy, one operation after the other: slow, and easy to believe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from exojoint.engine.program import EACH, REDUCTIONS, Op, Program

Lanes = NDArray[Any]  # one value per lane

MEANING: Final[dict[str, Callable[..., Any]]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "min": lambda a, b: np.where(a < b, a, b),
    "max": lambda a, b: np.where(a > b, a, b),
    "neg": np.negative,
    "abs": np.abs,
    "inv": lambda a: 1.0 / a,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "floor": np.floor,
    "fma": lambda a, b, c: a * b + c,
    "fnma": lambda a, b, c: c - a * b,
    "fms": lambda a, b, c: a * b - c,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "true": lambda: np.True_,
    "false": lambda: np.False_,
    "select": np.where,
}


def evaluate(program: Program, arrays: Mapping[str, NDArray[np.float64]]) -> None:
    """Run a program on arrays of shape (rows, lanes), in place.

    Parameters
    ----------
    program
        Straight-line code or a loop.
    arrays
        Every array that the program names; those it stores to are changed.
    """
    for o in program.ops:
        if o.op in REDUCTIONS:
            arrays[o.array][o.row] = 0.0
    with np.errstate(all="ignore"):
        for turn in range(program.turns or 1):
            values: list[Lanes] = []
            for o in program.ops:
                values.append(_value(o, values, arrays, turn))


def _value(o: Op, values: list[Lanes], arrays: Mapping[str, NDArray[np.float64]], turn: int) -> Lanes:
    row = turn if o.row == EACH else o.row
    if o.op == "load":
        return np.array(arrays[o.array][row])
    if o.op == "const":
        return np.array(o.value)
    args = [values[a] for a in o.args]
    if o.op == "store":
        arrays[o.array][row] = args[0]
        return args[0]
    if o.op in REDUCTIONS:
        arrays[o.array][row] += args[0]
        return args[0]
    return np.asarray(MEANING[o.op](*args))
