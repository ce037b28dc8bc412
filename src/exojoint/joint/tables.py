"""The joint's tables as frozen records: states, levers, observables, structure and species overlays."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from exojoint.core.distributions import parse_distribution
from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.tables import Parameter, ParameterTable, place, read_parameters, read_table
from exojoint.core.units import check_unit
from exojoint.joint.views import ZONES

KINDS = ("product", "sum", "or")
SPECIES = ("human", "rat", "mouse", "rabbit")
ANIMAL = "animal"  # any species but the human, where an observable is for animals only
STRUCTURES = ("default", "reference_0_1", "belief", "bistable", "painful_flare", "two_pool")
REFERENCE = "reference_0_1"  # the specification's prototype
OBSERVABLE_COLUMNS = ("name", "unit", "meaning", "only", "source", "after_replacement")
ENDS = "ends"  # of an observable that a replaced joint no longer has
INITIAL = "init_"  # an overlay row `init_<state>` sets a starting value, any other row a parameter


@dataclass(frozen=True, slots=True)
class State:
    """One quantity that changes in time: ``name``, ``symbol`` of the specification, ``unit``, ``init``, ``meaning``."""

    name: str
    symbol: str
    unit: str
    init: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Lever:
    """One handle of the joint that treatments may pull.

    Parameters
    ----------
    name : str
        Without zone suffix.
    kind : str
        How contributions combine: ``product``, ``sum`` or ``or`` (see `exojoint.joint.levers`).
    neutral : float
        Value without any treatment.
    unit : str
        ``1`` for factors and shares.
    zonal : bool
        Whether each cartilage zone has its own (suffix ``_1`` to ``_3``).
    meaning, where : str
        In words; the function and flux where it enters.
    """

    name: str
    kind: str
    neutral: float
    unit: str
    zonal: bool
    meaning: str
    where: str

    @property
    def names(self) -> tuple[str, ...]:
        """Full names: one, or one per zone."""
        return tuple(f"{self.name}_{zone}" for zone in ZONES) if self.zonal else (self.name,)


@dataclass(frozen=True, slots=True)
class Observable:
    """One thing that could be measured on the joint, as its true value.

    Parameters
    ----------
    name, unit, meaning : str
        Name, unit, and what it is.
    only : str
        The one species for which it is defined, ``animal`` for all but the human, or empty for all.
    source : tuple of str
        Fact ids behind its definition.
    ends : bool
        Whether nothing is left to measure once the joint has been replaced.
    """

    name: str
    unit: str
    meaning: str
    only: str
    source: tuple[str, ...]
    ends: bool = False

    def exists_in(self, species: str) -> bool:
        """Return whether it is defined for a species."""
        return self.only in ("", species) or (self.only == ANIMAL and species != SPECIES[0])


def folder() -> Traversable:
    """Return the folder of the joint's tables."""
    return files("exojoint.joint")


def read_states(path: Path | Traversable) -> tuple[State, ...]:
    """Read a state table; units and numbers are checked row by row.

    Raises
    ------
    InputError
        With one problem per wrong cell.
    """
    problems: list[Problem] = []
    states = []
    for number, row in enumerate(read_table(path, ("name", "symbol", "unit", "init", "meaning")), start=2):
        at = place(path.name, number, row["name"])
        init = _number(row["init"], at, problems)
        _unit(row["unit"], at, problems)
        states.append(State(row["name"], row["symbol"], row["unit"], init, row["meaning"]))
    raise_problems(problems)
    return tuple(states)


def read_levers(path: Path | Traversable) -> dict[str, Lever]:
    """Read the lever table.

    Raises
    ------
    InputError
        With one problem per wrong cell.
    """
    problems: list[Problem] = []
    levers = {}
    for number, row in enumerate(
        read_table(path, ("name", "kind", "neutral", "unit", "zone", "meaning", "where")), start=2
    ):
        at = place(path.name, number, row["name"])
        if row["kind"] not in KINDS:
            todo = did_you_mean(row["kind"], KINDS)
            problems.append(Problem(at, f"kind '{row['kind'][:80]}' is unknown", f"one of {', '.join(KINDS)}", todo))
        if row["zone"] not in ("", "zone"):
            problems.append(
                Problem(at, f"zone '{row['zone'][:80]}' is unknown", "'zone' or empty", "Correct the cell.")
            )
        neutral = _number(row["neutral"], at, problems)
        _unit(row["unit"], at, problems)
        levers[row["name"]] = Lever(
            row["name"], row["kind"], neutral, row["unit"], row["zone"] == "zone", row["meaning"], row["where"]
        )
    raise_problems(problems)
    return levers


def read_observables(path: Path | Traversable) -> dict[str, Observable]:
    """Read the table of observables.

    Raises
    ------
    InputError
        With one problem per wrong cell.
    """
    problems: list[Problem] = []
    observables = {}
    for number, row in enumerate(read_table(path, OBSERVABLE_COLUMNS), start=2):
        at = place(path.name, number, row["name"])
        _unit(row["unit"], at, problems)
        known = (*SPECIES, ANIMAL)
        if row["only"] and row["only"] not in known:
            todo = did_you_mean(row["only"], known)
            problems.append(Problem(at, f"species '{row['only'][:80]}' is unknown", f"one of {known}", todo))
        if row["after_replacement"] not in ("", ENDS):
            what = f"after_replacement '{row['after_replacement'][:80]}' is unknown"
            problems.append(Problem(at, what, f"'{ENDS}' or empty", "Correct the cell."))
        source = tuple(piece.strip() for piece in row["source"].split(";"))
        ends = row["after_replacement"] == ENDS
        observables[row["name"]] = Observable(row["name"], row["unit"], row["meaning"], row["only"], source, ends)
    raise_problems(problems)
    return observables


