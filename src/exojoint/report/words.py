"""Sentences of the report: what the model concludes, why, and what would change it, in plain language."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import polars as pl

from exojoint.report.data import RunData
from exojoint.report.labels import difference, label, level, short, span, text
from exojoint.report.numbers import number, percent, when
from exojoint.runs.verdict import Effect, Reason

HEADS = {"go": "Go", "no-go": "No-go", "learn": "Learn first"}
TOP = 3
LONGEST_CLAUSE = 110  # letters
NEAR = 2.0  # Monte Carlo errors within which a probability may lie on either side of its threshold
SIDES = ("go", "no-go")


@cache
def _sentences() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("exojoint.report").joinpath("sentences.toml").read_text(encoding="utf-8"))


def say(part: str, name: str, /, **facts: str) -> str:
    """A sentence of `sentences.toml` with its gaps filled; braces in the facts are plain text."""
    return _sentences()[part][name].format(**facts)


@dataclass(frozen=True, slots=True)
class Criterion:
    """A reason as the page shows it: side it speaks for, name, rule, and how it came out."""

    side: str
    name: str
    rule: str
    reason: Reason
    near: bool


def criteria(data: RunData) -> tuple[Criterion, ...]:
    """Reasons of the verdict; a text "side: name: rule" is taken apart, any other is shown whole."""
    found = []
    for reason in data.verdict.reasons:
        parts = reason.criterion.split(": ", 2)
        side, name, rule = parts if len(parts) == 3 and parts[0] in SIDES else ("", reason.criterion, "")
        rule = signs(rule)
        near = abs(reason.probability - reason.threshold) <= NEAR * reason.mc_error
        found.append(Criterion(side, name, rule, reason, near))
    return tuple(found)


def signs(said: str) -> str:
    """A line of a program with the signs of print: <= as ≤, +- as ±, and a minus before a number as a minus."""
    for typed, printed in (("<=", "≤"), (">=", "≥"), ("+-", "±")):
        said = said.replace(typed, printed)
    return re.sub(r"(?<=[\s(])-(?=\d)", "−", said)


def direction(effect: Effect) -> str:
    """What the interval of the true effect says for the patient."""
    better = label("endpoint", effect.endpoint).better
    if effect.true.lo <= 0 <= effect.true.hi:
        return say("direction", "uncertain")
    if not better:
        return say("direction", "other")
    gain = effect.true.mean < 0 if better == "lower" else effect.true.mean > 0
    return say("direction", "better" if gain else "worse")


def conclusions(data: RunData) -> Iterator[str]:
    """What the model concludes: true effects, what trials would say, how the trial behaves, stoichiometry."""
    yield from (_effect(effect) for effect in data.heads)
    rates = data.verdict.operating
    alpha = data.manifest.settings.get("alpha")
    if rates.type1 is not None:
        stated = say("conclusion", "stated", alpha=percent(float(alpha), 1)) if isinstance(alpha, int | float) else ""
        error = percent(rates.type1.mc_error, 1)
        yield say("conclusion", "type1", value=percent(rates.type1.value, 1), error=error, stated=stated)
    if rates.assurance is not None:
        error = percent(rates.assurance.mc_error, 1)
        yield say("conclusion", "assurance", value=percent(rates.assurance.value), error=error)
    yield mirna(data)


def _effect(effect: Effect) -> str:
    unit = text("unit", effect.unit)
    trial = say("conclusion", "no_trial")
    if effect.estimate is not None:
        trial = say("conclusion", "trial", estimate=difference(effect.estimate, effect.unit), unit=unit)
    return say(
        "conclusion",
        "effect",
        endpoint=_first(short(effect.endpoint)),
        when=when(effect.day),
        arm=effect.arm,
        control=effect.control,
        mean=difference(effect.true.mean, effect.unit),
        unit=unit,
        level=percent(effect.level),
        span=span(effect.true.lo, effect.true.hi, effect.unit),
        direction=direction(effect),
        trial=trial,
    )


def _first(words: str) -> str:
    return words[:1].upper() + words[1:]


def mirna(data: RunData) -> str:
    """The stoichiometry line: can a miRNA carry the effect?"""
    found, needed = data.verdict.mirna.copies_per_cell, data.verdict.mirna.threshold
    says = say("conclusion", "mirna_few" if found < needed else "mirna_enough")
    return say("conclusion", "mirna", copies=number(found, 2), needed=number(needed, 1), says=says)


def changes(data: RunData) -> Iterator[str]:
    """What would change the verdict: criteria on the edge, numbers worth measuring."""
    for item in criteria(data):
        if item.near:
            found, asked = percent(item.reason.probability), percent(item.reason.threshold)
            yield say("change", "near", name=item.name, probability=found, threshold=asked)
    known = {item.name: item for item in data.lineage.parameters} if data.lineage else {}
    shares = data.verdict.variance.by_parameter
    for rank, name in enumerate(sorted(shares, key=lambda key: -shares[key])[:TOP]):
        grade = text("grade", known[name].grade if name in known else "ungraded")
        meaning = meant(known[name].note) if name in known else ""
        said = f"{name} ({meaning})" if meaning else name
        yield say("change", "next" if rank else "first", name=said, share=percent(shares[name]), grade=grade)
    yield from _assumed(data, "change")


def meant(note: str) -> str:
    """What a parameter means: the first clause of its note, when it is short enough to stand in a sentence."""
    clause = re.split(r"[.;:](?:\s|$)", note, maxsplit=1)[0].strip()
    return clause[:1].lower() + clause[1:] if len(clause) <= LONGEST_CLAUSE else ""


def _assumed(data: RunData, part: str) -> Iterator[str]:
    share = data.verdict.variance.by_grade.get("assumed")
    if share is not None:
        yield say(part, "assumed", share=percent(share))


def plain(data: RunData) -> Iterator[str]:
    """One page for everybody: what would happen on average, how long, how sure this is."""
    yield say("plain", "simulation")
    effect, curves = data.primary, data.table("curves")
    if effect is not None:
        if curves is not None:
            yield from _course(effect, curves)
        lo, hi = difference(effect.true.lo, effect.unit), difference(effect.true.hi, effect.unit)
        unit, share = text("unit", effect.unit), percent(effect.level)
        yield say("plain", "unknown", level=share, lo=lo, hi=hi, unit=unit, control=effect.control)
    for other in data.heads[1:]:
        yield say(
            "plain",
            "other",
            endpoint=_first(short(other.endpoint)),
            when=when(other.day),
            mean=difference(other.true.mean, other.unit),
            unit=text("unit", other.unit),
            control=other.control,
            direction=direction(other),
        )
    yield from _assumed(data, "plain")


def _course(effect: Effect, curves: pl.DataFrame) -> Iterator[str]:
    """Level before and after; how much of the change also comes with the control; how long the difference lasts."""
    rows = curves.filter(pl.col("endpoint") == effect.endpoint)
    treated, control = (rows.filter(pl.col("arm") == arm).sort("day") for arm in (effect.arm, effect.control))
    if treated.is_empty() or control.is_empty():
        return
    before, unit = float(control["mean"][0]), text("unit", effect.unit)
    with_control, with_arm = _at(control, effect.day), _at(treated, effect.day)
    yield say(
        "plain",
        "course",
        endpoint=_first(text("endpoint", effect.endpoint)),
        before=level(before, effect.unit),
        unit=unit,
        when=when(effect.day),
        control=effect.control,
        control_level=level(with_control, effect.unit),
        arm=effect.arm,
        arm_level=level(with_arm, effect.unit),
    )
    share = (with_control - before) / (with_arm - before) if with_arm != before else float("nan")
    if 0 < share < 1:
        yield say("plain", "share", arm=effect.arm, control=effect.control, share=f"{100 * share:.0f}")
    yield from _duration(treated, control, effect.unit)


def _duration(treated: pl.DataFrame, control: pl.DataFrame, unit: str) -> Iterator[str]:
    gaps = treated.join(control, on="day", suffix="_control").select("day", gap=pl.col("mean") - pl.col("mean_control"))
    if gaps.is_empty():
        return
    (peak_day, peak), (last_day, last) = gaps.row(int(gaps["gap"].abs().arg_max() or 0)), gaps.row(gaps.height - 1)
    facts = {"peak": difference(peak, unit), "last": difference(last, unit), "unit": text("unit", unit)}
    yield say("plain", "duration", peak_when=when(peak_day), last_when=when(last_day), **facts)


def _at(rows: pl.DataFrame, day: float) -> float:
    """Mean on the day that is nearest to `day`."""
    return float(rows["mean"][int((rows["day"] - day).abs().arg_min() or 0)])
