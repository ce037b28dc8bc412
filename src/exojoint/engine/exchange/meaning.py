"""From formulas to expressions of the engine."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.engine.exchange.operations import LOGIC, OPERATIONS
from exojoint.engine.exchange.parts import Formula, Function, Math
from exojoint.engine.expression import FALSE, TIME, TRUE, TRUTH, ZERO, Expr, constant
from exojoint.engine.functions import equal, negate, where

MAX_NODES = 1_000_000  # formula nodes of one model after function calls are written out: stops explosive definitions
MAX_CALLS = 100  # function definitions inside each other
RATE_OF: Final = "rate of "  # a quantity's slope, as a name beside the quantity (ids have no blank)
NOT_A_NUMBER: Final = constant(math.nan)


@dataclass
class Words:
    """What formulas of one model may call, and how much writing out is left.

    Attributes
    ----------
    functions : mapping of str to Function
        Function definitions by id.
    nodes_left : float
        Formula nodes that may still be written out.
    sizes : dict of str to float
        Nodes of functions written out, as far as known.
    """

    functions: Mapping[str, Function]
    nodes_left: float = MAX_NODES
    sizes: dict[str, float] = field(default_factory=dict)

    def size(self, math_: Math, depth: int = 0) -> float:
        """Return the number of nodes of a formula with its calls written out, without writing them out."""
        total = 0.0
        for node in math_.walk():
            total += 1.0
            if node.op == "call" and node.name in self.functions:
                if node.name not in self.sizes:
                    body = self.functions[node.name].body.math
                    self.sizes[node.name] = self.size(body, depth + 1) if depth < MAX_CALLS else math.inf
                total += self.sizes[node.name]
        return total


def names_read(formula: Formula) -> set[str]:
    """Return everything that a formula reads: ids, and ``rate of <id>``. Functions read their arguments only."""
    nodes = [node for node in formula.math.walk() if node.op in ("name", "rate of")]
    return {node.name if node.op == "name" else RATE_OF + node.name for node in nodes}


def expression(formula: Formula, values: Mapping[str, Expr], words: Words, *, time: Expr = TIME) -> Expr:
    """Return a formula as an expression.

    Parameters
    ----------
    formula
        What the file says.
    values
        Expression of every id (and ``rate of <id>``) that the formula reads.
    words
        Function definitions of the model.
    time
        Expression of time.

    Raises
    ------
    InputError
        An unknown name or function, a wrong number of operands, an operation without meaning in the engine, calls that
        grow beyond every measure when they are written out.
    """
    words.nodes_left -= words.size(formula.math)
    if words.nodes_left < 0.0:
        what, todo = (
            f"formulas grow beyond {MAX_NODES:,} operations with their calls written out",
            "Simplify functions.",
        )
        raise InputError(Problem(formula.where, what, "less", todo))
    return _Writer(formula.where, words, time).write(formula.math, values, 0)


def truth(e: Expr) -> Expr:
    """Return an expression as a condition (a number is true unless it is 0)."""
    return e if e.op in TRUTH else negate(equal(e, ZERO))


def number(e: Expr) -> Expr:
    """Return an expression as a number (true is 1, false is 0)."""
    return where(e, 1.0, 0.0) if e.op in TRUTH else e


@dataclass(frozen=True)
class _Writer:
    """Writes out the formulas of one place in the file."""

    where: str
    words: Words
    time: Expr

    def write(self, math_: Math, values: Mapping[str, Expr], depth: int) -> Expr:
        """Return a formula as an expression, operands first, without recursion but for function calls."""
        done: list[Expr] = []
        stack: list[tuple[Math, bool]] = [(math_, False)]
        while stack:
            node, ready = stack.pop()
            count = len(node.args)
            if count and not ready:
                stack.append((node, True))
                stack.extend((a, False) for a in reversed(node.args))
                continue
            args = done[len(done) - count :]
            del done[len(done) - count :]
            done.append(self._one(node, args, values, depth))
        return done[0]

    def _one(self, node: Math, args: Sequence[Expr], values: Mapping[str, Expr], depth: int) -> Expr:
        match node.op:
            case "number":
                return constant(node.value)
            case "time":
                return self.time
            case "true":
                return TRUE
            case "false":
                return FALSE
            case "name":
                return self._value(node.name, values)
            case "rate of":
                return self._value(RATE_OF + node.name, values)
            case "call":
                return self._call(node.name, args, depth)
            case _:
                return self._operation(node.op, args)

    def _value(self, name: str, values: Mapping[str, Expr]) -> Expr:
        if name not in values:
            raise self._error(f"`{name}` has no value here", "an id of the model", did_you_mean(name, values))
        return values[name]

    def _call(self, name: str, args: Sequence[Expr], depth: int) -> Expr:
        function = self.words.functions.get(name)
        if function is None:
            todo = did_you_mean(name, self.words.functions)
            raise self._error(f"there is no function `{name}`", "a function definition with a formula", todo)
        if len(args) != len(function.arguments):
            what = f"`{name}` is given {len(args)} arguments"
            raise self._error(what, f"{len(function.arguments)} arguments", "Correct the call.")
        inside = dict(zip(function.arguments, args, strict=True))
        return self.write(function.body.math, inside, depth + 1)

    def _operation(self, op: str, args: Sequence[Expr]) -> Expr:
        if op in LOGIC:
            fewest, most, make = LOGIC[op]
            given = [truth(a) for a in args]
        elif op == "piecewise":
            return _piecewise(args)
        elif op in OPERATIONS:
            fewest, most, make = OPERATIONS[op]
            given = [number(a) for a in args]
        else:
            raise self._error(f"<{op}> is not supported here", "a value", "Rewrite the formula without it.")
        if not fewest <= len(args) <= most:
            expected = f"{fewest} operands" if fewest == most else f"from {fewest} operands on"
            raise self._error(f"<{op}> has {len(args)} operands", expected, "Correct the formula.")
        return make(*given)

    def _error(self, what: str, expected: str, todo: str) -> InputError:
        return InputError(Problem(self.where, what, expected, todo))


def _piecewise(args: Sequence[Expr]) -> Expr:
    """First value whose condition holds, else the last one (not a number where there is none)."""
    pieces, rest = args[: len(args) // 2 * 2], args[len(args) // 2 * 2 :]
    total = number(rest[0]) if rest else NOT_A_NUMBER
    for value, condition in zip(reversed(pieces[::2]), reversed(pieces[1::2]), strict=True):
        total = where(truth(condition), number(value), total)
    return total
