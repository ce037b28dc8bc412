"""Who moves, who is assigned, and where the value of each quantity is kept.

Species are kept as amounts, because reactions, compartments that change and events all conserve amounts. The one
exception is a concentration with a rate rule, which says how the concentration itself moves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from exojoint.engine.exchange.meaning import RATE_OF, Words
from exojoint.engine.exchange.model import AMOUNT, Store
from exojoint.engine.exchange.parts import Compartment, Document, Quantities, Reaction, Rules, Side, Species, Valued

FLOW = "flow of "  # amount per time by reactions, as a name beside the species


def local_name(r: Reaction, name: str) -> str:
    """Return the full name of a local parameter, which no other quantity can have."""
    return f"local.{r.id}.{name}"


@dataclass(frozen=True)
class Layout:
    """What the records of a file amount to.

    Attributes
    ----------
    document : Document
        The records.
    words : Words
        Its functions.
    """

    document: Document
    words: Words

    @property
    def rules(self) -> Rules:
        """Rules of the model."""
        return self.document.rules

    @property
    def quantities(self) -> Quantities:
        """Everything with a value."""
        return self.document.quantities

    @cached_property
    def species(self) -> Mapping[str, Species]:
        """Species by id."""
        return {s.id: s for s in self.quantities.species}

    @cached_property
    def compartments(self) -> Mapping[str, Compartment]:
        """Compartments by id."""
        return {c.id: c for c in self.quantities.compartments}

    @cached_property
    def sides(self) -> Mapping[str, list[tuple[Reaction, Side]]]:
        """Reactions that move each species, with its side in them."""
        found: dict[str, list[tuple[Reaction, Side]]] = {}
        for r in self.document.reactions:
            for side in r.sides:
                if r.law is not None and self.species[side.species].moved:
                    found.setdefault(side.species, []).append((r, side))
        return found

    @cached_property
    def stores(self) -> Mapping[str, Store]:
        """Where each quantity is kept that is not assigned."""
        return dict(self._stores())

    def _stores(self) -> Iterator[tuple[str, Store]]:
        q = self.quantities
        others: tuple[Valued, ...] = (*q.compartments, *q.parameters, *q.references)
        for item in others:
            if item.id not in self.rules.assignment:
                yield item.id, Store(item.id, item.id in self.rules.rate)
        for s in q.species:
            if s.id in self.rules.rate:
                yield s.id, Store(s.id, True)
            elif s.id not in self.rules.assignment:
                moves = s.id in self.sides
                yield s.id, Store(AMOUNT + s.id, moves, s.compartment) if self.by_size(s) else Store(s.id, moves)

    def sized(self, s: Species) -> bool:
        """Whether the species' compartment has a size (a point has none)."""
        return self.compartments[s.compartment].dimensions > 0.0

    def by_size(self, s: Species) -> bool:
        """Whether the species' id means a concentration."""
        return not s.by_amount and self.sized(s)

    def slope(self, quantity: str) -> str:
        """Return the name of the slope of what is kept for a quantity."""
        return RATE_OF + quantity if quantity in self.rules.rate else FLOW + quantity

    @cached_property
    def local(self) -> Mapping[str, float]:
        """Values of all local parameters under their full names."""
        return {local_name(r, name): value for r in self.document.reactions for name, value in r.local.items()}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every id with a value: species, compartments, parameters, reactions, species references, in file order."""
        q = self.quantities
        items: tuple[Valued, ...] = (
            *q.species,
            *q.compartments,
            *q.parameters,
            *self.document.reactions,
            *q.references,
        )
        return tuple(item.id for item in items)

    def concentrated(self) -> dict[str, str]:
        """Species that are kept as concentrations, with their compartments."""
        return {s.id: s.compartment for s in self.species.values() if s.id in self.rules.rate and self.by_size(s)}

    def size_is_assumed(self, c: Compartment) -> bool:
        """Whether nothing gives a size that is needed."""
        ruled = c.id in self.rules.assignment or c.id in self.rules.initial
        return math.isnan(c.size) and not ruled and c.dimensions > 0.0
