"""The words of the driver's language, and what they are in LLVM assembly."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, get_type_hints

TYPE: Final = {"int": "i64", "float": "double", "bool": "i1", "None": "void", "Job": "ptr"}
ELEMENT: Final = {"Reals": "double", "Wholes": "i64", "Words": "i32", "Bytes": "i8"}
ARITHMETIC: Final = {
    ast.Add: ("add", "fadd"),
    ast.Sub: ("sub", "fsub"),
    ast.Mult: ("mul", "fmul"),
    ast.Div: ("", "fdiv"),
}
COMPARISON: Final = {
    ast.Lt: ("slt", "olt"), ast.LtE: ("sle", "ole"), ast.Gt: ("sgt", "ogt"), ast.GtE: ("sge", "oge"), ast.Eq: ("eq",
    "oeq"), ast.NotEq: ("ne", "une"),
}  # fmt: skip


class Value(NamedTuple):
    """A value: its LLVM type, its name, and for an array the type of its elements and whether they never change."""

    type: str
    name: str
    element: str = ""
    constant: bool = False


@dataclass(frozen=True)
class Signature:
    """Types of the arguments of a function, by name, and of its result."""

    arguments: tuple[tuple[str, str], ...]
    result: str


def signature_of(function: Callable[..., Any]) -> Signature:
    """Return the types of a function from its annotations."""
    hints = {n: getattr(h, "__name__", str(h)) for n, h in get_type_hints(function).items()}
    hints = {n: "None" if h == "NoneType" else h for n, h in hints.items()}
    result = TYPE[hints.pop("return")]
    return Signature(tuple((n, TYPE[h]) for n, h in hints.items()), result)
