"""A model at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.engine.exchange.evaluate import Value
from exojoint.engine.exchange.model import Model
from exojoint.engine.expression import Expr, symbol

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Instant:
    """State and parameters of a model at one time.

    Attributes
    ----------
    time : float
    state : (n_states,)
    parameters : (n_parameters,)
    """

    time: float
    state: Reals
    parameters: Reals


def beginning(model: Model) -> Instant:
    """Return the model at time 0, before anything happens."""
    return Instant(0.0, model.state(), model.parameters())


def values_at(model: Model, instant: Instant) -> dict[str, Value]:
    """Return what the expressions of a model read at an instant."""
    return values_along(model, instant.state, instant.parameters)


def values_along(model: Model, states: Reals, parameters: Reals) -> dict[str, Value]:
    """Return what expressions read along a course: the last axis of the arrays is that of names."""
    found: dict[str, Value] = {name: states[..., i] for i, name in enumerate(model.system.states)}
    return found | {name: parameters[..., i] for i, name in enumerate(model.system.parameters)}


def readable(model: Model) -> Mapping[str, Expr]:
    """Return everything that can be read, by name."""
    system = model.system
    return {name: symbol(name) for name in (*system.states, *system.parameters)} | dict(system.outputs)
