"""How an integration may end."""

from __future__ import annotations

from enum import IntEnum


class Outcome(IntEnum):
    """How the integration of a patient ended. Anything but ``ok`` leaves no numbers, and is counted."""

    ok = 0
    step_limit = 1
    step_underflow = 2
    not_finite = 3
    not_settled = 4
