"""Who acts on whom in the knee, and in which direction, found by differentiating the traced equations.

Eight quantities that many rates share (stress, overload, inflammation, pain ...) are kept as nodes of their own, so
that an arrow says what stands in one equation and not everything that follows from it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import ExojointError
from exojoint.core.knowledge import knowledge_space
from exojoint.core.streams import stream
from exojoint.core.tables import Parameter
from exojoint.engine.expression import Expr, symbol, symbols_of, walk
from exojoint.engine.passes.derivative import jacobian
from exojoint.engine.passes.rewrite import rebuild
from exojoint.joint import cartilage, mechanics, pain, synovium
from exojoint.joint.levers import neutral
from exojoint.joint.model import FLUXES, JointModel
from exojoint.joint.views import ZONES, view, zone_view
from exojoint.treatments.dispositions import Disposition
from exojoint.workflow.documentation.symbols import without_zone

Values = dict[str, NDArray[np.float64]]
SIGNALS = ("thickness", "other", "inflammation", "inflammation_pain", "nociception", "pain", "stress", "overload")
LEVER, SIGNAL = "lever ", "signal "  # before the names of symbols that are neither state nor parameter
SAMPLES = 200  # random states, each with its own draw of every unknown parameter
AGREE = 0.9  # share of the random knees that must agree on a direction
SEED = 1
SHARE = (0.75, 1.0)  # range of a random state over its starting value where that is a share
LEVEL = (0.5, 2.0)  # and where it is a level
OPERATIONS: Mapping[str, Callable[..., NDArray[np.float64]]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "pow": operator.pow,
    "neg": operator.neg, "abs": np.abs, "inv": np.reciprocal, "sqrt": np.sqrt, "exp": np.exp, "log": np.log,
    "min": np.minimum, "max": np.maximum, "lt": np.less, "le": np.less_equal, "select": np.where,
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Arrow:
    """`source` raises (+1) or lowers (-1) `target`; 0 where the direction depends on the knee."""

    source: str
    target: str
    sign: int


@dataclass(frozen=True)
class Wiring:
    """The graph of the joint.

    Parameters
    ----------
    arrows : tuple of Arrow
        Between states and signals; zones are one node.
    pulls : tuple of Arrow
        From levers to the states and signals whose equation they stand in.
    reads : mapping of str to frozenset of str
        Parameters (full names) that stand in the equation of each state or signal.
    seen : mapping of str to frozenset of str
        States, signals and parameters that each observable is read from.
    """

    arrows: tuple[Arrow, ...]
    pulls: tuple[Arrow, ...]
    reads: Mapping[str, frozenset[str]]
    seen: Mapping[str, frozenset[str]]

    def next(self, name: str) -> tuple[str, ...]:
        """Return the nodes that a node acts on."""
        return tuple(arrow.target for arrow in self.arrows if arrow.source == name)


def wire(joint: JointModel) -> Wiring:
    """Return who acts on whom in a joint.

    Raises
    ------
    ExojointError
        When a signal is no longer part of the equations, so that the picture would be wrong.
    """
    x = {name: symbol(name) for name in joint.state_names}
    p = {name: symbol(name) for name in joint.parameters}
    lever = {name: symbol(LEVER + name) for name in neutral(joint.levers)}
    shared = _signals(joint, x, p, lever)
    rates = {name: value for name, value in joint.rates(x, p, lever).items() if isinstance(value, Expr)}
    seen = {name: value for name, value in joint.observe(x, p, lever).items() if isinstance(value, Expr)}
    whole = set(walk([*rates.values(), *seen.values()]))
    lost = sorted(name for name, node in shared.items() if node not in whole)
    if lost:
        raise ExojointError(f"the quantities {', '.join(lost)} are no part of the rates any more; correct `_signals`")
    nodes = {**rates, **{SIGNAL + name: node for name, node in shared.items()}}
    cut = {name: _cut(node, shared, SIGNAL in name) for name, node in nodes.items()}
    found = _directions(joint, cut)
    arrows = [arrow for arrow in found if not arrow.source.startswith(LEVER) and arrow.source != arrow.target]
    pulls = [arrow for arrow in found if arrow.source.startswith(LEVER)]
    names = frozenset(joint.parameters)
    reads: dict[str, frozenset[str]] = {}
    for name, node in cut.items():
        plain = _node(name)
        reads[plain] = reads.get(plain, frozenset()) | (symbols_of([node]) & names)
    observed = {}
    for name, node in seen.items():
        found_there = symbols_of([_cut(node, shared, False)])
        observed[name] = frozenset(item if item in names else _node(item) for item in found_there if LEVER not in item)
    return Wiring(_joined(arrows), _joined(pulls), reads, observed)


def _signals(
    joint: JointModel, x: Mapping[str, Expr], p: Mapping[str, Expr], lever: Mapping[str, Expr]
) -> dict[str, Expr]:
    """Return the shared quantities as the joint computes them; equal expressions are the same node of the graph."""
    states, numbers, pulled = view(x), view(p), view(lever)
    fluxes = FLUXES[joint.structure]
    zones = [(zone_view(x, zone), zone_view(p, zone)) for zone in ZONES]
    remaining = sum(cartilage.thickness(*zone) for zone in zones)
    signal = synovium.inflammation(states, numbers, pulled)
    drive = pain.nociception(states, numbers, pulled, signal["pain"], 1 - remaining)["drive"]
    score = pain.pain_score(numbers, pain.pain_odds(states, numbers, pulled, drive))
    quality = sum(mechanics.zone_quality(*zone) for zone in zones)
    load = mechanics.load(states, numbers, pulled, score, fluxes.deviation(numbers))
    stress = load / mechanics.matrix_support(quality, numbers)
    overload = mechanics.overload(stress, numbers, pulled)
    found = (remaining, signal["other"], signal["cartilage"], signal["pain"], drive, score, stress, overload)
    return dict(zip(SIGNALS, found, strict=True))


def _cut(node: Expr, shared: Mapping[str, Expr], own: bool) -> Expr:
    """Return an expression with the shared quantities as symbols; a signal is not cut at itself (`own`)."""
    names = {value: name for name, value in shared.items() if not (own and value is node)}
    made: dict[Expr, Expr] = {}
    for item in walk([node]):
        if item in names:
            made[item] = symbol(SIGNAL + names[item])
        else:
            made[item] = rebuild(item, tuple(made[part] for part in item.args)) if item.args else item
    return made[node]


def _node(name: str) -> str:
    """Return the node of a symbol: zones are one, signals go by their plain name."""
    return without_zone(name.removeprefix(SIGNAL))


def _joined(arrows: Iterable[Arrow]) -> tuple[Arrow, ...]:
    """Return one arrow for the three zones; opposite directions make an open one."""
    signs: dict[tuple[str, str], set[int]] = {}
    for arrow in arrows:
        source = arrow.source.removeprefix(LEVER)
        signs.setdefault((_node(source), _node(arrow.target)), set()).add(arrow.sign)
    joined = (
        Arrow(source, target, found.pop() if len(found) == 1 else 0)
        for (source, target), found in signs.items()
        if source != target
    )
    return tuple(sorted(joined))


def _directions(joint: JointModel, cut: Mapping[str, Expr]) -> list[Arrow]:
    """Return an arrow for every symbol of every expression, with the sign of its derivative over random knees."""
    values = _knees(joint)
    arrows = []
    for target, node in cut.items():
        sources = [symbol(name) for name in sorted(symbols_of([node]) - set(joint.parameters))]
        slopes = jacobian([node], sources, inside=True)[0]
        for source, slope in slopes.items():
            found = np.broadcast_to(_value(slope, values), SAMPLES)
            up, down = np.mean(found > 0), np.mean(found < 0)
            sign = 1 if up > AGREE * (up + down) else -1 if down > AGREE * (up + down) else 0
            if up + down > 0:
                arrows.append(Arrow(source.name, target, sign))
    return arrows


def _knees(joint: JointModel) -> Values:
    """Return random states, parameter draws, neutral levers and random signals, (SAMPLES,) each."""
    luck, ids = stream(SEED, "wiring"), np.arange(SAMPLES)
    space = knowledge_space(joint.parameters)
    values: Values = {name: np.full(SAMPLES, row.value) for name, row in joint.parameters.items()}
    values |= space.values(luck.child("knowledge").normal(ids, space.n_axes))
    for state in joint.states:
        u = luck.child("state", state.name).uniform(ids, 1)[:, 0]
        low, high = SHARE if 0 < state.init < 1 else LEVEL
        values[state.name] = u if state.init == 0 else state.init * (low + (high - low) * u)
    for name in SIGNALS:
        u = luck.child("signal", name).uniform(ids, 1)[:, 0]
        low, high = (0.0, 100.0) if name == "pain" else SHARE if name == "thickness" else LEVEL
        values[SIGNAL + name] = low + (high - low) * u
    untreated = neutral(joint.levers)
    return values | {LEVER + name: np.full(SAMPLES, float(level)) for name, level in untreated.items()}


def _value(node: Expr, values: Values) -> NDArray[np.float64]:
    """Evaluate an expression, one operation after the other."""
    made: dict[Expr, NDArray[np.float64]] = {}
    for item in walk([node]):
        if item.op == "symbol":
            made[item] = values[item.name]
        elif item.op == "const":
            made[item] = np.float64(item.value) * np.ones(1)
        else:
            made[item] = OPERATIONS[item.op](*(made[part] for part in item.args))
    return made[node]


def pulls_of(part: Disposition, joint: JointModel, rows: Mapping[str, Parameter]) -> tuple[Arrow, ...]:
    """Return the levers that a disposition pulls when something of it is in the knee, and in which direction.

    `rows` are those of the joint and of all dispositions, of which one may share another's.
    """
    untreated = neutral(joint.levers)
    luck, ids = stream(SEED, "disposition", part.name), np.arange(SAMPLES)
    x = {state.name: luck.child(state.name).uniform(ids, 1)[:, 0] for state in part.states}
    x |= {state.name: np.full(SAMPLES, state.init) for state in joint.states}
    p = {name: np.full(SAMPLES, row.value) for name, row in {**rows, **part.parameters}.items()}
    p |= {name: np.ones(SAMPLES) for name in part.inputs}
    contributions = part.effects(x, p, joint.readouts(x, p))
    signs: dict[str, set[int]] = {}
    for name, value in contributions.items():
        away = np.sign(np.asarray(value, dtype=np.float64) - float(untreated[name]))
        signs.setdefault(without_zone(name), set()).update(int(sign) for sign in np.unique(away) if sign)
    return tuple(
        Arrow(part.name, name, found.pop() if len(found) == 1 else 0) for name, found in signs.items() if found
    )


def node_names(joint: JointModel) -> Sequence[str]:
    """Return the nodes of the graph: states without zones, then signals."""
    return (*dict.fromkeys(without_zone(name) for name in joint.state_names), *SIGNALS)
