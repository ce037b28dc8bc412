"""A treatment as its file says it: route, dispositions, dose targets, irritation, expectation, adverse events."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.files import read_toml
from exojoint.core.tables import GRADES
from exojoint.core.units import conversion_factor, parse_quantity
from exojoint.treatments.dispositions import (
    SECRETED,
    Disposition,
    administration_parameters,
    folder,
    load_disposition,
)

CELLS = "msc"  # the disposition of living cells
REST = "1 - "  # before the row of a share: what that row leaves
ROUTES = ("injection", "oral", "procedure")
KEYS = (
    "title", "meaning", "route", "dispositions", "amount", "volume", "expectation", "dose", "irritation",
    "adverse_events",
)  # fmt: skip
DOSE_KEYS = ("kind", "target", "share")
IRRITATION_KEYS = ("vehicle", "formulation", "amount_max", "amount_half")
EVENT_KEYS = ("name", "probability", "lo", "hi", "per", "grade", "source", "note")


@dataclass(frozen=True, slots=True)
class Dose:
    """Where an amount goes.

    Parameters
    ----------
    kind : str
        ``add`` to a state or set an ``input``.
    target : str
        State or input.
    share : float
        Share of the amount, as the table has it.
    scale : float
        Number of the target's unit in one unit of amount.
    row : str
        Row that holds the share, or empty for a share of the file's own.
    rest : bool
        Whether the share is what that row leaves (``1 - row``).
    """

    kind: str
    target: str
    share: float
    scale: float
    row: str = ""
    rest: bool = False

    def part(self, rows: Mapping[str, Any]) -> Any:  # noqa: ANN401  a number, or one per patient
        """Return the share of the amount, with the values that `rows` gives."""
        if self.row not in rows:
            return self.share
        return 1 - rows[self.row] if self.rest else rows[self.row]


@dataclass(frozen=True, slots=True)
class Irritation:
    """Names of the rows that say how an administration irritates the joint; empty where there is none."""

    vehicle: str = ""
    formulation: str = ""
    amount_max: str = ""
    amount_half: str = ""


@dataclass(frozen=True, slots=True)
class AdverseEvent:
    """A probability of harm, with its grade of evidence; a layer beside the equations.

    Parameters
    ----------
    name : str
        What happens.
    probability, lo, hi : float
        Per `per`, with a plausible range.
    per : str
        ``injection`` or ``course``.
    grade : str
        Grade of evidence, as in parameter tables.
    source : tuple of str
        Fact ids, or ``assumed``.
    note : str
        Reasoning.
    """

    name: str
    probability: float
    lo: float
    hi: float
    per: str
    grade: str
    source: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Giving:
    """How a treatment is given.

    Parameters
    ----------
    route : str
        ``injection``, ``oral`` or ``procedure``.
    amount_unit : str
        Unit of the amount that `exojoint.treatments.administer` takes; empty for a pure vehicle.
    volume_ml : float
        Usual volume of an injection; 0 otherwise.
    expectation : str
        Row that says what an administration lets expect; empty for none.
    doses : tuple of Dose
        Where the amount goes; none for a pure vehicle.
    irritation : Irritation
        Rows behind the acute irritation.
    """

    route: str
    amount_unit: str
    volume_ml: float
    expectation: str
    doses: tuple[Dose, ...]
    irritation: Irritation


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is given and how it enters the knee.

    Parameters
    ----------
    name, title, meaning : str
        File name; words for a report.
    dispositions : tuple of str
        Dispositions it needs beside ``context``.
    giving : Giving
        Route, unit, volume, targets, irritation.
    adverse_events : tuple of AdverseEvent
        Graded probabilities of harm.
    """

    name: str
    title: str
    meaning: str
    dispositions: tuple[str, ...]
    giving: Giving
    adverse_events: tuple[AdverseEvent, ...]

    @property
    def amount_unit(self) -> str:
        """Unit of the amount, empty for a pure vehicle."""
        return self.giving.amount_unit

    @property
    def volume_ml(self) -> float:
        """Usual volume of an injection; 0 otherwise."""
        return self.giving.volume_ml


def list_treatments() -> tuple[str, ...]:
    """Return the names of all treatments, in alphabetical order."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in folder().iterdir() if path.name.endswith(".toml")))


@functools.cache
def load_treatment(name: str) -> Treatment:
    """Load a treatment file and check every key.

    Raises
    ------
    InputError
        When the treatment is unknown, or its file has a wrong key, unit, target or row name.
    """
    if name not in list_treatments():
        known = list_treatments()
        expected = f"one of {', '.join(known)}"
        raise InputError(Problem("treatment", f"'{name[:80]}' is unknown", expected, did_you_mean(name, known)))
    path = folder() / f"{name}.toml"
    return parse_treatment(name, read_toml(path), path.name)


def parse_treatment(name: str, text: Mapping[str, Any], where: str) -> Treatment:
    """Turn the content of a treatment file into a `Treatment`.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    problems = _keys(text, KEYS, where)
    if text.get("route") not in ROUTES:
        problems.append(Problem(f"{where} `route`", f"'{text.get('route')}'", f"one of {', '.join(ROUTES)}", ""))
    raise_problems(problems)
    parts = tuple(load_disposition(part) for part in text.get("dispositions", ()))
    irritation = text.get("irritation", {})
    problems += _keys(irritation, IRRITATION_KEYS, f"{where} `irritation`")
    rows = administration_parameters()
    for row in (text.get("expectation", ""), *irritation.values()):
        if row and row not in rows:
            problems.append(Problem(where, f"no row `{row}`", "an administration row", did_you_mean(str(row), rows)))
    unit = str(text.get("amount", ""))
    doses = tuple(_dose(dose, parts, unit, where, problems) for dose in text.get("dose", ()))
    harms = tuple(_adverse_event(row, where, problems) for row in text.get("adverse_events", ()))
    raise_problems(problems)
    giving = Giving(
        text["route"],
        unit,
        parse_quantity(text["volume"], "mL", f"{where} `volume`") if "volume" in text else 0.0,
        text.get("expectation", ""),
        tuple(dose for dose in doses if dose is not None),
        Irritation(**irritation),
    )
    names = tuple(part.name for part in parts)
    return Treatment(name, text["title"], text["meaning"], names, giving, tuple(h for h in harms if h is not None))


