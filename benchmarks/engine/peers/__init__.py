"""The peers: each file makes a function (first patient, number, rtol) -> courses (n, days, states), or says why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.engine.problems import Problem
from numpy.typing import NDArray

Solve = Callable[[int, float], NDArray]  # number of patients, rtol -> (n, days, states)


class UnavailableError(Exception):
    """A peer is not installed, or cannot be built here; the message says why."""


@dataclass(frozen=True)
class Peer:
    """A solver to compare with.

    Attributes
    ----------
    name : str
    make : callable
        Problem -> function of (number of patients, rtol).
    n_time : int
        Patients of each timed round.
    """

    name: str
    make: Callable[[Problem], Solve]
    n_time: int
