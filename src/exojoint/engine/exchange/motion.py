"""How a model moves while nothing happens to it: the engine, and a second integrator where the engine cannot follow."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from exojoint.engine.events import calendar
from exojoint.engine.exchange.evaluate import Evaluator
from exojoint.engine.exchange.instant import Instant, Reals, beginning, readable, values_along, values_at
from exojoint.engine.exchange.model import Model
from exojoint.engine.expression import TIME, Expr, constant, symbol, symbols_of, walk
from exojoint.engine.job import Patients, Settings, Task, empty_results, run_task
from exojoint.engine.kernel import Kernel, compile_system
from exojoint.engine.outcome import Outcome
from exojoint.engine.passes.derivative import jacobian
from exojoint.engine.passes.rewrite import substitute
from exojoint.engine.system import System
from exojoint.engine.triggers import watch

BEGIN, SCALE = "time.begin", "time.scale"  # parameters that turn the engine's clock into the model's
FORM = "form."  # parameters that hold a comparison or a step of the equations as it was at the beginning of a leg
SPAN = 1000.0  # length of a whole simulation on the engine's clock, whose smallest steps are absolute
DIVIDING = ("div", "inv", "pow", "log")  # operations that may be infinite where their operands are not
LANES = 2  # the fewest that vectors have: one course is followed at a time, and no trial of widths pays off
MOST_CALLS = 50_000  # evaluations after which the second integrator is given up: a second or two


class _TooLongError(Exception):
    """Ends the second integrator, which knows no limit of its own."""


@dataclass(frozen=True)
class Leg:
    """A stretch without events: states (m, n_states) at the times asked for, and the steps that it took."""

    states: Reals
    steps: int


@dataclass(frozen=True)
class Motion:
    """Integrates a model.

    Attributes
    ----------
    model : Model
    scale : float
        The model's time per unit of the engine's clock.
    rtol : float
        Relative tolerance.
    atol : (n_states,)
        Absolute tolerance of each state.
    forms : sequence of Expr
        Comparisons and steps in the rates. They stay as they are at the beginning of a leg, so that the integrator sees
        smooth equations: a leg holds up to the time at which one of them changes, and it is for the caller to look.
    """

    model: Model
    scale: float
    rtol: float
    atol: Reals
    forms: Sequence[Expr]
    _kernels: dict[Hashable, Kernel] = field(default_factory=dict, repr=False)

    def follow(self, instant: Instant, times: Reals, *, second: bool = True) -> Leg | None:
        """Return the course from an instant at ascending times after it, or None where no way leads to the last one.

        Equations that have no value beyond a change of form (a root of a negative number) are followed as they stand,
        and where a slope is infinite by finite differences (``second``).
        """
        leg = self._engine(instant, times, frozen=bool(self.forms))
        if leg is None and self.forms:
            leg = self._engine(instant, times, frozen=False)
        return self._second(instant, times) if leg is None and second else leg

    def _engine(self, instant: Instant, times: Reals, *, frozen: bool) -> Leg | None:
        """Return the leg that the engine finds, if it finds one."""
        held = ~np.isfinite(instant.state)  # what is no number stays no number
        kernel = self._kernel(instant, held, frozen)
        system = kernel.system
        every = dict(zip(self.model.system.parameters, instant.parameters, strict=True))
        every |= {BEGIN: instant.time, SCALE: self.scale}
        forms = self._forms(values_at(self.model, instant), instant.time) if frozen else []
        every |= {f"{FORM}{k}": float(value) for k, value in enumerate(forms)}
        p = np.array([[every[name] for name in system.parameters]])
        y = instant.state[None, ~held] if not held.all() else np.zeros((1, 1))
        settings = Settings(self.rtol, self.atol[~held] if not held.all() else np.zeros(1))
        days = (times - instant.time) / self.scale
        patients = Patients(p, y, calendar(system, (), 1), watch(system, (), 1))
        wanted = np.arange(y.shape[1], dtype=np.int64)
        results = empty_results(1, len(days), len(wanted), len(wanted))
        run_task(kernel.variant(), Task(patients, days, wanted, float(days[-1]), settings), results)
        if results.outcome[0] != Outcome.ok:
            return None
        states = np.tile(instant.state, (len(times), 1))
        if not held.all():
            states[:, ~held] = results.values[0]
        return Leg(states, int(results.steps[0])) if self._smooth(instant, times, states) else None

    def _smooth(self, instant: Instant, times: Reals, states: Reals) -> bool:
        """Whether all slopes have finite derivatives: at an infinite one an implicit method stands still unnoticed."""
        if not self._risky:
            return True
        parameters = np.broadcast_to(instant.parameters, (len(times) + 1, len(instant.parameters)))
        along = values_along(self.model, np.concatenate([instant.state[None], states]), parameters)
        found = self._derivatives(along, np.append(instant.time, times))
        return not any(np.any(np.isinf(v)) for v in found)

    @cached_property
    def _risky(self) -> tuple[Expr, ...]:
        """Derivatives that may be infinite."""
        rates, states = self.model.system.rates, [symbol(s) for s in self.model.system.states]
        found = [d for row in jacobian(rates, states) for d in row.values()]
        return tuple(d for d in found if any(node.op in DIVIDING for node in walk((d,))))

    @cached_property
    def _derivatives(self) -> Evaluator:
        return Evaluator(self._risky)

    @cached_property
    def _forms(self) -> Evaluator:
        return Evaluator(self.forms)

    def _kernel(self, instant: Instant, held: NDArray[np.bool_], frozen: bool) -> Kernel:
        """Return the machine code of what moves; values that are no numbers are written into it."""
        names, system = np.array(self.model.system.states), self.model.system
        odd = {str(n): float(v) for n, v in zip(names[held], instant.state[held], strict=True)}
        odd |= {n: float(v) for n, v in zip(system.parameters, instant.parameters, strict=True) if not np.isfinite(v)}
        key = (frozen, *((name, repr(value)) for name, value in odd.items()))
        if key not in self._kernels:
            self._kernels[key] = compile_system(self._moving(odd, self.forms if frozen else ()), lanes=LANES)
        return self._kernels[key]

    def _moving(self, odd: dict[str, float], forms: Sequence[Expr]) -> System:
        """Return the system on the engine's clock, with the parameters that matter."""
        system, scale = self.model.system, symbol(SCALE)
        table: dict[Expr, Expr] = {TIME: symbol(BEGIN) + scale * TIME}
        for k, e in enumerate(forms):
            kept = symbol(f"{FORM}{k}")
            table[e] = kept if e.op == "floor" else kept > 0.5
        table |= {symbol(name): constant(value) for name, value in (self._exponents | odd).items()}
        rates = substitute(system.rates, table)
        moving = {s: scale * r for s, r in zip(system.states, rates, strict=True) if s not in odd}
        moving = moving or {"nothing": constant(0.0)}
        needed = symbols_of(moving.values())
        extra = [BEGIN, SCALE, *(f"{FORM}{k}" for k in range(len(forms)))]
        parameters = [name for name in (*system.parameters, *extra) if name in needed]
        return System.build(list(moving), parameters, (), moving, {})

    @cached_property
    def _exponents(self) -> dict[str, float]:
        """Parameters in exponents that nothing changes: as numbers, they let a base be negative."""
        system = self.model.system
        inside = symbols_of(e.args[1] for e in walk(system.rates) if e.op == "pow")
        start = self.model.start
        return {n: start[n] for n in system.parameters if n in inside and n not in system.inputs}

    def _second(self, instant: Instant, times: Reals) -> Leg | None:
        """Follow by finite differences: slower, but a slope may be infinite where a function begins (a root at 0)."""
        from scipy.integrate import solve_ivp

        moving = np.flatnonzero(np.isfinite(instant.state))
        if not len(moving):
            return None
        names = [self.model.system.states[i] for i in moving]
        rates = Evaluator([self.model.system.rates[i] for i in moving])
        start = values_at(self.model, instant)
        calls = 0

        def slope(t: float, y: Reals) -> Reals:
            nonlocal calls
            calls += 1
            if calls > MOST_CALLS:
                raise _TooLongError
            return np.array([float(v) for v in rates(start | dict(zip(names, y, strict=True)), t)])

        span, y, atol = (instant.time, float(times[-1])), instant.state[moving], self.atol[moving]
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                found = solve_ivp(slope, span, y, "LSODA", times, rtol=self.rtol, atol=atol)
        except _TooLongError:
            return None
        if not found.success or found.y.shape[1] != len(times) or not np.all(np.isfinite(found.y)):
            return None
        states = np.tile(instant.state, (len(times), 1))
        states[:, moving] = found.y.T
        return Leg(states, int(found.nfev))


def motion(model: Model, end: float, rtol: float, atol: float, forms: Sequence[Expr] = ()) -> Motion:
    """Return the integrator of a model for a simulation that ends at a time.

    ``atol`` is for quantities of the size of 1 or more; where all start smaller, it shrinks with the largest. Amounts
    of species that are read as concentrations get that of the concentration times the size.
    """
    first = beginning(model)
    values = values_at(model, first)
    sizes = np.ones(len(model.system.states))
    readings = readable(model)
    for store in model.stores.values():
        if store.moves and store.size:
            (size,) = Evaluator([readings[store.size]])(values, 0.0)
            if np.isfinite(size) and size > 0.0:
                sizes[model.system.states.index(store.name)] = size
    amounts = np.abs(first.state) / sizes
    known = amounts[np.isfinite(amounts) & (amounts > 0.0)]
    typical = min(1.0, float(known.max())) if len(known) else 1.0
    return Motion(
        model, max(end, np.finfo(float).tiny) / SPAN if end > 0.0 else 1.0, rtol, atol * typical * sizes, forms
    )
