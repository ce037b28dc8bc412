"""Which facts of the literature became records, and why the others did not."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

from exojoint.core.errors import Problem, raise_problems
from exojoint.core.tables import place, read_table
from exojoint.evidence.facts import Fact, load_facts, unknown_names
from exojoint.evidence.records.load import load_records, load_studies

COLUMNS = ("fact", "topic", "reason")
RATIOS = ("OR", "RR", "HR", "SMD", "MD", "WMD", "RD", "SRM", "ES")
KINDS = re.compile(r"odds ratio|hazard ratio|risk ratio|mean difference|\b(?:SMD|WMD)\b|\bminus\b|\bversus\b| vs ")


@functools.cache
def facts_in_records() -> Mapping[str, tuple[str, ...]]:
    """Return the records and studies that rest on each fact; facts without one are left out."""
    found: dict[str, list[str]] = {}
    for record in (*load_studies().values(), *load_records().values()):
        for source in dict.fromkeys(source for cell in record.cells.values() for source in cell.source):
            if source in load_facts():
                found.setdefault(source, []).append(record.id)
    return MappingProxyType({fact: tuple(names) for fact, names in found.items()})


@functools.cache
def reasons() -> Mapping[str, str]:
    """Return why each other fact is no record: its own reason, or that of its topic.

    Raises
    ------
    InputError
        When the table names a fact that does not exist or is a record, or a fact is neither.
    """
    path = files("exojoint.evidence").joinpath("records", "not_records.csv")
    facts, used = load_facts(), facts_in_records()
    own: dict[str, str] = {}
    topics: dict[str, str] = {}
    problems: list[Problem] = []
    for number, row in enumerate(read_table(path, COLUMNS, key=""), start=2):
        at = place(path.name, number, row["fact"] or row["topic"])
        if row["fact"]:
            problems += unknown_names(at, "fact", (row["fact"],), facts)
            problems += (
                [Problem(at, "is a record", "a fact without one", "Remove the row.")] if row["fact"] in used else []
            )
            own[row["fact"]] = row["reason"]
        else:
            topics[row["topic"]] = row["reason"]
    told = {name: own.get(name) or topics.get(fact.topic, "") for name, fact in facts.items() if name not in used}
    expected = "a record, or a reason in not_records.csv"
    problems += [Problem(f"facts.csv {name}", "is no record", expected) for name, reason in told.items() if not reason]
    raise_problems(problems)
    return MappingProxyType(told)


def is_comparison(fact: Fact) -> bool:
    """Whether a fact is an effect of one thing against another, with both ends of its interval."""
    whole = bool(fact.value and fact.low and fact.high)
    return whole and (fact.unit.upper() in RATIOS or KINDS.search(f"{fact.quantity} {fact.unit}") is not None)
