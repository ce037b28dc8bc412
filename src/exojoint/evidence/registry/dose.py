"""Doses in free text: what stands there, in which unit, and every reading where it can be read in two ways."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from exojoint.core.errors import InputError, Problem
from exojoint.core.units import parse_quantity
from exojoint.evidence.registry.dose_join import Found, together
from exojoint.evidence.registry.dose_numbers import DOUBTFUL_COMMA, LOST, VALUE, Value, decimal, plain, value_at
from exojoint.evidence.registry.dose_type import FLAGS, Dose, Reading
from exojoint.evidence.registry.dose_words import (
    ABOUT,
    CALENDAR,
    CARRIER,
    DENOMINATOR,
    INSIDE,
    LIMIT,
    NEGATIVE,
    PER,
    SEPARATOR,
    TIMES,
    VESICLES,
    limits,
    unit_pattern,
    units,
)

__all__ = ["FLAGS", "Dose", "Reading", "parse_dose"]

MAX_TEXT = 100_000  # the longest description of an arm we know of has 5,000 characters
MOST_LEVELS = 8  # doses in one list
LOOK_BACK = 30  # letters before a number that say what it is
LEAST_COUNT = 1e5  # below it a number without a unit is no dose: days, patients, rooms


def parse_dose(text: str) -> tuple[Dose, ...]:
    """Return the amounts in a text, in their order; none where there is no number with a unit.

    Parameters
    ----------
    text : str
        E.g. ``"3-5 x 10e11 particles, single dose"``.

    Raises
    ------
    InputError
        When the text is longer than any description of a treatment.
    """
    if len(text) > MAX_TEXT:
        raise InputError(
            Problem("dose", f"has {len(text):,} characters", f"at most {MAX_TEXT:,}", "Give the arm only.")
        )
    words = plain(text)
    found: list[Found] = []
    place = 0
    while first := VALUE.search(words, place):
        items = _amounts(words, first)
        place = items[-1].end if items else first.end()
        found += items
    return tuple(item.dose for item in together(found, words))


def _amounts(words: str, first: re.Match[str]) -> list[Found]:
    """Read a number, a range or a list with its unit; empty where it is no amount."""
    values, links = _sequence(words, value_at(first))
    unit = unit_pattern().match(words, values[-1].end)
    times = TIMES.match(words, values[-1].end)
    again = VALUE.match(words, times.end()) if times and not unit and len(values) == 1 else None
    if again is not None and not values[0].scaled:  # 3 x 5 mL
        values, links = _sequence(words, value_at(again))
        unit = unit_pattern().match(words, values[-1].end)
    last = values[-1]
    bare = last.scaled and again is None and LEAST_COUNT <= last.amount < math.inf
    before = words[max(0, first.start() - LOOK_BACK) : first.start()]
    if NEGATIVE.search(before) or not (bare or (unit and (last.scaled or unit["unit"].casefold() != "p"))):
        return []
    kept, links = _trimmed(values, links, before)
    start = first.start() if len(kept) == len(values) else kept[0].start
    return list(_doses(words, start, kept, links, unit, _told(before, again is not None)))


def _sequence(words: str, value: Value) -> tuple[list[Value], list[str]]:
    values = [value]
    links: list[str] = []
    while len(values) < MOST_LEVELS:
        link = SEPARATOR.match(words, values[-1].end)
        after = VALUE.match(words, link.end()) if link else None
        thin = link is not None and link[0].strip() == "/" and values[-1].scaled  # 1 x 10^10/50 uL
        if link is None or after is None or thin or (link["range"] and links and links[-1] == "range"):
            break
        item = value_at(after)
        if item.mantissa == 0 and not item.scaled:
            break
        links.append("range" if link["range"] else link["either"].strip().casefold())
        values.append(item)
    return values, links


def _trimmed(values: list[Value], links: list[str], before: str) -> tuple[list[Value], list[str]]:
    """Drop what is no dose before it: days (``day 1, 2 mL``), and lists that nothing holds together."""
    commas = [link for link in links if link in (",", ";", "/")]
    held = any(link not in (",", ";", "/", "range") for link in links) or values[-1].scaled or len(values) >= 3
    if links and links[-1] != "range" and (CALENDAR.search(before) or (commas and not held)):
        return values[-1:], []
    if re.search(r"between\s{1,2}$", before, re.IGNORECASE) and links == ["and"]:
        return values, ["range"]
    return values, links


def _told(before: str, repeated: bool) -> list[str]:
    flags = ["limit"] if LIMIT.search(before) else ["approximate"] if ABOUT.search(before) else []
    return [*flags, *(["repeated"] if repeated else [])]


def _doses(
    words: str, start: int, values: Sequence[Value], links: Sequence[str], unit: re.Match[str] | None, told: list[str]
) -> Iterator[Found]:
    kind, name, factor = ("count", "particle", 1.0) if unit is None else units()[_spelling(unit["unit"])]
    after = values[-1].end if unit is None else unit.end()
    per, volume, end = _denominator(words, after, kind)
    later = unit_pattern().match(words, end) if unit is None and per else None  # 1 x 10^10 / mL exosomes
    if later is not None and units()[_spelling(later["unit"])][0] in ("count", "cells"):
        kind, name, factor = units()[_spelling(later["unit"])]
        unit, end = later, later.end()
    if unit is not None and unit["inside"]:  # 8 x 10^8/3 ml vesicles
        volume = decimal(unit["inside"]) * units()[unit["inside_unit"].casefold()][2]
    flags = [*told, *_doubts(words, kind, per, unit is None, end)]
    groups = _groups(values, links)
    for low, high in groups:
        own: list[str] = []
        readings = tuple(_readings(low, high, values[-1], name, factor, kind, own))
        if unit is None:
            readings += tuple(replace(r, unit="cell", how=f"{r.how}, if cells are meant") for r in readings[:1])
        if kind == "mass" and readings and readings[0].high >= _large():
            own.append("large mass")
        if len(groups) > 1:
            own.append("alternatives")
        if readings:
            text = words[start:end].strip()
            yield Found(start, end, kind, Dose(text, readings, per, volume, tuple(dict.fromkeys([*own, *flags]))))


def _groups(values: Sequence[Value], links: Sequence[str]) -> list[tuple[Value, Value]]:
    """Pair the ends of ranges; a single number is its own range."""
    groups = []
    place = 0
    while place < len(values):
        ranged = place < len(links) and links[place] == "range"
        groups.append((values[place], values[place + 1] if ranged else values[place]))
        place += 2 if ranged else 1
    return groups


def _readings(
    low: Value, high: Value, last: Value, unit: str, factor: float, kind: str, flags: list[str]
) -> Iterator[Reading]:
    """Yield each way to read a range; numbers without a power of their own take that of the last of the list."""
    low, high = (_with_power(value, last) for value in (low, high))

    def reading(
        how: str, change: float = 1.0, one: float | None = None, other: float | None = None
    ) -> Iterator[Reading]:
        ends = sorted(
            (
                (low.amount if one is None else one) * change * factor,
                (high.amount if other is None else other) * change * factor,
            )
        )
        if math.isfinite(ends[1]):
            yield Reading(ends[0], ends[1], unit, how)

    marks = {low.mark, high.mark}
    if "e" in marks:
        flags.append("exponent")
        yield from reading("as meant: 10 to the power")
        yield from reading("to the letter: 10e means ten times a power", 10.0)
    elif "lost" in marks:
        flags.append("lost superscript")
        yield from reading("as meant: a superscript was lost")
        ends = [value.mantissa * value.factor * float(f"10{abs(value.exponent or 0)}") for value in (low, high)]
        yield from reading("to the letter", 1.0, *ends)
    elif low is high and kind in ("count", "cells") and not low.scaled and LOST.fullmatch(low.written):
        flags.append("lost superscript")
        power = 10.0 ** int(low.written[2:])
        yield from reading("as meant: a superscript was lost", 1.0, power, power)
        yield from reading("to the letter")
    else:
        yield from reading("as written")
        if low is high and low.exponent is None and DOUBTFUL_COMMA.fullmatch(low.written):
            flags.append("decimal comma")
            meant = float(low.written.replace(",", ".")) * low.factor
            yield from reading("with the comma as a decimal point", 1.0, meant, meant)


def _with_power(value: Value, last: Value) -> Value:
    if value.scaled or not last.scaled:
        return value
    return replace(
        value, exponent=last.exponent, mark=last.mark if last.mark in ("e", "lost") else "", factor=last.factor
    )


def _doubts(words: str, kind: str, per: str, implied: bool, end: int) -> Iterator[str]:
    there = {
        "unit implied": implied, "cell equivalents": kind == "cells" and VESICLES.search(words) is not None,
        "per weight": per.startswith("kg"), "per cell": per == "cell", "concentration": per in ("mL", "uL"),
        "volume only": kind == "volume", "vials only": kind == "pack", "mass basis": kind == "mass",
        "carrier": kind == "volume" and CARRIER.match(words, end) is not None,
    }  # fmt: skip
    return (flag for flag, yes in there.items() if yes)


def _large() -> float:
    value, unit = limits()["large_mass"]
    return parse_quantity(f"{value:g} {unit}", "ug", "limits.csv")


def _spelling(text: str) -> str:
    folded = " ".join(text.casefold().replace("-", " ").split())
    return folded if folded in units() else folded.replace(" ", "")


def _denominator(words: str, end: int, kind: str) -> tuple[str, float | None, int]:
    """Return (per, volume, end): ``/kg/day``, ``per mL``, ``/3 ml``, ``in 10 ul PBS``, ``in 10 ul per knee``."""
    per, end = _per(words, end, kind)
    volume, end = _volume(words, end, kind)
    if volume is not None and not per:
        per, end = _per(words, end, kind)
    return per, volume, end


def _per(words: str, end: int, kind: str) -> tuple[str, int]:
    found = DENOMINATOR.match(words, end)
    if found is None or found["unit"].casefold() not in PER or found["number"] or not _per_allowed(found, kind):
        return "", end
    per = PER[found["unit"].casefold()]
    more = DENOMINATOR.match(words, found.end())
    if more is not None and more["unit"].casefold() in PER and not more["number"] and more[0].lstrip()[0] == "/":
        return f"{per}/{PER[more['unit'].casefold()]}", more.end()
    return per, found.end()


def _volume(words: str, end: int, kind: str) -> tuple[float | None, int]:
    if kind == "volume":
        return None, end
    found = DENOMINATOR.match(words, end)
    if found is None or not _is_volume(found["unit"]) or not found["number"]:
        found = INSIDE.match(words, end)
    if found is None or not _is_volume(found["unit"]):
        return None, end
    return decimal(found["number"]) * units()[found["unit"].casefold()][2], found.end()


def _per_allowed(found: re.Match[str], kind: str) -> bool:
    return not found[0].lstrip().casefold().startswith("in") and not (kind == "volume" and _is_volume(found["unit"]))


def _is_volume(word: str) -> bool:
    return units().get(word.casefold(), ("", "", 0.0))[0] == "volume"
