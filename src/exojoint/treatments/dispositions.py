"""A disposition: how a treatment stays in the knee (its own few states) and which levers it pulls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.tables import ParameterTable, read_parameters, read_table
from exojoint.joint.shapes import Value
from exojoint.joint.tables import STRUCTURES, Observable, State, overlay_structure
from exojoint.treatments import comparators, context, exosome
from exojoint.treatments.moment import Moment, Values

ADMINISTRATION = "administration"  # rows of the table that say how a dose irritates; they belong to no equation
INPUT = "input"  # uncertainty of a row that events may set


def no_secretion(_at: Moment) -> Value:
    """Return no vesicles: only living cells secrete."""
    return 0.0


def nothing_observed(_at: Moment) -> dict[str, Value]:
    """Return no observables: the states say it all."""
    return {}


@dataclass(frozen=True, slots=True)
class Equations:
    """The four functions of a disposition; each reads a `Moment`."""

    effects: Callable[[Moment], dict[str, Value]]
    rates: Callable[[Moment], dict[str, Value]]
    observe: Callable[[Moment], dict[str, Value]] = nothing_observed
    secretion: Callable[[Moment], Value] = no_secretion


@dataclass(frozen=True)
class Disposition:
    """How one treatment stays in the knee and pulls its levers.

    Parameters
    ----------
    name, structure : str
        Name in the tables; structure whose rival fluxes it uses.
    states : tuple of State
        Own states; all 0 when nothing was given.
    parameters : ParameterTable
        Own parameters.
    observables : mapping of str to Observable
        What can be observed beside the states.
    equations : Equations
        The functions behind the methods.
    feeds : str
        Disposition that receives what this one secretes, or empty.
    """

    name: str
    structure: str
    states: tuple[State, ...]
    parameters: ParameterTable
    observables: Mapping[str, Observable]
    equations: Equations
    feeds: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Parameters that events may set."""
        return tuple(name for name, row in self.parameters.items() if row.uncertainty.kind == INPUT)

    def effects(self, x: Values, p: Values, readouts: Values) -> dict[str, Value]:
        """Return contributions by lever name; they read own states and readouts only."""
        return self.equations.effects(Moment(x, p, readouts))

    def rates(
        self, x: Values, p: Values, readouts: Values, inflammation_pain: Value, inflow: Value = 0.0
    ) -> dict[str, Value]:
        """Return the rate of every own state, in its unit per day.

        Parameters
        ----------
        x, p, readouts : mapping
            Values of states, parameters and readouts of the joint.
        inflammation_pain : value
            Inflammation that nociceptors see, after the levers.
        inflow : value
            Vesicles secreted into this disposition (1e9 particles per day).
        """
        return self.equations.rates(Moment(x, p, readouts, inflammation_pain, inflow))

    def observe(self, x: Values, p: Values, readouts: Values) -> dict[str, Value]:
        """Return the observables beside the states."""
        return self.equations.observe(Moment(x, p, readouts))

    def secretion(self, x: Values, p: Values, readouts: Values) -> Value:
        """Return the vesicles secreted into the disposition that this one feeds (1e9 particles per day)."""
        return self.equations.secretion(Moment(x, p, readouts))


def _exosome(structure: str) -> Equations:
    transport = exosome.TRANSPORT[structure]
    return Equations(
        functools.partial(exosome.effects, transport),
        functools.partial(exosome.rates, transport),
        functools.partial(exosome.observe, transport),
    )


EQUATIONS: Mapping[str, Callable[[str], Equations]] = MappingProxyType(
    {
        "exosome": _exosome,
        "triamcinolone": lambda _: Equations(comparators.triamcinolone_effects, comparators.triamcinolone_rates),
        "hyaluronate": lambda _: Equations(comparators.hyaluronate_effects, comparators.hyaluronate_rates),
        "msc": lambda _: Equations(comparators.msc_effects, comparators.msc_rates, secretion=comparators.msc_secretion),
        "fgf18": lambda _: Equations(comparators.fgf18_effects, comparators.fgf18_rates),
        "nsaid": lambda _: Equations(comparators.nsaid_effects, comparators.nsaid_rates),
        "paracetamol": lambda _: Equations(comparators.paracetamol_effects, comparators.paracetamol_rates),
        "adamts5_inhibitor": lambda _: Equations(comparators.adamts5_effects, comparators.adamts5_rates),
        "antibody": lambda _: Equations(comparators.antibody_effects, comparators.antibody_rates),
        "replacement": lambda _: Equations(comparators.replacement_effects, comparators.replacement_rates),
        "context": lambda _: Equations(context.effects, context.rates),
    }
)
FEEDS: Mapping[str, str] = MappingProxyType({"msc": "exosome"})


def folder() -> Traversable:
    """Return the folder of the treatments' tables and files."""
    return files("exojoint.treatments")


def list_dispositions() -> tuple[str, ...]:
    """Return the names of all dispositions, in alphabetical order."""
    return tuple(sorted(EQUATIONS))


@functools.cache
def load_disposition(name: str, structure: str = "default") -> Disposition:
    """Load a disposition with the rival fluxes and parameter values of a structure.

    Raises
    ------
    InputError
        When name or structure is unknown, or a table has a wrong row.
    """
    for what, word, known in (("disposition", name, list_dispositions()), ("structure", structure, STRUCTURES)):
        if word not in known:
            expected = f"one of {', '.join(known)}"
            raise InputError(Problem(what, f"'{word[:80]}' is unknown", expected, did_you_mean(word, known)))
    rows = table(structure)
    own = ParameterTable(row for row in rows.values() if dict(row.extra)["disposition"] == name)
    return Disposition(
        name, structure, _states(name), own, _observables(name), EQUATIONS[name](structure), FEEDS.get(name, "")
    )


@functools.cache
def table(structure: str = "default") -> ParameterTable:
    """Return all parameters of treatments, with the values of a structure."""
    rows = read_parameters(folder() / "parameters.csv", extra=("disposition",))
    return overlay_structure(rows, folder() / "structures" / f"{structure}.csv")


def administration_parameters() -> ParameterTable:
    """Return the rows that say how a dose irritates and what it lets expect; part of the knowledge, of no equation."""
    return ParameterTable(row for row in table().values() if dict(row.extra)["disposition"] == ADMINISTRATION)


def _states(name: str) -> tuple[State, ...]:
    rows = read_table(folder() / "states.csv", ("disposition", "name", "symbol", "unit", "init", "meaning"))
    return tuple(
        State(row["name"], row["symbol"], row["unit"], float(row["init"]), row["meaning"])
        for row in rows
        if row["disposition"] == name
    )


def _observables(name: str) -> dict[str, Observable]:
    rows = read_table(folder() / "observables.csv", ("disposition", "name", "unit", "meaning"))
    return {
        row["name"]: Observable(row["name"], row["unit"], row["meaning"], "", ())
        for row in rows
        if row["disposition"] == name
    }
