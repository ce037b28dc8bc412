"""Verbs on model files: look at an SBML model, follow it, and write a scenario's arms as SBML or Antimony."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from exojoint.core.errors import ExojointError, InputError, Problem, did_you_mean
from exojoint.core.files import atomic_write
from exojoint.core.tables import Parameter
from exojoint.engine import Event
from exojoint.engine.exchange.model import Model
from exojoint.engine.exchange.outgoing import Entry, Outgoing
from exojoint.engine.exchange.simulate import ATOL, RTOL, simulate
from exojoint.engine.exchange.table import course_csv
from exojoint.engine.exchange.times import parse_times
from exojoint.engine.exchange.translate import read_sbml
from exojoint.engine.exchange.write import check_sbml, write_antimony, write_sbml
from exojoint.workflow.giving import Dosing, give
from exojoint.workflow.lookup import make_plan
from exojoint.workflow.plan import SHARE_OF_MECHANISM, ArmPlan, Plan

FORMATS: Final = {"sbml": ".xml", "antimony": ".ant"}
MECHANISM: Final = "frac_protein"  # row that holds the scenario's mechanism
POTENCY: Final = "potency_"
SHOWN_WARNINGS = 5


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


@dataclass(frozen=True)
class Exported:
    """Written model files, and the SBML library's warnings about their units (kind and number)."""

    paths: tuple[Path, ...]
    warnings: dict[str, int]

    def text(self) -> str:
        """For a person."""
        lines = [str(path) for path in self.paths]
        lines += [f"  note: {n} x {kind}" for kind, n in list(self.warnings.items())[:SHOWN_WARNINGS]]
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        """For a machine."""
        return {"paths": [str(path) for path in self.paths], "warnings": self.warnings}


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
    rtol: float = RTOL,
    atol: float = ATOL,
    species: str = "model",
    columns: Sequence[str] | None = None,
) -> Simulated:
    """Follow an SBML model and write a CSV table: ``time``, then the model's ids.

    Parameters
    ----------
    file : SBML file
    times : START:STEP:END
    out : CSV file; its folder must exist
    rtol, atol : tolerances of the integration
    species : ``model``, ``amounts`` or ``concentrations``
    columns : ids wanted; all unless given

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
    course = simulate(model, chosen, rtol=rtol, atol=atol, columns=columns, species=species)
    atomic_write(target, course_csv(course))
    return Simulated(target, len(course.times), course.names, model.label.remarks)


def model_export(
    scenario: Path,
    *,
    format: str = "sbml",
    arm: str | None = None,
    out: Path | None = None,  # as typed
) -> Exported:
    """Write the arms of a scenario as model files ``<scenario>_<arm>.xml`` or ``.ant``, one per arm.

    The model is the reference knee of the scenario's tables at their table values, at rest, with the doses of the arm
    as the label says: no patient, lot or knowledge draw enters.

    Parameters
    ----------
    scenario : scenario file
    format : ``sbml`` (level 3 version 2) or ``antimony``
    arm : one arm; all unless given
    out : folder; the current one unless given

    Raises
    ------
    InputError
        Wrong scenario, format, arm or folder.
    """
    if format not in FORMATS:
        raise InputError(Problem("format", f"`{format}`", " or ".join(FORMATS), did_you_mean(format, FORMATS)))
    folder = Path() if out is None else Path(out)
    if not folder.is_dir():
        raise InputError(Problem(str(folder), "is no folder", "a folder that exists", "Make it first."))
    plan = make_plan(Path(scenario))
    chosen = _arms(plan, arm)
    texts, warnings = {}, Counter[str]()
    for each in chosen:
        model = outgoing(plan, each)
        text = write_sbml(model)
        checked = check_sbml(text)
        if checked.errors:
            raise ExojointError(f"the exported model of arm {each.name} breaks SBML's rules: {checked.errors[0]}")
        warnings.update(line.partition(": ")[2] for line in checked.warnings)
        texts[folder / f"{model.name}{FORMATS[format]}"] = text if format == "sbml" else write_antimony(text)
    for path, text in texts.items():
        atomic_write(path, text)
    return Exported(tuple(texts), dict(warnings.most_common()))


def _arms(plan: Plan, name: str | None) -> tuple[ArmPlan, ...]:
    if name is None:
        return plan.arms
    names = [arm.name for arm in plan.arms]
    if name not in names:
        raise InputError(Problem("arm", f"`{name}` is no arm", ", ".join(names), did_you_mean(name, names)))
    return tuple(arm for arm in plan.arms if arm.name == name)


def outgoing(plan: Plan, arm: ArmPlan) -> Outgoing:
    """Return the model of one arm: reference knee, table values, doses by their label."""
    knee, text = plan.knee, plan.scenario.text
    entries = {s.name: Entry(s.init, s.unit, s.meaning) for s in knee.states}
    entries |= {name: _row(plan, name) for name in knee.parameter_names}
    entries |= {
        name: Entry(np.nan, seen.unit, seen.meaning, seen.source)
        for name, seen in knee.observables.items()
        if name in knee.system.outputs
    }
    notes = (
        f"Arm {arm.name} of {text.name}: {text.question} Reference knee of the {text.species}, structure "
        f"{text.structure}, every parameter at its table value; doses by their label. Time in days."
    )
    name = "_".join(_identifier(part) for part in (text.name, arm.name))
    return Outgoing(name, notes, knee.system, entries, _doses(plan, arm))


def _row(plan: Plan, name: str) -> Entry:
    """A parameter with the scenario's mechanism, and with its life: meaning, grade and sources."""
    row: Parameter = plan.knee.parameters[name]
    mechanism = plan.scenario.text.mechanism
    value = row.value
    if name == MECHANISM:
        value = SHARE_OF_MECHANISM[mechanism]
    elif mechanism == "none" and name.startswith(POTENCY):
        value = 0.0
    return Entry(value, row.unit, f"{row.note} Grade: {row.grade}.".strip(), row.source)


def _doses(plan: Plan, arm: ArmPlan) -> list[Event]:
    lot = plan.scenario.text.lot
    inert = lot is not None and lot.null_product
    return give(arm, [Dosing(arm.arm.days, arm.amount)], inert=inert)


def _identifier(text: str) -> str:
    word = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in text)
    return word if word[:1].isalpha() or word[:1] == "_" else f"_{word}"
