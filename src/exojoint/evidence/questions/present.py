"""The figure of an answer."""

from __future__ import annotations

from dataclasses import replace

from exojoint.evidence.figures.forest import Axis, forest
from exojoint.evidence.figures.style import Picture
from exojoint.evidence.questions.answer import Answer


def picture_of(answer: Answer, index: int = 0) -> Picture | None:
    """Draw one window of an answer as a forest plot; None where no row has a number.

    Parameters
    ----------
    answer : Answer
        From `answer`.
    index : int
        Which window.
    """
    part = answer.parts[index]
    if not part.rows:
        return None
    words = answer.question.words
    axis = Axis(
        words.get("title", answer.question.measure),
        answer.question.measure == "RR",
        words.get("left", ""),
        words.get("right", ""),
    )
    several = len(answer.parts) > 1
    title = answer.question.title + (f" ({part.window.name})" if several else "")
    drawn = forest("answer", title, part.rows, axis, part.summaries, _caption(answer, index))
    return replace(drawn, name=answer.question.name)


def _caption(answer: Answer, index: int) -> str:
    part = answer.parts[index]
    if part.bound is not None:
        return "Exact intervals; where nothing was seen, the end is the one-sided 95 % bound. " + part.words
    if part.estimate is None:
        return part.words
    chosen = f"The answer rests on {', '.join(part.estimate.rows_used)}." if not part.summaries else ""
    return f"{chosen} {part.words}".strip()
