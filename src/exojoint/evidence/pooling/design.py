"""Design matrices of moderators: numbers as they are, words as factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.evidence.checks import require

Array = NDArray[np.float64]
Moderators: TypeAlias = Mapping[str, ArrayLike | Sequence[str]]
INTERCEPT = "intercept"


def design_matrix(
    moderators: Moderators | None, used: NDArray[np.bool_], *, intercept: bool = True,
    reference: Mapping[str, str] | None = None,
) -> tuple[Array, tuple[str, ...]]:  # fmt: skip
    """Build the design of a meta-regression.

    Parameters
    ----------
    moderators : mapping or None
        Column by name: numbers are slopes; words (or booleans) are factors with one column per level, the reference
        level left out when there is an intercept. A factor's columns are called ``name[level]``.
    used : (k,) bool
        Rows that take part.
    intercept : bool
        Whether there is an intercept; without one the first factor keeps all its levels (means per level).
    reference : mapping, optional
        Reference level by factor; the first in alphabetical order when left out.

    Returns
    -------
    x : (k_used, p)
    names : tuple of str

    Raises
    ------
    InputError
        For columns of another length, missing or infinite cells, factors with one level, unknown reference levels.
    """
    k = int(used.size)
    columns: list[Array] = [np.ones(k)] if intercept else []
    names: list[str] = [INTERCEPT] if intercept else []
    whole = intercept  # a model without an intercept gives its first factor all levels
    for name, given in (moderators or {}).items():
        values = np.asarray(given)
        if values.ndim != 1 or values.size != k:
            raise InputError(Problem(name, f"has shape {values.shape}", f"({k},), one value per effect"))
        if values.dtype.kind in "fiu":
            number = values.astype(np.float64)
            require(np.isfinite(number) | ~used, name, "is missing or infinite", "a number", "Drop the row.")
            columns.append(number)
            names.append(name)
            continue
        levels = _levels(name, values, used, (reference or {}).get(name))
        kept = levels[1:] if whole else levels
        whole = True
        columns += [np.array([str(value) == level for value in values], dtype=np.float64) for level in kept]
        names += [f"{name}[{level}]" for level in kept]
    if not columns:
        raise InputError(Problem("moderators", "is empty and there is no intercept", "at least one column"))
    return np.column_stack(columns)[used], tuple(names)


def _levels(name: str, values: NDArray[np.generic], used: NDArray[np.bool_], reference: str | None) -> list[str]:
    texts = np.array(["" if value is None or value != value else str(value) for value in values.tolist()])
    require((texts != "") | ~used, name, "is empty", "a level of the factor", "Drop the row.")
    levels = sorted(set(texts[used].tolist()))
    if len(levels) < 2:
        raise InputError(Problem(name, "has one level only", "at least two levels", "Leave this moderator out."))
    if reference is None:
        return levels
    if reference not in levels:
        todo = did_you_mean(reference, levels)
        raise InputError(Problem(name, f"reference '{reference}' is no level", f"one of {', '.join(levels)}", todo))
    return [reference, *(level for level in levels if level != reference)]
