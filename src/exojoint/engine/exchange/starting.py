"""Where every state and parameter starts, solved in the order in which initial values depend on each other."""

from __future__ import annotations

import math
from collections.abc import Iterator

from exojoint.engine.exchange.always import dependent, follows, product, quotient, slopes
from exojoint.engine.exchange.definitions import Definition, given, resolve
from exojoint.engine.exchange.evaluate import Evaluator
from exojoint.engine.exchange.layout import Layout
from exojoint.engine.exchange.meaning import NOT_A_NUMBER
from exojoint.engine.exchange.model import AMOUNT
from exojoint.engine.exchange.parts import Species
from exojoint.engine.expression import ZERO, constant


def start(layout: Layout) -> dict[str, float]:
    """Return the value of every state and parameter at time 0 (nan where the file gives none).

    Raises
    ------
    InputError
        When initial values depend on themselves or on what has no value.
    """
    definitions = dict(dependent(layout, ZERO)) | dict(slopes(layout, ZERO)) | dict(_kept(layout))
    names = [*(store.name for store in layout.stores.values()), *layout.local]
    found = resolve(definitions, names)
    values = Evaluator([found[name] for name in names])({}, 0.0)
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _kept(layout: Layout) -> Iterator[tuple[str, Definition]]:
    """Initial assignments, else attributes, of everything that is kept."""
    q, initial = layout.quantities, layout.rules.initial
    sizes = [(c.id, c.where, 1.0 if math.isnan(c.size) else c.size) for c in q.compartments]
    values = [(item.id, item.where, item.value) for item in (*q.parameters, *q.references)]
    for name, where, value in (*sizes, *values):
        if name in initial:
            yield name, follows(layout, initial[name], ZERO)
        elif name in layout.stores:
            yield name, given(where, constant(value))
    for name, value in layout.local.items():
        yield name, given(name, constant(value))
    for s in q.species:
        if s.id in layout.stores:
            yield from _species(layout, s)


def _species(layout: Layout, s: Species) -> Iterator[tuple[str, Definition]]:
    """The reading that is given, and the other one from it."""
    by_size, store = layout.by_size(s), layout.stores[s.id]
    amount = AMOUNT + s.id if by_size else s.id
    concentration = s.id if by_size else f"given {s.id}"  # a name that nobody else has
    if s.id in layout.rules.initial:
        yield s.id, follows(layout, layout.rules.initial[s.id], ZERO)
        if store.size:
            yield amount, product(s.id, s.compartment)
    elif not math.isnan(s.amount):
        yield amount, given(s.where, constant(s.amount))
        if by_size:
            yield s.id, quotient(amount, s.compartment)
    elif not math.isnan(s.concentration):
        yield concentration, given(s.where, constant(s.concentration))
        yield amount, product(concentration, s.compartment)
    else:
        yield s.id, given(s.where, NOT_A_NUMBER)
        if store.size:
            yield amount, given(s.where, NOT_A_NUMBER)
