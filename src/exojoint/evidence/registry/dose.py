"""Doses in free text: what stands there, in which unit, and every reading where it can be read in two ways."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from types import MappingProxyType

from exojoint.core.errors import InputError, Problem
from exojoint.core.tables import read_table
from exojoint.core.units import parse_quantity

MAX_TEXT = 100_000  # the longest description of an arm we know of has 5,000 characters
FLAGS: Mapping[str, str] = MappingProxyType({
    "exponent": "'10e11' is 10^12 to the letter and 10^11 as most authors mean it",
    "lost superscript": "'x 108' is 108 to the letter and 10^8 where a superscript was lost",
    "decimal comma": "the comma may separate decimals or thousands",
    "cell equivalents": "cells are named as the measure of a vesicle dose; vesicles per cell are not stated",
    "per weight": "the dose scales with body weight, which is not stated",
    "concentration": "an amount per volume; the volume given is not stated with it",
    "volume only": "a volume without an amount: the dose in particles is unknown",
    "mass basis": "a mass of vesicles: protein, lipid or dry weight is not stated",
    "large mass": "unusually large for a mass of vesicles: a unit may be wrong",
    "alternatives": "several doses stand in one sentence: arms or levels",
})  # fmt: skip
WORDS = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
NUMBER = r"\d{1,3}(?:[, ]\d{3})+(?:\.\d{1,6})?|\d{1,15}(?:[.,]\d{1,6})?"
TIMES = r"\s{0,3}[x×*·⋅]\s{0,3}"
AMOUNT = (
    rf"(?<![\w.,^])(?P<more>(?:{NUMBER})(?:,\s?(?:{NUMBER})){{0,6}},?\s(?:and|or)\s)?"
    rf"(?P<low>{NUMBER})(?:{TIMES}10\s?(?:\^|\*\*)\s?(?P<first>\d{{1,2}})(?=\s{{0,2}}(?:-|to\s)))?"
    rf"(?:\s{{0,2}}(?:-|to\s)\s{{0,2}}(?P<high>{NUMBER}))?"
    rf"(?:(?P<times>{TIMES})10\s?(?P<mark>\^|\*\*|[eE])?\s?(?P<exponent>[+-]?\d{{1,2}})(?!\d|[.,]\d)|(?P<science>[eE][+-]?\d{{1,2}}(?!\d)))?"
    rf"\s{{0,3}}(?P<word>{'|'.join(WORDS)})?s?\s{{0,3}}"
)
BARE_POWER = r"(?<![\w.,^])10\s?(?P<mark>\^|\*\*)\s?(?P<exponent>[+-]?\d{1,2})(?!\d|[.,]\d)\s{0,3}"
FILLER = r"(?:(?:of|the|human|allogeneic|autologous|total|viable|small|msc|umbilical|derived|mscs?'?)[ -]{1,2}){0,3}"
DENOMINATOR = re.compile(
    rf"\s{{0,2}}(?:/|per\s|in\s(?:a\s)?)\s{{0,2}}(?P<number>{NUMBER})?\s{{0,2}}(?P<unit>[a-z]{{1,14}})", re.IGNORECASE
)
INSIDE = re.compile(rf"[^.;,\d]{{0,40}}?\bin\s(?P<number>{NUMBER})\s{{0,2}}(?P<unit>[a-z]{{2,14}})", re.IGNORECASE)
PER = {
    "kg": "kg", "kilogram": "kg", "ml": "mL", "cc": "mL", "day": "day", "week": "week", "joint": "joint",
    "knee": "knee", "dose": "dose", "injection": "dose",
}  # fmt: skip
NEAR = 12  # letters between two amounts that are alternatives to each other
DOUBTFUL_COMMA = re.compile(r"[1-9]\d{0,2},(?!000)\d{3}")  # 1,500 may be 1.5; 100,000 is no decimal
VESICLES = re.compile(r"exosom|vesicle|\bs?evs?\b|secretom", re.IGNORECASE)
OR = re.compile(r"\b(?:or|versus|vs)\b|[,;/]| and ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a dose.

    Parameters
    ----------
    low, high : float
        Ends of a range; equal for a single number. In `unit`.
    unit : str
        ``particle``, ``cell``, ``ug`` or ``mL``.
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
        Volume that the amount is in (``2e8 vesicles / 3 mL``).
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

    def doubts(self) -> tuple[str, ...]:
        """Return each flag in words."""
        return tuple(FLAGS[flag] for flag in self.flags)


@functools.cache
def _units() -> Mapping[str, tuple[str, str, float]]:
    path = files("exojoint.evidence.registry").joinpath("dose_units.csv")
    rows = read_table(path, ("spelling", "kind", "unit", "factor"), key="spelling")
    return MappingProxyType({row["spelling"]: (row["kind"], row["unit"], float(row["factor"])) for row in rows})


@functools.cache
def _pattern() -> re.Pattern[str]:
    spellings = "|".join(re.escape(name).replace(r"\ ", r"[ -]?") for name in sorted(_units(), key=len, reverse=True))
    inside = rf"(?:/\s?(?P<inside>{NUMBER})\s?(?P<inside_unit>ml|ul|cc)\s{{1,2}})?"
    unit = rf"{inside}{FILLER}(?P<unit>{spellings})(?![a-z])"
    return re.compile(f"(?:{AMOUNT}){unit}", re.IGNORECASE)


@functools.cache
def _bare_pattern() -> re.Pattern[str]:
    return re.compile(_pattern().pattern.replace(AMOUNT, BARE_POWER), re.IGNORECASE)


@functools.cache
def limits() -> Mapping[str, tuple[float, str]]:
    """Return the limits of this folder: value and unit by name."""
    path = files("exojoint.evidence.registry").joinpath("limits.csv")
    rows = read_table(path, ("name", "value", "unit", "source", "note"))
    return MappingProxyType({row["name"]: (float(row["value"]), row["unit"]) for row in rows})


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
    plain = _plain(text)
    matches = sorted([*_pattern().finditer(plain), *_bare_pattern().finditer(plain)], key=lambda found: found.start())
    doses: list[tuple[int, int, Dose]] = []
    end = 0
    for found in matches:
        if found.start() < end:
            continue
        dose, end = _dose(found, plain)
        doses += [(found.start(), end, item) for item in (*_listed(found, dose), dose)]
    return tuple(_together(doses, plain))


def _listed(found: re.Match[str], last: Dose) -> Iterator[Dose]:
    """The earlier levels of ``2, 4 and 8 x 10^8 vesicles``: they share power, unit and volume with the last."""
    more = found.groupdict().get("more")
    if not more or len(last.readings) != 1:
        return
    scale = last.readings[0].high / _decimal(found["high"] or found["low"]) if _decimal(found["low"]) else math.nan
    for number in re.findall(NUMBER, more):
        amount = _decimal(number) * scale
        if math.isfinite(amount):
            yield replace(last, readings=(replace(last.readings[0], low=amount, high=amount),), text=last.text)


def _plain(text: str) -> str:
    """One spelling of marks: superscripts after a caret, u for the micro sign, one blank, one dash."""
    text = re.sub(r"(?<=\d)([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda found: "^" + found[1].translate(SUPERSCRIPTS), text)
    for mark, plain in (("μ", "u"), ("µ", "u"), ("\u2212", "-"), ("\u2013", "-"), ("\u2014", "-")):
        text = text.replace(mark, plain)
    return re.sub(r"[\u00a0\u2000-\u200b\u202f\t\r\n]", " ", text)


def _dose(found: re.Match[str], plain: str) -> tuple[Dose, int]:
    kind, unit, factor = _units()[_spelling(found["unit"])]
    flags: list[str] = []
    readings = tuple(
        Reading(low * factor, high * factor, unit, how)
        for low, high, how in _numbers(found, flags)
        if math.isfinite(high * factor)
    )
    per, volume, end = _denominator(plain, found.end(), kind)
    if found["inside"]:  # 8 x 10^8/3 ml vesicles
        volume = _decimal(found["inside"]) * _units()[found["inside_unit"].casefold()][2]
    if kind == "cells" and VESICLES.search(plain):
        flags.append("cell equivalents")
    if kind == "mass":
        flags.append("mass basis")
        value, limit_unit = limits()["large_mass"]
        if readings and readings[0].high >= parse_quantity(f"{value:g} {limit_unit}", "ug", "limits.csv"):
            flags.append("large mass")
    flags += [
        flag
        for flag, there in (
            ("per weight", per == "kg"),
            ("concentration", per == "mL"),
            ("volume only", kind == "volume"),
        )
        if there
    ]
    return Dose(plain[found.start() : end].strip(), readings, per, volume, tuple(dict.fromkeys(flags))), end


def _spelling(text: str) -> str:
    folded = " ".join(text.casefold().replace("-", " ").split())
    return folded if folded in _units() else folded.replace(" ", "")


def _numbers(found: re.Match[str], flags: list[str]) -> Iterator[tuple[float, float, str]]:
    """Yield (low, high, how) for each way to read the number."""
    groups = found.groupdict()
    exponent = int(groups["exponent"]) if groups["exponent"] else 0
    if groups.get("low") is None:
        yield 10.0**exponent, 10.0**exponent, "as written"
        return
    low = _decimal(groups["low"])
    high = _decimal(groups["high"]) if groups["high"] else low
    if groups["science"]:
        exponent = int(groups["science"][1:])
    factor = WORDS.get((groups["word"] or "").casefold(), 1.0)
    if groups["first"]:
        low *= 10.0 ** (int(groups["first"]) - exponent)
    low, high = sorted((low * factor, high * factor))
    if groups["times"] is None:
        yield low * 10.0**exponent, high * 10.0**exponent, "as written"
        if DOUBTFUL_COMMA.fullmatch(groups["low"]) and not groups["high"]:
            flags.append("decimal comma")
            meant = float(groups["low"].replace(",", ".")) * factor * 10.0**exponent
            yield meant, meant, "with the comma as a decimal point"
    elif groups["mark"] in ("e", "E"):
        flags.append("exponent")
        yield low * 10.0**exponent, high * 10.0**exponent, "as meant: 10 to the power"
        yield low * 10.0 ** (exponent + 1), high * 10.0 ** (exponent + 1), "to the letter: 10e means ten times a power"
    elif groups["mark"] is None:
        flags.append("lost superscript")
        yield low * 10.0**exponent, high * 10.0**exponent, "as meant: a superscript was lost"
        literal = float(f"10{groups['exponent'].lstrip('+-')}")
        yield low * literal, high * literal, "to the letter"
    else:
        yield low * 10.0**exponent, high * 10.0**exponent, "as written"


def _decimal(text: str) -> float:
    """Read a number; a single comma before other than three digits separates decimals."""
    if re.fullmatch(r"\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?", text):
        return float(re.sub("[, ]", "", text))
    return float(text.replace(",", "."))


def _denominator(plain: str, end: int, kind: str) -> tuple[str, float | None, int]:
    """Return (per, volume, end): ``/kg``, ``per mL``, ``/3 ml``, ``of exosomes in 10 ul PBS``."""
    found = DENOMINATOR.match(plain, end)
    if found is None or not _is_denominator(found):
        found = INSIDE.match(plain, end) if kind != "volume" else None
        if found is None or not _is_volume(found["unit"]):
            return "", None, end
    word = found["unit"].casefold()
    if _is_volume(word) and found["number"]:
        _kind, _unit, factor = _units()[word]
        return "", _decimal(found["number"]) * factor, found.end()
    return (PER.get(word, ""), None, found.end()) if word in PER else ("", None, end)


def _is_denominator(found: re.Match[str]) -> bool:
    word = found["unit"].casefold()
    return (word in PER and not found["number"]) or (_is_volume(word) and bool(found["number"]))


def _is_volume(word: str) -> bool:
    return _units().get(word.casefold(), ("", "", 0.0))[0] == "volume"


def _together(doses: list[tuple[int, int, Dose]], plain: str) -> Iterator[Dose]:
    """Share a volume between alternatives (``50 ug or 20 ug in 10 ul``) and flag them; drop what gave no reading."""
    for index, (_start, _end, dose) in enumerate(doses):
        if not dose.readings:
            continue
        after = doses[index + 1] if index + 1 < len(doses) else None
        before = doses[index - 1] if index else None
        linked = after is not None and _are_alternatives(doses[index], after, plain)
        follows = before is not None and _are_alternatives(before, doses[index], plain)
        volume = dose.volume_ml
        if linked and after is not None and volume is None:
            volume = after[2].volume_ml
        flags = (*dose.flags, "alternatives") if linked or follows else dose.flags
        yield replace(dose, volume_ml=volume, flags=flags)


def _are_alternatives(first: tuple[int, int, Dose], second: tuple[int, int, Dose], plain: str) -> bool:
    one, other = first[2], second[2]
    if not (one.readings and other.readings) or one.readings[0].unit != other.readings[0].unit or one.per != other.per:
        return False
    between = plain[first[1] : second[0]]
    return first[0] == second[0] or (len(between) <= NEAR and OR.search(between) is not None)
