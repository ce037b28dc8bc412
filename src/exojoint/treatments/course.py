"""Several treatments in one patient: together, one after the other, tablets that stop, products in one syringe."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.engine import Event
from exojoint.treatments.administer import Amount, Rows, administer
from exojoint.treatments.dispositions import Disposition
from exojoint.treatments.treatment import CELLS, Treatment, beside_cells, dispositions_for

VESICLES = "exosome"
EXPECTATION = "expectation"  # the one state that an administration sets


@dataclass(frozen=True, slots=True)
class Administration:
    """One treatment within a course.

    Parameters
    ----------
    treatment : Treatment
        What is given.
    days : tuple of float or (n,) array
        When; nan in an array: not for that patient.
    amount : float or (n,) array
        Per administration, in the treatment's unit.
    volume_ml : float or (n,) array, optional
        Injected volume; the treatment's usual volume unless given.
    endotoxin_eu : float or (n,) array
        Endotoxin per administration.
    stop : float or (n,) array, optional
        Day on which tablets, a brace or a programme stop; kept to the end unless given.
    needle : bool
        False where it shares the syringe of another injection of the course: its volume counts, its needle does not.
    """

    treatment: Treatment
    days: tuple[Amount, ...]
    amount: Amount = 0.0
    volume_ml: Amount | None = None
    endotoxin_eu: Amount = 0.0
    stop: Amount | None = None
    needle: bool = True


def combine_administrations(
    course: Sequence[Administration], *, inert: bool = False, context: bool = True, rows: Rows | None = None
) -> list[Event]:
    """Return the events of a course of several treatments, the same in any order of its members.

    Volumes, irritation and active amounts add up. Expectation does not: of several administrations on one day the one
    that lets expect most counts, and a later one sets it anew.

    Parameters
    ----------
    course : sequence of Administration
        In any order; none for a patient who stays untreated.
    inert, context, rows
        As in `exojoint.treatments.administer.administer`.

    Raises
    ------
    InputError
        When two vesicle products are given to one patient (a patient has one lot), when a treatment that cannot be
        stopped has a day of stopping, or when a member is wrong by itself.
    """
    _check(course)
    events: list[Event] = []
    for given in course:
        events += administer(
            given.treatment,
            days=given.days,
            amount=given.amount,
            volume_ml=given.volume_ml,
            endotoxin_eu=given.endotoxin_eu,
            inert=inert,
            context=context,
            needle=given.needle,
            rows=rows,
        )
        if given.stop is not None:
            events += [Event(given.stop, "input", d.target, 0.0) for d in given.treatment.giving.doses]
    return _one_expectation_a_day(events)


def dispositions_for_courses(
    courses: Sequence[Sequence[Treatment]], *, rescue: bool = False, structure: str = "default"
) -> tuple[Disposition, ...]:
    """Return the dispositions that the arms of a scenario need, each arm a course of one or more treatments.

    Where one patient gets cells and a vesicle product, the cells' vesicles become an instance of their own.

    Parameters
    ----------
    courses : sequence of sequence of Treatment
        Treatments of each arm.
    rescue, structure
        As in `exojoint.treatments.treatment.dispositions_for`.
    """
    names = [treatment.name for course in courses for treatment in course]
    parts = dispositions_for(names, rescue=rescue, structure=structure)
    return beside_cells(parts) if any(_needs_two_instances(course) for course in courses) else parts


def _needs_two_instances(course: Sequence[Treatment]) -> bool:
    cells = any(CELLS in treatment.dispositions for treatment in course)
    return cells and any(_gives_vesicles(treatment) for treatment in course)


def _gives_vesicles(treatment: Treatment) -> bool:
    return VESICLES in treatment.dispositions and CELLS not in treatment.dispositions


def _check(course: Sequence[Administration]) -> None:
    problems = []
    products = sorted({given.treatment.name for given in course if _gives_vesicles(given.treatment)})
    if len(products) > 1:
        what = f"gives the vesicle products {', '.join(products)} to one patient"
        todo = "Potency, charge and size belong to the lot: give one product, or compare them in two arms."
        problems.append(Problem("course", what, "one vesicle product per patient and course", todo))
    for given in course:
        kinds = {dose.kind for dose in given.treatment.giving.doses}
        if given.stop is not None and kinds != {"input"}:
            what = "cannot be stopped once it is given"
            todo = "Leave `stop` out; an injection wanes by itself."
            problems.append(Problem(f"treatment `{given.treatment.name}`", what, "tablets, a brace, a programme", todo))
    if problems:
        raise InputError(*problems)


def _one_expectation_a_day(events: list[Event]) -> list[Event]:
    """Take back, patient by patient, every setting of expectation that a greater one of the same day outdoes."""
    settings = [i for i, e in enumerate(events) if e.kind == "set" and e.target == EXPECTATION]
    for first, second in itertools.combinations(settings, 2):
        a, b = events[first], events[second]
        same = np.asarray(a.day, dtype=np.float64) == np.asarray(b.day, dtype=np.float64)
        if not np.any(same):
            continue
        less = np.asarray(a.amount, dtype=np.float64) < np.asarray(b.amount, dtype=np.float64)
        events[first] = _without(a, same & less)
        events[second] = _without(b, same & ~less)
    return [e for e in events if not np.all(np.isnan(np.asarray(e.day, dtype=np.float64)))]


def _without(event: Event, rows: NDArray[np.bool_]) -> Event:
    """Return the event without the patients of `rows`; nan: not for that patient."""
    if not np.any(rows):
        return event
    day = np.where(rows, np.nan, np.asarray(event.day, dtype=np.float64))
    return dataclasses.replace(event, day=float(day) if day.ndim == 0 else day)
