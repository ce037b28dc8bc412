"""What holds at any time: assignments, reactions, the two readings of a species, and slopes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from exojoint.core.errors import InputError, Problem
from exojoint.engine.exchange.definitions import Definition, Values, given
from exojoint.engine.exchange.layout import FLOW, Layout, local_name
from exojoint.engine.exchange.meaning import RATE_OF, expression, names_read, number
from exojoint.engine.exchange.model import AMOUNT, CONCENTRATION
from exojoint.engine.exchange.parts import Formula, Reaction, Side, Species
from exojoint.engine.expression import ZERO, Expr, constant

Definitions = Iterator[tuple[str, Definition]]


def dependent(layout: Layout, time: Expr) -> Definitions:
    """Yield assigned quantities, reactions, and of every species the readings that are not kept."""
    for name, formula in layout.rules.assignment.items():
        yield name, follows(layout, formula, time)
    for r in layout.document.reactions:
        yield r.id, _law(layout, r, time)
    for s in layout.species.values():
        if layout.by_size(s):
            store = layout.stores.get(s.id)
            yield CONCENTRATION + s.id, same(s.id)
            if store is None or not store.size:
                yield AMOUNT + s.id, product(s.id, s.compartment)
        else:
            yield AMOUNT + s.id, same(s.id)
            yield CONCENTRATION + s.id, quotient(s.id, s.compartment) if layout.sized(s) else same(s.id)


def slopes(layout: Layout, time: Expr) -> Definitions:
    """Yield the flow into every species by reactions, and the slope of every quantity."""
    for name in layout.sides:
        yield FLOW + name, _flow(layout, layout.species[name], time)
    for name in layout.columns:
        if name in layout.rules.rate:
            yield RATE_OF + name, follows(layout, layout.rules.rate[name], time)
        elif name in layout.stores:
            yield RATE_OF + name, _slope(layout, name)
        else:
            yield RATE_OF + name, _no_slope(name)


def follows(layout: Layout, formula: Formula, time: Expr) -> Definition:
    """Return the definition of a quantity by a formula."""

    def make(values: Values) -> Expr:
        return number(expression(formula, values, layout.words, time=time))

    return Definition(formula.where, frozenset(names_read(formula)), make)


def same(name: str) -> Definition:
    """Return the definition of a second name."""
    return Definition(name, frozenset((name,)), lambda values: values[name])


def quotient(amount: str, size: str) -> Definition:
    """Return the definition of a concentration."""
    return Definition(amount, frozenset((amount, size)), lambda values: values[amount] / values[size])


def product(concentration: str, size: str) -> Definition:
    """Return the definition of an amount."""
    return Definition(concentration, frozenset((concentration, size)), lambda v: v[concentration] * v[size])


def _law(layout: Layout, r: Reaction, time: Expr) -> Definition:
    if r.law is None:
        return given(r.where, ZERO)
    law, local = r.law, {name: local_name(r, name) for name in r.local}

    def make(values: Values) -> Expr:
        inside = {**values, **{name: values[full] for name, full in local.items() if full in values}}
        return number(expression(law, inside if local else values, layout.words, time=time))

    return Definition(r.where, frozenset(local.get(name, name) for name in names_read(law)), make)


def _flow(layout: Layout, s: Species, time: Expr) -> Definition:
    sides = layout.sides[s.id]
    needs = {r.id for r, _side in sides} | {s.conversion} - {""}
    for _r, side in sides:
        needs |= names_read(side.formula) if side.formula else {side.id} - {""}

    def make(values: Values) -> Expr:
        total: Expr = ZERO
        for r, side in sides:
            total = total + _stoichiometry(layout, r, side, values, time) * side.sign * values[r.id]
        return total * values[s.conversion] if s.conversion else total

    return Definition(s.where, frozenset(needs), make)


def _stoichiometry(layout: Layout, r: Reaction, side: Side, values: Values, time: Expr) -> Expr:
    if side.formula is not None:
        return number(expression(side.formula, values, layout.words, time=time))
    if side.id:
        return values[side.id]
    if math.isnan(side.value):
        what = f"no stoichiometry is given for `{side.species}`"
        raise InputError(Problem(r.where, what, "a number", "Give the species reference a stoichiometry."))
    return constant(side.value)


def _slope(layout: Layout, name: str) -> Definition:
    """Slope of a quantity without rule: what reactions do to it, and how a growing compartment thins it."""
    store = layout.stores[name]
    flow = FLOW + name if store.moves else ""
    if not store.size:
        return same(flow) if flow else given(name, ZERO)
    size, growth = store.size, RATE_OF + store.size

    def make(values: Values) -> Expr:
        inflow = values[flow] if flow else ZERO
        return (inflow - values[name] * values[growth]) / values[size]

    return Definition(name, frozenset((name, size, growth, flow)) - {""}, make)


def _no_slope(name: str) -> Definition:
    def make(_values: Values) -> Expr:
        what = f"<csymbol> `rateOf` of `{name}`, which follows from other quantities, is not supported"
        expected = "a quantity with a rate rule, a species or a constant"
        raise InputError(Problem("formula", what, expected, "Write the derivative out."))

    return Definition(name, frozenset(), make)
