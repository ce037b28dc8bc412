"""Checks that every statistic of this room starts with: wrong inputs are told by row, all at once."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems

Array = NDArray[np.float64]
MOST_ROWS_NAMED = 10  # a message with more rows than this would be read by nobody


def choose(word: str, known: Sequence[str], what: str) -> str:
    """Return `word` when it is one of `known` (letter case ignored).

    Raises
    ------
    InputError
        With the known words and the nearest of them.
    """
    folded = {name.casefold(): name for name in known}
    found = folded.get(str(word).casefold().strip())
    if found is None:
        expected = f"one of {', '.join(known)}"
        raise InputError(Problem(what, f"'{str(word)[:80]}' is unknown", expected, did_you_mean(str(word), known)))
    return found


def numbers(values: ArrayLike, name: str) -> Array:
    """Return a one-dimensional float array.

    Raises
    ------
    InputError
        When something is not a number, or the array has more than one dimension.
    """
    try:
        array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError):
        raise InputError(Problem(name, "is not a list of numbers", "numbers, nan where missing")) from None
    if array.ndim != 1:
        raise InputError(Problem(name, f"has {array.ndim} dimensions", "one number per study"))
    return array


def columns(**given: ArrayLike | None) -> dict[str, Array]:
    """Return float columns of one common length; a single number is repeated, None is left out.

    Raises
    ------
    InputError
        When lengths differ.
    """
    arrays = {name: numbers(values, name) for name, values in given.items() if values is not None}
    length = max((array.size for array in arrays.values()), default=0)
    problems = [
        Problem(name, f"has {array.size} rows", f"{length} rows or one number", "Give one value per row.")
        for name, array in arrays.items()
        if array.size not in (1, length)
    ]
    raise_problems(problems)
    return {name: np.broadcast_to(array, length).astype(np.float64) for name, array in arrays.items()}


def require(good: NDArray[np.bool_], name: str, what: str, expected: str, todo: str = "") -> None:
    """Raise one problem per row that is not good.

    Parameters
    ----------
    good : (k,) bool
        Rows are counted from 1 in messages, as in a table without its header.
    name, what, expected, todo : str
        Column, fault, expectation, cure.

    Raises
    ------
    InputError
        When a row is not good.
    """
    rows = np.flatnonzero(~np.asarray(good, dtype=bool)) + 1
    if not rows.size:
        return
    problems = [Problem(f"{name} row {row}", what, expected, todo) for row in rows[:MOST_ROWS_NAMED]]
    if rows.size > MOST_ROWS_NAMED:
        problems.append(Problem(name, f"{rows.size - MOST_ROWS_NAMED} more rows are wrong", expected, todo))
    raise InputError(*problems)


def effects_and_variances(y: ArrayLike, v: ArrayLike) -> tuple[Array, Array, NDArray[np.bool_], tuple[str, ...]]:
    """Check effects and their sampling variances; rows where either is missing (nan) are left out, with a warning.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.

    Returns
    -------
    y, v : (k_used,)
        The rows that remain.
    used : (k,) bool
        Which they are.
    warnings : tuple of str
        Says how many rows were left out.

    Raises
    ------
    InputError
        For infinite effects, for variances that are negative, zero or infinite, and when nothing remains.
    """
    y, v = numbers(y, "effects"), numbers(v, "variances")
    if y.size != v.size:
        problem = Problem("variances", f"has {v.size} rows", f"{y.size} rows, one per effect", "Give one per effect.")
        raise InputError(problem)
    used = ~(np.isnan(y) | np.isnan(v))
    require(~np.isinf(y), "effects", "is infinite", "a finite effect", "Add a continuity correction or drop the row.")
    require(~np.isinf(v), "variances", "is infinite", "a finite variance", "Drop the row: it carries no weight.")
    require(~(v < 0), "variances", "is negative", "a variance above 0", "Was a standard error or a log given?")
    todo = "A study without sampling error cannot be weighed: give its real variance or drop it."
    require(~(v == 0), "variances", "is zero", "a variance above 0", todo)
    if not used.any():
        raise InputError(Problem("effects", "no row has both an effect and a variance", "at least one study"))
    left_out = int((~used).sum())
    warnings = (f"{left_out} of {y.size} rows were left out: effect or variance missing",) if left_out else ()
    return y[used], v[used], used, warnings


def level_of(level: float) -> float:
    """Return a confidence level between 0 and 1; 95 is understood as 0.95.

    Raises
    ------
    InputError
        When it is neither.
    """
    level = float(level) / 100.0 if 1.0 < float(level) < 100.0 else float(level)
    if not 0.0 < level < 1.0:
        raise InputError(Problem("level", f"{level:g} is not a confidence level", "a number between 0 and 1"))
    return level


def groups_of(labels: Sequence[Hashable] | NDArray[np.generic], length: int, name: str) -> NDArray[np.int64]:
    """Number the groups of a column in the order in which they first appear.

    Returns
    -------
    (length,) int
        0, 1, 2 ...

    Raises
    ------
    InputError
        When the column has another length, or an empty label.
    """
    values = list(labels.tolist() if isinstance(labels, np.ndarray) else labels)
    if len(values) != length:
        raise InputError(Problem(name, f"has {len(values)} rows", f"{length} rows, one per effect"))
    bad = np.array([value is None or value == "" or value != value for value in values], dtype=bool)
    require(~bad, name, "is empty", "a label", "Name the group of every row.")
    number: dict[Hashable, int] = {}
    return np.array([number.setdefault(value, len(number)) for value in values], dtype=np.int64)
