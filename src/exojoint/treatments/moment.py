"""What a disposition may read at one moment, and the four functions that read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exojoint.joint.shapes import Value

Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Moment:
    """States, parameters and readouts at one moment; effects get no more than that, so no algebraic loop can arise.

    Parameters
    ----------
    x, p : mapping
        Values of states and parameters by name.
    read : mapping
        Readouts of the joint.
    inflammation_pain : value
        Inflammation that nociceptors see, after the levers; None while levers are still being combined.
    inflow : value
        Vesicles secreted into this disposition (1e9 particles per day).
    pain : value
        Pain score after the levers, for rates that answer to it (see `Equations`); None for all others.
    """

    x: Values
    p: Values
    read: Values
    inflammation_pain: Value = None
    inflow: Value = 0.0
    pain: Value = None


def no_secretion(_at: Moment) -> Value:
    """Return no vesicles: only living cells and gels give some off."""
    return 0.0


def nothing_observed(_at: Moment) -> dict[str, Value]:
    """Return no observables: the states say it all."""
    return {}


@dataclass(frozen=True, slots=True)
class Equations:
    """The four functions of a disposition; each reads a `Moment`, whose pain is there for those that ask for it."""

    effects: Callable[[Moment], dict[str, Value]]
    rates: Callable[[Moment], dict[str, Value]]
    observe: Callable[[Moment], dict[str, Value]] = nothing_observed
    secretion: Callable[[Moment], Value] = no_secretion
    reads_pain: bool = False
