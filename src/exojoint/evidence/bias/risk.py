"""Risk of bias of single studies: SYRCLE's ten items for animals, RoB 2's five domains for trials."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.tables import read_table
from exojoint.evidence.checks import choose

TOOLS = ("SYRCLE", "RoB 2")
LOW, UNCLEAR, CONCERNS, HIGH = "low", "unclear", "some concerns", "high"
JUDGEMENTS = {"SYRCLE": (LOW, UNCLEAR, HIGH), "RoB 2": (LOW, CONCERNS, HIGH)}
ANSWERS = ("Y", "PY", "PN", "N", "NI", "NA")
YES, NO = frozenset({"Y", "PY"}), frozenset({"N", "PN"})


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a tool.

    Parameters
    ----------
    tool, item, bias, question : str
        Tool, short name, kind of bias, and what is asked.
    """

    tool: str
    item: str
    bias: str
    question: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """Judgements of one study by one tool.

    Parameters
    ----------
    study, tool : str
        What was judged, with what.
    judgements : mapping of item to judgement
        In the tool's order; an item that was not judged is missing.
    overall : str
        Judgement of the whole study, empty while items are missing.
    reasons : mapping of item to str
        Why, in the assessor's words or as the rule that gave the judgement; ``overall`` has its own.
    """

    study: str
    tool: str
    judgements: Mapping[str, str]
    overall: str
    reasons: Mapping[str, str]


@functools.cache
def items(tool: str) -> tuple[Item, ...]:
    """Items of a tool in their order.

    Parameters
    ----------
    tool : str
        ``SYRCLE`` or ``RoB 2``.

    Raises
    ------
    InputError
        For an unknown tool.

    References
    ----------
    Hooijmans CR et al. BMC Med Res Methodol 2014;14:43. Sterne JAC et al. BMJ 2019;366:l4898.
    """
    name = choose(tool, TOOLS, "tool")
    path = files("exojoint.evidence.bias").joinpath("risk_items.csv")
    rows = read_table(path, ("name", "tool", "item", "bias", "question"))
    return tuple(Item(row["tool"], row["item"], row["bias"], row["question"]) for row in rows if row["tool"] == name)


def assess(
    study: str, tool: str, judgements: Mapping[str, str], reasons: Mapping[str, str] | None = None
) -> Assessment:
    """Check a study's judgements and derive the overall one.

    SYRCLE's authors advise against a sum score: here one ``high`` item makes the study high, all ten ``low`` make it
    low, anything else unclear. RoB 2: low when all domains are low, high when one is, else some concerns (the tool lets
    assessors call several concerns high; do that in `judgements`).

    Parameters
    ----------
    study, tool : str
        What is judged, with what.
    judgements : mapping
        Judgement by item: ``low``, ``unclear`` or ``high`` (SYRCLE); ``low``, ``some concerns`` or ``high`` (RoB 2).
    reasons : mapping, optional
        Support for each judgement.

    Raises
    ------
    InputError
        With every unknown item and judgement.
    """
    name = choose(tool, TOOLS, "tool")
    order = [item.item for item in items(name)]
    known = JUDGEMENTS[name]
    problems = []
    for item, word in judgements.items():
        if item not in order:
            expected = f"one of {', '.join(order)}"
            problems.append(Problem(study, f"item '{item}' is unknown", expected, did_you_mean(item, order)))
        elif word not in known:
            expected = ", ".join(known)
            problems.append(Problem(f"{study} {item}", f"'{word}' is unknown", expected, did_you_mean(word, known)))
    raise_problems(problems)
    given = {item: judgements[item] for item in order if item in judgements}
    overall, why = _overall(name, given, len(order))
    return Assessment(
        study, name, MappingProxyType(given), overall, MappingProxyType({**(reasons or {}), "overall": why})
    )


def _overall(tool: str, given: Mapping[str, str], wanted: int) -> tuple[str, str]:
    high = [item for item, word in given.items() if word == HIGH]
    if high:
        return HIGH, f"high: {', '.join(high)}"
    if len(given) < wanted:
        return "", f"{wanted - len(given)} of {wanted} items are not judged"
    rest = [item for item, word in given.items() if word != LOW]
    if not rest:
        return LOW, "all items are low"
    return (UNCLEAR if tool == "SYRCLE" else CONCERNS), f"not low: {', '.join(rest)}"


