"""Risk of bias of the studies of an extraction sheet: judged, counted, drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from exojoint.core.errors import InputError, Problem, raise_problems
from exojoint.evidence.bias.risk import TOOLS, Assessment, assess, items
from exojoint.evidence.figures.style import Picture
from exojoint.evidence.figures.traffic import traffic_lights
from exojoint.evidence.records.record import Record

OVERALL = "overall"


def risk_of(records: Iterable[Record]) -> Mapping[str, tuple[Assessment, ...]]:
    """Return the assessments of every study that was judged, by tool; a study is judged once, in its first row.

    Parameters
    ----------
    records : iterable of Record
        With ``rob_tool`` and ``rob_1`` to ``rob_10``; rows without judgements are passed over.

    Raises
    ------
    InputError
        With every judgement that its tool does not know, and every judgement without a tool.
    """
    problems: list[Problem] = []
    found: dict[str, dict[str, Assessment]] = {}
    for record in records:
        given = {n: record.text(f"rob_{n}") for n in range(1, 11) if record.text(f"rob_{n}")}
        if not given:
            continue
        tool = record.text("rob_tool")
        if tool not in TOOLS:
            problems.append(Problem(record.id, "has judgements without a tool", f"rob_tool: {', '.join(TOOLS)}"))
            continue
        names = dict(enumerate((item.item for item in items(tool)), start=1))
        beyond = [f"rob_{n}" for n in given if n not in names]
        if beyond:
            problems.append(Problem(record.id, f"has {', '.join(beyond)}", f"{len(names)} items of {tool}"))
            continue
        known = found.setdefault(tool, {})
        if record.study in known:
            continue
        twice = any(one.study == record.label for one in known.values())
        label = f"{record.label} ({record.study})" if twice else record.label
        try:
            known[record.study] = assess(label, tool, {names[n]: word for n, word in given.items()})
        except InputError as error:
            problems.extend(error.problems)
    raise_problems(problems)
    return MappingProxyType({tool: tuple(studies.values()) for tool, studies in found.items()})


def lights_of(assessments: Iterable[Assessment], tool: str, title: str) -> Picture:
    """Draw traffic lights, the judgement of the whole study in the last column."""
    rows = {item.study: {**item.judgements, OVERALL: item.overall} for item in assessments}
    return traffic_lights(rows, [*(item.item for item in items(tool)), OVERALL], title=title, tool=tool)
