"""Three-address code: the only language that back ends have to understand.

A program is a list of operations on numbered values. It loads from and stores to named arrays whose rows hold one
value per lane. A loop program repeats for every state: rows given as ``EACH`` move with the loop, other rows stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

EACH: Final = -1  # row index of a loop program: the row of the current turn

ARITHMETIC: Final = ("add", "sub", "mul", "div", "pow", "min", "max")
FUNCTIONS: Final = ("neg", "abs", "inv", "sqrt", "exp", "log", "sin", "cos", "atan", "floor")
FUSED: Final = ("fma", "fnma", "fms")  # a*b + c, c - a*b, a*b - c with one rounding where the machine can
CONDITIONS: Final = ("lt", "le", "eq", "and", "or", "not", "true", "false")
REDUCTIONS: Final = ("sum",)  # over the turns of a loop, into one row
COMMUTATIVE: Final = ("add", "mul", "min", "max", "eq", "and", "or")


class Op(NamedTuple):
    """One operation; its place in the program is the name of its value.

    Attributes
    ----------
    op : str
        ``load``, ``store``, ``const``, ``select`` (condition, then, else) or one of the groups above.
    args : tuple of int
        Numbers of earlier values.
    array, row
        What ``load``, ``store`` and reductions touch.
    value : float
        Value of ``const``.
    """

    op: str
    args: tuple[int, ...] = ()
    array: str = ""
    row: int = 0
    value: float = 0.0


@dataclass(frozen=True)
class Program:
    """Straight-line code, or the body of one loop over rows.

    Attributes
    ----------
    name : str
        Name of the machine function.
    ops : tuple of Op
        Every argument number is smaller than the operation's own place.
    turns : int
        0 for straight-line code, else how often the ``EACH`` rows advance.
    """

    name: str
    ops: tuple[Op, ...]
    turns: int = 0

    def count(self, names: Iterable[str] | None = None) -> int:
        """Return how many operations have these names (default: all that compute)."""
        chosen = set(names) if names is not None else {*ARITHMETIC, *FUNCTIONS, *FUSED, "select", "lt", "le", "eq"}
        return sum(o.op in chosen for o in self.ops)

    def moving(self) -> list[bool]:
        """Return for every operation whether its value changes from turn to turn."""
        moves: list[bool] = []
        for o in self.ops:
            here = o.row == EACH and o.op in ("load", "store")
            moves.append(here or o.op in REDUCTIONS or any(moves[a] for a in o.args))
        return moves


class Builder:
    """Collects operations; the same operation on the same values is written once."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self._place: dict[Op, int] = {}
        self._stores: list[Op] = []

    def emit(self, op: str, *args: int) -> int:
        """Return the place of an operation on earlier values."""
        ordered = tuple(sorted(args)) if op in COMMUTATIVE else args
        return self._place_of(Op(op, ordered))

    def load(self, array: str, row: int = 0) -> int:
        """Return the place of a row of an array."""
        return self._place_of(Op("load", (), array, row))

    def const(self, value: float) -> int:
        """Return the place of a number."""
        return self._place_of(Op("const", (), value=float(value)))

    def store(self, array: str, row: int, value: int) -> None:
        """Write a value to a row of an array, after everything that the value needs."""
        self._stores.append(Op("store", (value,), array, row))

    def reduce(self, kind: str, array: str, row: int, value: int) -> None:
        """Collect a moving value over all turns (``sum``, from zero) into one row."""
        self._stores.append(Op(kind, (value,), array, row))

    def _place_of(self, op: Op) -> int:
        place = self._place.get(op)
        if place is None:
            place = self._place[op] = len(self.ops)
            self.ops.append(op)
        return place

    def finish(self, name: str, turns: int = 0) -> Program:
        """Return the program: only what the stores need.

        Products fused into sums, each value shortly before its use.
        """
        ops = fuse(self.ops, [s.args[0] for s in self._stores])
        out: list[Op] = []
        place: dict[int, int] = {}
        for s in self._stores:
            for k in _needed(ops, s.args[0], place):
                place[k] = len(out)
                out.append(ops[k]._replace(args=tuple(place[a] for a in ops[k].args)))
            out.append(s._replace(args=(place[s.args[0]],)))
        return Program(name, tuple(out), turns)


def _needed(ops: list[Op], root: int, done: dict[int, int]) -> Iterator[int]:
    """Yield what is still missing below one value, operands first."""
    stack = [(root, False)]
    seen: set[int] = set()
    while stack:
        k, ready = stack.pop()
        if k in done or k in seen:
            continue
        if ready:
            seen.add(k)
            yield k
            continue
        stack.append((k, True))
        stack.extend((a, False) for a in reversed(ops[k].args) if a not in done)


def fuse(ops: list[Op], roots: Iterable[int]) -> list[Op]:
    """Return the operations with ``a*b + c`` as one operation wherever the product has no other reader."""
    readers = [0] * len(ops)
    live = [False] * len(ops)
    for r in roots:
        readers[r] += 1
        live[r] = True
    for k in range(len(ops) - 1, -1, -1):
        if live[k]:
            for a in ops[k].args:
                readers[a] += 1
                live[a] = True

    def product(k: int) -> bool:
        return ops[k].op == "mul" and readers[k] == 1

    fused = list(ops)
    for k, o in enumerate(ops):
        if not live[k] or o.op not in ("add", "sub"):
            continue
        a, b = o.args
        if product(b):
            fused[k] = Op("fma" if o.op == "add" else "fnma", (*ops[b].args, a))
        elif product(a):
            fused[k] = Op("fma" if o.op == "add" else "fms", (*ops[a].args, b))
    return fused
