"""From an arm to events: its own treatment and what the same patients get besides, together or one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exojoint.engine import Event
from exojoint.treatments.administer import Amount, Rows
from exojoint.treatments.animals import administer_to_animal
from exojoint.treatments.course import Administration, combine_administrations
from exojoint.workflow.plan import ArmPlan


@dataclass(frozen=True, slots=True)
class Dosing:
    """Doses of an arm's own treatment: days, true amount and endotoxin, numbers or one per patient."""

    days: tuple[float, ...]
    amount: Amount
    endotoxin_eu: Amount = 0.0


def give(arm: ArmPlan, doses: Sequence[Dosing], *, inert: bool = False, rows: Rows | None = None) -> list[Event]:
    """Events of an arm in people, the same in any order of its treatments.

    Parameters
    ----------
    arm : what is given
    doses : of the arm's own treatment
    inert, rows : as in `exojoint.treatments.administer.administer`
    """
    own = [Administration(arm.treatment, dose.days, dose.amount, arm.volume_ml, dose.endotoxin_eu) for dose in doses]
    besides = [
        Administration(
            more.treatment, more.also.days, more.amount, more.volume_ml, stop=more.also.stop, needle=more.also.needle
        )
        for more in arm.also
    ]
    return combine_administrations([*own, *besides], inert=inert, rows=rows)


def give_to_animal(arm: ArmPlan, species: str, doses: Sequence[Dosing]) -> list[Event]:
    """Events of an arm in animals, which expect nothing."""
    events: list[Event] = []
    for dose in doses:
        events += administer_to_animal(
            arm.treatment, species, days=dose.days, amount=dose.amount, volume_ml=arm.volume_ml,
            endotoxin_eu=dose.endotoxin_eu,
        )  # fmt: skip
    for more in arm.also:
        events += administer_to_animal(
            more.treatment, species, days=more.also.days, amount=more.amount, volume_ml=more.volume_ml
        )
    return events
