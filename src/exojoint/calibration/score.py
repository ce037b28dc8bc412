"""Which published results a prediction meets: the counting rule, told for every result.

A result (C06) is met when all of its parts (C06a, C06b, C06c) lie inside their windows. Results of one conflict group
cannot all be met by one number: the group is reconciled when the spread between trials around the prediction covers
every published value of the group. A reconciled group counts once, also where none of its results is met by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from exojoint.calibration.unknowns import reading_rows
from exojoint.core.files import read_toml
from exojoint.evidence.targets import Target

NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True)
class Result:
    """One published result: its parts outside their windows, and whether its conflict group is reconciled."""

    id: str
    outside: tuple[str, ...]
    group: str
    reconciled: bool

    @property
    def met(self) -> bool:
        """Whether every part lies inside its window."""
        return not self.outside


def result_of(part: str) -> str:
    """Id of the result that a part belongs to: ``C06`` for ``C06a``."""
    return part.rstrip("abcdefgh")


def results(targets: Sequence[Target], predicted: Mapping[str, float]) -> list[Result]:
    """Judge every published result.

    Parameters
    ----------
    targets : sequence of Target
        Rows without a window are judged by others.
    predicted : mapping of str to float
        By id of the target.
    """
    reach = NORMAL_95 * reading_rows()["sd_between_trials"].value
    judged = [target for target in targets if target.window is not None]
    groups = {target.conflict_group for target in judged if target.conflict_group}
    fits = {
        group: all(abs(predicted[t.id] - t.value) <= reach for t in judged if t.conflict_group == group)
        for group in groups
    }
    found = []
    for name in dict.fromkeys(result_of(target.id) for target in judged):
        parts = [target for target in judged if result_of(target.id) == name]
        outside = tuple(target.id for target in parts if not target.met_by(predicted[target.id]))
        group = parts[0].conflict_group
        found.append(Result(name, outside, group, fits.get(group, False)))
    return found


def count_met(found: Sequence[Result]) -> int:
    """Number of results met; a reconciled conflict group counts once where none of its results is met by itself."""
    met = sum(result.met for result in found)
    groups = {result.group for result in found if result.group and result.reconciled}
    return met + sum(not any(result.met for result in found if result.group == group) for group in groups)


@functools.cache
def misses() -> dict[str, str]:
    """Return why results are not met, in words, by id."""
    return {name: str(why) for name, why in read_toml(files("exojoint.calibration") / "misses.toml").items()}
