"""How many patients side by side."""

from __future__ import annotations


def lanes_for(n_states: int, single: bool) -> int:
    """Return the number of lanes for a system of this size on this machine."""
    del n_states
    return 16 if single else 8
