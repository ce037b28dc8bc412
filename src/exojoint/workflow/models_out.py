"""The verb that writes our own models: a scenario's arms as SBML or Antimony.

It lies apart from the verbs on other people's models, which need no knee and start faster without one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from exojoint.core.errors import ExojointError, InputError, Problem, did_you_mean
from exojoint.core.files import atomic_write
from exojoint.core.tables import Parameter
from exojoint.engine import Event
from exojoint.engine.exchange.outgoing import Entry, Outgoing
from exojoint.engine.exchange.write import check_sbml, write_antimony, write_sbml
from exojoint.workflow.giving import Dosing, give
from exojoint.workflow.lookup import make_plan
from exojoint.workflow.plan import SHARE_OF_MECHANISM, ArmPlan, Plan

FORMATS: Final = {"sbml": ".xml", "antimony": ".ant"}
MECHANISM: Final = "frac_protein"  # row that holds the scenario's mechanism
POTENCY: Final = "potency_"
SHOWN_WARNINGS = 5


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
