"""Doses of the studies behind an answer in one unit: what a text says, with its doubts, as particles with a range."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from exojoint.evidence.dose_response.doses import BILLION, dose_quantiles
from exojoint.evidence.figures.forest import Axis, ForestRow, forest
from exojoint.evidence.figures.style import Picture
from exojoint.evidence.records.record import Record
from exojoint.evidence.registry.dose import Dose, Reading, parse_dose

VESICLES = ("msc_ev", "other_ev")
UNITS = ("particle", "ug", "cell", "mL")  # from the surest to the least sure measure of vesicles
LOW, MIDDLE, HIGH = 0.05, 0.5, 0.95
FROM_TEXT, FROM_MEMORY = "text", "recalled"


@dataclass(frozen=True, slots=True)
class StudyDose:
    """The dose of one injection of one study.

    Parameters
    ----------
    study, label, species : str
        Which.
    text : str
        The words it was read from.
    unit : str
        Unit of the text: ``particle``, ``ug``, ``cell`` or ``mL``; empty where no whole dose can be read.
    particles : (float, float, float)
        Low, median, high: 5th to 95th percentile over the unit's conversion and over every reading of the text; nan
        where no whole dose can be read.
    flags : tuple of str
        Doubts of the text, keys of `exojoint.evidence.registry.dose.FLAGS`.
    origin : str
        ``text``, or ``recalled`` where the dose is only remembered: a weak prior.
    """

    study: str
    label: str
    species: str
    text: str
    unit: str
    particles: tuple[float, float, float]
    flags: tuple[str, ...]
    origin: str


def study_doses(records: Iterable[Record]) -> tuple[StudyDose, ...]:
    """Return the doses of the vesicle studies among some records, each study once.

    Parameters
    ----------
    records : iterable of Record
        Studies or results.
    """
    first: dict[str, Record] = {}
    for record in records:
        if record.text("intervention") in VESICLES:
            first.setdefault(record.study or record.id, record)
    return tuple(found for name, record in first.items() if (found := _of(name, record)) is not None)


def _of(name: str, record: Record) -> StudyDose | None:
    written = _told(record)
    remembered = " ; ".join(filter(None, (record["dose_text"].recalled, _recalled_value(record))))
    for text, origin in ((written, FROM_TEXT), (remembered, FROM_MEMORY)):
        dose = _surest(parse_dose(text)) if text else None
        if dose is not None:
            particles = _particles(dose.whole)
            unit = dose.whole[0].unit
            origin = FROM_MEMORY if FROM_MEMORY in text else origin
            return StudyDose(name, record.label, record.text("species"), text, unit, particles, dose.flags, origin)
    if not (written or remembered):
        return None
    nothing = (math.nan, math.nan, math.nan)
    flags = tuple(dict.fromkeys(flag for dose in parse_dose(written or remembered) for flag in dose.flags))
    return StudyDose(name, record.label, record.text("species"), written or remembered, "", nothing, flags, FROM_TEXT)


def _told(record: Record) -> str:
    """The dose as the record has it: its number with its unit, else its words."""
    value, unit = record.number("dose_value"), record.text("dose_unit")
    words = record.text("dose_text")
    return f"{value:g} {unit}" if value is not None and unit and not parse_dose(words) else words


def _recalled_value(record: Record) -> str:
    return record["dose_value"].recalled.replace("per injection", "").replace("  ", " ")


def _surest(doses: tuple[Dose, ...]) -> Dose | None:
    """The whole dose in the surest unit; the largest where levels stand beside each other."""
    whole = [dose for dose in doses if dose.whole and dose.whole[0].unit in UNITS and "carrier" not in dose.flags]
    return min(whole, key=lambda dose: (UNITS.index(dose.whole[0].unit), -dose.whole[0].high), default=None)


def _particles(readings: tuple[Reading, ...]) -> tuple[float, float, float]:
    """Percentiles over the readings of a text and the conversion of its unit; the likelier reading is the middle."""
    ends = [
        (dose_quantiles(reading.low, reading.unit), dose_quantiles(reading.high, reading.unit))
        for reading in readings
        if reading.unit in UNITS and reading.low > 0
    ]
    if not ends:
        return math.nan, math.nan, math.nan
    middle = math.sqrt(ends[0][0][MIDDLE] * ends[0][1][MIDDLE])
    return min(low[LOW] for low, _high in ends), middle, max(high[HIGH] for _low, high in ends)


def doses_figure(doses: Iterable[StudyDose], title: str) -> Picture | None:
    """Draw the doses on one logarithmic axis; None where none can be read."""
    rows = []
    for dose in sorted(doses, key=lambda dose: (dose.species, -dose.particles[1])):
        if math.isfinite(dose.particles[1]):
            low, median, high = (math.log(value / BILLION) for value in dose.particles)
            role = "used" if dose.origin == FROM_TEXT else "recalled"
            rows.append(
                ForestRow(dose.label, median, low, high, role=role, note=f"{dose.species}, told in {dose.unit}")
            )
    if not rows:
        return None
    caption = (
        "Ranges hold the 5th to 95th percentile of the conversion to particles and every reading of an ambiguous text. "
        "Studies without a readable dose are left out."
    )
    return forest("doses", title, rows, Axis("billions of particles per injection", True), (), caption)
