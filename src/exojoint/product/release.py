"""The release decision: results against the candidate specification (`release.csv`). A failed lot is a value."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from exojoint.core.tables import place, read_table
from exojoint.core.units import check_unit

COLUMNS = ("name", "title", "method", "unit", "low", "high", "grade", "source", "note")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line of the specification: limits that may be open on one side (infinite)."""

    name: str
    title: str
    method: str
    unit: str
    low: float
    high: float
    source: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One release test: what was measured and whether it is inside the limits."""

    criterion: Criterion
    value: float

    @property
    def passed(self) -> bool:
        """True inside the limits; a value that is not a number fails."""
        return self.criterion.low <= self.value <= self.criterion.high

    def __str__(self) -> str:
        """The sentence of a certificate."""
        c = self.criterion
        limits = f"{c.low:g} to {c.high:g}" if math.isfinite(c.low + c.high) else f"at least {c.low:g}"
        limits = f"at most {c.high:g}" if math.isinf(c.low) else limits
        return f"{c.title}: {self.value:.3g} {c.unit}, limits {limits} ({'passes' if self.passed else 'fails'})"


@functools.cache
def specification() -> tuple[Criterion, ...]:
    """Candidate release specification, in the order of the file."""
    table = files("exojoint.product") / "release.csv"
    criteria = []
    for number, row in enumerate(read_table(table, COLUMNS), start=2):
        check_unit(row["unit"], place("release.csv", number, row["name"]))
        low = float(row["low"]) if row["low"] else -math.inf
        high = float(row["high"]) if row["high"] else math.inf
        source = tuple(row["source"].split(";"))
        criteria.append(Criterion(row["name"], row["title"], row["method"], row["unit"], low, high, source))
    return tuple(criteria)


def release_results(measured: Mapping[str, float]) -> tuple[Result, ...]:
    """Every test of the specification with its measured value; a test without a value fails."""
    return tuple(Result(criterion, measured.get(criterion.name, math.nan)) for criterion in specification())


def reasons(results: tuple[Result, ...]) -> tuple[str, ...]:
    """Why a lot is not released; empty when it is."""
    return tuple(str(result) for result in results if not result.passed)
