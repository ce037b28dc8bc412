"""The posterior that the package ships: weighted draws, what each unknown became, and which tables it was made for."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from exojoint.calibration.unknowns import HUMAN, OF, human_rows
from exojoint.core.distributions import Distribution
from exojoint.core.errors import InputError, Problem
from exojoint.core.files import read_text
from exojoint.core.streams import Stream
from exojoint.core.tables import Parameter, read_table
from exojoint.joint.tables import SPECIES

Floats = NDArray[np.float64]
WEIGHT = "weight"
DRAWS, UNKNOWNS, TARGETS, MADE = "draws.csv", "unknowns.csv", "targets.csv", "made.toml"
UNKNOWN_COLUMNS = (
    "name", "prior", "unit", "prior_q05", "prior_median", "prior_q95", "q05", "median", "q95", "mean_score", "sd_score",
    "contraction", "class", "loss_low", "loss_high", "loss_alone_low", "loss_alone_high", "partner", "correlation",
)  # fmt: skip
STRUCTURE = "default"  # the structure that the shipped posterior was made for
COMMAND = "exojoint calibrate"
SHOWN = 5  # stale rows that a message names


@dataclass(frozen=True)
class Posterior:
    """Draws of what was unknown, after the targets.

    Parameters
    ----------
    names : tuple of str
        Calibrated axes, as in `exojoint.calibration.unknowns.Unknowns`: those that a target reads.
    z : (k, n_axes) array
        Scores on the prior's standard normal scale.
    weight : (k,) array
        Sums to 1.
    rows : mapping of str to mapping
        What became of every unknown (the columns of ``unknowns.csv``) by axis, those that no target reads among them.
    """

    names: tuple[str, ...]
    z: Floats
    weight: Floats
    rows: Mapping[str, Mapping[str, str]]

    @property
    def mean(self) -> Floats:
        """Mean score of every axis, (n_axes,)."""
        return np.asarray(self.weight @ self.z)

    @property
    def covariance(self) -> Floats:
        """Covariance of the scores, (n_axes, n_axes)."""
        off = self.z - self.mean
        return np.asarray((off * self.weight[:, None]).T @ off)

    def pick(self, luck: Stream, draws: Sequence[int]) -> NDArray[np.int64]:
        """Which posterior draw each knowledge draw gets; draw 5 gets the same whatever else is drawn."""
        u = luck.uniform(np.asarray(draws, dtype=np.int64), 1)[:, 0]
        return np.minimum(np.searchsorted(np.cumsum(self.weight), u), len(self.weight) - 1).astype(np.int64)

    def scores(self, axes: Sequence[str], prior: Floats, luck: Stream, draws: Sequence[int]) -> Floats:
        """Return prior scores (k, n) with every axis that was calibrated replaced by its posterior draw.

        Parameters
        ----------
        axes : sequence of str
            Axis of each column of `prior` (see `axis_names`); one that was not calibrated stays as it is.
        prior : (k, n) array
            Standard normal scores.
        luck : Stream
            Chooses among the posterior draws.
        draws : sequence of int
            Numbers of the knowledge draws.
        """
        chosen = self.z[self.pick(luck, draws)]
        column = {name: i for i, name in enumerate(self.names)}
        scores = np.array(prior, dtype=np.float64)
        for i, axis in enumerate(axes):
            if axis in column:
                scores[:, i] = chosen[:, column[axis]]
        return scores

    def moments(self, axes: Sequence[str]) -> tuple[Floats, Floats]:
        """Mean (n,) and covariance (n, n) of the scores of these axes; 0 and 1 where an axis was not calibrated."""
        column = {name: i for i, name in enumerate(self.names)}
        known = [i for i, axis in enumerate(axes) if axis in column]
        own = [column[axes[i]] for i in known]
        mean, covariance = np.zeros(len(axes)), np.eye(len(axes))
        mean[known] = self.mean[own]
        covariance[np.ix_(known, known)] = self.covariance[np.ix_(own, own)]
        return mean, covariance


@functools.cache
def shipped_posterior() -> Posterior:
    """Return the posterior that comes with the package."""
    return read_posterior(files("exojoint.calibration") / "posterior")


def read_posterior(folder: Path | Traversable) -> Posterior:
    """Read a posterior from its folder.

    Raises
    ------
    InputError
        When a file is missing or its columns do not fit.
    """
    rows = {row["name"]: row for row in read_table(folder / UNKNOWNS, UNKNOWN_COLUMNS, key="name")}
    text = list(csv.reader(io.StringIO(read_text(folder / DRAWS))))
    header, body = text[0], text[1:]
    if header[:1] != [WEIGHT] or not set(header[1:]) <= set(rows) or not body:
        what = "its columns are not the weight and the axes of unknowns.csv"
        raise InputError(Problem(str(folder / DRAWS), what, "a posterior of one piece", f"Run `{COMMAND}`."))
    values = np.array(body, dtype=np.float64)
    return Posterior(tuple(header[1:]), values[:, 1:], values[:, 0] / values[:, 0].sum(), rows)


def axis_names(species: str, structure: str, rows: Sequence[Parameter]) -> tuple[str, ...]:
    """Return the calibration's axis of each row as a species has it: an animal's own numbers are axes of their own."""
    if species == HUMAN:
        return tuple(row.name for row in rows)
    human = {row.name: prior_text(row) for row in human_rows(structure)}
    own = (row.name in human and prior_text(row) != human[row.name] for row in rows)
    return tuple(f"{species}{OF}{row.name}" if mine else row.name for mine, row in zip(own, rows, strict=True))


def prior_text(row: Parameter) -> str:
    """Return a row's value and what was unknown about it, as one text: two rows with the same text have one prior."""
    return f"{row.value:.12g} {distribution_text(row.uncertainty)}"


def distribution_text(spread: Distribution) -> str:
    """Return a distribution as tables write it."""
    words = [spread.group] if spread.group else []
    words += [f"{number:g}" for number in spread.arguments]
    bounds = f" [{spread.lower:g}, {spread.upper:g}]" if spread.lower is not None and spread.upper is not None else ""
    return f"{spread.kind}({', '.join(words)}){bounds}" if words else f"{spread.kind}{bounds}"


def stale(posterior: Posterior, axes: Sequence[str], rows: Sequence[Parameter]) -> tuple[str, ...]:
    """Return the calibrated axes whose row has another prior now than when the posterior was made."""
    pairs = zip(axes, rows, strict=True)
    return tuple(a for a, row in pairs if a in posterior.names and posterior.rows[a]["prior"] != prior_text(row))


def refuse_stale(posterior: Posterior, axes: Sequence[str], rows: Sequence[Parameter]) -> None:
    """Refuse a posterior that was made for other tables: its scores would mean other values.

    Raises
    ------
    InputError
        Naming the first rows and the command that makes a new one.
    """
    changed = stale(posterior, axes, rows)
    if changed:
        more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        what = f"was made before the prior of {', '.join(changed[:SHOWN])}{more} changed"
        todo = f'Run `{COMMAND}` for the new tables, or set knowledge = "prior" in the scenario.'
        raise InputError(Problem("the calibrated knowledge", what, "tables as they were calibrated", todo))


def species_of(axis: str) -> str:
    """Species that an axis belongs to: ``rat`` for ``rat__n_macrophages``."""
    head = axis.partition(OF)[0]
    return head if OF in axis and head in SPECIES else HUMAN
