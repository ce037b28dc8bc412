"""Read questions from TOML files: every wrong key and value at once."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.files import read_toml
from exojoint.core.units import parse_quantity
from exojoint.evidence.bias.grade import STARTS, Certainty, Step, grade, levels
from exojoint.evidence.extraction.schema import load_schema
from exojoint.evidence.questions.question import (
    HANDLINGS,
    MEASURES,
    Bias,
    Model,
    Question,
    Rating,
    Rules,
    Scale,
    Silent,
    Window,
)
from exojoint.evidence.targets import load_targets

SCHEMA = 1
KEYS = (
    "schema", "name", "question", "population", "select", "measure", "direction", "windows", "model", "bias",
    "certainty", "scale", "silent", "axis",
)  # fmt: skip
WINDOW_KEYS = ("name", "days", "prefer", "naive", "reason")
MODEL_KEYS = ("method", "interval", "min_studies")
BIAS_KEYS = ("handling", "shrink", "reason", "facts")
SCALE_KEYS = ("sd", "reason", "targets")
SILENT_KEYS = ("pairs", "power", "outcome")
CERTAINTY_KEYS = ("level", "reason", "start", "steps")
STEP_KEYS = ("domain", "levels", "reason")
Value = Any  # any value of a TOML file; every use below checks its type


def list_questions() -> tuple[str, ...]:
    """Return the names of the questions that come with the package, in alphabetical order."""
    folder = files("exojoint.evidence").joinpath("questions")
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


@functools.cache
def load_question(name: str) -> Question:
    """Return a question of the package by name.

    Raises
    ------
    InputError
        When there is none of that name, or its file is wrong.
    """
    known = list_questions()
    if name not in known:
        expected = f"one of {', '.join(known)}"
        raise InputError(Problem("question", f"'{name[:80]}' is unknown", expected, did_you_mean(name, known)))
    return read_question(files("exojoint.evidence").joinpath("questions", f"{name}.toml"))


def read_question(path: Path | Traversable) -> Question:
    """Read a question from a TOML file.

    Raises
    ------
    InputError
        With every wrong key and value.
    """
    content = read_toml(path)
    reader = _Reader(path.name, content)
    reader.keys(content, KEYS, "")
    if content.get("schema") != SCHEMA:
        reader.problem("schema", f"is {content.get('schema')!r}", f"{SCHEMA}")
    words = {name: reader.text(content, name, "") for name in ("question", "population")}
    axis = reader.table(content, "axis")
    words |= {name: reader.text(axis, name, "axis") for name in ("title", "left", "right") if name in axis}
    question = Question(
        name=path.name.removesuffix(".toml"),
        words=MappingProxyType(words),
        select=reader.select(content),
        measure=reader.choice(content, "measure", MEASURES, ""),
        windows=reader.windows(content),
        direction=1 if content.get("direction") == 1 else -1,
        rules=Rules(
            reader.model(content),
            reader.bias(content),
            reader.scale(content),
            reader.silent(content),
            reader.rating(content),
        ),
    )
    if content.get("name") != question.name:
        reader.problem("name", f"is {content.get('name')!r}", f'"{question.name}", as the file', "Rename one of them.")
    if content.get("direction") not in (1, -1):
        reader.problem("direction", f"is {content.get('direction')!r}", "1 (more is better) or -1")
    raise_problems(reader.problems)
    return question


class _Reader:
    """Collects every problem of one file."""

    def __init__(self, name: str, content: Mapping[str, Any]) -> None:
        self.name, self.content = name, content
        self.problems: list[Problem] = []

    def problem(self, where: str, what: str, expected: str, todo: str = "") -> None:
        self.problems.append(Problem(f"{self.name} {where}".strip(), what, expected, todo))

    def keys(self, table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
        for key in table:
            if key not in known:
                self.problem(where, f"key '{key[:60]}' is unknown", ", ".join(known), did_you_mean(key, known))

    def table(self, parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        value = parent.get(name, {})
        if isinstance(value, dict):
            return value
        self.problem(name, "is not a table", f"[{name}]")
        return {}

    def text(self, table: Mapping[str, Any], name: str, where: str, default: str | None = None) -> str:
        value = table.get(name, default)
        if isinstance(value, str) and (value or default is not None):
            return " ".join(value.split())
        self.problem(f"{where} {name}".strip(), "is missing or not a text", "a text")
        return ""

    def choice(
        self, table: Mapping[str, Any], name: str, known: Sequence[str], where: str, default: str | None = None
    ) -> str:
        value = table.get(name, default)
        if value == default and default is not None:
            return default
        if isinstance(value, str) and value in known:
            return value
        todo = did_you_mean(str(value), known)
        self.problem(f"{where} {name}".strip(), f"'{str(value)[:60]}' is unknown", f"one of {', '.join(known)}", todo)
        return known[0]

    def texts(self, value: Value, where: str) -> tuple[str, ...]:
        items = [value] if isinstance(value, str) else value
        if isinstance(items, list) and items and all(isinstance(item, str) for item in items):
            return tuple(items)
        self.problem(where, "is not a text or a list of texts", '"word" or ["word", "word"]')
        return ()

    def pair(self, value: Value, where: str) -> tuple[float, float]:
        good = (
            isinstance(value, list)
            and len(value) == 2
            and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
        )
        if good and value[0] <= value[1]:
            return float(value[0]), float(value[1])
        self.problem(where, f"{str(value)[:60]} is not a pair", "[low, high]")
        return 0.0, 0.0

    def select(self, content: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        chosen = self.table(content, "select")
        if not chosen:
            self.problem("select", "chooses nothing", 'column = value, e.g. intervention = "saline"')
        for column, value in chosen.items():
            known = load_schema().get(column)
            if known is None:
                todo = did_you_mean(column, load_schema())
                self.problem("select", f"column '{column[:60]}' is unknown", "a column of the records", todo)
                continue
            for word in self.texts(value, f"select {column}"):
                if known.choices and word not in known.choices:
                    todo = did_you_mean(word, known.choices)
                    self.problem(
                        "select", f"{column} '{word[:60]}' is unknown", f"one of {', '.join(known.choices)}", todo
                    )
        return MappingProxyType({c: self.texts(v, f"select {c}") for c, v in chosen.items() if c in load_schema()})

    def windows(self, content: Mapping[str, Any]) -> tuple[Window, ...]:
        given = content.get("windows")
        if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
            self.problem("windows", "is missing or no list of tables", "at least one [[windows]]")
            return ()
        found = []
        for number, item in enumerate(given, start=1):
            where = f"windows {number}"
            self.keys(item, WINDOW_KEYS, where)
            days = self.pair(item["days"], f"{where} days") if "days" in item else None
            words = [self.text(item, name, where, "") for name in ("prefer", "naive", "reason")]
            if words[0] and not words[2]:
                self.problem(where, "prefers a record without a reason", 'reason = "..."')
            found.append(Window(self.text(item, "name", where), days, *words))
        return tuple(found)

    def model(self, content: Mapping[str, Any]) -> Model:
        table = self.table(content, "model")
        self.keys(table, MODEL_KEYS, "model")
        least = table.get("min_studies", Model().min_studies)
        if not isinstance(least, int) or isinstance(least, bool) or least < 2:
            self.problem("model min_studies", f"is {least!r}", "a whole number of at least 2")
            least = Model().min_studies
        return Model(
            self.text(table, "method", "model", Model().method),
            self.text(table, "interval", "model", Model().interval),
            least,
        )

    def bias(self, content: Mapping[str, Any]) -> Bias:
        table = self.table(content, "bias")
        self.keys(table, BIAS_KEYS, "bias")
        handling = self.choice(table, "handling", HANDLINGS, "bias", "none")
        shrink = self.pair(table["shrink"], "bias shrink") if "shrink" in table else (0.0, 0.0)
        reason = self.text(table, "reason", "bias", "")
        if not 0 <= shrink[0] <= shrink[1] < 1 or (handling == "shrink") != ("shrink" in table):
            self.problem("bias shrink", f"is {shrink}", "two shares from 0 to below 1, exactly when handling is shrink")
        if handling != "none" and not reason:
            self.problem("bias", "has no reason", 'reason = "..."')
        return Bias(handling, shrink, reason, self.texts(table["facts"], "bias facts") if "facts" in table else ())

    def scale(self, content: Mapping[str, Any]) -> Scale:
        table = self.table(content, "scale")
        self.keys(table, SCALE_KEYS, "scale")
        sd = None
        try:
            sd = (
                parse_quantity(table["sd"], "point", f"{self.name} scale sd")
                if isinstance(table.get("sd"), str)
                else None
            )
        except InputError as error:
            self.problems.extend(error.problems)
        targets = self.texts(table["targets"], "scale targets") if "targets" in table else ()
        known = {target.id for target in load_targets()}
        for name in targets:
            if name not in known:
                self.problem(
                    "scale targets", f"'{name[:20]}' is unknown", "an id of targets.csv", did_you_mean(name, known)
                )
        return Scale(sd, self.text(table, "reason", "scale", ""), targets)

    def silent(self, content: Mapping[str, Any]) -> Silent:
        table = self.table(content, "silent")
        self.keys(table, SILENT_KEYS, "silent")
        pairs, power = table.get("pairs", 0), table.get("power", Silent().power)
        if not isinstance(pairs, int) or isinstance(pairs, bool) or (table and pairs < 3):
            self.problem("silent pairs", f"is {pairs!r}", "a whole number of at least 3")
            pairs = 0
        if not isinstance(power, float) or not 0.05 < power < 1:
            self.problem("silent power", f"is {power!r}", "between 0.05 and 1")
            power = Silent().power
        return Silent(pairs, power, self.text(table, "outcome", "silent", ""))

    def rating(self, content: Mapping[str, Any]) -> Rating | None:
        """Read a published level with its reason, or a start with our own steps."""
        table = self.table(content, "certainty")
        if not table:
            return None
        self.keys(table, CERTAINTY_KEYS, "certainty")
        if "level" in table:
            if "start" in table or "steps" in table:
                self.problem("certainty", "has a level and steps", "a published level with its reason, or our steps")
            level = self.choice(table, "level", tuple(levels()), "certainty")
            return Rating(Certainty(level, level, (), levels()[level][1]), self.text(table, "reason", "certainty"))
        start = self.choice(table, "start", tuple(STARTS), "certainty")
        try:
            return Rating(grade(start, self.steps(table.get("steps"))))
        except InputError as error:
            self.problems.extend(Problem(f"{self.name} {p.where}", p.what, p.expected, p.todo) for p in error.problems)
            return None

    def steps(self, given: Value) -> tuple[Step, ...]:
        if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
            self.problem("certainty steps", "is missing or no list of tables", "[[certainty.steps]] for each domain")
            return ()
        found = []
        for number, item in enumerate(given, start=1):
            where = f"certainty steps {number}"
            self.keys(item, STEP_KEYS, where)
            change = item.get("levels")
            if not isinstance(change, int) or isinstance(change, bool):
                self.problem(f"{where} levels", f"is {change!r}", "a whole number, negative for a step down")
                change = 0
            words = [self.text(item, name, where) for name in ("domain", "reason")]
            found.append(Step(words[0], change, words[1] or "?"))
        return tuple(found)
