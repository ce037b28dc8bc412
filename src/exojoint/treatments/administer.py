"""From a dose to events: a generic part (volume, irritation, expectation) and an active part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.engine import Event
from exojoint.treatments.dispositions import administration_parameters
from exojoint.treatments.treatment import Giving, Treatment

Amount = float | NDArray[np.float64]
Rows = Mapping[str, Amount]
ENDOTOXIN = ("irritation_endotoxin_max", "irritation_endotoxin_half")


def administer(
    treatment: Treatment,
    *,
    days: Sequence[Amount],
    amount: Amount = 0.0,
    volume_ml: Amount | None = None,
    endotoxin_eu: Amount = 0.0,
    inert: bool = False,
    context: bool = True,
    needle: bool = True,
    rows: Rows | None = None,
) -> list[Event]:
    """Return the events of giving a treatment on some days.

    An injection adds its volume and its irritation and sets expectation; the active part adds to states or sets an
    input. With an amount of 0 and no irritation by the formulation it is exactly an injection of its vehicle.

    Parameters
    ----------
    treatment : Treatment
        What is given.
    days : sequence of float or (n,) array
        Days of administration; an array gives each patient a day of its own (nan: not for that patient).
    amount : float or (n,) array
        Per administration, in the treatment's unit; not negative.
    volume_ml : float or (n,) array, optional
        Injected volume; the treatment's usual volume unless given.
    endotoxin_eu : float or (n,) array
        Endotoxin per administration.
    inert : bool
        Strict null product: irritation by the vehicle alone, whatever the formulation, amount and endotoxin. Its lot
        has potency 0.
    context : bool
        Whether expectation is set; not when a drug is added during a course (rescue).
    needle : bool
        Whether the injection has a needle of its own; not when it shares the syringe of another one.
    rows : mapping of str to float, optional
        Values of administration rows, and of rows that split a dose, in this knowledge draw; the table's unless given.

    Raises
    ------
    InputError
        When an amount, volume or endotoxin is negative or not finite, or no day is given.
    """
    giving = treatment.giving
    volume = giving.volume_ml if volume_ml is None else volume_ml
    where = f"treatment `{treatment.name}`"
    if not days:
        raise InputError(Problem(where, "is given on no day", "at least one day", "Leave the arm without it instead."))
    for what, value in (("amount", amount), ("volume", volume), ("endotoxin", endotoxin_eu)):
        if not np.all(np.isfinite(value)) or np.any(np.asarray(value) < 0):
            raise InputError(Problem(where, f"{what} is negative or not finite", "0 or more", f"Correct the {what}."))
    table = {name: row.value for name, row in administration_parameters().items()} | dict(rows or {})
    events = []
    for day in days:
        if giving.route == "injection":
            events.append(Event(day, "add", "volume", volume))
            pricked = irritation(giving, table, amount, endotoxin_eu, inert=inert, needle=needle)
            events.append(Event(day, "add", "irritation", pricked))
        if context and giving.expectation:
            events.append(Event(day, "set", "expectation", table[giving.expectation]))
        events += [
            Event(day, "add" if dose.kind == "add" else "input", dose.target, dose.part(table) * dose.scale * amount)
            for dose in giving.doses
        ]
    return events


def irritation(
    giving: Giving, rows: Rows, amount: Amount, endotoxin_eu: Amount, *, inert: bool = False, needle: bool = True
) -> Amount:
    """Return the acute irritation of one injection: vehicle, then formulation, amount and endotoxin unless inert."""
    names = giving.irritation
    total: Amount = rows[names.vehicle] if names.vehicle and needle else 0.0
    if inert:
        return total
    if names.formulation:
        total = total + rows[names.formulation]
    if names.amount_max:
        total = total + rows[names.amount_max] * amount / (amount + rows[names.amount_half])
    largest, half = (rows[name] for name in ENDOTOXIN)
    return total + largest * endotoxin_eu / (endotoxin_eu + half)
