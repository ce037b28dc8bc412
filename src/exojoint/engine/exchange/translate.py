"""From the records of a file to a system of the engine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from exojoint.core.errors import InputError, Problem
from exojoint.engine.exchange.always import dependent, quotient, slopes
from exojoint.engine.exchange.definitions import Definition, given, resolve
from exojoint.engine.exchange.layout import FLOW, Layout
from exojoint.engine.exchange.meaning import RATE_OF, Words, expression, names_read, number, truth
from exojoint.engine.exchange.model import AMOUNT, CONCENTRATION, Incident, Model
from exojoint.engine.exchange.parts import Document, Formula, Happening, Valued
from exojoint.engine.exchange.read import parse_document, read_document
from exojoint.engine.exchange.starting import start
from exojoint.engine.expression import TIME, Expr, constant, symbol, symbols_of
from exojoint.engine.system import System

CLOCK = "time.passed"  # the state of a model that has none


def read_sbml(path: Path) -> Model:
    """Import an SBML file of level 1, 2 or 3.

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
    layout = Layout(document, Words(document.functions))
    always = resolve(_definitions(layout), _wanted(layout))
    rates = {store.name: number(always[layout.slope(q)]) for q, store in layout.stores.items() if store.moves}
    incidents = tuple(_incident(layout, h, always) for h in document.happenings)
    starting = start(layout)
    if not rates:
        rates, starting = {CLOCK: constant(1.0)}, starting | {CLOCK: 0.0}
    parameters = [name for name in starting if name not in rates]
    changed = {layout.stores[q].name for i in incidents for q in i.values}
    inputs = [name for name in parameters if name in changed]
    system = System.build(list(rates), parameters, inputs, rates, _outputs(always, starting))
    _refuse_missing(layout, system, starting, changed)
    label = replace(document.label, remarks=_remarks(layout))
    return Model(
        label, system, starting, incidents, layout.stores, layout.columns, tuple(layout.species), layout.concentrated()
    )


def _definitions(layout: Layout) -> dict[str, Definition]:
    """Return the definitions that hold at any time, on symbols of what is kept."""
    names = [*(store.name for store in layout.stores.values()), *layout.local]
    found = {name: given(name, symbol(name)) for name in names}
    concentrations = {q: quotient(s.name, s.size) for q, s in layout.stores.items() if s.size}
    return found | concentrations | dict(dependent(layout, TIME)) | dict(slopes(layout, TIME))


def _wanted(layout: Layout) -> list[str]:
    """Return all names that the model needs at any time."""
    names = [*layout.columns, *layout.local, *(layout.slope(q) for q, s in layout.stores.items() if s.moves)]
    names += [prefix + s for s in layout.species for prefix in (AMOUNT, CONCENTRATION)]
    for h in layout.document.happenings:
        formulas = [h.trigger, *h.assignments.values(), *([h.priority] if h.priority else [])]
        names += [name for f in formulas for name in sorted(names_read(f))]
    return names


def _outputs(always: Mapping[str, Expr], starting: Mapping[str, float]) -> dict[str, Expr]:
    """Everything worth reading that is neither state nor parameter."""
    slopes_ = (RATE_OF, FLOW)
    return {name: e for name, e in always.items() if name not in starting and not name.startswith(slopes_)}


def _incident(layout: Layout, h: Happening, always: Mapping[str, Expr]) -> Incident:
    def of(formula: Formula) -> Expr:
        return expression(formula, always, layout.words)

    assigned = [name for name in h.assignments if name not in layout.stores]
    if assigned:
        what = f"`{assigned[0]}` cannot be set"
        raise InputError(
            Problem(h.where, what, "a quantity without assignment rule", "Remove the rule or the assignment.")
        )
    values = {name: number(of(formula)) for name, formula in h.assignments.items()}
    priority = number(of(h.priority)) if h.priority else None
    return Incident(h.id, truth(of(h.trigger)), h.before, h.persistent, h.early, priority, values)


def _refuse_missing(layout: Layout, system: System, starting: Mapping[str, float], changed: set[str]) -> None:
    """Refuse what is needed from the start and has no value."""
    needed = (symbols_of(system.rates) | set(system.states)) - changed
    q, given_ = layout.quantities, layout.rules.initial
    items: tuple[Valued, ...] = (*q.species, *q.parameters, *q.references)
    places = {layout.stores[i.id].name: i for i in items if i.id in layout.stores}
    problems = [
        Problem(places[name].where, "has no value", "a number", "Give it a value, an initial assignment or a rule.")
        for name in sorted(needed)
        if name in places and math.isnan(starting[name]) and places[name].id not in given_
    ]
    problems += [
        Problem(f"local parameter `{name}`", "has no value", "a number", "Give it a value.")
        for name in sorted(needed)
        if name in layout.local and math.isnan(starting[name])
    ]
    if problems:
        raise InputError(*problems)


def _remarks(layout: Layout) -> tuple[str, ...]:
    sizes = [c.id for c in layout.compartments.values() if layout.size_is_assumed(c)]
    return (*layout.document.label.remarks, *(f"compartment `{name}` has no size; 1 is taken" for name in sizes))
