"""How likely published numbers are under a prediction: published error, model discrepancy, shared studies."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.unknowns import reading_rows
from exojoint.core.errors import InputError, Problem, raise_problems
from exojoint.core.tables import place, read_table
from exojoint.evidence.targets import Target, further_targets, load_targets

Floats = NDArray[np.float64]
COLUMNS = ("id", "scale", "standard_error", "discrepancy", "study", "derivation", "note")
SCALES = ("linear", "log")


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """How far a prediction may be from one published number.

    Parameters
    ----------
    id : str
        Of the target.
    scale : str
        ``linear`` (errors in the target's unit) or ``log`` (errors of the natural logarithm).
    standard_error : float
        Of the published number.
    discrepancy : float
        SD of what the model leaves out; assumed.
    study : str
        Rows of one study share `r_same_study` of their errors.
    derivation, note : str
        Where the standard error comes from; why the discrepancy is what it is, where that is special.
    """

    id: str
    scale: str
    standard_error: float
    discrepancy: float
    study: str
    derivation: str
    note: str


@functools.cache
def error_rows() -> dict[str, ErrorRow]:
    """Return the error of every target that has a window of its own, by id."""
    path = files("exojoint.calibration") / "errors.csv"
    problems: list[Problem] = []
    rows = {}
    for number, row in enumerate(read_table(path, COLUMNS, key="id"), start=2):
        at = place(path.name, number, row["id"])
        numbers = []
        for column in ("standard_error", "discrepancy"):
            try:
                numbers.append(float(row[column]))
            except ValueError:
                numbers.append(math.nan)
            if not numbers[-1] > 0:
                problems.append(Problem(at, f"{column} '{row[column]}'", "a number above 0", "Correct the cell."))
        if row["scale"] not in SCALES:
            problems.append(Problem(at, f"scale '{row['scale']}' is unknown", " or ".join(SCALES), "Correct the cell."))
        words = {name: row[name] for name in ("id", "scale", "study", "derivation", "note")}
        rows[row["id"]] = ErrorRow(standard_error=numbers[0], discrepancy=numbers[1], **words)
    raise_problems(problems)
    return rows


@dataclass(frozen=True)
class Likelihood:
    """A normal likelihood of the published numbers, some of them on the log scale.

    Parameters
    ----------
    targets : tuple of Target
        What is compared, in order.
    value : (n,) array
        Published, on the row's scale.
    log : (n,) array of bool
        Which rows are on the log scale.
    covariance : (n, n) array
        Of the errors.
    """

    targets: tuple[Target, ...]
    value: Floats
    log: NDArray[np.bool_]
    covariance: Floats

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the targets."""
        return tuple(target.id for target in self.targets)

    def on_scale(self, predicted: Floats) -> Floats:
        """Put predictions (k, n) on the rows' scales; nan where a logarithm does not exist."""
        with np.errstate(divide="ignore", invalid="ignore"):
            logged = np.log(predicted)
        return np.where(self.log, np.where(np.isfinite(logged), logged, np.nan), predicted)

    def whitened(self, predicted: Floats) -> Floats:
        """Return residuals (k, n) as independent standard normals: published minus predicted."""
        root = np.linalg.cholesky(self.covariance)
        residual = self.value - self.on_scale(predicted)
        return np.asarray(np.linalg.solve(root, residual.T).T)

    def log_density(self, predicted: Floats) -> Floats:
        """Log-likelihood (k,) of predictions (k, n); minus infinity where one of them does not exist."""
        sign, log_det = np.linalg.slogdet(self.covariance)
        if sign <= 0:
            raise ValueError("the covariance of the errors is not positive definite")
        squares = np.square(self.whitened(predicted)).sum(axis=1)
        density = -0.5 * (squares + log_det + len(self.value) * math.log(2.0 * math.pi))
        return np.where(np.isfinite(squares), density, -np.inf)


def likelihood(targets: Sequence[Target] | None = None) -> Likelihood:
    """Return the likelihood of the targets that have a window of their own (the others are sums of them).

    Raises
    ------
    InputError
        When a target has no row in errors.csv.
    """
    chosen = tuple(target for target in (targets or (*load_targets(), *further_targets())) if target.window is not None)
    rows = error_rows()
    problems = [
        Problem("errors.csv", f"target {target.id} has no row", "its error", "Add the row.")
        for target in chosen
        if target.id not in rows
    ]
    if problems:
        raise InputError(*problems)
    own = [rows[target.id] for target in chosen]
    log = np.array([row.scale == "log" for row in own])
    value = np.array([target.value for target in chosen])
    value[log] = np.log(value[log])
    inflation = reading_rows()["inflation_recalled"].value
    recalled = np.array([inflation if target.recalled else 1.0 for target in chosen])
    sd = np.sqrt(recalled * (np.square([r.standard_error for r in own]) + np.square([r.discrepancy for r in own])))
    study = np.array([row.study for row in own])
    shared = np.where(study[:, None] == study[None, :], reading_rows()["r_same_study"].value, 0.0)
    np.fill_diagonal(shared, 1.0)
    return Likelihood(chosen, value, log, shared * np.outer(sd, sd))


@functools.cache
def prototype_values() -> dict[str, float]:
    """Return what the specification's prototype printed for each target, by id: hand-tuned, one decimal place."""
    rows = read_table(files("exojoint.calibration") / "prototype.csv", ("id", "value", "note"), key="id")
    return {row["id"]: float(row["value"]) for row in rows}
