"""Knowledge draws: one draw fixes everything we do not know, the same for every patient, arm and trial in it.

Each uncertain row of a table is one axis of a standard normal space. The origin of that space is the table as written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, softmax

from exojoint.core.errors import Problem, raise_problems
from exojoint.core.tables import Parameter, ParameterTable

Array = NDArray[np.float64]


@dataclass(frozen=True)
class KnowledgeSpace:
    """The space of what we do not know.

    Parameters
    ----------
    names : tuple of str
        Uncertain parameters, one axis each, in the order of the table.
    table : ParameterTable
        The whole table.
    groups : mapping of str to tuple of str
        Members of each set of weights that keeps its sum.
    """

    names: tuple[str, ...]
    table: ParameterTable
    groups: Mapping[str, tuple[str, ...]]

    @property
    def n_axes(self) -> int:
        """Number of axes."""
        return len(self.names)

    def values(self, z: Array) -> dict[str, Array]:
        """Turn standard normal scores into values of all uncertain parameters.

        Weights of a ``dirichlet(group, n)`` vary on the log scale and are rescaled to their table sum: weight i is
        proportional to ``w_i exp(z_i / sqrt(n w_i))``. This replaces the gamma variables that a Dirichlet normalises by
        log-normal ones of the same leading-order log-variance, 1/(n w_i). Near the table it agrees with the Dirichlet,
        in the tail it does not, and it never gives a weight of zero.

        Parameters
        ----------
        z : (k, n_axes) array
            One row per draw, one column per name in `names`.

        Returns
        -------
        dict of str to (k,) array
            In the units of the table; a row of zeros gives the table's values exactly.
        """
        z = np.atleast_2d(np.asarray(z, dtype=np.float64))
        if z.shape[1] != self.n_axes:
            raise ValueError(f"z has {z.shape[1]} columns for {self.n_axes} axes")
        column = {name: z[:, axis] for axis, name in enumerate(self.names)}
        values = {name: _single(self.table[name], scores) for name, scores in column.items()}
        for members in self.groups.values():
            scores = np.stack([column[name] for name in members], axis=1)
            values |= dict(zip(members, _weights([self.table[name] for name in members], scores), strict=True))
        return values


def knowledge_space(table: ParameterTable) -> KnowledgeSpace:
    """Collect the uncertain rows of a table into a space of standard normal axes.

    Raises
    ------
    InputError
        When a set of weights has one member only, or members that give different concentrations.
    """
    names = tuple(name for name, row in table.items() if row.uncertainty.uncertain)
    groups: dict[str, list[str]] = {}
    for name in names:
        if table[name].uncertainty.group:
            groups.setdefault(table[name].uncertainty.group, []).append(name)
    raise_problems(_group_problems(table, groups))
    return KnowledgeSpace(names, table, {group: tuple(members) for group, members in groups.items()})


def _single(row: Parameter, z: Array) -> Array:
    if row.uncertainty.kind == "dirichlet":
        return np.full_like(z, row.value)  # replaced together with its group
    drawn = row.uncertainty.quantile(row.value, ndtr(z))
    # A beta or uniform row's value is its median, rounded as the table prints it: at the origin the table's digits win.
    return np.where(z == 0.0, row.value, drawn)


def _weights(rows: list[Parameter], z: Array) -> Array:
    """Weights of one group, (n_members, k)."""
    table = np.array([row.value for row in rows])
    total = table.sum()
    share = table / total
    concentration = rows[0].uncertainty.arguments[0]
    drawn: Array = total * softmax(np.log(share) + z / np.sqrt(concentration * share), axis=1)
    at_origin = np.all(z == 0.0, axis=1, keepdims=True)  # softmax of logarithms is exact only to rounding
    return np.where(at_origin, table, drawn).T


def _group_problems(table: ParameterTable, groups: Mapping[str, list[str]]) -> list[Problem]:
    problems = []
    for group, members in groups.items():
        first = table[members[0]]
        if len(members) == 1:
            todo = "Give the other weights the same group, or make this one logitnormal."
            problems.append(Problem(first.place, f"is alone in the group '{group}'", "two or more weights", todo))
        for row in (table[name] for name in members[1:]):
            if row.uncertainty.arguments != first.uncertainty.arguments:
                what = f"has another concentration in group '{group}'"
                wanted = f"dirichlet({group}, {first.uncertainty.arguments[0]:g}) as in {first.place}"
                problems.append(Problem(row.place, what, wanted, "Make them equal."))
    return problems
