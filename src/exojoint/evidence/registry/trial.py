"""One registered trial, whatever registry it comes from, with dates, phases and states in one spelling."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from exojoint.core.tables import read_table

ISO = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ].*)?$")
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})$")
DAY_FIRST = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?: .*)?$")
PHASE_NUMBER = re.compile(
    r"(?<![A-Za-z0-9])(?:phase[ _-]*)?(early[ _-]*(?:phase[ _-]*)?)?(iv|iii|ii|i|[0-4])\b", re.IGNORECASE
)
ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4"}
STATUSES = ("planned", "recruiting", "running", "completed", "stopped", "unknown", "other")


@dataclass(frozen=True, slots=True)
class TrialText:
    """The free text of a trial, as registered.

    Parameters
    ----------
    conditions, interventions, arms, outcomes, countries : tuple of str
        As listed; arms and interventions with their descriptions, because doses stand there.
    summary, sponsor, design : str
        As written.
    """

    conditions: tuple[str, ...] = ()
    interventions: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    summary: str = ""
    sponsor: str = ""
    design: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """One registered trial.

    Parameters
    ----------
    id, registry : str
        Registration number; ClinicalTrials.gov, IRCT, ChiCTR ...
    title : str
        Public and scientific title.
    status : str
        One of `STATUSES`.
    phase : str
        ``early 1``, ``1``, ``1/2`` ... ; ``none`` where a phase does not apply, empty where unknown.
    date : str
        Start, else registration: ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; empty where unknown.
    enrolment : int or None
        Planned or actual number.
    text : TrialText
        The rest, in the registry's words.
    """

    id: str
    registry: str
    title: str
    status: str
    phase: str
    date: str
    enrolment: int | None
    text: TrialText

    @property
    def year(self) -> int | None:
        """Year of start or registration."""
        return int(self.date[:4]) if self.date else None


@functools.cache
def _statuses() -> Mapping[str, str]:
    path = files("exojoint.evidence.registry").joinpath("statuses.csv")
    rows = read_table(path, ("written", "status", "note"), key="written")
    return MappingProxyType({_folded(row["written"]): row["status"] for row in rows})


def read_status(text: str) -> str:
    """Return the state of a trial in one spelling; ``unknown`` for words that no registry of ours uses."""
    folded = _folded(text.partition("(")[0])
    known = _statuses()
    return known.get(folded) or next((known[key] for key in known if folded.startswith(key)), "unknown")


def read_phase(text: str) -> str:
    """Return a phase as ``early 1``, ``1``, ``1/2`` ...; ``none`` where it does not apply, empty where nothing is said.

    Examples: ``EARLY_PHASE1``, ``Phase 1/Phase 2``, ``I-II``, ``2``, ``N/A``.
    """
    plain = text.strip()
    if not plain:
        return ""
    found = []
    for early, number in PHASE_NUMBER.findall(plain.replace("_", " ")[:200]):
        digit = ROMAN.get(number.lower(), number)
        found.append("early 1" if early else digit)
    if not found:
        return "none" if re.search(r"\bn/?a\b|not applicable|\bnone\b", plain, re.IGNORECASE) else ""
    return "/".join(dict.fromkeys(sorted(found, key=lambda phase: (phase != "early 1", phase))))


def read_date(text: str) -> str:
    """Return a date as ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; empty where it is none.

    Day-first dates with slashes are those of ICTRP and IRCT; a date that cannot be read that way is left out.
    """
    plain = text.strip()
    if found := COMPACT.match(plain):
        parts = found.groups()
    elif found := DAY_FIRST.match(plain):
        parts = (found[3], found[2], found[1])
    elif found := ISO.match(plain):
        parts = tuple(part for part in found.groups() if part)
    else:
        return ""
    numbers = [int(part) for part in parts]
    limits = ((1900, 2199), (1, 12), (1, 31))
    if any(not low <= number <= high for number, (low, high) in zip(numbers, limits, strict=False)):
        return ""
    return "-".join([f"{numbers[0]:04d}", *(f"{number:02d}" for number in numbers[1:])])


def read_count(text: str) -> int | None:
    """Return a planned number of participants; the sum where a registry lists groups (``A:20;B:10``)."""
    plain = text.strip()
    if plain.isascii() and plain.isdigit() and len(plain) <= 9:
        return int(plain)
    groups = re.findall(r":\s*(\d{1,7})\s*(?:;|$)", plain[:2000])
    return sum(int(number) for number in groups) if groups else None


def _folded(text: str) -> str:
    return " ".join(re.split(r"[\s_]+", text.strip().casefold()))
