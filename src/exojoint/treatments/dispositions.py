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
from exojoint.joint.tables import STRUCTURES, Observable, State, structure_table
from exojoint.treatments import comparators, conservative, context, exosome, gel, two_pool
from exojoint.treatments.instance import renaming
from exojoint.treatments.moment import Equations, Moment, Values

ADMINISTRATION = "administration"  # rows of the table that say how a dose irritates; they belong to no equation
INPUT = "input"  # uncertainty of a row that events may set
SECRETED = "exosome_secreted"  # the vesicles of injected cells, beside those of an injected product
SECRETED_PREFIX, SECRETED_WORDS = "secreted_", "(vesicles that injected cells secrete)"


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
    shares : str
        Disposition whose parameters it reads beside its own, or empty.
    """

    name: str
    structure: str
    states: tuple[State, ...]
    parameters: ParameterTable
    observables: Mapping[str, Observable]
    equations: Equations
    feeds: str = ""
    shares: str = ""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Parameters that events may set."""
        return tuple(name for name, row in self.parameters.items() if row.uncertainty.kind == INPUT)

    def effects(self, x: Values, p: Values, readouts: Values) -> dict[str, Value]:
        """Return contributions by lever name; they read own states and readouts only."""
        return self.equations.effects(Moment(x, p, readouts))

    def rates(
        self,
        x: Values,
        p: Values,
        readouts: Values,
        inflammation_pain: Value,
        inflow: Value = 0.0,
        pain: Value = None,
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
        pain : value
            Pain score after the levers, where the equations ask for it.
        """
        return self.equations.rates(Moment(x, p, readouts, inflammation_pain, inflow, pain))

    def observe(self, x: Values, p: Values, readouts: Values) -> dict[str, Value]:
        """Return the observables beside the states."""
        return self.equations.observe(Moment(x, p, readouts))

    def secretion(self, x: Values, p: Values, readouts: Values) -> Value:
        """Return the vesicles secreted into the disposition that this one feeds (1e9 particles per day)."""
        return self.equations.secretion(Moment(x, p, readouts))


def _exosome(structure: str) -> Equations:
    transport = exosome.TRANSPORT.get(structure, exosome.TRANSPORT["default"])
    one_pool = Equations(
        functools.partial(exosome.effects, transport),
        functools.partial(exosome.rates, transport),
        functools.partial(exosome.observe, transport),
    )
    return two_pool.with_second_pool(one_pool) if structure == two_pool.STRUCTURE else one_pool


def _context(structure: str) -> Equations:
    if structure == context.BELIEF:
        return Equations(context.effects, context.rates_of_belief, reads_pain=True)
    return Equations(context.effects, context.rates)


EQUATIONS: Mapping[str, Callable[[str], Equations]] = MappingProxyType(
    {
        "exosome": _exosome,
        "triamcinolone": lambda _: Equations(comparators.triamcinolone_effects, comparators.triamcinolone_rates),
        "hyaluronate": lambda _: Equations(comparators.hyaluronate_effects, comparators.hyaluronate_rates),
        "msc": lambda _: Equations(comparators.msc_effects, comparators.msc_rates, secretion=comparators.msc_secretion),
        "prp": lambda _: Equations(comparators.prp_effects, comparators.prp_rates),
        "vesicle_gel": lambda _: Equations(gel.effects, gel.rates, secretion=gel.secretion),
        "brace": lambda _: Equations(conservative.brace_effects, conservative.brace_rates),
        "exercise": lambda _: Equations(conservative.exercise_effects, conservative.exercise_rates),
        "weight_loss": lambda _: Equations(conservative.weight_loss_effects, conservative.weight_loss_rates),
        "fgf18": lambda _: Equations(comparators.fgf18_effects, comparators.fgf18_rates),
        "nsaid": lambda _: Equations(comparators.nsaid_effects, comparators.nsaid_rates),
        "paracetamol": lambda _: Equations(comparators.paracetamol_effects, comparators.paracetamol_rates),
        "adamts5_inhibitor": lambda _: Equations(comparators.adamts5_effects, comparators.adamts5_rates),
        "antibody": lambda _: Equations(comparators.antibody_effects, comparators.antibody_rates),
        "replacement": lambda _: Equations(comparators.replacement_effects, comparators.replacement_rates),
        "context": _context,
    }
)
FEEDS: Mapping[str, str] = MappingProxyType({"msc": "exosome", "vesicle_gel": "exosome"})


def folder() -> Traversable:
    """Return the folder of the treatments' tables and files."""
    return files("exojoint.treatments")


def list_dispositions() -> tuple[str, ...]:
    """Return the names of all dispositions, in alphabetical order."""
    return tuple(sorted((*EQUATIONS, SECRETED)))


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
    if name == SECRETED:
        return _secreted(load_disposition("exosome", structure))
    rows = table(structure)
    own = ParameterTable(row for row in rows.values() if dict(row.extra)["disposition"] == name)
    states, observables = _states(name, structure), _observables(name, structure)
    return Disposition(name, structure, states, own, observables, EQUATIONS[name](structure), FEEDS.get(name, ""))


def _secreted(plain: Disposition) -> Disposition:
    """Return the second instance of the exosome disposition, which living cells feed instead of the first."""
    own = renaming(SECRETED_PREFIX, plain.states, plain.parameters)
    return Disposition(
        SECRETED,
        plain.structure,
        own.named_states(plain.states, SECRETED_WORDS),
        own.named_rows(plain.parameters, SECRETED_WORDS),
        own.named_observables(plain.observables, SECRETED_WORDS),
        own.equations(plain.equations),
        shares=plain.name,
    )


@functools.cache
def table(structure: str = "default") -> ParameterTable:
    """Return all parameters of treatments, with the values of a structure."""
    extra = ("disposition",)
    return structure_table(read_parameters(folder() / "parameters.csv", extra=extra), folder(), structure, extra)


def administration_parameters(structure: str = "default") -> ParameterTable:
    """Return the rows that say how a dose irritates and what it lets expect; part of the knowledge, of no equation."""
    rows = table(structure).values()
    return ParameterTable(row for row in rows if dict(row.extra)["disposition"] == ADMINISTRATION)


def _tables(name: str, structure: str) -> list[Traversable]:
    """Return the table of that name and, where a structure has more, the structure's own."""
    own = folder() / "structures" / f"{structure}_{name}"
    return [folder() / name, *([own] if own.is_file() else [])]


def _states(name: str, structure: str) -> tuple[State, ...]:
    columns = ("disposition", "name", "symbol", "unit", "init", "meaning")
    rows = [row for path in _tables("states.csv", structure) for row in read_table(path, columns)]
    return tuple(
        State(row["name"], row["symbol"], row["unit"], float(row["init"]), row["meaning"])
        for row in rows
        if row["disposition"] == name
    )


def _observables(name: str, structure: str) -> dict[str, Observable]:
    columns = ("disposition", "name", "unit", "meaning")
    rows = [row for path in _tables("observables.csv", structure) for row in read_table(path, columns)]
    return {
        row["name"]: Observable(row["name"], row["unit"], row["meaning"], "", ())
        for row in rows
        if row["disposition"] == name
    }
