"""A system of ordinary differential equations, traced once from plain arithmetic and then frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.engine.expression import Expr, Scalar, as_expr, symbol, walk
from exojoint.engine.flat import Table, from_table, to_table
from exojoint.engine.operations import TRUTH

Equations = Callable[
    [Mapping[str, Expr], Mapping[str, Expr]],
    tuple[Mapping[str, Expr | Scalar], Mapping[str, Expr | Scalar]],
]


@dataclass(frozen=True)
class System:
    """Equations of one model: what changes, what it depends on and what can be read off.

    Attributes
    ----------
    states, parameters : tuple of str
        Names, in the order of the columns of state and parameter arrays.
    inputs : tuple of str
        The parameters that an event may set (piecewise constant in time).
    rates : tuple of Expr
        Time derivative of every state, in the order of ``states``.
    outputs : mapping of str to Expr
        Observables by name. State names can be read too and need no entry.
    digest : str
        Hexadecimal content digest: equal for equal equations and names in every process.
    """

    states: tuple[str, ...]
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]
    rates: tuple[Expr, ...]
    outputs: Mapping[str, Expr] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        states: Sequence[str],
        parameters: Sequence[str],
        inputs: Sequence[str],
        rates: Mapping[str, Expr | Scalar],
        outputs: Mapping[str, Expr | Scalar],
    ) -> System:
        """Check names and expressions and freeze them; every fault is reported at once.

        Raises
        ------
        InputError
            A state without a rate, a rate without a state, an unknown symbol, a repeated name, an input that is no
            parameter, an output with the name of a state or a condition where a number is needed.
        """
        problems = [*_name_problems(states, parameters, inputs), *_rate_problems(states, rates)]
        typed_rates = {s: as_expr(r) for s, r in rates.items()}
        typed_outputs = {s: as_expr(r) for s, r in outputs.items()}
        problems += [
            Problem(
                f"output `{n}`",
                "a state has the same name",
                "a name of its own",
                "States can be read without an output.",
            )
            for n in typed_outputs
            if n in set(states)
        ]
        known = {*states, *parameters}
        for kind, table in (("rate of", typed_rates), ("output", typed_outputs)):
            for name, e in table.items():
                problems += _expression_problems(f"{kind} `{name}`", e, known)
        if problems:
            raise InputError(*problems)
        return cls(
            tuple(states), tuple(parameters), tuple(inputs), tuple(typed_rates[s] for s in states), typed_outputs
        )

    @cached_property
    def digest(self) -> str:
        """Content digest over names and equations."""
        h = hashlib.sha256()
        for group in (self.states, self.parameters, self.inputs, tuple(self.outputs)):
            h.update(repr(group).encode())
        for e in (*self.rates, *self.outputs.values()):
            h.update(e.key)
        return h.hexdigest()

    @cached_property
    def reads_time(self) -> bool:
        """Whether any rate or output depends on time itself."""
        return any(e.op == "time" for e in walk((*self.rates, *self.outputs.values())))

    def __reduce__(self) -> tuple[Callable[..., System], tuple[object, ...]]:
        """Travel to another process as a flat list of operations."""
        table = to_table((*self.rates, *self.outputs.values()))
        return _from_table, (self.states, self.parameters, self.inputs, tuple(self.outputs), table)

    def index(self, name: str) -> int:
        """Return the column of a state or output in the table (states, then outputs)."""
        return self._columns[name]

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {n: i for i, n in enumerate((*self.states, *self.outputs))}

    @property
    def readable(self) -> tuple[str, ...]:
        """Everything that can be asked for as an output: states, then outputs."""
        return (*self.states, *self.outputs)


def trace(states: Sequence[str], parameters: Sequence[str], inputs: Sequence[str], equations: Equations) -> System:
    """Run equations once on symbols and freeze what they say.

    Parameters
    ----------
    states, parameters, inputs
        Names; ``inputs`` is the subset of ``parameters`` that events may set.
    equations
        ``equations(x, p) -> (rates by state, outputs by name)``, plain arithmetic on the values of ``x`` and ``p``.

    Raises
    ------
    InputError
        See :meth:`System.build`; also for a name that the equations ask for and nobody declared.
    """
    x = _Names("state", {n: symbol(n) for n in states})
    p = _Names("parameter", {n: symbol(n) for n in parameters})
    rates, outputs = equations(x, p)
    return System.build(states, parameters, inputs, rates, outputs)


def _from_table(
    states: tuple[str, ...],
    parameters: tuple[str, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    table: Table,
) -> System:
    roots = from_table(table)
    n = len(states)
    return System(states, parameters, inputs, tuple(roots[:n]), dict(zip(outputs, roots[n:], strict=True)))


class _Names(dict[str, Expr]):
    """Symbols by name; an unknown name is an error with a suggestion."""

    def __init__(self, kind: str, items: Mapping[str, Expr]) -> None:
        super().__init__(items)
        self.kind = kind

    def __missing__(self, name: str) -> Expr:
        raise InputError(
            Problem(
                "equations",
                f"`{name}` is not a {self.kind}",
                f"one of the {len(self)} declared names",
                did_you_mean(name, self),
            )
        )


def _name_problems(states: Sequence[str], parameters: Sequence[str], inputs: Sequence[str]) -> list[Problem]:
    names = [*states, *parameters]
    repeated = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
    problems = [
        Problem(f"name `{n}`", "declared more than once", "one meaning for a name", "Rename one of them.")
        for n in repeated
    ]
    problems += [
        Problem(
            f"input `{n}`",
            "not a parameter",
            "an input is a parameter that events may set",
            did_you_mean(n, parameters),
        )
        for n in inputs
        if n not in set(parameters)
    ]
    if not states:
        problems.append(Problem("system", "no state", "at least one state", "Declare what changes in time."))
    return problems


def _rate_problems(states: Sequence[str], rates: Mapping[str, Expr | Scalar]) -> list[Problem]:
    missing = [
        Problem(
            f"state `{s}`",
            "has no rate",
            "one rate for every state",
            "Return its time derivative, 0.0 if it does not change.",
        )
        for s in states
        if s not in rates
    ]
    surplus = [
        Problem(f"rate of `{s}`", "there is no such state", "rates of declared states only", did_you_mean(s, states))
        for s in rates
        if s not in set(states)
    ]
    return missing + surplus


def _expression_problems(where: str, e: Expr, known: set[str]) -> list[Problem]:
    problems = [
        Problem(where, f"unknown symbol `{n.name}`", "a declared state or parameter", did_you_mean(n.name, known))
        for n in walk((e,))
        if n.op == "symbol" and n.name not in known
    ]
    if e.op in TRUTH:
        problems.append(Problem(where, "is a condition", "a number", "Write where(condition, 1.0, 0.0)."))
    return problems