def dispositions_for(
    treatments: Sequence[str], *, rescue: bool = False, structure: str = "default"
) -> tuple[Disposition, ...]:
    """Return the union of the dispositions that the arms of a scenario need, always with ``context``.

    Parameters
    ----------
    treatments : sequence of str
        Names of treatments.
    rescue : bool
        Whether patients may take rescue medication (paracetamol).
    structure : str
        As the joint's.
    """
    names = {"context"} | ({"paracetamol"} if rescue else set())
    for treatment in treatments:
        names.update(load_treatment(treatment).dispositions)
    return tuple(load_disposition(name, structure) for name in sorted(names))


def beside_cells(parts: Sequence[Disposition]) -> tuple[Disposition, ...]:
    """Return dispositions in which injected cells feed vesicles of their own, apart from those of an injected product.

    One instance has one lot: without this, secreted vesicles would have the potency of the product's. The specification
    shares one instance. A sum or an ``or`` of contributions combines the two; each instance saturates by itself.
    """
    fed = tuple(dataclasses.replace(part, feeds=SECRETED) if part.name == CELLS else part for part in parts)
    if fed == tuple(parts):
        return fed
    return (*fed, load_disposition(SECRETED, parts[0].structure))


def _keys(text: Mapping[str, Any], known: Sequence[str], where: str) -> list[Problem]:
    expected = f"one of {', '.join(known)}"
    return [
        Problem(f"{where} `{key}`", "is not a key", expected, did_you_mean(key, known))
        for key in text
        if key not in known
    ]


def _dose(
    row: Mapping[str, Any], parts: Sequence[Disposition], unit: str, where: str, problems: list[Problem]
) -> Dose | None:
    found = _keys(row, DOSE_KEYS, f"{where} `dose`")
    kind, target = row.get("kind", "add"), str(row.get("target", ""))
    units = {state.name: state.unit for part in parts for state in part.states}
    if kind == "input":
        units = {name: part.parameters[name].unit for part in parts for name in part.inputs}
    if kind not in ("add", "input") or target not in units:
        todo = did_you_mean(target, units)
        found.append(
            Problem(f"{where} `dose`", f"{kind} of `{target}`", "a state (add) or input of a disposition", todo)
        )
    share, name, rest = _share(row.get("share", 1.0), parts, where, found)
    problems += found
    if found:
        return None
    scale = conversion_factor(unit, units[target], f"{where} `dose`")
    return Dose(kind, target, share, scale, name, rest)


def _share(
    given: float | str, parts: Sequence[Disposition], where: str, found: list[Problem]
) -> tuple[float, str, bool]:
    """Share of a dose: a number, the name of a row of a disposition, or ``1 - `` and that name."""
    if not isinstance(given, str):
        return float(given), "", False
    rest, name = given.startswith(REST), given.removeprefix(REST)
    rows = {key: value for part in parts for key, value in part.parameters.items()}
    if name not in rows:
        found.append(Problem(f"{where} `dose`", f"no row `{name}`", "a row of a disposition", did_you_mean(name, rows)))
        return 0.0, name, rest
    value = rows[name].value
    return 1 - value if rest else value, name, rest


def _adverse_event(row: Mapping[str, Any], where: str, problems: list[Problem]) -> AdverseEvent | None:
    at = f"{where} `adverse_events`"
    found = _keys(row, EVENT_KEYS, at)
    missing = [key for key in EVENT_KEYS if key not in row]
    if missing:
        found.append(Problem(at, f"lacks {', '.join(missing)}", f"the keys {', '.join(EVENT_KEYS)}", "Add them."))
    elif not 0 <= row["lo"] <= row["probability"] <= row["hi"] <= 1:
        found.append(Problem(at, f"probability of {row['name']}", "0 <= lo <= probability <= hi <= 1", "Correct it."))
    elif row["grade"] not in GRADES or row["per"] not in ("injection", "course"):
        found.append(Problem(at, f"grade or per of {row['name']}", f"{', '.join(GRADES)}; injection, course", ""))
    problems += found
    if found:
        return None
    numbers = (float(row["probability"]), float(row["lo"]), float(row["hi"]))
    return AdverseEvent(row["name"], *numbers, row["per"], row["grade"], tuple(row["source"]), row["note"])
