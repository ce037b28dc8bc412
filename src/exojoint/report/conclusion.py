"""The paragraph under the verdict: what one injection would do, what would turn the call, what to measure first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from exojoint.report.data import RunData
from exojoint.report.labels import difference, level, short, span, text
from exojoint.report.numbers import number, percent, signed, when
from exojoint.report.words import HEADS, meant, say

PLANNED, ONCE = "planned", "once"
MOST_SD = 3.0  # standard deviations to which an unknown is held away from what is believed
MOST_TURNS = 5  # ways to turn the call that a sentence can hold
LITTLE = 0.01  # gain in right calls below which knowing a number hardly changes the call
CLEAR = 0.2  # chance below which, or above whose complement, an answer is already clear
CALLS = ("no-go", "learn", "go")

Row = dict[str, Any]


def summary(data: RunData) -> tuple[tuple[str, str], ...]:
    """Paragraphs (head, sentences) under the verdict; none when the run has no table of alternatives."""
    table = data.table("alternatives")
    if table is None or data.primary is None:
        return ()
    decisive = table.filter((pl.col("endpoint") == data.primary.endpoint) & (pl.col("side") == "go"))
    rows = {str(row["variant"]): row for row in decisive.iter_rows(named=True)}
    if PLANNED not in rows:
        return ()
    planned = rows[PLANNED]
    others = [row for name, row in rows.items() if name not in (PLANNED, ONCE)]
    parts = {
        "head_one": [*_injection(data, rows), *_harm(table, ONCE if ONCE in rows else PLANNED)],
        "head_change": [*_turns(planned, others), *_values(data)],
        "head_measure": [*_measure(data, float(planned["probability"]))],
    }
    return tuple((say("summary", head), " ".join(lines)) for head, lines in parts.items() if lines)


def _injection(data: RunData, rows: dict[str, Row]) -> Iterator[str]:
    """One injection of the planned dose, then the course it belongs to."""
    effect, settings = data.primary, data.manifest.settings
    assert effect is not None  # noqa: S101  the caller has seen it
    treatment, dose = str(settings.get("treatment") or effect.arm), str(settings.get("dose") or "")
    facts = {
        "Dose": f"{dose} of “{treatment}”" if dose else f"“{treatment}”", "endpoint": short(effect.endpoint),
        "when": when(effect.day), "control": effect.control, "level": percent(effect.level),
        "n": str(settings.get("administrations") or ""),
    }  # fmt: skip
    one = rows.get(ONCE, rows[PLANNED])
    yield say("summary", "once" if ONCE in rows else "only", **facts, **_numbers(one), asked=_asked(one))
    if ONCE in rows:
        yield say("summary", "course", **facts, **_numbers(rows[PLANNED]), asked=_asked(rows[PLANNED]))


def _numbers(row: Row) -> dict[str, str]:
    unit = row["unit"]
    return {
        "mean": difference(row["mean"], unit), "unit": text("unit", unit), "span": span(row["lo"], row["hi"], unit),
        "margin": signed(row["margin"], 2), **_chance(row), "title": str(row["title"]),
    }  # fmt: skip


def _asked(row: Row) -> str:
    name = "asked_least" if row["comparison"] == "at least" else "asked_most"
    return say("summary", name, threshold=percent(row["threshold"]))


def _harm(table: pl.DataFrame, variant: str) -> Iterator[str]:
    """Chance of harm after one injection, from the go criterion that bounds it."""
    own = table.filter((pl.col("variant") == variant) & (pl.col("side") == "go") & (pl.col("comparison") == "at most"))
    for row in own.iter_rows(named=True):
        margin = level(abs(row["margin"]), row["unit"])
        facts = {"unit": text("unit", row["unit"]), "margin": margin, **_chance(row)}
        yield say("summary", "harm", endpoint=short(row["endpoint"]), when=when(row["day"]), **facts)


def _turns(planned: Row, others: list[Row]) -> Iterator[str]:
    """Which of the variants gets another call, the best call first; and the highest chance when none is a go."""
    call, tried = str(planned["call"]), str(len(others))
    turned = [row for index, row in enumerate(others) if row["call"] != call and not _stronger(row, others, index)]
    for after in reversed(CALLS):
        ways = [row for row in turned if row["call"] == after][:MOST_TURNS]
        if ways:
            said = "; ".join(say("summary", "turned", title=str(row["title"]), **_chance(row)) for row in ways)
            yield say("summary", "turns", before=HEADS[call].lower(), after=HEADS[after].lower(), list=said)
    if others and not turned:
        yield say("summary", "nothing", before=HEADS[call].lower(), n=tried)
    if others and not any(row["call"] == "go" for row in [planned, *others]):
        best = max(others, key=_good)
        yield say(
            "summary",
            "no_go" if turned else "closest",
            n=tried,
            asked=_asked(planned),
            title=str(best["title"]),
            **_chance(best),
        )


def _chance(row: Row) -> dict[str, str]:
    return {"chance": percent(row["probability"]), "error": percent(row["mc_error"])}


def _good(row: Row) -> float:
    """How close a variant comes to what is asked for."""
    return float(row["probability"]) * (1.0 if row["comparison"] == "at least" else -1.0)


def _stronger(row: Row, rows: list[Row], index: int) -> bool:
    """Whether a smaller step of the same lever gets the same call."""
    lever, _, step = str(row["variant"]).rpartition("_x")
    if not lever:
        return False
    for other in rows[:index] + rows[index + 1 :]:
        same, _, size = str(other["variant"]).rpartition("_x")
        if same == lever and other["call"] == row["call"] and float(size) < float(step):
            return True
    return False


def _values(data: RunData) -> Iterator[str]:
    """Values of single unknowns at which the decisive criterion would turn, or which comes closest."""
    table = data.table("turning")
    if table is None:
        return
    rows = list(table.iter_rows(named=True))
    if data.verdict.rivals is not None:
        yield say("summary", "first_explanation")
    for row in (row for row in rows if row["turns"]):
        yield say("summary", "value", **_held(data, row), sd=number(abs(row["sd"]), 2))
    if not any(row["turns"] for row in rows):
        closest = min(rows, key=lambda row: abs(row["probability"] - row["threshold"]))
        yield say("summary", "no_value", **_held(data, closest), n=str(len(rows)), range=f"{MOST_SD:g}")


def _held(data: RunData, row: Row) -> dict[str, str]:
    return {
        "name": str(row["parameter"]), "meaning": _meaning(data, str(row["parameter"])), "value": number(row["value"]),
        "believed": number(row["believed"]), "unit": text("unit", row["unit"]), **_chance(row),
    }  # fmt: skip


def _meaning(data: RunData, name: str) -> str:
    notes = {item.name: item.note for item in data.lineage.parameters} if data.lineage else {}
    meaning = meant(notes.get(name, ""))
    return f", {meaning}," if meaning else ""


def _measure(data: RunData, chance: float) -> Iterator[str]:
    """The unknown whose exact value would improve the call most, with the size of that gain and its error."""
    table = data.table("experiments")
    if table is None:
        return
    row = table.row(0, named=True)
    clear = min(chance, 1.0 - chance) <= CLEAR
    yield say(
        "summary",
        "measure_little" if row["gain"] < LITTLE else "measure",
        Name=row["parameter"],
        meaning=_meaning(data, row["parameter"]),
        grade=text("grade", row["grade"]),
        gain=number(100.0 * row["gain"], 2),
        error=number(100.0 * row["gain_error"], 1),
        share=percent(row["verdict_share"]),
        sure=say("summary", "sure" if clear else "unsure"),
    )