def rob2_from_answers(study: str, answers: Mapping[str, str]) -> Assessment:
    """Judge a trial by RoB 2's algorithms from the answers to its signalling questions (effect of assignment).

    Parameters
    ----------
    study : str
        What is judged.
    answers : mapping
        ``Y``, ``PY``, ``PN``, ``N``, ``NI`` or ``NA`` by question, ``1.1`` to ``5.3``; a question that was not asked
        counts as no information.

    Raises
    ------
    InputError
        For unknown questions or answers.

    References
    ----------
    Sterne JAC et al. BMJ 2019;366:l4898, and the tool's guidance of 22 August 2019.
    """
    asked = [f"{d}.{q}" for d, last in ((1, 3), (2, 7), (3, 4), (4, 5), (5, 3)) for q in range(1, last + 1)]
    problems = []
    for question, answer in answers.items():
        if question not in asked:
            problems.append(Problem(study, f"question '{question}' is unknown", "1.1 to 5.3"))
        elif answer not in ANSWERS:
            problems.append(Problem(f"{study} {question}", f"'{answer}' is unknown", ", ".join(ANSWERS)))
    raise_problems(problems)
    given = {question: answers.get(question, "NI") for question in asked}
    rules = (_randomisation, _deviations, _missing_data, _measurement, _reporting)
    names = [item.item for item in items("RoB 2")]
    judged = {name: rule(given) for name, rule in zip(names, rules, strict=True)}
    said = {
        name: ", ".join(f"{q} {a}" for q, a in given.items() if q.startswith(f"{i}.") and a != "NA")
        for i, name in enumerate(names, start=1)
    }
    return assess(study, "RoB 2", judged, said)


def _randomisation(a: Mapping[str, str]) -> str:
    if a["1.2"] in NO:
        return HIGH
    if a["1.2"] in YES:
        return CONCERNS if a["1.1"] in NO or a["1.3"] in YES else LOW
    return HIGH if a["1.3"] in YES else CONCERNS


def _deviations(a: Mapping[str, str]) -> str:
    if a["2.1"] in NO and a["2.2"] in NO:
        conduct = LOW
    elif a["2.3"] in YES:
        conduct = CONCERNS if a["2.4"] in NO or a["2.5"] in YES else HIGH
    else:
        conduct = LOW if a["2.3"] in NO else CONCERNS
    analysis = LOW if a["2.6"] in YES else CONCERNS if a["2.7"] in NO else HIGH
    return _worst(conduct, analysis)


def _missing_data(a: Mapping[str, str]) -> str:
    if a["3.1"] in YES or a["3.2"] in YES or a["3.3"] in NO:
        return LOW
    return CONCERNS if a["3.4"] in NO else HIGH


def _measurement(a: Mapping[str, str]) -> str:
    if a["4.1"] in YES or a["4.2"] in YES:
        return HIGH
    if a["4.3"] in NO or a["4.4"] in NO:
        return LOW if a["4.2"] in NO else CONCERNS
    return CONCERNS if a["4.5"] in NO else HIGH


def _reporting(a: Mapping[str, str]) -> str:
    if a["5.2"] in YES or a["5.3"] in YES:
        return HIGH
    if a["5.2"] in NO and a["5.3"] in NO and a["5.1"] in YES:
        return LOW
    return CONCERNS


def _worst(*words: str) -> str:
    return max(words, key=(LOW, CONCERNS, HIGH).index)


def summary(assessments: Sequence[Assessment]) -> dict[str, dict[str, int]]:
    """Number of studies per item and judgement, ``overall`` last; missing judgements count as ``not judged``.

    Raises
    ------
    InputError
        When the assessments use different tools, or there are none.
    """
    tools = {assessment.tool for assessment in assessments}
    if len(tools) != 1:
        raise InputError(Problem("assessments", f"use {len(tools)} tools", "assessments by one tool"))
    table: dict[str, dict[str, int]] = {}
    for name in (*(item.item for item in items(tools.pop())), "overall"):
        counts: dict[str, int] = {}
        for assessment in assessments:
            word = assessment.overall if name == "overall" else assessment.judgements.get(name, "")
            counts[word or "not judged"] = counts.get(word or "not judged", 0) + 1
        table[name] = counts
    return table
