"""Follow an imported model: stretches of motion, and what happens between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.engine.exchange.agenda import Agenda
from exojoint.engine.exchange.evaluate import Evaluator
from exojoint.engine.exchange.instant import Instant, Reals, beginning, readable, values_along, values_at
from exojoint.engine.exchange.marks import Marks, changed
from exojoint.engine.exchange.model import AMOUNT, CONCENTRATION, Model
from exojoint.engine.exchange.motion import Leg, motion
from exojoint.engine.exchange.patience import Patience
from exojoint.engine.exchange.soften import softened
from exojoint.engine.expression import Expr

RTOL, ATOL = 1e-8, 1e-12  # tight: a model file is solved once, and what it says is to be seen, not the integrator
GRID = 256  # moments in a stretch at which conditions are looked at, at least
PER_STEP = 2  # such moments per step of the integrator, at least
MOST_GRID = 50_000
ZOOM = 1_025  # moments in a round of closing in on a crossing
LONGER = 4.0  # factor by which a stretch may be longer than the one before
SHORTER = 8.0  # factor by which a stretch becomes shorter that could not be followed
QUICK = 3  # such attempts before the second, slow integrator is tried as well
MOST_ATTEMPTS = 11  # the shortest stretch tried is 8^-10, about 1e-9, of the longest
SHARPNESS = 1e-14  # share of the simulation to which a crossing is known
READINGS: Final = {"model": "", "amounts": AMOUNT, "concentrations": CONCENTRATION}


@dataclass(frozen=True)
class Course:
    """A simulated model.

    Attributes
    ----------
    times : (m,)
    names : tuple of str
        Ids, k of them.
    values : (m, k)
        On the time of an event the values after it.
    """

    times: Reals
    names: tuple[str, ...]
    values: Reals


def simulate(
    model: Model,
    times: ArrayLike,
    *,
    rtol: float = RTOL,
    atol: float = ATOL,
    columns: Sequence[str] | None = None,
    species: str = "model",
    amounts: Sequence[str] = (),
    concentrations: Sequence[str] = (),
) -> Course:
    """Follow a model from time 0.

    Parameters
    ----------
    model
        Imported model.
    times : (m,)
        Output times, ascending, from 0 on.
    rtol, atol
        Tolerances of the integration (see :func:`exojoint.engine.exchange.motion.motion`).
    columns
        Ids wanted; default: all.
    species
        ``model`` (each as its id means it: concentrations, but amounts with hasOnlySubstanceUnits), ``amounts`` or
        ``concentrations``.
    amounts, concentrations
        Species that are given so, whatever ``species`` says of the others.

    Raises
    ------
    InputError
        Unknown ids, wrong times or tolerances, events without end, a solution that leaves the numbers.
    """
    wanted = np.asarray(times, dtype=np.float64).reshape(-1)
    names = tuple(model.columns if columns is None else columns)
    _check(model, wanted, names, rtol, atol)
    prefixes = _readings(model, species, amounts, concentrations)
    states, parameters = _Course(model, wanted, rtol, atol).run()
    readings = readable(model)
    chosen = Evaluator([readings[prefixes.get(n, "") + n] for n in names])
    found = chosen(values_along(model, states, parameters), wanted)
    values = np.empty((len(wanted), len(names)))
    for k, value in enumerate(found):
        values[:, k] = value
    return Course(wanted, names, values)


def _readings(model: Model, species: str, amounts: Sequence[str], concentrations: Sequence[str]) -> dict[str, str]:
    """Return how each species is read: the prefix of its name."""
    wishes = [(AMOUNT, n) for n in amounts] + [(CONCENTRATION, n) for n in concentrations]
    problems = []
    if species not in READINGS:
        what = f"`{species}` is no way to read species"
        problems.append(Problem("species", what, ", ".join(READINGS), did_you_mean(species, READINGS)))
    problems += [
        Problem(
            f"{prefix}s `{n}`".replace(".", ""), "no species", "the id of a species", did_you_mean(n, model.species)
        )
        for prefix, n in wishes
        if n not in model.species
    ]
    problems += [
        Problem(f"species `{n}`", "is wanted as an amount and as a concentration", "one of them", "Name it once.")
        for n in sorted({*amounts} & {*concentrations})
    ]
    if problems:
        raise InputError(*problems)
    return dict.fromkeys(model.species, READINGS[species]) | {n: prefix for prefix, n in wishes}


def _check(model: Model, times: Reals, names: Sequence[str], rtol: float, atol: float) -> None:
    problems = []
    if not len(times) or not np.all(np.isfinite(times)) or times[0] < 0.0 or np.any(np.diff(times) < 0.0):
        problems.append(Problem("times", "not ascending finite times from 0", "for example 0, 1, 2", "Sort them."))
    known = set(model.columns)
    problems += [
        Problem(f"column `{n}`", "no id with a value", "an id of the model", did_you_mean(n, known))
        for n in names
        if n not in known
    ]
    if not 1e-13 <= rtol <= 0.1 or not 0.0 <= atol < float("inf"):
        problems.append(
            Problem(
                "tolerances", f"rtol {rtol:g}, atol {atol:g}", "rtol from 1e-13 to 0.1, atol from 0", "Correct them."
            )
        )
    if problems:
        raise InputError(*problems)


class _Course:
    """The course of one model, written down as it goes."""

    def __init__(self, model: Model, times: Reals, rtol: float, atol: float) -> None:
        self.model, self.times, self.tolerances = model, times, (rtol, atol)
        self.end = float(times[-1])
        self.agenda = Agenda(model)
        self._equip(model)
        self.restless: set[Expr] = set()  # marks that have changed since the last pause
        self.states = np.empty((len(times), len(model.system.states)))
        self.parameters = np.empty((len(times), len(model.system.parameters)))
        self.row = 0
        self.second = False
        self.patience = Patience(model.label.name, self.end)

    def _equip(self, model: Model) -> None:
        """Prepare what follows the equations of a model."""
        triggers = [i.trigger for i in model.incidents]
        self.marks = Marks([*model.system.rates, *triggers], model.system.states)
        forms = Marks(model.system.rates, model.system.states).nodes
        self.mover = motion(model, self.end, *self.tolerances, forms)
        self.slopes = Evaluator(model.system.rates)

    def run(self) -> tuple[Reals, Reals]:
        """Return states (m, n_states) and parameters (m, n_parameters) at the output times."""
        now, was = self.agenda.settle(beginning(self.model), self.agenda.before())
        self._record(np.array([0.0]), now.state[None], now)
        window = self.end
        while now.time < self.end:
            begin = now
            arrived, crossed, struggled = self._reach(now, window)
            now, was = self.agenda.settle(arrived, was)
            self._record(np.array([now.time]), now.state[None], now)
            gone = now.time - begin.time
            self.patience.note(now.time, gone, crossed=crossed, struggled=struggled)
            self._calm(begin, now)
            window = max(LONGER * gone, self.end / GRID) if crossed else LONGER * gone
        return self.states, self.parameters

    def _calm(self, begin: Instant, now: Instant) -> None:
        """Turn comparisons that switch to and fro without pause into slopes."""
        if not self.patience.close:
            self.restless.clear()
            return
        marks = [self.marks.at(values_at(self.model, each), np.array([each.time]))[:, 0] for each in (begin, now)]
        self.restless |= {e for e, k in zip(self.marks.nodes, changed(*marks), strict=True) if k}
        if self.patience.restless:
            calmer = softened(self.mover.model, self.restless, values_at(self.model, now), now.time)
            if calmer is None:
                raise self.patience.switching(now.time)
            self._equip(calmer)
            self.patience.close = 0

    def _reach(self, now: Instant, window: float) -> tuple[Instant, bool, bool]:
        """Go on as far as the window, or less far where only an event or a switch keeps the solution from exploding.

        Returns where, whether a mark changed there, and whether the window was too long.
        """
        window = min(window, self.end - now.time)
        self.second = False
        attempts = 0
        while attempts < MOST_ATTEMPTS:
            end = now.time + window
            reached = self._stretch(now, end if end < self.end else self.end)
            if reached is not None:
                return *reached, attempts > 0
            window /= SHORTER
            attempts = attempts + 1 if not self._odd_slopes(now) else MOST_ATTEMPTS
            self.second = attempts >= QUICK
        raise self.patience.lost(now.time, self._odd_slopes(now))

    def _odd_slopes(self, now: Instant) -> str:
        """Return the first state whose value is a number while its slope is none."""
        slopes = self.slopes(values_at(self.model, now), now.time)
        for name, value, slope in zip(self.model.system.states, now.state, slopes, strict=True):
            if np.isfinite(value) and not np.isfinite(slope):
                return name
        return ""

    def _record(self, times: Reals, states: Reals, at: Instant) -> None:
        """Write down the output times among some times (both ascending); a time met again after an event wins."""
        while self.row < len(self.times) and self.times[self.row] <= times[-1]:
            k = int(np.searchsorted(times, self.times[self.row]))
            self.states[self.row] = states[k]
            self.parameters[self.row] = at.parameters
            self.row += 1

    def _stretch(self, now: Instant, end: float) -> tuple[Instant, bool] | None:
        """Go on until a mark changes or the end is reached; say whether one changed. None where there is no way."""
        if not self.marks.any:
            times = self._outputs(now.time, end)
            leg = self.mover.follow(now, times, second=self.second)
            return None if leg is None else (self._arrive(times, leg.states, now), False)
        values = values_at(self.model, now)
        stop = self.marks.next_time(values, now.time, end)
        here = self.marks.at(values, np.array([now.time]))
        times, leg = self._watched(now, stop)
        if leg is None:
            return None
        first = self._first_change(here, now, times, leg.states)
        if first == len(times):
            return self._arrive(times, leg.states, now), stop < end
        self._arrive(times[: first + 1], leg.states, now)
        before = Instant(float(times[first - 1]), leg.states[first - 1], now.parameters) if first else now
        return self._close_in(here, before, float(times[first])), True

    def _arrive(self, times: Reals, states: Reals, at: Instant) -> Instant:
        """Write down outputs before the last time, where something may happen first; return that moment."""
        if len(times) > 1:
            self._record(times[:-1], states, at)
        return Instant(float(times[-1]), states[len(times) - 1], at.parameters)

    def _outputs(self, begin: float, end: float) -> Reals:
        inside = self.times[(self.times > begin) & (self.times < end)]
        return np.unique(np.append(inside, end))

    def _watched(self, now: Instant, end: float) -> tuple[Reals, Leg | None]:
        """Follow on a grid that is finer than the steps of the integrator."""
        outputs, count = self._outputs(now.time, end), GRID
        while True:
            grid = np.linspace(now.time, end, count + 1)[1:]
            times = np.union1d(outputs, grid[grid > now.time])
            leg = self.mover.follow(now, times, second=self.second)
            if leg is None or PER_STEP * leg.steps <= count or count >= MOST_GRID:
                return times, leg
            count = min(PER_STEP * leg.steps, MOST_GRID)

    def _first_change(self, here: Reals, now: Instant, times: Reals, states: Reals) -> int:
        """Return the place of the first time at which a mark differs from here (their number if none)."""
        parameters = np.broadcast_to(now.parameters, (len(times), len(now.parameters)))
        there = self.marks.at(values_along(self.model, states, parameters), times)
        different = np.any(changed(here, there), axis=0)
        return int(np.argmax(different)) if different.any() else len(times)

    def _close_in(self, here: Reals, before: Instant, after: float) -> Instant:
        """Return the moment just after a mark has changed between two times, to the sharpness."""
        while True:
            sharp = after - before.time <= max(SHARPNESS * self.end, 2.0 * np.spacing(after))
            times = np.unique(np.linspace(before.time, after, ZOOM)[1:])
            times = times[times > before.time]
            leg = self.mover.follow(before, times, second=self.second)
            if leg is None and not sharp:
                after = before.time + (after - before.time) / SHORTER
                continue
            states = leg.states if leg is not None else np.tile(before.state, (len(times), 1))
            first = self._first_change(here, before, times, states)
            if sharp or first == len(times):  # without change: within the error of interpolation, it is met later
                return Instant(after, states[-1], before.parameters)
            after = float(times[first])
            if first:
                before = Instant(float(times[first - 1]), states[first - 1], before.parameters)
