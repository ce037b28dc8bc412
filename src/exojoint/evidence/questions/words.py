"""Answers as sentences, also where there is no number."""

from __future__ import annotations

import math

from exojoint.evidence.estimate import Estimate
from exojoint.evidence.questions.question import Question
from exojoint.evidence.questions.rows import Row
from exojoint.evidence.questions.silence import EventBound, detectable_difference, largest_unseen


def events_words(bound: EventBound, studies: int) -> str:
    """Say how frequent an event may be.

    Parameters
    ----------
    bound : EventBound
        Counts and bounds.
    studies : int
        How many studies counted.
    """
    upper = 100 * bound.upper
    if bound.rule_of_three is not None:
        shorthand = f"rule of three: {100 * bound.rule_of_three:.1f} %"
        said = f"None in {bound.n} patients of {studies} studies. "
        return f"{said}That leaves an upper 95 % bound of {upper:.1f} % ({shorthand}); safety is not shown."
    share = f"{bound.events} in {bound.n} patients of {studies} studies: {100 * bound.events / bound.n:.1f} %"
    return f"{share} ({100 * bound.lower:.1f} to {upper:.1f} %)."


def sentence(question: Question, estimate: Estimate, naive: Estimate | None) -> str:
    """Return the answer as a sentence: number, interval, and what it would be without care for bias."""
    ends = estimate.interval()
    ratio = question.measure == "RR"
    shown = [math.exp(value) if ratio else value for value in (estimate.value, ends.lower, ends.upper)]
    text = f"{shown[0]:.2f} (95 % {shown[1]:.2f} to {shown[2]:.2f})"
    if naive is not None:
        text += f"; without care for bias {math.exp(naive.value) if ratio else naive.value:.2f}"
    sd = question.rules.scale.sd
    if question.measure == "SMD" and sd:
        text += f"; {estimate.value * sd:.1f} points of 100 with an SD of {sd:g} ({question.rules.scale.reason})"
    return text + "."


def silence(question: Question, rows: tuple[Row, ...]) -> str:
    """Why there is no number, and what the rows say without one."""
    if not rows:
        return "No record answers this question: it was not found in the literature that was read."
    directions = [row.record.text("effect_direction") for row in rows if row.record.text("effect_direction")]
    told = ", ".join(f"{directions.count(word)} {word}" for word in dict.fromkeys(directions))
    remembered = [row for row in rows if row.recalled and math.isfinite(row.effect)]
    words = [f"No number can be pooled: {len(rows)} records" + (f" ({told})" if told else "") + "."]
    if remembered:
        values = "; ".join(f"{row.record.label} {row.effect:.2f}" for row in remembered[:4])
        words.append(f"Recalled only, a weak prior and no literature value: {values}.")
    silent = question.rules.silent
    if silent.pairs:
        d, unseen = detectable_difference(silent.pairs, silent.power), largest_unseen(silent.pairs)
        words.append(
            f"{silent.pairs} pairs give {100 * silent.power:.0f} % power only for a standardised paired difference of "
            f"{d:.2f} or more, and a result that is not significant was within {unseen:.2f} of zero: it speaks "
            f"against a large effect on {silent.outcome}, not against a small one."
        )
    return " ".join(words)