def joint_tables(species: str, structure: str) -> tuple[tuple[State, ...], ParameterTable]:
    """Return states and parameters of a species under a structure: the human default with two overlays.

    Raises
    ------
    InputError
        When species or structure is unknown, or an overlay names something that does not exist.
    """
    _known("species", species, SPECIES)
    _known("structure", structure, STRUCTURES)
    states = read_states(folder() / "states.csv")
    table = read_parameters(folder() / "parameters.csv")
    table = structure_table(table, folder(), structure)
    return overlay_species(states, table, folder() / "species" / f"{species}.csv")


def structure_table(
    table: ParameterTable, room: Traversable, structure: str, extra: Sequence[str] = ()
) -> ParameterTable:
    """Return `table` as a structure has it: values of its overlay, then the rows that no other structure reads.

    Parameters
    ----------
    table : ParameterTable
        As the default has it.
    room : folder
        Holds ``structures/<structure>.csv`` (values of rows that exist) and, where a structure needs more,
        ``structures/<structure>_rows.csv`` (whole rows of its own, so that no other structure carries them).
    structure : str
        One of `STRUCTURES`.
    extra : sequence of str
        Further columns of the room's parameter table.

    Raises
    ------
    InputError
        When a file has a wrong row.
    """
    changed = overlay_structure(table, room / "structures" / f"{structure}.csv")
    own = room / "structures" / f"{structure}_rows.csv"
    return changed.merge(read_parameters(own, extra=extra)) if own.is_file() else changed


def overlay_structure(table: ParameterTable, path: Path | Traversable) -> ParameterTable:
    """Return `table` with the values of a structure's overlay (columns ``name``, ``value``, ``note``).

    Raises
    ------
    InputError
        When the overlay names a parameter that the table lacks, or a value is no number.
    """
    problems: list[Problem] = []
    changed = {}
    for number, row in enumerate(read_table(path, ("name", "value", "note")), start=2):
        at = place(path.name, number, row["name"])
        value = _number(row["value"], at, problems)
        if _exists(row["name"], table, at, problems):
            changed[row["name"]] = dataclasses.replace(table[row["name"]], value=value, note=row["note"])
    raise_problems(problems)
    return _replaced(table, changed)


def overlay_species(
    states: Sequence[State], table: ParameterTable, path: Path | Traversable
) -> tuple[tuple[State, ...], ParameterTable]:
    """Return states and parameters with a species' overlay: only named rows change, with their own grade and source.

    Raises
    ------
    InputError
        When the overlay names a state or parameter that does not exist, or a value is no number.
    """
    problems: list[Problem] = []
    changed = {}
    initial: dict[str, float] = {}
    columns = ("name", "value", "uncertainty", "grade", "source", "note")
    names = [state.name for state in states]
    for number, row in enumerate(read_table(path, columns), start=2):
        at = place(path.name, number, row["name"])
        value = _number(row["value"], at, problems)
        if row["name"].startswith(INITIAL):
            name = row["name"].removeprefix(INITIAL)
            if name in names:
                initial[name] = value
            else:
                problems.append(Problem(at, f"no state `{name}`", "a name of states.csv", did_you_mean(name, names)))
        elif _exists(row["name"], table, at, problems):
            old = table[row["name"]]
            uncertainty = parse_distribution(row["uncertainty"], at) if row["uncertainty"] else old.uncertainty
            changed[row["name"]] = dataclasses.replace(
                old,
                value=value,
                uncertainty=uncertainty,
                grade=row["grade"],
                source=tuple(row["source"].split(";")),
                note=row["note"],
                table=path.name,
                row=number,
            )
    raise_problems(problems)
    moved = tuple(dataclasses.replace(state, init=initial.get(state.name, state.init)) for state in states)
    return moved, _replaced(table, changed)


def _replaced(table: ParameterTable, changed: Mapping[str, Parameter]) -> ParameterTable:
    return ParameterTable(changed.get(name, row) for name, row in table.items())


def _exists(name: str, table: ParameterTable, at: str, problems: list[Problem]) -> bool:
    if name in table:
        return True
    problems.append(Problem(at, f"no parameter `{name}`", "a name of parameters.csv", did_you_mean(name, table)))
    return False


def _known(what: str, word: str, known: Sequence[str]) -> None:
    if word not in known:
        raise InputError(
            Problem(what, f"'{word[:80]}' is unknown", f"one of {', '.join(known)}", did_you_mean(word, known))
        )


def _number(text: str, at: str, problems: list[Problem]) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        problems.append(Problem(at, f"'{text[:80]}' is not a number", "a finite number", "Correct the cell."))
    return value


def _unit(text: str, at: str, problems: list[Problem]) -> None:
    try:
        check_unit(text, at)
    except InputError as error:
        problems.extend(error.problems)
