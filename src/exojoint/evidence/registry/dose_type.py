"""A dose as a text states it: its readings, what it is divided by, and its doubts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

FLAGS: Mapping[str, str] = MappingProxyType({
    "exponent": "'10e11' is 10^12 to the letter and 10^11 as most authors mean it",
    "lost superscript": "'x 108' is 108 to the letter and 10^8 where a superscript was lost",
    "decimal comma": "the comma may separate decimals or thousands",
    "unit implied": "no unit stands with the number: vesicles are counted, unless cells are meant",
    "cell equivalents": "cells are named as the measure of a vesicle dose; vesicles per cell are not stated",
    "per weight": "the dose scales with body weight, which is not stated",
    "per cell": "an amount per cell, as in a culture: no dose of a patient",
    "concentration": "an amount per volume; the volume given is not stated with it",
    "volume only": "a volume without an amount: the dose in particles is unknown",
    "vials only": "a number of vials: what is in a vial is not stated",
    "carrier": "the volume is that of saline, buffer or another carrier",
    "mass basis": "a mass of vesicles: protein, lipid or dry weight is not stated",
    "large mass": "unusually large for a mass of vesicles: a unit may be wrong",
    "alternatives": "several doses stand in one sentence: arms or levels",
    "two units": "the same dose stands in two units",
    "limit": "the text gives a limit (up to, at least), not the dose",
    "approximate": "the text gives the dose as approximate",
    "repeated": "the amount is given several times; it is that of one administration",
})  # fmt: skip


ONE_ADMINISTRATION = ("", "joint", "knee", "dose", "patient", "animal", "vial")  # an amount per these is given whole


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a dose.

    Parameters
    ----------
    low, high : float
        Ends of a range; equal for a single number. In `unit`.
    unit : str
        ``particle``, ``cell``, ``ug``, ``mL``, or ``1`` for vials.
    how : str
        ``as written``, ``as meant``, ...
    """

    low: float
    high: float
    unit: str
    how: str = "as written"


@dataclass(frozen=True, slots=True)
class Dose:
    """One amount found in a text.

    Parameters
    ----------
    text : str
        The words it was read from.
    readings : tuple of Reading
        The likelier one first; more than one when it is ambiguous.
    per : str
        ``kg``, ``mL``, ``day`` ...: what the amount is divided by; empty for a whole dose.
    volume_ml : float or None
        Volume that the amount is in (``2e8 vesicles / 3 mL``), or that is given of a concentration.
    flags : tuple of str
        Doubts, keys of `FLAGS`.
    """

    text: str
    readings: tuple[Reading, ...]
    per: str = ""
    volume_ml: float | None = None
    flags: tuple[str, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether the number can be read in more than one way."""
        return len(self.readings) > 1

    @property
    def whole(self) -> tuple[Reading, ...]:
        """Readings of one administration: a concentration times its volume; none where a part of it is not stated."""
        if self.per in ONE_ADMINISTRATION:
            return self.readings
        if self.per != "mL" or self.volume_ml is None:
            return ()
        return tuple(replace(r, low=r.low * self.volume_ml, high=r.high * self.volume_ml) for r in self.readings)

    def doubts(self) -> tuple[str, ...]:
        """Return each flag in words."""
        return tuple(FLAGS[flag] for flag in self.flags)
