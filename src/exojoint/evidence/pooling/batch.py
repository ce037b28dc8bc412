"""Thousands of meta-analyses at once: simulation, permutation, bootstrap. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import level_of
from exojoint.evidence.inference import t_quantile, two_sided_p
from exojoint.evidence.pooling.fit import interval_name, method_name
from exojoint.evidence.pooling.tau2 import between_study_variance

Array = NDArray[np.float64]
CHUNK = 1 << 15  # numbers per array in a block of rows: a quarter of a megabyte stays in the fast cache
STEPS = 60  # Newton steps, each halved into its bracket when it leaves it: 60 halvings exhaust a double
PRECISION = 1e-12  # relative change of tau2 at which a row is done
PROBES = 8  # trial values per row that look for a second maximum of the likelihood


@dataclass(frozen=True, slots=True)
class PooledMany:
    """Results of m meta-analyses, each field (m,).

    Parameters
    ----------
    estimate, se, df : (m,)
        Means, standard errors, degrees of freedom of the intervals (infinite for the normal).
    tau2 : (m,)
        Between-study variances.
    q : (m,)
        Cochran's Q.
    k : (m,)
        Number of studies used.
    level : float
        Of the intervals.
    method : str
        tau2 estimator and interval.
    """

    estimate: Array
    se: Array
    df: Array
    tau2: Array
    q: Array
    k: NDArray[np.int64]
    level: float
    method: str

    @property
    def statistic(self) -> Array:
        """Estimates over standard errors, (m,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.estimate / self.se)

    @property
    def p(self) -> Array:
        """Two-sided p values, (m,)."""
        return two_sided_p(self.statistic, self.df)

    @property
    def lower(self) -> Array:
        """Lower ends of the confidence intervals, (m,)."""
        return np.asarray(self.estimate - t_quantile(self.level, self.df) * self.se)

    @property
    def upper(self) -> Array:
        """Upper ends of the confidence intervals, (m,)."""
        return np.asarray(self.estimate + t_quantile(self.level, self.df) * self.se)

    def prediction(self, df: Array | float | None = None) -> tuple[Array, Array]:
        """Ends of the prediction intervals, each (m,); `df` are those of the confidence intervals when left out."""
        half = t_quantile(self.level, self.df if df is None else df) * np.sqrt(self.se**2 + self.tau2)
        return self.estimate - half, self.estimate + half


