"""What happens at one moment: incidents whose condition has just become true, one after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from exojoint.core.errors import InputError, Problem
from exojoint.engine.exchange.evaluate import Evaluator, Value
from exojoint.engine.exchange.instant import Instant, readable, values_at
from exojoint.engine.exchange.model import Incident, Model

MOST_AT_ONCE = 10_000  # incidents at one moment; beyond it they call each other for ever

Truths = tuple[bool, ...]


@dataclass(frozen=True)
class _Turn:
    """Compiled formulas of an incident."""

    incident: Incident
    priority: Evaluator | None
    values: Evaluator


class Agenda:
    """Incidents of a model.

    Parameters
    ----------
    model : Model
        The model.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._triggers = Evaluator([i.trigger for i in model.incidents])
        self._turns = [
            _Turn(i, Evaluator([i.priority]) if i.priority is not None else None, Evaluator(list(i.values.values())))
            for i in model.incidents
        ]
        sizes = [store.size for store in model.stores.values() if store.size] + list(model.concentrated.values())
        names = sorted(set(sizes))
        self._size_names = names
        expressions = readable(model)
        self._sizes = Evaluator([expressions[name] for name in names])

    def before(self) -> Truths:
        """Return the truth of every condition just before the start."""
        return tuple(i.before for i in self.model.incidents)

    def truths(self, instant: Instant) -> Truths:
        """Return the truth of every condition at an instant."""
        return tuple(bool(v) for v in self._triggers(values_at(self.model, instant), instant.time))

    def settle(self, instant: Instant, was: Truths) -> tuple[Instant, Truths]:
        """Let everything happen whose condition has become true, until nothing is due.

        Parameters
        ----------
        instant
            The model on arrival.
        was
            Truth of every condition just before.

        Returns
        -------
        Instant, tuple of bool
            The model afterwards, and the truths then.

        Raises
        ------
        InputError
            When incidents call each other without end.
        """
        due: list[tuple[int, list[float] | None]] = []  # an incident may be due twice
        for _ in range(MOST_AT_ONCE):
            now = self.truths(instant)
            values = values_at(self.model, instant)
            for k, turn in enumerate(self._turns):
                if now[k] and not was[k]:
                    due.append((k, self._new_values(turn, values, instant.time) if turn.incident.early else None))
                elif not now[k] and not turn.incident.persistent:
                    due = [each for each in due if each[0] != k]
            was = now
            if not due:
                return instant, was
            ranks = [self._priority(self._turns[k], values, instant.time) for k, _early in due]
            k, early = due.pop(ranks.index(max(ranks)))
            given = early if early is not None else self._new_values(self._turns[k], values, instant.time)
            instant = self._apply(instant, self._turns[k].incident, given)
        what = f"events follow each other without end at time {instant.time:g}"
        raise InputError(Problem(self.model.label.name, what, "events that come to an end", "Correct a trigger."))

    def _new_values(self, turn: _Turn, values: dict[str, Value], time: float) -> list[float]:
        return [float(v) for v in turn.values(values, time)]

    def _priority(self, turn: _Turn, values: dict[str, Value], time: float) -> float:
        if turn.priority is None:
            return -math.inf
        value = float(turn.priority(values, time)[0])
        return -math.inf if math.isnan(value) else value

    def _apply(self, instant: Instant, incident: Incident, given: list[float]) -> Instant:
        """Set quantities.

        A concentration is set at the size that its compartment had before; amounts stay what they are where a size
        changes (SBML level 3 version 2 release 2; other simulators agree).
        """
        model = self.model
        before = self._size_values(instant)
        new: dict[str, float] = {}
        for name, value in zip(incident.values, given, strict=True):
            store = model.stores[name]
            new[store.name] = value * before[store.size] if store.size else value
        changed = _with(model, instant, new)
        after = self._size_values(changed)
        thinned = {
            name: float(changed.state[model.system.states.index(name)]) * before[size] / after[size]
            for name, size in model.concentrated.items()
            if before[size] != after[size]
        }
        return _with(model, changed, thinned)

    def _size_values(self, instant: Instant) -> dict[str, float]:
        found = self._sizes(values_at(self.model, instant), instant.time)
        return {name: float(v) for name, v in zip(self._size_names, found, strict=True)}


def _with(model: Model, instant: Instant, given: dict[str, float]) -> Instant:
    """Return an instant with some states and parameters replaced."""
    if not given:
        return instant
    state, parameters = instant.state.copy(), instant.parameters.copy()
    for name, value in given.items():
        if name in model.system.states:
            state[model.system.states.index(name)] = value
        else:
            parameters[model.system.parameters.index(name)] = value
    return replace(instant, state=state, parameters=parameters)
