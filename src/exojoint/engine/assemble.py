"""From a system to the programs of its machine code, with every row that they touch in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from exojoint.engine.expression import TIME, ZERO, Expr, symbol
from exojoint.engine.lower import lower
from exojoint.engine.method import method_programs, rodas5p
from exojoint.engine.passes.bottleneck import bottlenecks
from exojoint.engine.passes.collect import gather, hoist, slot
from exojoint.engine.passes.derivative import jacobian
from exojoint.engine.passes.elimination import Elimination, eliminate, write_factors, write_solution
from exojoint.engine.passes.reciprocal import share_reciprocals
from exojoint.engine.program import Builder, Program
from exojoint.engine.system import System


@dataclass(frozen=True)
class Layout:
    """Sizes and rows of the lanes' working memory.

    Attributes
    ----------
    n_states, n_parameters, n_outputs : int
        Sizes of the system (outputs without the states).
    n_constants : int
        Per-patient constants that the inner loop reads.
    n_factors : int
        Rows of the factorised matrix.
    """

    n_states: int
    n_parameters: int
    n_outputs: int
    n_constants: int
    n_factors: int

    @cached_property
    def rows(self) -> dict[str, int]:
        """First row of every array, in the order in which a step walks through them; ``end`` is the total."""
        n = self.n_states
        stages = {f"k{i}": n for i in range(rodas5p().stages)}
        sizes = {"y": n, "u": n, **stages, "y_new": n, "absolute": n, "q": self.n_constants, "factors": self.n_factors}
        sizes |= {"y_out": n, "outputs": self.n_outputs, "atol": n, "watched": n, "ft": n}
        first, total = {}, 0
        for name, size in sizes.items():
            first[name] = total
            total += size
        return {**first, "end": total}


@dataclass(frozen=True)
class Programs:
    """Everything a back end needs.

    Attributes
    ----------
    layout : Layout
        Sizes and rows.
    patient : Program
        Parameters to per-patient constants; runs once per patient and after every change of an input.
    steps : tuple of Program
        Vector programs: the model's (``factorise``, ``rates``, ``solve``, ``outputs``) and the method's.
    plan : Elimination
        How the linear system is solved.
    n_extra : int
        Unknowns beyond the states.
    """

    layout: Layout
    patient: Program
    steps: tuple[Program, ...]
    plan: Elimination
    n_extra: int


@dataclass(frozen=True)
class _Model:
    """Expressions after all passes, reading states, time and per-patient constants."""

    rates: Sequence[Expr]
    outputs: Sequence[Expr]
    entries: dict[tuple[int, int], Expr]
    slopes: Sequence[Expr]
    constants: Sequence[Expr]
    n_extra: int


def assemble(system: System) -> Programs:
    """Return the programs of a system."""
    model = _passes(system)
    n = len(system.states)
    plan = eliminate(set(model.entries), n + model.n_extra)
    layout = Layout(n, len(system.parameters), len(system.outputs), len(model.constants), plan.size)
    steps = (
        _factorise(system, model, plan),
        _rates(system, model),
        write_solution(plan, n, "factors", "x", "x"),
        _outputs(system, model),
        *method_programs(n, system.reads_time),
    )
    return Programs(layout, _patient(system, model), steps, plan, model.n_extra)


def _passes(system: System) -> _Model:
    parameters = frozenset(system.parameters)
    n, n_out = len(system.states), len(system.outputs)
    shared = gather(share_reciprocals([*system.rates, *system.outputs.values()]), parameters)
    rates, outputs = shared[:n], shared[n:]
    states = [symbol(s) for s in system.states]
    extra = list(bottlenecks(rates, system.states))
    wrt = [*states, *extra]
    rows = jacobian(rates, wrt) + jacobian(extra, wrt, inside=True)
    column = {v: j for j, v in enumerate(wrt)}
    where = [(i, column[v]) for i, row in enumerate(rows) for v in row]
    values = share_reciprocals([d for row in rows for d in row.values()])
    slopes = share_reciprocals([g.get(TIME, ZERO) for g in jacobian(rates, [TIME])]) if system.reads_time else []
    hoisted = hoist([*rates, *outputs, *values, *slopes], parameters)
    cut = (n, n + n_out, n + n_out + len(values))
    return _Model(
        hoisted.roots[: cut[0]],
        hoisted.roots[cut[0] : cut[1]],
        dict(zip(where, hoisted.roots[cut[1] : cut[2]], strict=True)),
        hoisted.roots[cut[2] :],
        hoisted.constants,
        len(extra),
    )


def _places(b: Builder, system: System, states: str, time: str) -> dict[Expr, int]:
    """Return where states and time are read; per-patient constants join when they are met."""
    places = {symbol(s): b.load(states, i) for i, s in enumerate(system.states)}
    places[TIME] = b.load(time)
    return places


def _constants(b: Builder, places: dict[Expr, int], n: int) -> None:
    places.update((slot(k), b.load("q", k)) for k in range(n))


def _patient(system: System, model: _Model) -> Program:
    b = Builder()
    places = {symbol(p): b.load("p", i) for i, p in enumerate(system.parameters)}
    for k, value in enumerate(lower(b, model.constants, places)):
        b.store("q", k, value)
    return b.finish("patient")


def _rates(system: System, model: _Model) -> Program:
    b = Builder()
    places = _places(b, system, "u", "t_stage")
    _constants(b, places, len(model.constants))
    rows = [symbol(f" x{i}") for i in range(len(model.rates))]
    places.update((row, b.load("x", i)) for i, row in enumerate(rows))
    for i, value in enumerate(lower(b, [_minus(x, f) for x, f in zip(rows, model.rates, strict=True)], places)):
        b.store("x", i, value)
    return b.finish("rates")


def _minus(x: Expr, f: Expr) -> Expr:
    """Return x - f with x brought to a product inside f, where the subtraction fuses and costs nothing."""
    if f.op not in ("add", "sub"):
        return x - f
    a, b = f.args
    if f.op == "sub":
        return _minus(x, a) + b
    return _minus(x, b) - a if b.op == "mul" and a.op != "mul" else _minus(x, a) - b


def _outputs(system: System, model: _Model) -> Program:
    b = Builder()
    places = _places(b, system, "y_out", "t_out")
    _constants(b, places, len(model.constants))
    for i, value in enumerate(lower(b, model.outputs, places)):
        b.store("outputs", i, value)
    return b.finish("outputs")


def _factorise(system: System, model: _Model, plan: Elimination) -> Program:
    """Rates at the start of the step (right-hand side of stage 0) and factors of J - I/(h gamma).

    Matrix and right-hand sides are both negative of what the textbook solves: no Jacobian entry needs its sign changed.
    """
    b = Builder()
    places = _places(b, system, "y", "t")
    _constants(b, places, len(model.constants))
    rates = lower(b, model.rates, places)
    slopes = lower(b, model.slopes, places)
    for i, value in enumerate(rates):
        if slopes:
            b.store("ft", i, slopes[i])
            lead = b.emit("mul", b.load("step"), b.const(rodas5p().d[0]))
            value = b.emit("add", value, b.emit("mul", lead, slopes[i]))
        b.store("x", i, b.emit("neg", value))
    n = len(system.states)
    matrix = dict(zip(model.entries, lower(b, list(model.entries.values()), places), strict=True))
    for i in range(n + model.n_extra):
        diagonal = b.load("diagonal") if i < n else b.const(1.0)
        matrix[i, i] = b.emit("sub", matrix[i, i], diagonal) if (i, i) in matrix else b.emit("neg", diagonal)
    write_factors(b, matrix, plan, "factors")
    return b.finish("factorise")