def pool_many(
    y: ArrayLike, v: ArrayLike, *, method: str = "REML", interval: str = "knapp-hartung", level: float = 0.95
) -> PooledMany:
    """Pool m sets of up to k effects; row i gives the same numbers as `pool` of row i.

    Parameters
    ----------
    y, v : (m, k)
        Effects and sampling variances; nan marks a missing study.
    method : str
        EE, DL, HE, HS, HSk, SJ, ML, REML, EB, PM or PMM.
    interval : str
        ``normal``, ``t``, ``knapp-hartung`` or ``knapp-hartung-adhoc``.
    level : float
        Of the intervals.

    Returns
    -------
    PooledMany

    Raises
    ------
    InputError
        For arrays of different shape, variances that are not positive, rows without a study.
    """
    method, interval, level = method_name(method), interval_name(interval), level_of(level)
    y, v, used = _checked(y, v)
    m, k = y.shape
    out = {name: np.empty(m) for name in ("estimate", "se", "df", "tau2", "q")}
    rows = max(1, CHUNK // k)
    for start in range(0, m, rows):
        part = slice(start, start + rows)
        for name, values in _block(y[part], v[part], used[part], method, interval).items():
            out[name][part] = values
    return PooledMany(**out, k=used.sum(axis=1), level=level, method=f"{method}, {interval}")


def _checked(y: ArrayLike, v: ArrayLike) -> tuple[Array, Array, NDArray[np.bool_]]:
    y, v = np.atleast_2d(np.asarray(y, dtype=np.float64)), np.atleast_2d(np.asarray(v, dtype=np.float64))
    if y.shape != v.shape or y.ndim != 2:
        raise InputError(
            Problem("effects, variances", f"have shapes {y.shape} and {v.shape}", "two equal (m, k) arrays")
        )
    used = ~(np.isnan(y) | np.isnan(v))
    if bool((used & ~((v > 0) & np.isfinite(v) & np.isfinite(y))).any()):
        raise InputError(Problem("variances", "are not all positive and finite", "nan where a study is missing"))
    if not bool(used.any(axis=1).all()):
        raise InputError(Problem("effects", "a row has no study", "at least one study per row"))
    # A missing study has weight 0: its variance is infinite and its effect 0.
    return np.where(used, y, 0.0), np.where(used, v, np.inf), used


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over studies at one tau2 per row, each (n,)."""

    w: Array
    w2: Array
    w3: Array
    mean: Array
    q: Array
    q2: Array
    q3: Array
    cross: Array


def _sums(y: Array, v: Array, tau2: Array) -> _Sums:
    w = 1.0 / (v + tau2[:, None])
    total = w.sum(axis=1)
    mean = np.einsum("ij,ij->i", w, y) / total
    r = y - mean[:, None]
    ww = w * w
    wr = w * r
    wr2 = wr * wr
    return _Sums(
        total, ww.sum(axis=1), np.einsum("ij,ij->i", ww, w), mean, np.einsum("ij,ij->i", wr, r), wr2.sum(axis=1),
        np.einsum("ij,ij->i", wr2, w), np.einsum("ij,ij->i", wr, w),
    )  # fmt: skip


def _block(y: Array, v: Array, used: NDArray[np.bool_], method: str, interval: str) -> dict[str, Array]:
    k = used.sum(axis=1)
    df = (k - 1).astype(np.float64)
    fixed = _sums(y, v, np.zeros(y.shape[0]))
    tau2 = np.where(df > 0, _tau2(y, v, used, fixed, method), 0.0)
    final = _sums(y, v, tau2)
    variance = 1.0 / final.w
    if interval.startswith("knapp"):
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(df > 0, final.q / df, 1.0)
        if interval == "knapp-hartung-adhoc":
            factor = np.maximum(factor, 1.0)
        variance = variance * np.where(factor < 1e-10, 1.0, factor)
    normal = (df == 0) | (interval == "normal")
    return {
        "estimate": final.mean, "se": np.sqrt(variance), "df": np.where(normal, np.inf, df), "tau2": tau2, "q": fixed.q,
    }  # fmt: skip


def _tau2(y: Array, v: Array, used: NDArray[np.bool_], fixed: _Sums, method: str) -> Array:
    k = used.sum(axis=1).astype(np.float64)
    df = np.maximum(k - 1, 1.0)
    if method == "EE":
        return np.zeros_like(k)
    if method == "DL":
        return np.asarray(np.maximum((fixed.q - df) / np.where(k > 1, fixed.w - fixed.w2 / fixed.w, 1.0), 0.0))
    if method in ("HS", "HSk"):
        return np.asarray(np.maximum((fixed.q * (k / df if method == "HSk" else 1.0) - k) / fixed.w, 0.0))
    centred = np.where(used, y - (y.sum(axis=1) / k)[:, None], 0.0)
    squares = (centred**2).sum(axis=1)
    mean_v = np.where(used, v, 0.0).sum(axis=1) / k
    hedges: Array = np.maximum(squares / df - mean_v, 0.0)
    if method == "HE":
        return hedges
    if method == "SJ":
        start = squares / k
        safe = np.where(start > 0, start, 1.0)
        return np.where(start > 0, safe * _sums(y, v, safe).q / df, 0.0)
    scale = squares / df + mean_v
    if method in ("EB", "PM", "PMM"):
        target = chdtri(df, 0.5) if method == "PMM" else df
        return _solve(y, v, hedges, scale, lambda s, rows: (s.q - target[rows], s.q2))
    restricted = method == "REML"
    tau2 = _solve(y, v, hedges, scale, _score(restricted))
    return _second_look(y, v, used, tau2, scale, method)


def _score(restricted: bool) -> Callable[[_Sums, NDArray[np.int64]], tuple[Array, Array]]:
    """Score of tau2 (times 2) and minus its derivative."""

    def value(s: _Sums, _rows: NDArray[np.int64]) -> tuple[Array, Array]:
        slope = 2.0 * s.q3 - 2.0 * s.cross**2 / s.w - s.w2
        if restricted:
            ratio = s.w2 / s.w
            return s.q2 - s.w + ratio, slope + 2.0 * s.w3 / s.w - ratio**2
        return s.q2 - s.w, slope

    return value


def _solve(
    y: Array, v: Array, start: Array, scale: Array,
    equation: Callable[[_Sums, NDArray[np.int64]], tuple[Array, Array]],
) -> Array:  # fmt: skip
    """Root of a falling function of tau2 per row, by Newton steps kept inside a bracket; 0 where it starts below 0."""
    n = y.shape[0]
    everything = np.arange(n)
    result = np.zeros(n)
    at_zero = equation(_sums(y, v, np.zeros(n)), everything)[0]
    rows = np.flatnonzero(at_zero > 0)
    low, high = np.zeros(n), np.full(n, np.inf)
    t = np.where(start > 0, start, 0.1 * scale)
    for _ in range(STEPS):
        if not rows.size:
            break
        value, slope = equation(_sums(y[rows], v[rows], t[rows]), rows)
        here = t[rows]
        low[rows] = np.where(value > 0, here, low[rows])
        high[rows] = np.where(value <= 0, here, high[rows])
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = here + value / slope
        middle = np.where(np.isinf(high[rows]), 4.0 * here, 0.5 * (low[rows] + high[rows]))
        inside = (slope > 0) & (newton > low[rows]) & (newton < high[rows]) & (newton < 4.0 * here + scale[rows])
        t[rows] = np.where(inside, newton, middle)
        done = (np.abs(t[rows] - here) <= PRECISION * (t[rows] + 1e-3 * scale[rows])) | (value == 0)
        result[rows[done]] = t[rows[done]]
        rows = rows[~done]
    result[rows] = t[rows]
    return result


def _second_look(y: Array, v: Array, used: NDArray[np.bool_], tau2: Array, scale: Array, method: str) -> Array:
    """Send rows whose likelihood may have a second maximum to the careful search of `between_study_variance`.

    A row is suspect when its score is positive somewhere beyond the solution, or negative somewhere before it.
    """
    score = _score(method == "REML")
    rows = np.arange(y.shape[0])
    suspect = np.zeros(y.shape[0], dtype=bool)
    for step in range(PROBES):
        trial = scale * 10.0 ** (-3.0 + 0.5 * step)
        value, _ = score(_sums(y, v, trial), rows)
        before = trial < tau2 * (1 - 1e-6)
        suspect |= np.where(before, value < 0, (value > 0) & (trial > tau2 * (1 + 1e-6)))
    for i in np.flatnonzero(suspect):
        these = used[i]
        ones = np.ones((int(these.sum()), 1))
        tau2[i] = between_study_variance(y[i, these], v[i, these], ones, method).value
    return tau2
