"""Fail-safe numbers: how many hidden null studies would overturn a result; not an estimate of how many there are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, effects_and_variances, numbers
from exojoint.evidence.pooling.pool import pool

Array = NDArray[np.float64]
KINDS = ("rosenthal", "orwin", "rosenberg", "general")
MOST = 10**7  # studies; beyond this the number is reported as this


@dataclass(frozen=True, slots=True)
class FailSafe:
    """A fail-safe number.

    Parameters
    ----------
    kind : str
        Which one.
    number : int
        Studies averaging no effect that would be needed; 0 when the result is already below the bar.
    estimate, target : float
        Mean that is brought down, and to what (nan where a p value is the bar).
    alpha : float
        Level of significance that is lost (nan for a target).
    """

    kind: str
    number: int
    estimate: float
    target: float
    alpha: float


def fail_safe_n(
    y: ArrayLike, v: ArrayLike | None = None, *, kind: str = "rosenthal", alpha: float = 0.05,
    target: float | None = None, method: str = "REML",
) -> FailSafe:  # fmt: skip
    """Fail-safe N after Rosenthal, Orwin, Rosenberg, or for a random-effects model.

    ``rosenthal``: ``(sum z / z_alpha)^2 - k``, one-sided. ``orwin``: ``k (m - target)/target`` with the plain mean m,
    or the inverse-variance mean when `v` is given. ``rosenberg``: ``(k/sum w) ((sum w y)^2/z^2 - sum w)``, w = 1/v,
    two-sided. ``general``: the same for a random-effects mean: null studies of variance ``k/sum w`` whose true effects
    differ as much as the observed ones, so that the union has ``tau2 + q (1-q) m^2`` with q the share of observed ones.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances (`v` is needed except for ``orwin``).
    kind : str
        As above.
    alpha : float
        Level of significance to lose.
    target : float, optional
        Mean to reach: for ``orwin`` (half the observed mean when left out), and for ``general`` in place of `alpha`.
    method : str
        Of tau2, for ``general``.

    Raises
    ------
    InputError
        For an unknown kind, missing variances, or a target of zero.

    References
    ----------
    Rosenthal R. Psychol Bull 1979;86:638-641. Orwin RG. J Educ Stat 1983;8:157-159. Rosenberg MS. Evolution
    2005;59:464-468.
    """
    name = choose(kind, KINDS, "kind")
    if v is None and name != "orwin":
        raise InputError(Problem("variances", "are missing", f"sampling variances for {name}"))
    if target == 0:
        raise InputError(Problem("target", "is zero", "a small effect other than zero"))
    if v is None:
        effects = numbers(y, "effects")
        effects = effects[np.isfinite(effects)]
        return _orwin(effects.size, float(effects.mean()), target)
    effects, variances, _, _ = effects_and_variances(y, v)
    w, k = 1 / variances, effects.size
    mean = float(w @ effects / w.sum())
    if name == "orwin":
        return _orwin(k, mean, target)
    if name == "rosenthal":
        z = float(-ndtri(alpha))
        needed = float((effects / np.sqrt(variances)).sum() / z) ** 2 - k
        return FailSafe(name, _whole(needed), mean, math.nan, alpha)
    if name == "rosenberg":
        z = float(-ndtri(alpha / 2))
        needed = k / float(w.sum()) * (float(w @ effects) ** 2 / z**2 - float(w.sum()))
        return FailSafe(name, _whole(needed), mean, math.nan, alpha)
    return _general(effects, variances, alpha, target, method)


def _whole(needed: float) -> int:
    return min(max(math.ceil(needed - 1e-9), 0), MOST)


def _orwin(k: int, mean: float, target: float | None) -> FailSafe:
    goal = mean / 2 if target is None else math.copysign(target, mean)
    number = _whole(k * (mean - goal) / goal) if mean != 0 else 0
    return FailSafe("orwin", number, mean, goal, math.nan)


def _general(y: Array, v: Array, alpha: float, target: float | None, method: str) -> FailSafe:
    k = y.size
    fitted = pool(y, v, method=method, interval="normal")
    tau2, mean, drawer = fitted.tau2, fitted.estimate, k / float((1 / v).sum())
    z = float(-ndtri(alpha / 2))
    equal = fitted.fit.method == "EE"

    def enough(number: int) -> bool:
        share = k / (k + number)
        total = tau2 + (0.0 if equal else share * (1 - share) * mean**2)
        w = 1 / (v + total)
        weight = float(w.sum()) + number / (drawer + total)
        combined = float(w @ y) / weight
        return abs(combined) * math.sqrt(weight) <= z if target is None else abs(combined) <= abs(target)

    low, high = -1, 0
    while not enough(high) and high < MOST:
        low, high = high, max(1, 2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    goal = math.nan if target is None else math.copysign(target, mean)
    return FailSafe("general", min(high, MOST), mean, goal, alpha if target is None else math.nan)
