"""Numbers in a TOML file that carry their life: value with unit, grade, sources, note."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.tables import GRADES
from exojoint.core.units import parse_quantity

KEYS = ("value", "grade", "source", "note")
WRITTEN = re.compile(r"\s*[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?(?P<unit>.*)", re.DOTALL)
FORM = '{ value = "62 year", grade = "assumed", source = ["assumed"], note = "why" }'


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number of a file with its life.

    Attributes
    ----------
    value : in `unit`
    unit : canonical unit of the key
    grade : evidence grade of the house
    source : fact ids, reference keys or "assumed"
    note : reasoning in one sentence
    where : file and key
    """

    value: float
    unit: str
    grade: str
    source: tuple[str, ...]
    note: str
    where: str


class Section:
    """Reader of one table of a TOML file that collects every problem instead of stopping at the first.

    Parameters
    ----------
    data : the table
    where : file and table name, for messages
    problems : list that problems are added to
    """

    def __init__(self, data: object, where: str, problems: list[Problem]) -> None:
        self.where = where
        self.problems = problems
        self._data: Mapping[str, Any] = {}
        if isinstance(data, Mapping):
            self._data = data
        else:
            self.complain("", "is not a table", "a table of keys", "Check the brackets.")

    def keys(self) -> tuple[str, ...]:
        """Keys that the file gives, in its order."""
        return tuple(self._data)

    def complain(self, key: str, what: str, expected: str, todo: str) -> None:
        """Note a problem at a key of this table (or at the table itself)."""
        self.problems.append(Problem(f"{self.where} `{key}`" if key else self.where, what, expected, todo))

    def check_keys(self, known: tuple[str, ...], required: tuple[str, ...] = ()) -> None:
        """Note unknown and missing keys."""
        for key in self._data:
            if key not in known:
                todo = did_you_mean(key, known) or "Remove it."
                self.complain(key, "unknown key", f"one of {', '.join(known)}", todo)
        for key in required:
            if key not in self._data:
                self.complain(key, "is missing", "this key", "Add it.")

    def section(self, key: str) -> Section:
        """Reader of a nested table; a missing one reads as empty."""
        return Section(self._data.get(key, {}), f"{self.where} [{key}]", self.problems)

    def text(self, key: str) -> str:
        """Non-empty string, or "" with a note."""
        value = self._data.get(key, "")
        if isinstance(value, str) and value.strip():
            return value.strip()
        if key in self._data:
            self.complain(key, f"{value!r} is not a text", "a non-empty string in quotes", "Write it in quotes.")
        return ""

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        """One of the known words, or "" with a note."""
        value = self.text(key)
        if value and value not in known:
            self.complain(key, f"'{value}' is unknown", f"one of {', '.join(known)}", did_you_mean(value, known))
            return ""
        return value

    def quantity(self, key: str, unit: str, low: float, high: float) -> Quantity | None:
        """Number with its life inside [low, high], or None with a note (also when the key is missing)."""
        if key not in self._data:
            return None
        where = f"{self.where} `{key}`"
        inner = Section(self._data[key], where, self.problems)
        before = len(self.problems)
        inner.check_keys(KEYS, KEYS[:3])
        value = inner._number(unit)
        if value is not None and not low <= value <= high:
            inner.complain("value", f"{value:g} {unit} is out of range", f"{low:g} to {high:g} {unit}", "Correct it.")
        grade = inner.choice("grade", GRADES)
        source = inner._sources()
        note = str(inner._data.get("note", ""))
        if len(self.problems) > before or value is None:
            return None
        return Quantity(value, unit, grade, source, note, where)

    def unit_of(self, key: str) -> str:
        """Unit that a quantity is written in; "1" when it has none or is no text (reading it tells what is wrong)."""
        inner = self._data.get(key)
        text = inner.get("value") if isinstance(inner, Mapping) else None
        match = WRITTEN.fullmatch(text) if isinstance(text, str) else None
        return match["unit"].strip() or "1" if match else "1"

    def _number(self, unit: str) -> float | None:
        """Value of `value` in the unit, or None with a note."""
        text = self._data.get("value")
        if text is None:
            return None
        if not isinstance(text, str):
            self.complain("value", f"{text!r} is not a text with a unit", f'such as "{text} {unit}"', FORM)
            return None
        try:
            return parse_quantity(text, unit, f"{self.where} `value`")
        except InputError as error:
            self.problems.extend(error.problems)
            return None

    def _sources(self) -> tuple[str, ...]:
        """Fact ids, or () with a note."""
        given = self._data.get("source", [])
        if not (isinstance(given, list) and given and all(isinstance(item, str) and item.strip() for item in given)):
            self.complain("source", "is not a list of sources", '["T1-062"] or ["assumed"]', "Name the source.")
            return ()
        return tuple(item.strip() for item in given)
