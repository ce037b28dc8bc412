"""Verbs on other people's model files: look at an SBML model, and follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exojoint.core.errors import InputError, Problem
from exojoint.core.files import atomic_write
from exojoint.engine.exchange.model import Model
from exojoint.engine.exchange.simulate import ATOL, RTOL, simulate
from exojoint.engine.exchange.table import course_csv
from exojoint.engine.exchange.times import parse_times
from exojoint.engine.exchange.translate import read_sbml


@dataclass(frozen=True)
class Simulated:
    """A simulated model: the table written, its size, and remarks on the model."""

    path: Path
    rows: int
    columns: tuple[str, ...]
    remarks: tuple[str, ...]

    def text(self) -> str:
        """For a person."""
        head = f"{self.path}: {self.rows} times, {len(self.columns)} columns beside `time`"
        return "\n".join([head, *(f"  remark: {remark}" for remark in self.remarks)])

    def data(self) -> dict[str, Any]:
        """For a machine."""
        columns, remarks = list(self.columns), list(self.remarks)
        return {"path": str(self.path), "rows": self.rows, "columns": columns, "remarks": remarks}


def model_import(file: Path) -> Model:
    """Read an SBML model and say what is in it (``text()``, ``data()``).

    Raises
    ------
    InputError
        When the file is no harmless valid SBML, or uses what is not supported; every such element is named.
    """
    return read_sbml(Path(file))


def model_simulate(
    file: Path,
    times: str,
    *,
    out: Path,
    rtol: float | None = None,
    atol: float | None = None,
    species: str = "model",
    ids: Sequence[str] | None = None,
    amounts: Sequence[str] = (),
    concentrations: Sequence[str] = (),
) -> Simulated:
    """Follow an SBML model and write a CSV table: ``time``, then the model's ids.

    Parameters
    ----------
    file : SBML file
    times : START:STEP:END
    out : CSV file; its folder must exist
    rtol, atol : tolerances of the integration; 1e-8 and 1e-12 unless given
    species : how species are given: ``model`` (each as its id means it), ``amounts`` or ``concentrations``
    ids : columns wanted; all unless given
    amounts, concentrations : species that are given so, whatever ``species`` says of the others

    Raises
    ------
    InputError
        Wrong file, times, tolerances, ids or destination; a model that cannot be followed.
    """
    chosen = parse_times(times)
    target = Path(out)
    if target.is_dir() or not target.parent.is_dir():
        raise InputError(
            Problem(str(out), "cannot be written", "a file in a folder that exists", "Choose another name.")
        )
    model = read_sbml(Path(file))
    course = simulate(
        model,
        chosen,
        rtol=RTOL if rtol is None else rtol,
        atol=ATOL if atol is None else atol,
        columns=ids,
        species=species,
        amounts=amounts,
        concentrations=concentrations,
    )
    atomic_write(target, course_csv(course))
    return Simulated(target, len(course.times), course.names, model.label.remarks)
