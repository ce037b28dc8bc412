"""Reads one table of a design file and collects what is wrong with it, so that all errors are told at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeVar

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.units import parse_quantity

Choice = TypeVar("Choice", bound=str)

NO_DAYS = (0.0,)  # stand-in for a list of days that could not be read


@dataclass(frozen=True)
class Section:
    """One table of a file. Every read of a key either gives a value or notes a problem and gives a harmless stand-in.

    Parameters
    ----------
    table : what stands in the file
    where : file and table, for messages
    problems : shared by all sections of a file
    """

    table: dict[str, object]
    where: str
    problems: list[Problem]
    asked: set[str] = field(default_factory=set)

    def note(self, key: str, what: str, expected: str, todo: str = "") -> None:
        """Note one problem with a key."""
        self.problems.append(Problem(f"{self.where} `{key}`", what, expected, todo))

    def has(self, key: str) -> bool:
        """Whether an optional key is there."""
        self.asked.add(key)
        return key in self.table

    def text(self, key: str, default: str | None = None) -> str:
        """A non-empty text."""
        value = self._get(key, default, "a text")
        if isinstance(value, str) and value.strip():
            return value
        if value is not None:
            self.note(key, f"{value!r}", "a text")
        return default or ""

    def choice(self, key: str, known: Sequence[Choice], default: Choice | None = None) -> Choice:
        """One of the known words."""
        value = self._get(key, default, f"one of {', '.join(known)}")
        for word in known:
            if value == word:
                return word
        if value is not None:
            self.note(key, f"{value!r}", f"one of {', '.join(known)}", did_you_mean(str(value), known))
        return known[0]

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A finite number in [low, high]."""
        value = self._get(key, default, "a number")
        if (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and math.isfinite(value)
            and low <= value <= high
        ):
            return float(value)
        if value is not None:
            self.note(key, f"{value!r}", _between(low, high))
        return low if math.isfinite(low) else 0.0

    def quantity(self, key: str, unit: str, low: float, high: float = math.inf) -> float:
        """A text with a unit, converted to `unit`, in [low, high]."""
        value = self._get(key, None, f"a text such as '1 {unit}'")
        if value is None:
            return low
        if not isinstance(value, str):
            self.note(
                key, f"{value!r} has no unit", f"a text such as '{value} {unit}'", "Write number and unit in quotes."
            )
            return low
        try:
            number = parse_quantity(value, unit, f"{self.where} `{key}`")
        except InputError as error:
            self.problems.extend(error.problems)
            return low
        if not low <= number <= high:
            self.note(key, f"{value!r}", f"{_between(low, high)} {unit}")
        return number

    def days(self, key: str) -> tuple[float, ...]:
        """Ascending days from 0 (plain numbers, or texts such as '26 weeks'); only day 0 where the list is wrong."""
        value = self._get(key, None, "a list of days such as [0, 28, 182]")
        if value is None:
            return NO_DAYS
        before = len(self.problems)
        if not isinstance(value, list) or len(value) < 2:
            self.note(key, f"{value!r}", "a list of at least two days such as [0, 28, 182]")
            return NO_DAYS
        days = tuple(self.day(key, item) for item in value)
        if len(self.problems) == before:
            self._check_order(key, days)
        return days if len(self.problems) == before else NO_DAYS

    def _check_order(self, key: str, days: tuple[float, ...]) -> None:
        if min(days) < 0:
            todo = "Day 0 is the first injection; what is measured before it counts as day 0."
            self.note(key, f"a visit before day 0: {min(days):g}", "days from 0 on", todo)
        elif days[0] != 0:
            self.note(
                key,
                f"the first visit is at day {days[0]:g}",
                "day 0 first",
                "Change from baseline needs a visit at day 0.",
            )
        if any(later <= earlier for earlier, later in pairwise(days)):
            self.note(key, f"days {', '.join(f'{day:g}' for day in days)}", "ascending days, each once")

    def day(self, key: str, value: object) -> float:
        """One day, a plain number or a text with a unit of time."""
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        if isinstance(value, str):
            try:
                return parse_quantity(value, "day", f"{self.where} `{key}`")
            except InputError as error:
                self.problems.extend(error.problems)
                return 0.0
        self.note(key, f"{value!r}", "a day: a number, or a text such as '26 weeks'")
        return 0.0

    def words(self, key: str, default: Sequence[str]) -> tuple[str, ...]:
        """A list of texts, each once."""
        value = self._get(key, list(default), "a list of texts")
        if isinstance(value, list) and all(isinstance(item, str) for item in value) and len(set(value)) == len(value):
            return tuple(str(item) for item in value)
        self.note(key, f"{value!r}", "a list of texts, each once")
        return tuple(default)

    def integers(self, key: str, low: int, high: int) -> tuple[int, ...]:
        """A non-empty list of whole numbers in [low, high]."""
        value = self._get(key, None, "a list of whole numbers")
        if value is None:
            return (low,)
        if isinstance(value, list) and value and all(type(item) is int and low <= item <= high for item in value):
            return tuple(value)
        self.note(key, f"{value!r}", f"a list of whole numbers between {low} and {high}")
        return (low,)

    def section(self, key: str) -> Section:
        """A table below this one; empty (and noted) where it is missing."""
        value = self._get(key, None, "a table")
        if value is not None and not isinstance(value, dict):
            self.note(key, f"{value!r}", "a table")
        return Section(value if isinstance(value, dict) else {}, f"{self.where} [{key}]", self.problems)

    def sections(self, key: str) -> tuple[Section, ...]:
        """A list of tables below this one."""
        value = self._get(key, None, f"one or more [[{key}]] tables")
        if value is None:
            return ()
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            self.note(key, f"{value!r}", f"one or more [[{key}]] tables")
            return ()
        return tuple(Section(item, f"{self.where} [[{key}]] {i}", self.problems) for i, item in enumerate(value, 1))

    def done(self) -> None:
        """Note every key that nobody asked for."""
        for key in self.table:
            if key not in self.asked:
                self.note(key, "unknown key", f"one of {', '.join(sorted(self.asked))}", did_you_mean(key, self.asked))

    def _get(self, key: str, default: object, expected: str) -> object:
        self.asked.add(key)
        value = self.table.get(key, default)
        if value is None:
            self.note(key, "is missing", expected, f"Add `{key}`.")
        return value


def _between(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "a number"
    if math.isinf(high):
        return f"at least {low:g}"
    return f"between {low:g} and {high:g}"
