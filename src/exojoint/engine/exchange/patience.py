"""When a simulation is given up: events without end, switches to and fro, a solution that explodes."""

from __future__ import annotations

from dataclasses import dataclass

from exojoint.core.errors import InputError, Problem

CLOSE = 1e-9  # share of the simulation below which two stops count as one after the other without pause
MOST_CLOSE = 200  # such crossings in a row: the equations switch to and fro for ever
MOST_STOPS = 200_000  # crossings in all; beyond it a model is not simulated but counted
MOST_STRUGGLES = 15  # stretches in a row that could only be followed in part: the solution explodes
MOST_CRAWLS = 40  # stretches in a row without a crossing that advance by less than that share: it explodes as well


@dataclass
class Patience:
    """What a simulation has cost so far.

    Attributes
    ----------
    name : str
        Model, for messages.
    end : float
        Last time.
    """

    name: str
    end: float
    stops: int = 0
    close: int = 0
    struggles: int = 0
    crawls: int = 0

    def note(self, time: float, gone: float, *, crossed: bool, struggled: bool) -> None:
        """Note a stretch that ended at a time.

        Raises
        ------
        InputError
            When patience ends.
        """
        self.stops += crossed
        self.close = self.close + 1 if crossed and gone < CLOSE * self.end else 0
        self.struggles = self.struggles + 1 if struggled and not crossed else 0
        self.crawls = self.crawls + 1 if not crossed and gone < CLOSE * self.end and time < self.end else 0
        if self.stops > MOST_STOPS:
            what = f"more than {MOST_STOPS:,} events up to time {time:g}"
            raise InputError(Problem(self.name, what, "fewer events", "Shorten the simulation."))
        if self.struggles > MOST_STRUGGLES or self.crawls > MOST_CRAWLS:
            raise self.lost(time, "")

    @property
    def restless(self) -> bool:
        """Whether conditions switch to and fro without pause."""
        return self.close > MOST_CLOSE

    def switching(self, time: float) -> InputError:
        """Return the error of conditions that switch to and fro for ever."""
        what = f"conditions switch to and fro without end at time {time:g}"
        return InputError(Problem(self.name, what, "switches that rest", "Smooth the switch."))

    def lost(self, time: float, state: str) -> InputError:
        """Return the error of a solution that cannot be followed (because the slope of a state is no number)."""
        why = f": the slope of `{state}` is no number" if state else ""
        what = f"cannot be followed beyond time {time:g}{why}"
        todo = "Look for a division by zero or a state that explodes."
        return InputError(Problem(self.name, what, "a solution with finite numbers", todo))
