"""The words around a dose: units, fillers, denominators, limits, calendars."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from exojoint.core.tables import read_table
from exojoint.evidence.registry.dose_numbers import PLAIN_NUMBER

FILLERS = (
    "of", "the", "total", "viable", "human", "allogeneic", "allogenic", "autologous", "purified", "lyophilized",
    "lyophilised", "isolated", "engineered", "small", "large", "nano", "sized", "extracellular", "mesenchymal", "stem",
    "stromal", "cell", "cells", "derived", "umbilical", "cord", "wharton's", "jelly", "adipose", "tissue", "bone",
    "marrow", "placental", "placenta", "amniotic", "msc", "mscs", "uc", "huc", "ucmsc", "hucmsc", "bm", "bmsc", "ad",
    "adsc", "asc", "wj", "hwj", "hmsc", "exosome", "exosomal", "vesicle", "ev", "sev", "intact",
)  # fmt: skip
FILLER = rf"(?:(?:{'|'.join(sorted(map(re.escape, FILLERS), key=len, reverse=True))})[\s-]{{1,2}}){{0,8}}"
SEPARATOR = re.compile(
    r"\s{0,2}(?:(?P<range>-|to(?=\s))|(?P<either>,?\s?(?:and/or|and|or|versus|vs\.?)(?=\s)|[,;/](?=\s?\d)))\s{0,2}",
    re.IGNORECASE,
)
TIMES = re.compile(r"\s{0,2}[x*]\s{0,2}(?=\d)")
DENOMINATOR = re.compile(
    rf"\s{{0,2}}(?:/|per\s|in\s(?:a\s)?)\s{{0,2}}(?P<number>{PLAIN_NUMBER})?\s{{0,2}}(?P<unit>[a-z]{{1,14}})",
    re.IGNORECASE,
)
INSIDE = re.compile(
    rf"[^.;,\d]{{0,40}}?\bin\s(?:a\s(?:total\s)?volume\sof\s)?(?P<number>{PLAIN_NUMBER})\s{{0,2}}(?P<unit>[a-z]{{2,14}})",
    re.IGNORECASE,
)
HOLDS = re.compile(
    r"\s{0,2}(?:[^.;\d(]{0,40}\(|at a (?:dose|concentration) of|contain\w*|with|of|each with|:|,)\s{0,2}"
    r"(?:a total of\s|about\s|approx\w{0,8}\.?\s|~\s?|equivalent to\s)?",
    re.IGNORECASE,
)
CARRIER = re.compile(
    r"\s(?:of\s)?(?:sterile\s)?(?:0\.9\s?%\s)?(?:normal\s|physiological\s|buffered\s)?(?:saline|pbs|phosphate|ringer|plasma-?lyte|water|nacl|placebo|vehicle)",
    re.IGNORECASE,
)
LIMIT = re.compile(
    r"(?:[<>≤≥]=?|up to|at least|at most|not more than|no more than|"
    r"less than|more than|maximum(?: of)?|minimum(?: of)?|max\.?|min\.?)\s{0,2}$",
    re.IGNORECASE,
)
ABOUT = re.compile(r"(?:~|≈|≃|approximately|approx\.?|about|circa|ca\.?|roughly|around)\s{0,2}$", re.IGNORECASE)
CALENDAR = re.compile(
    r"(?:days?|weeks?|wks?|months?|visits?|cohorts?|groups?|levels?|phases?|hours?|arms?|d|w|years?|aged?)\.?\s{0,2}$",
    re.IGNORECASE,
)
NEGATIVE = re.compile(r"(?:^|[\s(=:])-$")
VESICLES = re.compile(r"exosom|vesicle|\bs?evs?\b|secretom", re.IGNORECASE)
PER = {
    "kg": "kg", "kilogram": "kg", "ml": "mL", "cc": "mL", "milliliter": "mL", "millilitre": "mL", "day": "day",
    "week": "week", "month": "month", "h": "hour", "hour": "hour", "min": "minute", "joint": "joint", "knee": "knee",
    "dose": "dose", "injection": "dose", "administration": "dose", "vial": "vial", "site": "site", "eye": "eye",
    "nostril": "nostril", "wound": "wound", "level": "level", "disc": "level", "lesion": "lesion", "patient": "patient",
    "subject": "patient", "person": "patient", "animal": "animal", "rat": "animal", "mouse": "animal",
    "rabbit": "animal", "limb": "limb", "side": "side", "cell": "cell", "cells": "cell", "ul": "uL",
}  # fmt: skip


@functools.cache
def units() -> Mapping[str, tuple[str, str, float]]:
    """Return (kind, unit, factor) of each spelling of a unit; kinds: count, cells, mass, volume, pack."""
    path = files("exojoint.evidence.registry").joinpath("dose_units.csv")
    rows = read_table(path, ("spelling", "kind", "unit", "factor"), key="spelling")
    return MappingProxyType({row["spelling"]: (row["kind"], row["unit"], float(row["factor"])) for row in rows})


@functools.cache
def unit_pattern() -> re.Pattern[str]:
    """Return the pattern of a unit behind a number, with the words that may stand between."""
    spellings = "|".join(re.escape(name).replace(r"\ ", r"[ -]?") for name in sorted(units(), key=len, reverse=True))
    inside = rf"(?:/\s?(?P<inside>{PLAIN_NUMBER})\s?(?P<inside_unit>ml|ul|cc)\s{{1,2}})?"
    return re.compile(rf"[\s-]{{0,3}}{inside}(?:'s?\s)?{FILLER}(?P<unit>{spellings})(?![a-z])", re.IGNORECASE)


@functools.cache
def limits() -> Mapping[str, tuple[float, str]]:
    """Return the limits of this folder: value and unit by name."""
    path = files("exojoint.evidence.registry").joinpath("limits.csv")
    rows = read_table(path, ("name", "value", "unit", "source", "note"))
    return MappingProxyType({row["name"]: (float(row["value"]), row["unit"]) for row in rows})
