"""A second chance for patients whom the vector code could not follow: one at a time, with pivoting, more closely.

It integrates the equations as they were written (no pass has touched them), factorises the full matrix with row
pivoting, and follows the same method. It is slow and rarely needed; whoever fails here too has failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.engine.job import SCALE_FLOOR, SCALE_SHARE, Results, Task
from exojoint.engine.kernel import Kernel
from exojoint.engine.method import BEST_ERROR, GROW, SAFETY, SHRINK, SMALLEST_STEP, WORST_ERROR, rodas5p
from exojoint.engine.outcome import Outcome
from exojoint.engine.slots import ADD_STATE, KIND, SET_INPUT, SOURCE, TARGET

Reals = NDArray[np.float64]
TIGHTER = 0.1  # of the tolerance at which a patient failed
MAX_STEPS = 20_000
MAX_PATIENTS = 1_000  # beyond this the equations are wrong, not the patients
SECOND_CHANCE = (Outcome.step_underflow, Outcome.not_finite)  # the other ends would be the same, only later


def rescue(kernel: Kernel, task: Task, results: Results) -> NDArray[np.bool_]:
    """Integrate failed patients again and put what succeeds in its place; return who was rescued, (n,).

    Patients whose own numbers are not finite, and tasks with triggers, are left as they are.
    """
    saved = np.zeros(task.size, dtype=np.bool_)
    failed = np.isin(results.outcome, SECOND_CHANCE)
    if not failed.any() or task.patients.watch.size or task.settings.shared:
        return saved
    finite = np.isfinite(task.patients.parameters).all(1) & np.isfinite(task.patients.state).all(1)
    for row in np.flatnonzero(failed & finite)[:MAX_PATIENTS]:
        with np.errstate(all="ignore"):
            saved[row] = _Patient(kernel, task, int(row)).run(results)
    return saved


@dataclass
class _Clock:
    """Where a patient is in time."""

    t: float
    h: float
    growth: float = GROW
    steps: int = 0


class _Patient:
    """One patient in the scalar solver."""

    def __init__(self, kernel: Kernel, task: Task, row: int) -> None:
        self.task, self.row, self.code = task, row, kernel.plain()
        self.n = len(kernel.system.states)
        self.memory = np.zeros(self.code.rows["end"])
        self.view("p", len(kernel.system.parameters))[:] = task.patients.parameters[row]
        self.y = task.patients.state[row].copy()
        self.values = np.full((len(task.times), len(task.wanted)), np.nan)
        settings = task.settings
        self.rtol = TIGHTER * settings.rtol
        floor = self.rtol * SCALE_SHARE * SCALE_FLOOR
        self.absolute = np.full(self.n, floor) if settings.atol is None else TIGHTER * settings.atol
        self.share = SCALE_SHARE * self.rtol if settings.atol is None else 0.0
        self.clock = _Clock(0.0, settings.first_step)

    def view(self, name: str, size: int) -> Reals:
        """Return numbers of the working memory."""
        start = self.code.rows[name]
        return self.memory[start : start + size]

    def rates(self, t: float, y: Reals) -> Reals:
        """Return the rates at a state."""
        self.view("y", self.n)[:], self.view("t", 1)[:] = y, t
        self.code.rates(self.memory.ctypes.data, 0, 0)
        return self.view("rates", self.n).copy()

    def jacobian(self, t: float, y: Reals) -> tuple[Reals, Reals]:
        """Return the Jacobian and the slopes in time."""
        self.view("y", self.n)[:], self.view("t", 1)[:] = y, t
        self.view("matrix", self.n**2)[:] = 0.0
        self.code.jacobian(self.memory.ctypes.data, 0, 0)
        return self.view("matrix", self.n**2).reshape(self.n, self.n).copy(), self.view("slopes", self.n).copy()

    def table(self, t: float, y: Reals) -> Reals:
        """Return states and outputs at a state."""
        self.view("y", self.n)[:], self.view("t", 1)[:] = y, t
        self.code.outputs(self.memory.ctypes.data, 0, 0)
        return np.concatenate([y, self.memory[self.code.rows["outputs"] : self.code.rows["matrix"]]])

    def run(self, results: Results) -> bool:
        """Integrate to the end; write the results and return True if that was possible."""
        times, done = self.task.times, 0
        while done < len(times) and times[done] <= 0.0:
            self.values[done] = self.table(0.0, self.y)[self.task.wanted]
            done += 1
        for stop, events in self._stretches():
            for e in events:
                self._apply(e)
            self.absolute = np.maximum(self.absolute, self.share * np.abs(self.y))
            self.clock.h, self.clock.growth = self.task.settings.first_step, GROW
            while self.clock.t < stop:
                if self._settled():
                    return self._write(results)
                start, y0 = self.clock.t, self.y
                stages = self._advance(stop)
                if stages is None:
                    return False
                while done < len(times) and times[done] <= self.clock.t:
                    theta = (times[done] - start) / (self.clock.t - start)
                    self.values[done] = self.table(times[done], _inside(theta, y0, self.y, stages))[self.task.wanted]
                    done += 1
        return self.task.settings.rest is None and self._write(results)

    def _stretches(self) -> Iterator[tuple[float, list[int]]]:
        """Yield every stretch between events: its end, and the events at its start."""
        calendar, end = self.task.patients.calendar, self.task.day_end
        days = calendar.day[self.row if len(calendar.day) > 1 else 0]
        starts = sorted({0.0, *(d for d in days if d < end)})
        for start, stop in zip(starts, [*starts[1:], end], strict=True):
            yield stop, [int(k) for k in np.flatnonzero(days == start)]

    def _apply(self, e: int) -> None:
        calendar = self.task.patients.calendar
        event = calendar.event[self.row if len(calendar.day) > 1 else 0, e]
        amount = calendar.amount[self.row if len(calendar.amount) > 1 else 0, e]
        if event[SOURCE] >= 0:
            amount = self.table(self.clock.t, self.y)[event[SOURCE]]
        if event[KIND] == SET_INPUT:
            self.memory[self.code.rows["p"] + event[TARGET]] = amount
        else:
            self.y = self.y.copy()
            self.y[event[TARGET]] = amount + (self.y[event[TARGET]] if event[KIND] == ADD_STATE else 0.0)

    def _settled(self) -> bool:
        limit = self.task.settings.rest
        if limit is None:
            return False
        moves = np.abs(self.rates(self.clock.t, self.y)) / np.maximum(np.abs(self.y), 1e-3)
        moves[list(self.task.patients.ignored)] = 0.0
        return bool(np.all(moves < limit))

    def _advance(self, stop: float) -> list[Reals] | None:
        """Take one accepted step towards the next event and return its stages, or None when there is no way on."""
        c = self.clock
        while c.steps < MAX_STEPS:
            c.steps += 1
            left = stop - c.t
            h = left if left <= 1.0000001 * c.h else 0.5 * left if left < 2.0 * c.h else c.h
            if h < SMALLEST_STEP:
                return None
            stages, new = self._stages(h)
            error = WORST_ERROR
            if stages is not None:
                scale = self.absolute + self.rtol * np.maximum(np.abs(self.y), np.abs(new))
                raw = float(np.sqrt(np.mean((stages[-1] / scale) ** 2)))
                error = max(raw, BEST_ERROR) if raw < WORST_ERROR else WORST_ERROR
            c.h = h * min(max(SAFETY / error**0.25, SHRINK), c.growth)
            c.growth = GROW if error <= 1.0 else 1.0
            if error <= 1.0 and stages is not None:
                c.t, self.y = (stop if h == left else c.t + h), new
                self.absolute = np.maximum(self.absolute, self.share * np.abs(new))
                return stages
        return None

    def _stages(self, h: float) -> tuple[list[Reals] | None, Reals]:
        """Return the stages of a step and the new state; no stages where the matrix is singular."""
        tableau, t = rodas5p(), self.clock.t
        jacobian, slopes = self.jacobian(t, self.y)
        matrix = np.eye(self.n) / (h * tableau.gamma) - jacobian
        stages: list[Reals] = []
        u = self.y
        for i in range(tableau.stages):
            u = self.y + sum((a * k for a, k in zip(tableau.a[i], stages, strict=False)), np.zeros(self.n))
            right = self.rates(t + tableau.c[i] * h, u) + h * tableau.d[i] * slopes
            right += sum((c * k for c, k in zip(tableau.C[i], stages, strict=False)), np.zeros(self.n)) / h
            try:
                stages.append(np.asarray(np.linalg.solve(matrix, right), dtype=np.float64))
            except np.linalg.LinAlgError:
                return None, u
        return stages, u + stages[-1]

    def _write(self, results: Results) -> bool:
        results.values[self.row], results.state[self.row] = self.values, self.y
        results.outcome[self.row], results.steps[self.row] = Outcome.ok, self.clock.steps
        return True


def _inside(theta: float, y0: Reals, y1: Reals, stages: list[Reals]) -> Reals:
    """Return the state at theta of a step."""
    rows = [sum((w * k for w, k in zip(h, stages, strict=True)), np.zeros_like(y0)) for h in rodas5p().h]
    inner = rows[-1]
    for row in rows[-2::-1]:
        inner = row + theta * inner
    return (1.0 - theta) * y0 + theta * (y1 + (1.0 - theta) * inner)
