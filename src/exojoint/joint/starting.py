"""Where a patient starts: structure and synovial tone by radiographic grade."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from exojoint.core.errors import InputError, Problem
from exojoint.core.tables import read_table
from exojoint.joint.model import JointModel
from exojoint.joint.tables import REFERENCE, folder
from exojoint.joint.views import ZONES

Reals = NDArray[np.float64]
Drawn = Mapping[str, float]  # values of a knowledge draw by name
GRADE_COLUMNS = (
    "kl", "collagen_1", "collagen_2", "collagen_3", "sclerosis", "osteophytes", "rel_tone", "rest_of_joint",
)  # fmt: skip


def starting_state(
    joint: JointModel,
    kl: ArrayLike,
    *,
    bmi: ArrayLike | None = None,
    collagen_z: ArrayLike | None = None,
    values: Drawn | None = None,
) -> Reals:
    """Return the state from which each patient is burned in.

    Collagen, sclerosis, osteophytes and the rest of the joint come from the Kellgren-Lawrence grade; everything else
    starts at the reference knee and finds its own level during burn-in.

    Parameters
    ----------
    joint : JointModel
        The joint; its table gives the spread within a grade.
    kl : (n,) array
        Kellgren-Lawrence grade, 0 to 4 (2.5 is the reference knee between grades 2 and 3).
    bmi : (n,) array, optional
        Body-mass index (kg/m2); the reference patient's unless given.
    collagen_z : (n,) array, optional
        Standard normal score of each patient's collagen within the grade; 0, the middle of the grade, unless given.
    values : mapping of str to float, optional
        Values of the knowledge draw; they replace those of the table.

    Returns
    -------
    (n, n_states) array
        Columns in the order of ``joint.state_names``.

    Raises
    ------
    InputError
        When a grade is not in grades.csv.
    """
    grade = _grades(kl)
    n = len(grade["kl"])
    state = np.tile([s.init for s in joint.states], (n, 1))
    column = {name: i for i, name in enumerate(joint.state_names)}
    for name in ("sclerosis", "osteophytes", "rest_of_joint"):
        state[:, column[name]] = grade[name]
    if joint.structure == REFERENCE:  # the prototype starts the rest of the joint alike in every grade
        state[:, column["rest_of_joint"]] = 1.0
    shift = 0.0 if collagen_z is None else _value(joint, "sd_collagen_grade", values) * _reals(collagen_z)
    for zone in ZONES:
        name = f"collagen_{zone}"
        with np.errstate(divide="ignore"):  # intact collagen has an infinite logit and stays intact
            state[:, column[name]] = expit(logit(grade[name]) + shift)
    state[:, column["bmi"]] = _value(joint, "bmi_target", values) if bmi is None else _reals(bmi)
    return state


def grade_tone(kl: ArrayLike) -> Reals:
    """Return the factor on synovial tone that belongs to a grade, (n,).

    Raises
    ------
    InputError
        When a grade is not in grades.csv.
    """
    return _grades(kl)["rel_tone"]


@functools.cache
def grade_table() -> Mapping[float, Mapping[str, float]]:
    """Return what each Kellgren-Lawrence grade starts with, by grade."""
    rows = read_table(folder() / "grades.csv", GRADE_COLUMNS, key="kl")
    return {float(row["kl"]): {name: float(row[name]) for name in GRADE_COLUMNS} for row in rows}


def _grades(kl: ArrayLike) -> dict[str, Reals]:
    table = grade_table()
    wanted = np.atleast_1d(_reals(kl))
    unknown = sorted({float(value) for value in wanted} - set(table))
    if unknown:
        expected = f"one of {', '.join(f'{value:g}' for value in table)}"
        raise InputError(Problem("kl", f"grade {unknown[0]:g} is unknown", expected, "Use a Kellgren-Lawrence grade."))
    return {name: np.array([table[float(value)][name] for value in wanted]) for name in GRADE_COLUMNS}


def _reals(values: ArrayLike) -> Reals:
    return np.asarray(values, dtype=np.float64)


def _value(joint: JointModel, name: str, values: Drawn | None) -> float:
    return joint.parameters[name].value if values is None or name not in values else float(values[name])
