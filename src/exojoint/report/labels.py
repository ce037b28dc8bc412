"""Words of the page for the names in the tables; an unknown name is shown as it is, with spaces."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from exojoint.report.numbers import ABSENT, NO_BREAK, fixed, number

CHANGE = "_change"
Direction = Literal["lower", "higher", ""]


@dataclass(frozen=True, slots=True)
class Label:
    """How a name is printed; which direction of an endpoint is better for the patient; decimals of a unit."""

    text: str
    better: Direction = ""
    decimals: int | None = None
    meaning: str = ""


@cache
def _labels() -> Mapping[tuple[str, str], Label]:
    text = files("exojoint.report").joinpath("labels.csv").read_text(encoding="utf-8")
    directions: Mapping[str, Direction] = {"lower": "lower", "higher": "higher"}
    return {
        (row["kind"], row["name"]): Label(
            row["label"],
            directions.get(row["better"], ""),
            int(row["decimals"]) if row["decimals"] else None,
            row["meaning"],
        )
        for row in csv.DictReader(io.StringIO(text))
    }


def label(kind: str, name: str) -> Label:
    """Label of a name of a kind (endpoint, unit, measure, grade, compartment, outcome, statistic, variable)."""
    known = _labels().get((kind, name))
    if known is None and kind == "endpoint" and name.endswith(CHANGE):
        base = label(kind, name.removesuffix(CHANGE))
        return Label(f"change of {base.text}", base.better, None, base.meaning)
    return known or Label(name.replace("_", " "))


def text(kind: str, name: str) -> str:
    """How a name is printed."""
    return label(kind, name).text


def short(endpoint: str) -> str:
    """Name of an endpoint without its instrument."""
    return text("endpoint", endpoint).split(" (")[0]


def level(value: float | None, unit: str) -> str:
    """A level with the decimals of its unit, without the unit."""
    decimals = label("unit", unit).decimals
    return number(value) if decimals is None else fixed(value, decimals)


def difference(value: float | None, unit: str) -> str:
    """A difference with the decimals of its unit and its sign, without the unit."""
    shown = level(value, unit)
    return f"+{shown}" if value is not None and value > 0 and shown.strip("0.,") not in ("", ABSENT) else shown


def span(lo: float | None, hi: float | None, unit: str) -> str:
    """Limits of an interval; they stay on one line."""
    return f"{difference(lo, unit)} to {difference(hi, unit)}".replace(" ", NO_BREAK)


def grades() -> tuple[str, ...]:
    """Evidence grades, the strongest first."""
    return tuple(name for kind, name in _labels() if kind == "grade")


@cache
def glossary() -> tuple[tuple[str, str], ...]:
    """Terms of the report with their meaning, in alphabetical order."""
    content = files("exojoint.report").joinpath("glossary.csv").read_text(encoding="utf-8")
    return tuple((row["term"], row["meaning"]) for row in csv.DictReader(io.StringIO(content)))
