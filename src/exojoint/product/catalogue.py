"""Where vesicles come from and how they are made: sources, processes, and the table of their numbers.

The TOML files hold words (title, steps, evidence); every number is a row of `parameters.csv` (what reaches the
patient) or `manufacture.csv` (what reaches only yield and cost). A row of one source, process or formulation ends with
its name, for example `p_inactive_umbilical_cord`; a row without such an ending holds for all.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.files import read_toml
from exojoint.core.tables import ParameterTable, read_parameters

FORMULATIONS = ("native", "charge_reversed", "hydrogel_depot")
COUNT_METHODS = ("nta", "mrps", "nano_flow")
_ROOM = "exojoint.product"
_SOURCE_KEYS = {"title": str, "tissue": str, "donors": str, "evidence": list, "note": str}
_PROCESS_KEYS = {
    "title": str,
    "upstream": str,
    "steps": list,
    "formulation": str,
    "count_method": str,
    "evidence": list,
    "note": str,
}


@dataclass(frozen=True, slots=True)
class Source:
    """Cells that vesicles come from. `evidence` lists fact ids; its numbers end with `name` in the tables."""

    name: str
    title: str
    tissue: str
    donors: str
    evidence: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Process:
    """How vesicles are made: `steps` are multiplied in order, each with its row `frac_yield_<step>`."""

    name: str
    title: str
    upstream: str
    steps: tuple[str, ...]
    formulation: str
    count_method: str
    evidence: tuple[str, ...]
    note: str


def list_sources() -> tuple[str, ...]:
    """Names of the cell sources."""
    return _names("sources")


def list_processes() -> tuple[str, ...]:
    """Names of the manufacturing processes."""
    return _names("processes")


@functools.cache
def load_source(name: str) -> Source:
    """Read a cell source by name. Raises `InputError` when it is unknown or its file is wrong."""
    data = _read("sources", name, _SOURCE_KEYS)
    return Source(
        name, data["title"], data["tissue"], data["donors"], evidence=tuple(data["evidence"]), note=data["note"]
    )


@functools.cache
def load_process(name: str) -> Process:
    """Read a manufacturing process by name. Raises `InputError` when it is unknown or its file is wrong."""
    data = _read("processes", name, _PROCESS_KEYS)
    steps = tuple(data["steps"])
    table = _tables()[1]
    where = f"product/processes/{name}.toml"
    for step in steps:
        if f"frac_yield_{step}" not in table:
            known = [row.removeprefix("frac_yield_") for row in table if row.startswith("frac_yield_")]
            what = f"the step '{step}' has no yield"
            raise InputError(Problem(f"{where} `steps`", what, ", ".join(known), did_you_mean(step, known)))
    _one_of(where, "formulation", data["formulation"], FORMULATIONS)
    _one_of(where, "count_method", data["count_method"], COUNT_METHODS)
    return Process(
        name, data["title"], data["upstream"], steps, data["formulation"], data["count_method"],
        evidence=tuple(data["evidence"]), note=data["note"],
    )  # fmt: skip


def product_parameters(source: str | None = None, process: str | None = None, *, reach: str = "all") -> ParameterTable:
    """Numbers of the product room, for the knowledge draw and for lineage.

    Parameters
    ----------
    source, process : str, optional
        Leave out the rows of other sources, and of other processes and formulations.
    reach : {"all", "patient"}
        "patient" leaves out yields and cost: rows that cannot change what is injected.
    """
    patient, manufacture = _tables()
    table = patient if reach == "patient" else patient.merge(manufacture)
    foreign: list[str] = []
    if source is not None:
        load_source(source)
        foreign += [name for name in list_sources() if name != source]
    if process is not None:
        kind = load_process(process).formulation
        foreign += [name for name in list_processes() if name != process]
        foreign += [name for name in FORMULATIONS if name != kind]
    return table.select(name for name in table if not any(name.endswith(f"_{other}") for other in foreign))


class Numbers:
    """Values for one knowledge draw: the draw where it has the row, else (fixed rows) the table's value."""

    __slots__ = ("_drawn",)

    def __init__(self, drawn: Mapping[str, float]) -> None:
        self._drawn = drawn

    def __getitem__(self, name: str) -> float:
        """Value of a row, in the row's unit."""
        found = self._drawn.get(name)
        return float(found) if found is not None else all_parameters()[name].value


@functools.cache
def all_parameters() -> ParameterTable:
    """Both tables together."""
    patient, manufacture = _tables()
    return patient.merge(manufacture)


@functools.cache
def _tables() -> tuple[ParameterTable, ParameterTable]:
    folder = files(_ROOM)
    return read_parameters(folder / "parameters.csv"), read_parameters(folder / "manufacture.csv")


def _names(folder: str) -> tuple[str, ...]:
    found = (entry.name for entry in (files(_ROOM) / folder).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


def _read(folder: str, name: str, keys: Mapping[str, type]) -> dict[str, Any]:
    known = _names(folder)
    if name not in known:
        todo = did_you_mean(name, known) or f"Choose one of: {', '.join(known)}."
        raise InputError(Problem(f"product/{folder}", f"there is no '{name[:80]}'", ", ".join(known), todo))
    data = read_toml(files(_ROOM) / folder / f"{name}.toml")
    where = f"product/{folder}/{name}.toml"
    problems = [
        Problem(f"{where} `{key}`", "missing" if key not in data else "wrong kind", f"a {kind.__name__}", "Fill it.")
        for key, kind in keys.items()
        if not isinstance(data.get(key), kind)
    ]
    problems += [
        Problem(f"{where} `{key}`", "unknown key", ", ".join(keys), did_you_mean(key, keys))
        for key in data
        if key not in keys
    ]
    if problems:
        raise InputError(*problems)
    return data


def _one_of(where: str, key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        what = f"'{value}' is unknown"
        raise InputError(Problem(f"{where} `{key}`", what, ", ".join(known), did_you_mean(value, known)))
