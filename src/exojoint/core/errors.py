"""Wrong inputs, told in three parts: what and where, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

SIMILARITY = 0.6  # share of matching letters below which a suggestion would be a guess (difflib's own default)


class ExojointError(Exception):
    """Parent of every error that Exojoint raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong thing in an input, with its place and its cure.

    Parameters
    ----------
    where : str
        File with key or row, e.g. ``parameters.csv row 41 `k_uptake```.
    what : str
        What is wrong, with the offending text.
    expected : str
        What would have been right.
    todo : str
        What the reader can do next, as a sentence; may be empty.
    """

    where: str
    what: str
    expected: str = ""
    todo: str = ""

    def __str__(self) -> str:
        """One line: place, fault, expectation, cure."""
        parts = [f"{self.where}: {_sentence(self.what)}"]
        if self.expected:
            parts.append(f"Expected {_sentence(self.expected)}")
        if self.todo:
            parts.append(_sentence(self.todo))
        return " ".join(parts)


class InputError(ExojointError):
    """An input is wrong; carries every problem found, not only the first.

    Parameters
    ----------
    problem, more : Problem
        At least one problem.
    """

    def __init__(self, problem: Problem, *more: Problem) -> None:
        self.problems: tuple[Problem, ...] = (problem, *more)
        super().__init__("\n".join(str(p) for p in self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[Problem, ...]]:
        """Travel between worker processes with the problems intact."""
        return type(self), self.problems


def raise_problems(problems: Iterable[Problem]) -> None:
    """Raise one `InputError` with all problems; do nothing when there are none."""
    found = tuple(problems)
    if found:
        raise InputError(*found)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the known word that resembles a misspelt one.

    Parameters
    ----------
    word : str
        What was written.
    known : iterable of str
        What would have been understood.

    Returns
    -------
    str
        ``'Did you mean "x"?'``, or ``''`` when nothing is close.
    """
    close = closest(word, known)
    return f'Did you mean "{close}"?' if close else ""


def closest(word: str, known: Iterable[str]) -> str:
    """Return the known word nearest to `word` (letter case ignored), or ``''``."""
    by_folded = {name.casefold(): name for name in known}
    matches = difflib.get_close_matches(word.casefold()[:100], by_folded, n=1, cutoff=SIMILARITY)
    return by_folded[matches[0]] if matches else ""


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."
