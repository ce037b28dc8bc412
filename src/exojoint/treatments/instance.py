"""A second instance of a disposition: the same equations and biology, with its own states and its own lot.

Needed where one patient gets vesicles of two kinds: those of an injected product and those that injected cells secrete.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from exojoint.core.tables import ParameterTable
from exojoint.joint.shapes import Value
from exojoint.joint.tables import Observable, State
from exojoint.treatments.moment import Equations, Moment

LOT = "lot"  # kind of rows that belong to a product and not to the knee


@dataclasses.dataclass(frozen=True, slots=True)
class Renaming:
    """Names of an instance: `prefix` before the names of its own states, lot rows and observables.

    Parameters
    ----------
    prefix : str
        For example ``secreted_``.
    states, rows : tuple of str
        Names that the equations know, of states and of the rows that the instance has to itself.
    """

    prefix: str
    states: tuple[str, ...]
    rows: tuple[str, ...]

    def inside(self, at: Moment) -> Moment:
        """Return the moment as the equations know it: the instance's values under the plain names."""
        x = {**at.x, **{name: at.x[self.prefix + name] for name in self.states}}
        p = {**at.p, **{name: at.p[self.prefix + name] for name in self.rows}}
        return dataclasses.replace(at, x=x, p=p)

    def outside(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Return values by the instance's names."""
        return {self.prefix + name: value for name, value in values.items()}

    def equations(self, plain: Equations) -> Equations:
        """Return the same equations on the instance's states; lever names stay, so that contributions combine."""
        return Equations(
            lambda at: plain.effects(self.inside(at)),
            lambda at: self.outside(plain.rates(self.inside(at))),
            lambda at: self.outside(plain.observe(self.inside(at))),
            lambda at: plain.secretion(self.inside(at)),
        )

    def named_states(self, states: tuple[State, ...], words: str) -> tuple[State, ...]:
        """Return the instance's states; `words` say whose they are, and the specification knows no symbol for them."""
        return tuple(
            dataclasses.replace(s, name=self.prefix + s.name, symbol="", meaning=f"{s.meaning} {words}") for s in states
        )

    def named_rows(self, table: ParameterTable, words: str) -> ParameterTable:
        """Return the instance's own rows, the lot's; all others are shared."""
        return ParameterTable(
            dataclasses.replace(table[name], name=self.prefix + name, symbol="", note=f"{table[name].note} {words}")
            for name in self.rows
        )

    def named_observables(self, observables: Mapping[str, Observable], words: str) -> dict[str, Observable]:
        """Return the instance's observables."""
        return {
            self.prefix + name: dataclasses.replace(row, name=self.prefix + name, meaning=f"{row.meaning} {words}")
            for name, row in observables.items()
        }


def renaming(prefix: str, states: tuple[State, ...], table: ParameterTable) -> Renaming:
    """Return the names of an instance with these states that has the lot rows of `table` to itself."""
    lot = tuple(name for name, row in table.items() if row.uncertainty.kind == LOT)
    return Renaming(prefix, tuple(state.name for state in states), lot)
