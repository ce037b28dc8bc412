"""Trim and fill: how many studies seem to be missing beside the funnel, and the mean with their mirror images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.bias.small_study import egger_test
from exojoint.evidence.checks import choose, effects_and_variances
from exojoint.evidence.pooling.pool import pool
from exojoint.evidence.results import PooledResult

Array = NDArray[np.float64]
ESTIMATORS = ("L0", "R0", "Q0")
LONGEST = 100  # rounds; the number of missing studies settles within a few or cycles


@dataclass(frozen=True, slots=True)
class TrimFill:
    """Funnel completed by mirror images.

    Parameters
    ----------
    missing : int
        Estimated number of missing studies, k0.
    se_missing : float
        Its standard error.
    side : str
        Where they are missing: ``left`` or ``right``.
    p : float
        R0's test that none is missing; nan for the other estimators.
    adjusted : PooledResult
        Pool of observed and filled-in studies.
    filled : tuple of (float, float)
        Effect and variance of each filled-in study.
    warnings : tuple of str
        What a reader must know.
    """

    missing: int
    se_missing: float
    side: str
    p: float
    adjusted: PooledResult
    filled: tuple[tuple[float, float], ...]
    warnings: tuple[str, ...] = ()

    @property
    def estimate(self) -> float:
        """Adjusted mean."""
        return self.adjusted.estimate

    @property
    def se(self) -> float:
        """Its standard error."""
        return self.adjusted.se


def trim_and_fill(
    y: ArrayLike, v: ArrayLike, *, estimator: str = "L0", side: str = "auto", method: str = "REML",
    interval: str = "normal", level: float = 0.95,
) -> TrimFill:  # fmt: skip
    """Estimate missing studies by ranks and add their mirror images.

    Rounds of trimming: the k0 most extreme studies are left out, the mean of the rest is computed, and k0 is estimated
    from the ranks of all deviations from it: ``L0 = (4 S - k(k+1))/(2k-1)`` with S the rank sum of the positive ones,
    ``R0`` from the longest run of extreme ranks, ``Q0 = k - 1/2 - sqrt(2k^2 - 4S + 1/4)``.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    estimator : str
        ``L0``, ``R0`` or ``Q0``.
    side : str
        ``left`` (small values missing), ``right`` or ``auto``: where a mixed Egger regression points.
    method, interval, level
        Of the pooled means, as in `pool`.

    Raises
    ------
    InputError
        For fewer than three studies or wrong rows.

    References
    ----------
    Duval S, Tweedie R. Biometrics 2000;56:455-463; J Am Stat Assoc 2000;95:89-98.
    """
    kind, where = choose(estimator, ESTIMATORS, "estimator"), choose(side, ("auto", "left", "right"), "side")
    y_used, v_used, _, warnings = effects_and_variances(y, v)
    k = y_used.size
    if k < 3:
        raise InputError(Problem("effects", f"{k} studies", "at least three studies to trim from"))
    if where == "auto":
        where = _side(y_used, v_used, method)
    sign = 1.0 if where == "left" else -1.0  # work as if small values were missing
    order = np.argsort(sign * y_used, kind="stable")
    z, u = sign * y_used[order], v_used[order]
    k0, raw, s, converged = _missing(z, u, kind, method)
    centre = pool(z[: k - k0], u[: k - k0], method=method, interval="normal").estimate
    images = 2 * centre - z[k - k0 :]
    filled_y, filled_v = np.concatenate([z, images]), np.concatenate([u, u[k - k0 :]])
    adjusted = pool(sign * filled_y, filled_v, method=method, interval=interval, level=level)
    p = 0.5 ** (k0 + 1) if kind == "R0" else math.nan
    if not converged:
        warnings = (*warnings, "the number of missing studies did not settle: the last round is shown")
    filled = tuple((float(sign * a), float(b)) for a, b in zip(images, u[k - k0 :], strict=True))
    return TrimFill(k0, _se_missing(kind, k, raw, s), where, p, adjusted, filled, (*warnings, *adjusted.warnings))


def _side(y: Array, v: Array, method: str) -> str:
    """Small studies with large effects mean that their counterparts with small effects are missing."""
    if float(np.ptp(v)) <= 1e-12 * float(v.max()):
        return "left" if float((y / v).sum()) > 0 else "right"
    return "right" if egger_test(y, v, model="mixed", method=method).slope < 0 else "left"


def _missing(y: Array, v: Array, kind: str, method: str) -> tuple[int, float, float, bool]:
    """Number of missing studies, the same before rounding, the rank sum behind it, and whether the rounds settled."""
    k, k0, before, raw, s = y.size, 0, -1, 0.0, 0.0
    for _ in range(LONGEST):
        if k0 == before:
            return k0, raw, s, True
        before = k0
        centred = y - pool(y[: k - k0], v[: k - k0], method=method, interval="normal").estimate
        ranks = rankdata(np.abs(centred)) * np.sign(centred)
        s = float(ranks[ranks > 0].sum())
        if kind == "R0":
            largest_negative = float(-ranks[ranks < 0].min()) if (ranks < 0).any() else 0.0
            raw = k - largest_negative - 1
        elif kind == "L0":
            raw = (4 * s - k * (k + 1)) / (2 * k - 1)
        else:
            raw = k - 0.5 - math.sqrt(max(2 * k**2 - 4 * s + 0.25, 0.0))
        k0 = min(max(0, int(np.rint(raw))), k - 2)
    return k0, raw, s, False


def _se_missing(kind: str, k: int, raw: float, s: float) -> float:
    """Standard error of k0 before rounding, from the variance of the rank sum S."""
    if kind == "R0":
        return math.sqrt(2 * max(0.0, raw) + 2)
    cubic = k * (k + 1) * (2 * k + 1) + 10 * raw**3 + 27 * raw**2 + 17 * raw
    variance = max(cubic - 18 * k * raw**2 - 18 * k * raw + 6 * k**2 * raw, 0.0) / 24
    if kind == "L0":
        return 4 * math.sqrt(variance) / (2 * k - 1)
    return 2 * math.sqrt(variance / max(2 * k**2 - 4 * s + 0.25, 1e-12))
