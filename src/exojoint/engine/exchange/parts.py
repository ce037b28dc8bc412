"""What a model file says, as plain records: no library, no meaning yet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

NOT_GIVEN = math.nan


@dataclass(frozen=True, slots=True)
class Math:
    """One node of a formula.

    Attributes
    ----------
    op : str
        ``number``, ``name``, ``time``, ``call`` (of a function definition), ``rate of``, or the MathML name of an
        operation (``plus``, ``piecewise`` ...).
    args : tuple of Math
        Operands in order; of a ``piecewise`` value, condition, value, condition ..., and the value of otherwise, if
        any.
    name : str
        What a ``name``, ``call`` or ``rate of`` refers to.
    value : float
        Of a ``number``.
    """

    op: str
    args: tuple[Math, ...] = ()
    name: str = ""
    value: float = math.nan

    def walk(self) -> Iterator[Math]:
        """Yield every node, operands after the operation, without recursion (files may be nested deeply)."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.args))


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula and where it stands, for messages."""

    math: Math
    where: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function definition: argument names and body."""

    arguments: tuple[str, ...]
    body: Formula


@dataclass(frozen=True, slots=True)
class Compartment:
    """A compartment; ``size`` is nan if not given."""

    id: str
    where: str
    dimensions: float
    size: float
    constant: bool


@dataclass(frozen=True, slots=True)
class Species:
    """A species; amounts and concentrations are nan if not given.

    ``by_amount`` says that its id means an amount in formulas (``hasOnlySubstanceUnits``); ``boundary`` that reactions
    leave it alone; ``conversion`` names the parameter that turns extent into its amount (empty: none).
    """

    id: str
    where: str
    compartment: str
    amount: float
    concentration: float
    by_amount: bool
    moved: bool
    conversion: str


@dataclass(frozen=True, slots=True)
class Quantity:
    """A global parameter or a named species reference; ``value`` is nan if not given."""

    id: str
    where: str
    value: float


@dataclass(frozen=True, slots=True)
class Side:
    """One species of a reaction: how much of it comes (``sign`` +1) or goes (-1) per extent.

    The stoichiometry is a formula if there is one, else the quantity ``id`` if it has a name, else ``value``.
    """

    species: str
    sign: int
    value: float
    formula: Formula | None
    id: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction; without ``law`` nothing moves. ``local`` are the parameters that only the law knows."""

    id: str
    where: str
    law: Formula | None
    local: Mapping[str, float]
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """An event: trigger, what it assigns, and how it behaves when several are due at once.

    ``before`` is the truth of the trigger just before the start; ``persistent`` says that it still happens when another
    event of the same moment made its trigger false; ``early`` that values are computed when the trigger becomes true.
    """

    id: str
    where: str
    trigger: Formula
    before: bool
    persistent: bool
    early: bool
    priority: Formula | None
    assignments: Mapping[str, Formula]


Valued = Compartment | Species | Quantity | Reaction  # what has a value under its id


@dataclass(frozen=True, slots=True)
class Rules:
    """What determines quantities: assignments (always), rates (slopes) and initial (at the start), by quantity."""

    assignment: Mapping[str, Formula] = field(default_factory=dict)
    rate: Mapping[str, Formula] = field(default_factory=dict)
    initial: Mapping[str, Formula] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quantities:
    """Everything that has a value, in file order."""

    compartments: tuple[Compartment, ...]
    species: tuple[Species, ...]
    parameters: tuple[Quantity, ...]
    references: tuple[Quantity, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """File name, title and dialect of a model, and remarks on what has no effect."""

    name: str
    title: str
    dialect: str
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A model file: what it is called, and its contents."""

    label: Label
    functions: Mapping[str, Function]
    quantities: Quantities
    rules: Rules
    reactions: tuple[Reaction, ...]
    happenings: tuple[Happening, ...]
