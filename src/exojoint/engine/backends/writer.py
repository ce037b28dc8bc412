"""Lines of LLVM assembly for one function: value names, constants, single operations."""

from __future__ import annotations

import math
import struct
from typing import Final

BINARY: Final = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}


class Writer:
    """Lines of one function; gives out value names and knows the type that is computed in."""

    def __init__(self, element: str, lanes: int, fused: bool) -> None:
        self.element, self.lanes, self.fused = element, lanes, fused
        self.type = vector(element, lanes)
        self.bits = 32 if element == "float" else 64
        self.lines: list[str] = []
        self.declared: set[str] = set()
        self.logarithms: dict[str, tuple[str, str]] = {}
        self.row = "0"  # of the turn that is being written: a number, or a name inside a loop
        self._next = 0

    def name(self) -> str:
        """Return an unused value name."""
        self._next += 1
        return f"%v{self._next}"

    def put(self, text: str) -> str:
        """Append ``name = text`` and return the name."""
        name = self.name()
        self.lines.append(f"  {name} = {text}")
        return name

    def put_as(self, name: str, text: str) -> None:
        """Append ``name = text``."""
        self.lines.append(f"  {name} = {text}")

    def number(self, value: float) -> str:
        """Return a constant in all lanes."""
        return splat(self.element, self.lanes, literal(value, self.element))

    def whole(self, value: int) -> str:
        """Return an integer constant, as wide as the numbers, in all lanes."""
        return splat(f"i{self.bits}", self.lanes, str(value))

    @property
    def whole_type(self) -> str:
        """Integer vector as wide as the numbers."""
        return vector(f"i{self.bits}", self.lanes)

    @property
    def truth_type(self) -> str:
        """Vector of truth values."""
        return vector("i1", self.lanes)

    def binary(self, op: str, a: str, b: str) -> str:
        """Append an arithmetic operation on two numbers."""
        return self.put(f"{BINARY[op]} {self.type} {a}, {b}")

    def fma(self, a: str, b: str, c: str) -> str:
        """Append a * b + c, in one rounding where the processor can."""
        if not self.fused:
            return self.binary("add", self.binary("mul", a, b), c)
        return self.call("fma", a, b, c)

    def reciprocal(self, a: str) -> str:
        """Append 1 / a. (An estimate with two Newton steps was no faster: the divider works beside the multipliers.)"""
        return self.binary("div", self.number(1.0), a)

    def negative(self, a: str) -> str:
        """Append -a."""
        return self.put(f"fneg {self.type} {a}")

    def call(self, intrinsic: str, *args: str) -> str:
        """Append a call of an LLVM intrinsic on numbers."""
        suffix = f"v{self.lanes}f{self.bits}" if self.lanes > 1 else f"f{self.bits}"
        function = f"@llvm.{intrinsic}.{suffix}"
        self.declared.add(f"declare {self.type} {function}({', '.join([self.type] * len(args))})")
        return self.put(f"call {self.type} {function}({', '.join(f'{self.type} {a}' for a in args)})")

    def compare(self, predicate: str, a: str, b: str) -> str:
        """Append a comparison."""
        return self.put(f"fcmp {predicate} {self.type} {a}, {b}")

    def select(self, condition: str, a: str, b: str) -> str:
        """Append a choice per lane."""
        return self.put(f"select {self.truth_type} {condition}, {self.type} {a}, {self.type} {b}")


def vector(element: str, lanes: int) -> str:
    """Return the LLVM type of one value per lane."""
    return f"<{lanes} x {element}>" if lanes > 1 else element


def splat(element: str, lanes: int, text: str) -> str:
    """Return one constant in all lanes."""
    return f"<{', '.join([f'{element} {text}'] * lanes)}>" if lanes > 1 else text


def literal(value: float, element: str) -> str:
    """Return a number as LLVM's exact hexadecimal text."""
    if element == "float":
        try:
            value = struct.unpack("f", struct.pack("f", value))[0]
        except OverflowError:
            value = math.copysign(math.inf, value)
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
