"""What belongs together in a text: a volume and what it holds, a concentration and its volume, levels, two units."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from exojoint.evidence.registry.dose_type import ONE_ADMINISTRATION, Dose
from exojoint.evidence.registry.dose_words import HOLDS

NEAR = 20  # letters between two amounts that are alternatives to each other
LINKED = re.compile(r"\b(?:or|versus|vs)\b|[,;/(]| and ", re.IGNORECASE)
SAME = re.compile(r"\s?(?:\(|=|or \()\s?(?:[~\u2248=]|about |approx\w*\.? |equivalent to )?\s?")
AMOUNTS = ("count", "cells", "mass")


@dataclass(frozen=True, slots=True)
class Found:
    """A dose with its place; doses of one list share both."""

    start: int
    end: int
    kind: str
    dose: Dose


def together(found: Sequence[Found], words: str) -> Iterator[Found]:
    """Join what belongs together.

    Parameters
    ----------
    found : sequence of Found
        In the order of the text.
    words : str
        The text.
    """
    items = list(found)
    for index in reversed(range(len(items) - 1)):  # from the right: units and volumes stand with the last level
        items[index], items[index + 1] = _pair(items[index], items[index + 1], words)
    yield from _with_volume([item for item in items if item.kind != "spent"])


def _pair(one: Found, other: Found, words: str) -> tuple[Found, Found]:
    between = words[one.end : other.start]
    if one.start == other.start:
        return one, other
    if one.kind == "volume" and other.kind in AMOUNTS and HOLDS.fullmatch(between) and _is_given(one.dose):
        return (replace(one, kind="spent"), _with(other, one.dose)) if other.dose.volume_ml is None else (one, other)
    inside = one.kind in AMOUNTS and other.kind == "volume" and between.strip() == "("  # 1e11 EVs (5 ml)
    if inside and one.dose.volume_ml is None and one.dose.per in ONE_ADMINISTRATION and _is_given(other.dose):
        return _with(one, other.dose), replace(other, kind="spent")
    twice = one.kind in AMOUNTS and other.kind in AMOUNTS and one.kind != other.kind
    if twice and SAME.fullmatch(between):
        return _flagged(one, "two units"), _flagged(other, "two units")
    same = one.kind == other.kind and one.dose.per == other.dose.per
    if not same or len(between) > NEAR or not LINKED.search(between) or re.search(r"[.!?]\s", between):
        return one, other
    if one.dose.volume_ml is None and other.dose.volume_ml is not None:
        one = replace(one, dose=replace(one.dose, volume_ml=other.dose.volume_ml))
    if "unit implied" in one.dose.flags and "unit implied" not in other.dose.flags:
        one = replace(one, dose=_with_unit(one.dose, other.dose))
    return _flagged(one, "alternatives"), _flagged(other, "alternatives")


def _is_given(volume: Dose) -> bool:
    """Whether it is one volume of the product, not of its carrier."""
    (first, *more) = volume.readings
    return not more and first.low == first.high and not volume.per and "carrier" not in volume.flags


def _with(found: Found, volume: Dose) -> Found:
    flags = tuple(flag for flag in found.dose.flags if flag != "concentration")
    return replace(found, dose=replace(found.dose, volume_ml=volume.readings[0].low, flags=flags))


def _with_unit(dose: Dose, named: Dose) -> Dose:
    """A number whose unit stands with the next level."""
    flags = tuple(flag for flag in dose.flags if flag != "unit implied")
    return replace(
        dose, readings=tuple(replace(r, unit=named.readings[0].unit) for r in dose.readings[:-1]), flags=flags
    )


def _flagged(item: Found, flag: str) -> Found:
    return replace(item, dose=replace(item.dose, flags=tuple(dict.fromkeys([*item.dose.flags, flag]))))


def _with_volume(items: Sequence[Found]) -> Iterator[Found]:
    """Give the one volume of a text to its one concentration."""
    volumes = [item for item in items if item.kind == "volume" and _is_given(item.dose)]
    thin = [item for item in items if item.dose.per == "mL" and item.dose.volume_ml is None]
    if len(items) == 2 and len(volumes) == len(thin) == 1:
        yield _with(thin[0], volumes[0].dose)
    else:
        yield from items
