"""How outputs answer to parameters: neighbours of a patient, each with one number changed, on the patient's own steps.

All lanes share the steps of the first, so that the choice of steps cancels in the differences and only their smooth
part is left (internal numerical differentiation, H. G. Bock, Numerical treatment of inverse problems in chemical
reaction kinetics, in: Modelling of Chemical Reaction Systems, Springer 1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.engine.events import Event, calendar, events_of
from exojoint.engine.job import Patients, Results, Settings, Task, empty_results, run_task
from exojoint.engine.kernel import Kernel, compile_system
from exojoint.engine.solve import MODES, check_days, check_outputs, check_patients
from exojoint.engine.triggers import watch
from exojoint.engine.variant import Variant

Reals = NDArray[np.float64]
RELATIVE_CHANGE = 1e-6  # of a parameter; errors of the difference are about this, those of rounding a thousandth of it


@dataclass(frozen=True)
class Gradient:
    """Outputs and their derivatives.

    Attributes
    ----------
    days : (m,)
    names : tuple of str
        Outputs, k of them.
    wrt : tuple of str
        Parameters and states, w of them.
    values : (n, m, k)
        Outputs of the patients.
    gradient : (n, m, k, w)
        Derivative of each output by each parameter, or by the state at day 0; nan where a patient failed.
    outcome : (n,), values of Outcome
    """

    days: Reals
    names: tuple[str, ...]
    wrt: tuple[str, ...]
    values: Reals
    gradient: Reals
    outcome: NDArray[np.uint8]


def gradient(
    kernel: Kernel,
    parameters: ArrayLike,
    state: ArrayLike,
    events: Sequence[Event],
    times: ArrayLike,
    outputs: Sequence[str],
    wrt: Sequence[str],
    *,
    day_end: float | None = None,
    mode: str = "standard",
    rtol: float | None = None,
    threads: int = 1,
) -> Gradient:
    """Return outputs and their derivatives by parameters or starting states.

    Parameters
    ----------
    kernel, parameters, state, events, times, outputs, day_end, mode, rtol, threads
        As in :func:`exojoint.engine.solve` (always in double precision).
    wrt
        Parameters, and states at day 0, to differentiate by.

    Raises
    ------
    InputError
        As solve; also for a name in ``wrt`` that is neither a parameter nor a state.
    """
    p, y = check_patients(kernel, parameters, state)
    days, wanted = check_days(times, day_end), check_outputs(kernel, outputs)
    end = float(days[-1]) if day_end is None else float(day_end)
    columns = _columns(kernel, wrt)
    variant = kernel.variant()
    if variant.shape.lanes < 2:
        variant = compile_system(kernel.system, cache_dir=kernel.folder, lanes=2).variant()
    settings = Settings(rtol if rtol is not None else MODES[mode].rtol, shared=True)
    values = np.empty((len(p), len(days), len(wanted)))
    slopes = np.empty((*values.shape, len(wrt)))
    outcome = np.empty(len(p), dtype=np.uint8)

    def work(rows: NDArray[np.int64]) -> None:
        family = _Family(p[rows], y[rows], columns, variant.shape.lanes)
        jumps = calendar(kernel.system, events_of(events, rows[family.origin]), len(family.p))
        who = Patients(family.p, family.y, jumps, watch(kernel.system, (), len(family.p)))
        results = _run(variant, Task(who, days, wanted, end, settings))
        values[rows], slopes[rows], outcome[rows] = family.differences(results)

    shares = [s for s in np.array_split(np.arange(len(p)), max(1, threads)) if len(s)]
    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(work, shares))
    return Gradient(days, tuple(outputs), tuple(wrt), values, slopes, outcome)


def _run(variant: Variant, task: Task) -> Results:
    results = empty_results(task.size, len(task.times), len(task.wanted), variant.layout.n_states)
    run_task(variant, task, results)
    return results


def _columns(kernel: Kernel, wrt: Sequence[str]) -> list[int]:
    """Return columns of parameters, or minus one minus the column of a state."""
    s = kernel.system
    unknown = [n for n in wrt if n not in s.parameters and n not in s.states]
    if unknown:
        known = (*s.parameters, *s.states)
        raise InputError(
            *(
                Problem("wrt", f"`{n}` is neither a parameter nor a state", "names", did_you_mean(n, known))
                for n in unknown
            )
        )
    return [s.parameters.index(n) if n in s.parameters else -1 - s.states.index(n) for n in wrt]


class _Family:
    """Groups of lanes: a patient first, then neighbours with one number changed each."""

    def __init__(self, p: Reals, y: Reals, columns: Sequence[int], lanes: int) -> None:
        self.n, self.lanes, self.columns = len(p), lanes, columns
        self.groups = max(1, -(-len(columns) // (lanes - 1)))
        self.origin = np.repeat(np.arange(self.n), self.groups * lanes)
        self.p, self.y = p[self.origin], y[self.origin]
        self.change = np.ones((self.n, len(columns)))
        for j, column in enumerate(columns):
            rows = np.arange(self.n) * self.groups * lanes + self.place(j)
            table, k = (self.p, column) if column >= 0 else (self.y, -1 - column)
            before = table[rows, k]
            table[rows, k] = np.where(before == 0.0, RELATIVE_CHANGE, before * (1.0 + RELATIVE_CHANGE))
            self.change[:, j] = table[rows, k] - before

    def place(self, j: int) -> int:
        """Return the lane, counted over all groups of a patient, of the neighbour with number j changed."""
        return j // (self.lanes - 1) * self.lanes + 1 + j % (self.lanes - 1)

    def differences(self, results: Results) -> tuple[Reals, Reals, NDArray[np.uint8]]:
        """Return values (n, m, k), derivatives (n, m, k, w) and outcomes (n,)."""
        table = results.values.reshape(self.n, self.groups * self.lanes, *results.values.shape[1:])
        outcomes = results.outcome.reshape(self.n, -1)
        slopes = np.empty((*table.shape[:1], *table.shape[2:], len(self.columns)))
        for j in range(len(self.columns)):
            k = self.place(j)
            change = self.change[:, j, None, None]
            slopes[..., j] = (table[:, k] - table[:, k - k % self.lanes]) / change
        return table[:, 0], slopes, outcomes.max(axis=1)
