"""Machine code of a system, as the parts that use it see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from exojoint.engine.assemble import Layout
from exojoint.engine.backends.llvm import Shape
from exojoint.engine.machine import Code


@dataclass(frozen=True)
class Variant:
    """Machine code of a system in one precision.

    Attributes
    ----------
    shape : Shape
        Lanes and precision.
    layout : Layout
        Sizes and rows of the working memory.
    addresses : tuple of int
        Machine functions in the order of ``slots.FUNCTIONS``.
    drive
        The driver: a function of one block of pointers, one per field of ``driver.memory.Job``.
    """

    shape: Shape
    layout: Layout
    addresses: tuple[int, ...]
    drive: Callable[[int], None]
    _code: Code = field(repr=False)


@dataclass(frozen=True)
class PlainCode:
    """Scalar machine code of the equations as written, one patient at a time.

    Attributes
    ----------
    rows : mapping
        First number of every array in the working memory; ``end`` is its size.
    rates, jacobian, outputs
        Functions of (working memory, 0, 0).
    """

    rows: Mapping[str, int]
    rates: Callable[[int, int, int], None]
    jacobian: Callable[[int, int, int], None]
    outputs: Callable[[int, int, int], None]
    _code: Code = field(repr=False)
