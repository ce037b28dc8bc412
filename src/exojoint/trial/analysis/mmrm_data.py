"""The rows of a longitudinal data set, checked and coded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem, did_you_mean

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Observed rows only.

    Attributes
    ----------
    y, X, weights : (N,), (N, p), (N,).
    subject, visit : (N,), codes 0, 1, ... in the order of the labels.
    group_of_subject : (subjects,), covariance group.
    visits : the visit labels in order.
    n_groups : number of covariance groups.
    """

    y: FloatArray
    X: FloatArray
    weights: FloatArray
    subject: IntArray
    visit: IntArray
    group_of_subject: IntArray
    visits: tuple[object, ...]
    n_groups: int

    @property
    def n_subjects(self) -> int:
        """Subjects with at least one observation."""
        return len(self.group_of_subject)


def check_rows(
    y: ArrayLike,
    X: ArrayLike,
    subject: ArrayLike,
    visit: ArrayLike,
    weights: ArrayLike | None,
    groups: ArrayLike | None,
) -> Rows:
    """Leave out unobserved rows, code the labels, and report every wrong input at once."""
    outcome, design = np.asarray(y, dtype=float), np.asarray(X, dtype=float)
    n = len(outcome)
    who, when = np.asarray(subject), np.asarray(visit)
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    side = np.zeros(n, dtype=np.int64) if groups is None else np.asarray(groups)
    problems = _shapes(outcome, design, {"subject": who, "visit": when, "weights": weight, "groups": side})
    if problems:
        raise InputError(*problems)
    seen = ~np.isnan(outcome)
    outcome, design, weight = outcome[seen], design[seen], weight[seen]
    subjects, who = np.unique(who[seen], return_inverse=True)
    visits, when = np.unique(when[seen], return_inverse=True)
    labels, side = np.unique(side[seen], return_inverse=True)
    group_of_subject = np.zeros(len(subjects), dtype=np.int64)
    group_of_subject[who] = side
    problems = _values(outcome, design, weight)
    if len(np.unique(who * max(len(visits), 1) + when)) < len(who):
        problems.append(
            Problem(
                "fit_mmrm: subject, visit", "a subject has two rows of one visit", "one row", "Average or drop one."
            )
        )
    if np.any(group_of_subject[who] != side):
        problems.append(
            Problem("fit_mmrm: groups", "a subject is in two groups", "one group per subject", "Correct the labels.")
        )
    if problems:
        raise InputError(*problems)
    return Rows(outcome, design, weight, who, when, group_of_subject, tuple(visits.tolist()), max(len(labels), 1))


def _shapes(y: FloatArray, X: FloatArray, others: dict[str, NDArray[np.generic]]) -> list[Problem]:
    if y.ndim != 1:
        return [Problem("fit_mmrm: y", f"has shape {y.shape}", "one dimension", "Give one row per visit.")]
    problems = []
    if X.ndim != 2 or len(X) != len(y):
        problems.append(
            Problem("fit_mmrm: X", f"has shape {X.shape}", f"({len(y)}, columns)", "Give one row per row of y.")
        )
    for name, values in others.items():
        if values.shape != y.shape:
            problems.append(
                Problem(f"fit_mmrm: {name}", f"has shape {values.shape}", f"{y.shape}", "Give one entry per row of y.")
            )
    return problems


def _values(y: FloatArray, X: FloatArray, weights: FloatArray) -> list[Problem]:
    problems = []
    if not np.all(np.isfinite(y)):
        problems.append(Problem("fit_mmrm: y", "is infinite somewhere", "finite or NaN", "Mark it as missing."))
    if not np.all(np.isfinite(X)):
        problems.append(
            Problem("fit_mmrm: X", "is not finite where y is observed", "finite numbers", "Fill or drop these rows.")
        )
    if not np.all((weights > 0) & np.isfinite(weights)):
        problems.append(Problem("fit_mmrm: weights", "are not all positive", "positive numbers", "Drop these rows."))
    return problems


def check_word(word: str, known: Iterable[str], what: str) -> None:
    """Refuse a name that is not in a list, with the nearest one that is."""
    names = list(known)
    if word not in names:
        raise InputError(Problem(what, f"unknown name '{word}'", ", ".join(names), did_you_mean(word, names)))


def check_start(start: ArrayLike | None, n_theta: int) -> FloatArray | None:
    """Refuse a starting value of the wrong length."""
    if start is None:
        return None
    theta = np.asarray(start, dtype=float)
    if theta.shape != (n_theta,) or not np.all(np.isfinite(theta)):
        raise InputError(
            Problem(
                "fit_mmrm: start",
                f"has shape {theta.shape} or is not finite",
                f"({n_theta},) finite numbers",
                "Give theta of a fit of the same structure to the same visits.",
            )
        )
    return theta
