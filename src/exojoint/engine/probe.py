"""Single machine functions from outside: rates and outputs of given states, without integrating anything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.engine import slots
from exojoint.engine.job import Workspace
from exojoint.engine.kernel import Kernel
from exojoint.engine.machine import vector_function
from exojoint.engine.variant import Variant

Reals = NDArray[np.float64]


class Probe:
    """Lanes that can be filled, run through one machine function at a time, and read.

    Parameters
    ----------
    variant : Variant
        Machine code to look at.
    """

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.space = Workspace(variant)
        self.functions = {n: vector_function(a) for n, a in zip(slots.FUNCTIONS, variant.addresses, strict=True)}

    def rows(self, array: str) -> NDArray[np.floating]:
        """Return the rows of one array of the working memory, (rows, lanes)."""
        rows = self.variant.layout.rows
        names = list(rows)
        end = rows[names[names.index(array) + 1]]
        return self.space.w[rows[array] : end]

    def run(self, function: str, x: str = "k1") -> None:
        """Run a machine function on all lanes; ``x`` names the array that it is pointed to."""
        pitch = self.variant.shape.lanes * self.variant.shape.itemsize
        w = self.space.w.ctypes.data
        self.functions[function](w, self.space.c.ctypes.data, w + self.variant.layout.rows[x] * pitch)

    def patient(self, lane: int, parameters: Reals) -> None:
        """Give a lane its parameters and compute what depends on them alone."""
        self.space.own[lane] = parameters
        w = self.space.w.ctypes.data + lane * self.variant.shape.itemsize
        self.functions["patient"](w, self.space.c.ctypes.data, self.space.own[lane].ctypes.data)


def rates_at(kernel: Kernel, parameters: ArrayLike, state: ArrayLike, day: float = 0.0) -> Reals:
    """Return the rates (n, n_states) that the machine code gives for given states (n, n_states)."""
    return _sweep(kernel, parameters, state, day, "u", "rates", "k1", sign=-1.0)


def outputs_at(
    kernel: Kernel, parameters: ArrayLike, state: ArrayLike, outputs: Sequence[str], day: float = 0.0
) -> Reals:
    """Return outputs (n, k) for given states (n, n_states)."""
    computed = _sweep(kernel, parameters, state, day, "y_out", "outputs", "outputs", sign=1.0)
    table = np.concatenate([np.atleast_2d(np.asarray(state, dtype=np.float64)), computed], axis=1)
    return table[:, [kernel.system.index(o) for o in outputs]]


def _sweep(
    kernel: Kernel,
    parameters: ArrayLike,
    state: ArrayLike,
    day: float,
    source: str,
    function: str,
    target: str,
    *,
    sign: float,
) -> Reals:
    p = np.atleast_2d(np.asarray(parameters, dtype=np.float64))
    y = np.atleast_2d(np.asarray(state, dtype=np.float64))
    probe = Probe(kernel.variant())
    lanes = probe.variant.shape.lanes
    probe.space.c[[slots.T, slots.T_OUT, slots.T_STAGE]] = day
    result = np.empty((len(y), len(probe.rows(target))))
    for start in range(0, len(y), lanes):
        size = min(lanes, len(y) - start)
        probe.rows(source)[:, :size] = y[start : start + size].T
        for lane in range(size):
            probe.patient(lane, p[start + lane])
        probe.rows(target)[:] = 0.0
        probe.run(function, target if function == "rates" else "k1")
        result[start : start + size] = sign * probe.rows(target)[:, :size].T
    return result
