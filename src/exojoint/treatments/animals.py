"""Doses of animals: their volumes, their irritation, and no expectation."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.tables import read_table
from exojoint.engine import Event
from exojoint.joint.tables import SPECIES
from exojoint.treatments.administer import Amount, Rows, administer
from exojoint.treatments.assemble import SPECIES_COLUMNS
from exojoint.treatments.dispositions import folder
from exojoint.treatments.treatment import Treatment

ANIMALS = SPECIES[1:]
VOLUME, IRRITATION = "volume_injection", "irritation_"


@functools.cache
def animal_rows(species: str) -> Mapping[str, float]:
    """Return the rows of administration as an animal has them: volume of an injection (mL) and irritation.

    Raises
    ------
    InputError
        When the species is none of the animals.
    """
    if species not in ANIMALS:
        expected = f"one of {', '.join(ANIMALS)}"
        raise InputError(Problem("species", f"'{species[:80]}' is no animal", expected, did_you_mean(species, ANIMALS)))
    rows = read_table(folder() / "species.csv", SPECIES_COLUMNS)
    return {row["name"]: float(row[species]) for row in rows if row["name"].startswith((VOLUME, IRRITATION))}


def administer_to_animal(
    treatment: Treatment,
    species: str,
    *,
    days: Sequence[Amount],
    amount: Amount = 0.0,
    volume_ml: Amount | None = None,
    endotoxin_eu: Amount = 0.0,
    rows: Rows | None = None,
) -> list[Event]:
    """Return the events of giving a treatment to animals; days count from induction.

    Parameters
    ----------
    treatment : Treatment
        What is given; its dispositions must have numbers for the species (`exojoint.treatments.assemble`).
    species : str
        ``rat``, ``mouse`` or ``rabbit``.
    days, amount, endotoxin_eu
        As in `exojoint.treatments.administer.administer`.
    volume_ml : float or (n,) array, optional
        The usual volume of the species unless given.
    rows : mapping of str to float, optional
        Values that replace those of `animal_rows`.

    Raises
    ------
    InputError
        When the species is none of the animals, or a number is wrong.
    """
    own = {**animal_rows(species), **(rows or {})}
    injected = treatment.giving.route == "injection"
    volume = own[VOLUME] if volume_ml is None and injected else volume_ml
    return administer(
        treatment,
        days=days,
        amount=amount,
        volume_ml=volume,
        endotoxin_eu=endotoxin_eu,
        context=False,
        rows=own,
    )
