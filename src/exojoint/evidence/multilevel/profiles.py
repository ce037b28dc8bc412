"""Profile-likelihood intervals of variance parameters."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.evidence.checks import level_of
from exojoint.evidence.estimate import Interval
from exojoint.evidence.multilevel.fit import MultilevelResult
from exojoint.evidence.multilevel.optimise import maximise, scales

Array = NDArray[np.float64]


def profile_interval(result: MultilevelResult, name: str, level: float = 0.95) -> Interval:
    """Interval of one variance or correlation, where twice the profiled log-likelihood has dropped by its quantile.

    Parameters
    ----------
    result : MultilevelResult
        A fitted model.
    name : str
        A name of ``result.components``, e.g. ``sigma2.district``, ``tau2.AL`` or ``rho.trial``.
    level : float
        Of the interval.

    Raises
    ------
    InputError
        For an unknown name, or a parameter of a Cholesky factor, which means nothing by itself.

    References
    ----------
    Hardy RJ, Thompson SG. Stat Med 1996;15:619-629.
    """
    names = tuple(n.replace("tau.", "tau2.", 1) if n.startswith("tau.") else n for n in result.model.parameter_names)
    if name not in names or name.startswith("cholesky."):
        known = [n for n in names if not n.startswith("cholesky.")]
        expected = f"one of {', '.join(known)}"
        raise InputError(Problem("parameter", f"'{name}' has no profile", expected, did_you_mean(name, known)))
    model, position, level = result.model, names.index(name), level_of(level)
    best, top = float(result.theta[position]), result.fit.loglik
    drop = 0.5 * float(chi2.ppf(level, 1))
    size = float(scales(model)[position])
    latest = {"theta": result.theta}

    def above(value: float) -> float:
        found = maximise(model, {position: value}, start=latest["theta"])
        latest["theta"] = found.theta
        return found.at.loglik - top + drop

    lowest, highest = _range(result, position)
    lower, upper = lowest, highest
    if above(lowest) < 0:
        lower = float(brentq(above, lowest, best, xtol=1e-9 * size, rtol=1e-9))
    latest["theta"] = result.theta
    step = best + max(best, 0.05 * size) if math.isinf(highest) else highest
    while above(step) > 0 and math.isinf(highest):
        step = best + 2.0 * (step - best)
        if step > 1e6 * size:
            return Interval(_shown(name, lower), math.inf, level, "profile likelihood")
    if above(step) < 0:
        upper = float(brentq(above, best, step, xtol=1e-9 * size, rtol=1e-9))
    return Interval(_shown(name, lower), _shown(name, upper), level, "profile likelihood")


def _shown(name: str, value: float) -> float:
    """A standard deviation as the variance that was asked for."""
    return value**2 if name.startswith("tau2.") else value


def _range(result: MultilevelResult, position: int) -> tuple[float, float]:
    bounds = [bound for term in result.model.terms for bound in term.bounds()]
    low, high = bounds[position]
    return (-math.inf if low is None else low), (math.inf if high is None else high)
