"""From the records of a file to a system of the engine: what every id means, what moves, and where it starts.

Species are kept as amounts, because reactions, compartments that change and events all conserve amounts. The one exception
is a concentration with a rate rule, which says how the concentration itself moves.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from exojoint.core.errors import InputError, Problem
from exojoint.engine.exchange.definitions import Definition, Values, given, resolve
from exojoint.engine.exchange.evaluate import Evaluator
from exojoint.engine.exchange.meaning import RATE_OF, Words, expression, names_read, number, truth
from exojoint.engine.exchange.model import AMOUNT, CONCENTRATION, Incident, Label, Model, Store
from exojoint.engine.exchange.parts import Compartment, Document, Formula, Happening, Reaction, Species
from exojoint.engine.exchange.read import parse_document, read_document
from exojoint.engine.expression import TIME, ZERO, Expr, constant, symbol, symbols_of
from exojoint.engine.system import System

FLOW = "flow of "  # amount per time by reactions, as a name beside the species
CLOCK = "time.passed"  # the state of a model that has none


def read_sbml(path: Path) -> Model:
    """Import an SBML file of level 2 or 3.

    Raises
    ------
    InputError
        When the file is no harmless valid SBML, or uses what is not supported: one problem per element, with its line.
    """
    return translate(read_document(path))


def parse_sbml(text: str, name: str = "model") -> Model:
    """Import SBML text; ``name`` stands for it in messages. Raises as :func:`read_sbml`."""
    return translate(parse_document(text, name))


def translate(document: Document) -> Model:
    """Return a model as the engine sees it.

    Raises
    ------
    InputError
        Circular definitions, names without value, a slope that cannot be written down.
    """
    plan = _Plan(document)
    always = resolve(plan.definitions(), plan.wanted())
    rates = {store.name: number(always[plan.slope(q)]) for q, store in plan.stores.items() if store.moves}
    incidents = tuple(_incident(plan, h, always) for h in document.happenings)
    start = plan.start()
    outputs = {name: number(e) for name, e in always.items() if plan.is_output(name)}
    if not rates:
        rates, start = {CLOCK: constant(1.0)}, start | {CLOCK: 0.0}
    parameters = [name for name in start if name not in rates]
    set_by_events = {plan.stores[q].name for i in incidents for q in i.values}
    inputs = [name for name in parameters if name in set_by_events]
    system = System.build(list(rates), parameters, inputs, rates, outputs)
    _refuse_missing(plan, system, start, set_by_events)
    label = Label(document.name, document.title, document.dialect, plan.remarks())
    columns, species = plan.columns(), tuple(s.id for s in document.quantities.species)
    return Model(label, system, start, incidents, plan.stores, columns, species, plan.concentrated())


class _Plan:
    """Who moves, who is assigned, and where each value is kept."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.words = Words(document.functions)
        self.rules = document.rules
        self.species = {s.id: s for s in document.quantities.species}
        self.compartments = {c.id: c for c in document.quantities.compartments}
        self.sides: dict[str, list[tuple[Reaction, int]]] = {}
        for r in document.reactions:
            for k, side in enumerate(r.sides):
                if r.law is not None and self.species[side.species].moved:
                    self.sides.setdefault(side.species, []).append((r, k))
        self.stores = dict(self._stores())

    def _stores(self) -> Iterable[tuple[str, Store]]:
        quantities = self.document.quantities
        for item in (*quantities.compartments, *quantities.parameters, *quantities.references):
            if item.id not in self.rules.assignment:
                yield item.id, Store(item.id, item.id in self.rules.rate)
        for s in quantities.species:
            if s.id in self.rules.rate:
                yield s.id, Store(s.id, True)
            elif s.id not in self.rules.assignment:
                moves = s.id in self.sides
                yield s.id, Store(AMOUNT + s.id, moves, s.compartment) if self.by_size(s) else Store(s.id, moves)

    def by_size(self, s: Species) -> bool:
        """Whether the species' id means an amount per size."""
        return not s.by_amount and self.compartments[s.compartment].dimensions > 0.0

    def columns(self) -> tuple[str, ...]:
        """Every id with a value, in file order."""
        q = self.document.quantities
        items = (*q.species, *q.compartments, *q.parameters, *self.document.reactions, *q.references)
        return tuple(item.id for item in items)

    def concentrated(self) -> dict[str, str]:
        """Species that are kept as concentrations, with their compartments."""
        return {s.id: s.compartment for s in self.species.values() if s.id in self.rules.rate and self.by_size(s)}

    def remarks(self) -> tuple[str, ...]:
        """What the reader should know beside what the file reader noticed."""
        sizes = [c.id for c in self.compartments.values() if self._size_is_assumed(c)]
        return (*self.document.remarks, *(f"compartment `{name}` has no size; 1 is taken" for name in sizes))

    def _size_is_assumed(self, c: Compartment) -> bool:
        ruled = c.id in self.rules.assignment or c.id in self.rules.initial
        return math.isnan(c.size) and not ruled and c.dimensions > 0.0

    def is_output(self, name: str) -> bool:
        """Whether a resolved name is worth reading: no slope, and neither a state nor a parameter."""
        return not name.startswith((RATE_OF, FLOW)) and name not in {s.name for s in self.stores.values()}

    def slope(self, quantity: str) -> str:
        """Return the name of the slope of what is kept for a quantity."""
        return RATE_OF + quantity if quantity in self.rules.rate else FLOW + quantity

    def wanted(self) -> list[str]:
        """Return all names that the model needs at any time."""
        names = [*self.columns(), *(self.slope(q) for q, s in self.stores.items() if s.moves)]
        names += [prefix + s for s in self.species for prefix in (AMOUNT, CONCENTRATION)]
        for h in self.document.happenings:
            formulas = [h.trigger, *h.assignments.values(), *([h.priority] if h.priority else [])]
            names += [name for f in formulas for name in sorted(names_read(f))]
        return names

    def definitions(self) -> dict[str, Definition]:
        """Return the definitions that hold at any time, on symbols of what is kept."""
        found = {store.name: given(q, symbol(store.name)) for q, store in self.stores.items()}
        for q, store in self.stores.items():
            if store.size:
                found[q] = self._quotient(q, store.name, store.size)
        return found | dict(self._dependent(TIME)) | dict(self._slopes())

    def _dependent(self, time: Expr) -> Iterable[tuple[str, Definition]]:
        """Assignments, reactions, and the other reading of every species."""
        for name, formula in self.rules.assignment.items():
            yield name, self._formula(formula, time)
        for r in self.document.reactions:
            yield r.id, self._law(r, time)
        for s in self.species.values():
            c, sized = s.compartment, self.compartments[s.compartment].dimensions > 0.0
            store = self.stores.get(s.id)
            if not self.by_size(s):
                yield AMOUNT + s.id, _same(s.id)
                yield CONCENTRATION + s.id, self._quotient(s.id, s.id, c) if sized else _same(s.id)
            else:
                yield CONCENTRATION + s.id, _same(s.id)
                if store is None or not store.size:
                    yield AMOUNT + s.id, self._product(s.id, s.id, c)

    def _formula(self, formula: Formula, time: Expr) -> Definition:
        def make(values: Values) -> Expr:
            return number(expression(formula, values, self.words, time=time))

        return Definition(formula.where, frozenset(names_read(formula)), make)

    def _law(self, r: Reaction, time: Expr) -> Definition:
        if r.law is None:
            return given(r.where, ZERO)
        law, local = r.law, {name: f"{r.id}.{name}" for name in r.local}
        needs = frozenset(local.get(name, name) for name in names_read(law))

        def make(values: Values) -> Expr:
            inside = {**values, **{name: values[full] for name, full in local.items() if full in values}}
            return number(expression(law, inside, self.words, time=time))

        return Definition(r.where, needs, make)

    def _quotient(self, name: str, amount: str, size: str) -> Definition:
        return Definition(name, frozenset((amount, size)), lambda values: values[amount] / values[size])

    def _product(self, name: str, concentration: str, size: str) -> Definition:
        return Definition(name, frozenset((concentration, size)), lambda v: v[concentration] * v[size])
