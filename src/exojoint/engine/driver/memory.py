"""What the driver's functions share: the job, and the two things that they cannot say in plain arithmetic."""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Wholes = NDArray[np.int64]
Words = NDArray[np.int32]
Bytes = NDArray[np.uint8]
States = NDArray[Any]  # in the precision of the states


class Job(NamedTuple):
    """Everything that one call of the driver reads and writes, as flat arrays that the caller keeps alive.

    Attributes
    ----------
    sizes, code, limits
        What slots.py lists; ``code`` holds the addresses of the machine functions.
    parameters, state, times, wanted
        One row per patient, one row per patient, output days, columns that are wanted.
    event_day, event, event_amount
        Calendars: a row per patient, or one for all (stride 0).
    watch, threshold, effect, effect_amount
        Triggers: what is watched, when it fires, what happens then.
    values, final, outcome, steps, fired
        Results, a row per patient.
    queue
        Next patient; all threads share it.
    w, c, lane, own, truth
        Working memory of the lanes: states and factors, clocks and steps, whole numbers, parameters, triggers.
    """

    sizes: Wholes
    code: Wholes
    limits: Reals
    parameters: Reals
    state: Reals
    times: Reals
    wanted: Wholes
    event_day: Reals
    event: Wholes
    event_amount: Reals
    watch: Wholes
    threshold: Reals
    effect: Wholes
    effect_amount: Reals
    values: Reals
    final: Reals
    outcome: Bytes
    steps: Words
    fired: Reals
    queue: Wholes
    w: States
    c: Reals
    lane: Wholes
    own: Reals
    truth: Wholes


def call(address: int, w: int, c: int, x: int) -> None:
    """Call the machine function at an address with working memory, control rows and one more pointer."""
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    kind(int(address))(int(w), int(c), int(x))


def flush_tiny() -> int:
    """Let the processor treat numbers below its normal range as zero (they can cost a hundred times).

    Return its old mode.
    """
    return 0


def restore(mode: int) -> None:
    """Give the processor its old mode back."""


def claim(queue: Wholes, n: int) -> int:
    """Take the next n patients from the queue that all threads share; return the first."""
    first = int(queue[0])
    queue[0] += n
    return first
