"""Where a patient starts: structure by radiographic grade, and the parameters that covariates set."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from exojoint.core.errors import InputError, Problem
from exojoint.core.tables import read_table
from exojoint.joint.model import JointModel
from exojoint.joint.tables import folder
from exojoint.joint.views import ZONES

Reals = NDArray[np.float64]
Drawn = Mapping[str, float]
GRADE_COLUMNS = (
    "kl", "collagen_1", "collagen_2", "collagen_3", "sclerosis", "osteophytes", "rel_tone", "rest_of_joint",
    "jsw_shift",
)  # fmt: skip
WITHOUT_GRADE = {"reference_0_1": {"rest_of_joint": 1.0, "jsw_shift": 0.0}}  # columns that the prototype does not have


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
    grade = _grades(joint, kl)
    n = len(grade["kl"])
    state = np.tile([s.init for s in joint.states], (n, 1))
    column = {name: i for i, name in enumerate(joint.state_names)}
    for name in ("sclerosis", "osteophytes", "rest_of_joint"):
        state[:, column[name]] = grade[name]
    shift = 0.0 if collagen_z is None else _value(joint, "sd_collagen_grade", values) * _reals(collagen_z)
    for zone in ZONES:
        name = f"collagen_{zone}"
        with np.errstate(divide="ignore"):  # intact collagen has an infinite logit and stays intact
            state[:, column[name]] = expit(logit(grade[name]) + shift)
    state[:, column["bmi"]] = _value(joint, "bmi_target", values) if bmi is None else _reals(bmi)
    return state


def covariate_values(
    joint: JointModel,
    kl: ArrayLike,
    *,
    bmi: ArrayLike,
    varus: ArrayLike,
    age: ArrayLike,
    values: Drawn | None = None,
) -> dict[str, Reals]:
    """Return the parameters that a patient's record sets.

    Parameters
    ----------
    joint : JointModel
        The joint.
    kl, bmi, varus, age : (n,) array
        Kellgren-Lawrence grade, body-mass index (kg/m2), varus deviation (degree, valgus negative), age (year).
    values : mapping of str to float, optional
        Values of the knowledge draw; they replace those of the table.

    Returns
    -------
    dict of str to (n,) array
        ``rel_tone`` is the factor of the grade only: multiply it by that of the phenotype and by the patient's own.

    Raises
    ------
    InputError
        When a grade is not in grades.csv.
    """
    grade = _grades(joint, kl)
    share, reference = _value(joint, "w_age_senescence", values), _value(joint, "age_ref", values)
    return {
        "rel_tone": grade["rel_tone"],
        "jsw_shift": grade["jsw_shift"],
        "bmi_target": _reals(bmi),
        "varus": _reals(varus),
        "rel_age_senescence": 1 - share + share * _reals(age) / reference,
    }


def covariate_factors(
    joint: JointModel, *, age: ArrayLike, woman: ArrayLike, values: Drawn | None = None
) -> dict[str, Reals]:
    """Return factors by which age and sex multiply a patient's parameters.

    Parameters
    ----------
    joint : JointModel
        The joint.
    age : (n,) array
        Age (year).
    woman : (n,) array of bool
        Whether the patient is a woman.
    values : mapping of str to float, optional
        Values of the knowledge draw; they replace those of the table.

    Returns
    -------
    dict of str to (n,) array
        Factors on ``k_proliferation``, ``n_macrophages`` and ``area_cartilage``.
    """
    size = np.where(np.asarray(woman, dtype=bool), _value(joint, "rel_anatomy_women", values), 1.0)
    years = _reals(age) - _value(joint, "age_ref", values)
    slower = 1 - _value(joint, "slope_age_proliferation", values) * years
    return {"k_proliferation": slower, "n_macrophages": size, "area_cartilage": size}


@functools.cache
def grade_table() -> Mapping[float, Mapping[str, float]]:
    """Return what each Kellgren-Lawrence grade starts with, by grade."""
    rows = read_table(folder() / "grades.csv", GRADE_COLUMNS, key="kl")
    return {float(row["kl"]): {name: float(row[name]) for name in GRADE_COLUMNS} for row in rows}


def _grades(joint: JointModel, kl: ArrayLike) -> dict[str, Reals]:
    table = grade_table()
    wanted = np.atleast_1d(_reals(kl))
    unknown = sorted({float(value) for value in wanted} - set(table))
    if unknown:
        expected = f"one of {', '.join(f'{value:g}' for value in table)}"
        raise InputError(Problem("kl", f"grade {unknown[0]:g} is unknown", expected, "Use a Kellgren-Lawrence grade."))
    columns = {name: np.array([table[float(value)][name] for value in wanted]) for name in GRADE_COLUMNS}
    for name, value in WITHOUT_GRADE.get(joint.structure, {}).items():
        columns[name] = np.full(len(wanted), value)
    return columns


def _reals(values: ArrayLike) -> Reals:
    return np.asarray(values, dtype=np.float64)


def _value(joint: JointModel, name: str, values: Drawn | None) -> float:
    return joint.parameters[name].value if values is None or name not in values else float(values[name])
