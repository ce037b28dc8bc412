"""How far a parameter reaches: what its equations move (states, shared quantities, levers), and where it is seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from exojoint.core.tables import Parameter
from exojoint.engine.expression import Expr, symbol, symbols_of
from exojoint.joint.model import JointModel
from exojoint.treatments.dispositions import Disposition
from exojoint.workflow.documentation.chapters import Book
from exojoint.workflow.documentation.symbols import without_zone
from exojoint.workflow.documentation.wiring import Wiring

FARTHEST = 4  # steps from a node to what is seen; pain is never farther than that


@dataclass(frozen=True, slots=True)
class Reach:
    """Where one parameter leads.

    Parameters
    ----------
    nodes : tuple of str
        States and shared quantities whose equation it stands in.
    levers : tuple of str
        Levers whose contribution it stands in.
    seen : tuple of str
        Observables that it leads to in the fewest steps.
    steps : int
        How many equations lie between; 0 where an observable is read with the parameter itself.
    """

    nodes: tuple[str, ...] = ()
    levers: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    steps: int = 0


def reaches(book: Book, wiring: Wiring) -> Mapping[str, Reach]:
    """Return the reach of every row that an equation of the default structure reads."""
    nodes: dict[str, set[str]] = defaultdict(set)
    levers: dict[str, set[str]] = defaultdict(set)
    for node, names in wiring.reads.items():
        for name in names:
            nodes[name].add(node)
    for part in book.dispositions:
        for name, own, pulled in _disposition(part, book.joint, book.parameters):
            nodes[name] |= own
            levers[name] |= pulled
    acts = {**_acts(wiring), **_read_by(book)}
    found = {}
    for name in book.parameters:
        direct = tuple(sorted(item for item, read in wiring.seen.items() if name in read))
        first = nodes[name] | {target for lever in levers[name] for target in acts.get(f"lever {lever}", ())}
        seen, steps = (direct, 0) if direct else _nearest(first, wiring, acts)
        found[name] = Reach(tuple(sorted(nodes[name])), tuple(sorted(levers[name])), seen, steps)
    return found


def _acts(wiring: Wiring) -> dict[str, tuple[str, ...]]:
    acts: dict[str, tuple[str, ...]] = {}
    for arrow in wiring.arrows:
        acts[arrow.source] = (*acts.get(arrow.source, ()), arrow.target)
    for arrow in wiring.pulls:
        source = f"lever {arrow.source}"
        acts[source] = (*acts.get(source, ()), arrow.target)
    return acts


def _nearest(first: set[str], wiring: Wiring, acts: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, ...], int]:
    """Return the observables that are read from the nearest nodes."""
    here, steps = first, 1
    while here and steps <= FARTHEST:
        seen = tuple(sorted(item for item, read in wiring.seen.items() if here & read))
        if seen:
            return seen, steps
        here, steps = {target for node in here for target in acts.get(node, ())}, steps + 1
    return (), 0


def _read_by(book: Book) -> dict[str, tuple[str, ...]]:
    """Return what each state of a disposition acts on: its own states, and the levers that it pulls."""
    acts: dict[str, set[str]] = defaultdict(set)
    for part in book.dispositions:
        own = {without_zone(state.name) for state in part.states}
        rates, effects = _traced(part, book.joint, book.parameters)
        for target, value in rates.items():
            for name in map(without_zone, symbols_of([value])):
                if name in own and name != without_zone(target):
                    acts[name].add(without_zone(target))
        for lever, value in effects.items():
            for name in map(without_zone, symbols_of([value])):
                if name in own:
                    acts[name].add(f"lever {without_zone(lever)}")
    return {name: tuple(sorted(targets)) for name, targets in acts.items()}


def _disposition(
    part: Disposition, joint: JointModel, rows: Mapping[str, Parameter]
) -> list[tuple[str, set[str], set[str]]]:
    """Return (row, states, levers) for every row that a disposition's equations read."""
    rates, effects = _traced(part, joint, rows)
    nodes: dict[str, set[str]] = defaultdict(set)
    levers: dict[str, set[str]] = defaultdict(set)
    for state, value in rates.items():
        for name in symbols_of([value]) & set(rows):
            nodes[name].add(without_zone(state))
    for lever, value in effects.items():
        for name in symbols_of([value]) & set(rows):
            levers[name].add(without_zone(lever))
    return [(name, nodes[name], levers[name]) for name in {*nodes, *levers}]


def _traced(
    part: Disposition, joint: JointModel, rows: Mapping[str, Parameter]
) -> tuple[dict[str, Expr], dict[str, Expr]]:
    """Rates and lever contributions of a disposition as expressions; numbers are left out."""
    x = {state.name: symbol(state.name) for state in (*joint.states, *part.states)}
    p = {name: symbol(name) for name in {**rows, **part.parameters}}
    inside = {state.name: state.init for state in joint.states}
    numbers = {name: row.value for name, row in joint.parameters.items()}
    read = {name: symbol(f"readout {name}") for name in joint.readouts(inside, numbers)}
    rates = part.rates(x, p, read, symbol("inflammation that nerves feel"), symbol("inflow"))
    effects = part.effects(x, p, read)
    return (
        {name: value for name, value in rates.items() if isinstance(value, Expr)},
        {name: value for name, value in effects.items() if isinstance(value, Expr)},
    )
