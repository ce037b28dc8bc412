"""Shapes of dose-response curves: each is zero at dose 0 and linear in its amplitudes once its shape is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A family of curves ``f(d) = sum_j amplitude_j basis_j(d; shape)``.

    Parameters
    ----------
    name : str
        How it is asked for.
    amplitudes : tuple of str
        Names of the linear coefficients.
    shapes : tuple of str
        Names of the shape parameters, all positive; searched on the log scale.
    basis : callable
        ``(dose (k,), shape (s,)) -> (k, amplitudes)``, zero at dose 0.
    meaning : str
        One sentence.
    """

    name: str
    amplitudes: tuple[str, ...]
    shapes: tuple[str, ...]
    basis: Callable[[Array, Array], Array]
    meaning: str


def _linear(dose: Array, _shape: Array) -> Array:
    return dose[:, None]


def _quadratic(dose: Array, _shape: Array) -> Array:
    return np.column_stack([dose, dose**2])


def _log_linear(dose: Array, shape: Array) -> Array:
    return np.asarray(np.log1p(dose / shape[0])[:, None])


def _emax(dose: Array, shape: Array) -> Array:
    return np.asarray((dose / (dose + shape[0]))[:, None])


def _sigmoid_emax(dose: Array, shape: Array) -> Array:
    power = (dose / shape[0]) ** shape[1]
    return np.asarray((power / (1.0 + power))[:, None])


def _bell(dose: Array, shape: Array) -> Array:
    with np.errstate(divide="ignore"):
        distance = np.log(dose / shape[0]) / shape[1]
    return np.where(dose > 0, np.exp(-0.5 * distance**2), 0.0)[:, None]


CURVES: Mapping[str, Curve] = MappingProxyType({
    curve.name: curve
    for curve in (
        Curve("linear", ("slope",), (), _linear, "the effect grows with the dose"),
        Curve("quadratic", ("slope", "bend"), (), _quadratic, "the effect may level off or turn"),
        Curve("log-linear", ("slope",), ("offset",), _log_linear, "each tenfold dose adds the same"),
        Curve("emax", ("emax",), ("ed50",), _emax, "the effect saturates; ed50 gives half of it"),
        Curve("sigmoid-emax", ("emax",), ("ed50", "hill"), _sigmoid_emax, "saturation with a steepness of its own"),
        Curve("bell", ("peak",), ("best_dose", "width"), _bell,
              "a window: highest at best_dose, less on both sides; width in log units"),
    )
})  # fmt: skip
