"""How patients differ in numbers that nobody records: random effects around one knowledge draw.

Every row of the knee's parameter table with a coefficient of variation gives each patient a log-normal factor of mean
1; rows of one group share the factor. How wide it is may itself be unknown (rows ``rel_spread_*``). Weights that sum
to 1 are rescaled, so that they still do in every patient.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from exojoint.core.distributions import Variability
from exojoint.core.streams import Stream
from exojoint.core.tables import Parameter, ParameterTable

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def effect_scores(table: ParameterTable, stream: Stream, ids: Ints, skip: Collection[str] = ()) -> dict[str, Floats]:
    """Luck behind the random effects: parameter -> standard-normal score of each patient, (n,).

    Parameters
    ----------
    table : the knee's parameters (joint and dispositions)
    stream : named stream of the population's patients
    ids : (n,)
    skip : parameters that a covariate gives
    """
    by_name: dict[str, Floats] = {}
    scores: dict[str, Floats] = {}
    for name, row in table.items():
        if row.variability.cv <= 0.0 or name in skip:
            continue
        luck = row.variability.group or name
        if luck not in scores:
            scores[luck] = stream.child("effect", luck).normal(ids, 1)[:, 0]
        by_name[name] = scores[luck]
    return by_name


def random_effects(
    table: ParameterTable, knowledge: Mapping[str, float], scores: Mapping[str, Floats], max_fraction: float
) -> dict[str, Floats]:
    """Values of the parameters in which these patients differ at random.

    Parameters
    ----------
    table : the knee's parameters (joint and dispositions)
    knowledge : value of each uncertain parameter in this knowledge draw; others keep the table's
    scores : what `effect_scores` returns
    max_fraction : ceiling of a fraction (logit-normal row) without a bound of its own

    Returns
    -------
    dict
        Parameter -> (n,), in the table's unit.
    """
    values = {}
    for name, score in scores.items():
        row = table[name]
        centre = float(knowledge.get(name, row.value))
        spread = _spread(row, name, knowledge)
        values[name] = _bounded(row, centre, centre * spread.factor(score), max_fraction)
    return values | _rescaled_sets(table, knowledge, values)


def _spread(row: Parameter, name: str, knowledge: Mapping[str, float]) -> Variability:
    """How patients differ in a row in this draw: its CV times ``rel_spread_<group or row>`` where there is one."""
    relative = float(knowledge.get(f"rel_spread_{row.variability.group or name}", 1.0))
    return replace(row.variability, cv=row.variability.cv * relative)


def _bounded(row: Parameter, centre: float, values: Floats, max_fraction: float) -> Floats:
    """Values kept inside the row's support; the draw's own value is always inside."""
    spread = row.uncertainty
    low, high = spread.lower, spread.upper
    if high is None and spread.kind == "logitnormal":
        high = max_fraction
    if low is not None:
        values = np.maximum(values, min(low, centre))
    if high is not None:
        values = np.minimum(values, max(high, centre))
    return values


def _rescaled_sets(
    table: ParameterTable, knowledge: Mapping[str, float], values: Mapping[str, Floats]
) -> dict[str, Floats]:
    """All weights of a set in which one differs between patients, with the draw's sum restored."""
    members: dict[str, list[str]] = {}
    for name, row in table.items():
        if row.uncertainty.kind == "dirichlet":
            members.setdefault(row.uncertainty.group, []).append(name)
    rescaled: dict[str, Floats] = {}
    for names in members.values():
        varying = [name for name in names if name in values]
        if not varying:
            continue
        n = len(values[varying[0]])
        centres = {name: float(knowledge.get(name, table[name].value)) for name in names}
        raw = {name: values.get(name, np.full(n, centres[name])) for name in names}
        factor = sum(centres.values()) / np.sum(list(raw.values()), axis=0)
        rescaled |= {name: weight * factor for name, weight in raw.items()}
    return rescaled
