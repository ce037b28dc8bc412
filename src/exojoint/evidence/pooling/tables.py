"""Pooled ratios and differences straight from two-by-two tables: Mantel-Haenszel and Peto, for rare events.

No continuity correction is needed: a table without events in one group still contributes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, columns, level_of, require
from exojoint.evidence.effects.events import (
    Table,
    odds_ratio,
    peto_odds_ratio,
    rate_ratio,
    risk_difference,
    risk_ratio,
    two_by_two,
)
from exojoint.evidence.effects.types import Effects
from exojoint.evidence.estimate import Interval
from exojoint.evidence.inference import Test, chi2_test, two_sided_p
from exojoint.evidence.results import Fit, Heterogeneity, PooledResult

Array = NDArray[np.float64]
MH_MEASURES = ("RR", "OR", "RD")


def mantel_haenszel(
    *, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, measure: str = "OR", level: float = 0.95,
    add: float = 0.0,
) -> PooledResult:  # fmt: skip
    """Mantel-Haenszel pooled log risk ratio, log odds ratio or risk difference (one common effect).

    ``OR = sum(ad/n) / sum(bc/n)``, ``RR = sum(a n2/n) / sum(c n1/n)``, ``RD = sum(a n2/n - c n1/n) / sum(n1 n2/n)``.
    Q compares each table's own effect (0.5 added where a cell is empty) with the pooled one, weighted by its variance.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group.
    measure : str
        ``RR``, ``OR`` or ``RD``.
    level : float
        Of the normal interval.
    add : float
        Continuity correction of the pooled sums; none is needed.

    Returns
    -------
    PooledResult
        On the log scale for ratios. Without any event in one group in all tables a ratio is infinite: InputError.

    Raises
    ------
    InputError
        For wrong counts, and where no estimate exists.

    References
    ----------
    Robins J, Breslow N, Greenland S. Biometrics 1986;42:311-323 (variance of OR). Greenland S, Robins JM. Biometrics
    1985;41:55-68 (RR). Sato T, Greenland S, Robins JM. Biometrics 1989;45:1323-1324 (RD).
    """
    kind, level = choose(measure, MH_MEASURES, "measure"), level_of(level)
    t, warnings = _whole_tables(two_by_two(events1=events1, n1=n1, events2=events2, n2=n2))
    cells = Table(t.a + add, t.b + add, t.c + add, t.d + add)
    estimate, variance = {"OR": _mh_or, "RR": _mh_rr, "RD": _mh_rd}[kind](cells)
    if not (math.isfinite(estimate) and math.isfinite(variance) and variance > 0):
        todo = "Use RD, exact methods, or add to the cells."
        raise InputError(
            Problem("events", f"one group has no event in any table: no {kind}", "events in both groups", todo)
        )
    single = {"OR": odds_ratio, "RR": risk_ratio, "RD": risk_difference}[kind]
    effects = single(events1=t.a, n1=t.n1, events2=t.c, n2=t.n2, drop_double_zero=True)
    return _common_effect(estimate, variance, effects, level, f"MH {kind}", warnings)


def _whole_tables(t: Table) -> tuple[Table, tuple[str, ...]]:
    whole = np.isfinite(t.a + t.b + t.c + t.d)
    if not whole.any():
        raise InputError(Problem("events", "no table is whole", "at least one table without missing counts"))
    left_out = int((~whole).sum())
    warnings = (f"{left_out} tables were left out: counts missing",) if left_out else ()
    return Table(t.a[whole], t.b[whole], t.c[whole], t.d[whole]), warnings


def _mh_or(t: Table) -> tuple[float, float]:
    n = t.n1 + t.n2
    p, q, r, s = (t.a + t.d) / n, (t.b + t.c) / n, t.a * t.d / n, t.b * t.c / n
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = float(np.log(r.sum()) - np.log(s.sum()))
        first = (p * r).sum() / r.sum() ** 2
        second = (p * s + q * r).sum() / (r.sum() * s.sum())
        third = (q * s).sum() / s.sum() ** 2
    return estimate, float(0.5 * (first + second + third))


def _mh_rr(t: Table) -> tuple[float, float]:
    n, n1, n2 = t.n1 + t.n2, t.n1, t.n2
    r, s = t.a * n2 / n, t.c * n1 / n
    events = t.a + t.c
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = float(np.log(r.sum()) - np.log(s.sum()))
        variance = float(((events * n1 * n2 - t.a * t.c * n) / n**2).sum() / (r.sum() * s.sum()))
    return estimate, variance


def _mh_rd(t: Table) -> tuple[float, float]:
    n, n1, n2 = t.n1 + t.n2, t.n1, t.n2
    weight = (n1 * n2 / n).sum()
    estimate = float((t.a * n2 / n - t.c * n1 / n).sum() / weight)
    p = (t.c * (n1 / n) ** 2 - t.a * (n2 / n) ** 2 + (n1 / n) * (n2 / n) * (n2 - n1) / 2).sum()
    q = ((t.a * (n2 - t.c) / n + t.c * (n1 - t.a) / n) / 2).sum()
    return estimate, float((estimate * p + q) / weight**2)


def _common_effect(
    estimate: float, variance: float, effects: Effects, level: float, name: str, warnings: tuple[str, ...]
) -> PooledResult:
    """Shape a common-effect estimate into a result; the prediction is the confidence interval, for tau2 is 0."""
    used = np.isfinite(effects.y) & np.isfinite(effects.v)
    k = int(used.sum())
    q = float(((effects.y[used] - estimate) ** 2 / effects.v[used]).sum())
    q_test = chi2_test("heterogeneity about the pooled effect", q, max(k - 1, 0))
    df = max(k - 1, 0)
    i2 = 100.0 * max(0.0, (q - df) / q) if q > 0 else 0.0
    heterogeneity = Heterogeneity(0.0, math.nan, q_test, i2, q / df if df else 1.0)
    se = math.sqrt(variance)
    half = float(ndtri(0.5 + level / 2)) * se
    z = estimate / se
    ends = Interval(estimate - half, estimate + half, level, "normal")
    test = Test("pooled effect is 0", z, math.inf, float(two_sided_p(z, math.inf)))
    return PooledResult(estimate, se, ends, ends, test, heterogeneity, Fit(name, k, 1), (*warnings, *effects.warnings))


def peto(*, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, level: float = 0.95) -> PooledResult:
    """Peto's one-step pooled log odds ratio: ``sum(O - E) / sum(V)``, variance ``1/sum(V)``.

    Good for rare events, groups of similar size and small effects; biased otherwise.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group.
    level : float
        Of the normal interval.

    Raises
    ------
    InputError
        For wrong counts, and when no table has both events and non-events.

    References
    ----------
    Yusuf S et al. Prog Cardiovasc Dis 1985;27:335-371.
    """
    t, warnings = _whole_tables(two_by_two(events1=events1, n1=n1, events2=events2, n2=n2))
    effects = peto_odds_ratio(events1=t.a, n1=t.n1, events2=t.c, n2=t.n2)
    used = np.isfinite(effects.y)
    if not used.any():
        raise InputError(Problem("events", "no table has both events and non-events", "at least one such table"))
    weight = 1 / effects.v[used]
    estimate = float((weight * effects.y[used]).sum() / weight.sum())
    return _common_effect(estimate, float(1 / weight.sum()), effects, level_of(level), "Peto OR", warnings)


def mantel_haenszel_rates(
    *, events1: ArrayLike, time1: ArrayLike, events2: ArrayLike, time2: ArrayLike, level: float = 0.95
) -> PooledResult:
    """Mantel-Haenszel pooled log rate ratio: ``sum(x1 t2/T) / sum(x2 t1/T)``, T = t1 + t2.

    Parameters
    ----------
    events1, time1, events2, time2 : (k,)
        Events and time under observation, by group.
    level : float
        Of the normal interval.

    Raises
    ------
    InputError
        For wrong counts or times, and when one group has no event at all.

    References
    ----------
    Greenland S, Robins JM. Biometrics 1985;41:55-68.
    """
    data = columns(events1=events1, time1=time1, events2=events2, time2=time2)
    x1, t1, x2, t2 = data.values()
    total = t1 + t2
    r, s = (x1 * t2 / total).sum(), (x2 * t1 / total).sum()
    require(np.array([r > 0, s > 0]), "events", "are zero in one group", "events in both groups")
    variance = float(((x1 + x2) * t1 * t2 / total**2).sum() / (r * s))
    effects = rate_ratio(events1=x1, time1=t1, events2=x2, time2=t2)
    return _common_effect(float(np.log(r / s)), variance, effects, level_of(level), "MH IRR", ())


def cochran_mantel_haenszel_test(
    *, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, corrected: bool = True
) -> Test:
    """Test that the common odds ratio is 1: ``(|sum(a - E)| - 1/2)^2 / sum V``, chi-squared with 1 df.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group.
    corrected : bool
        Take off the continuity correction of one half.

    Raises
    ------
    InputError
        For wrong counts.

    References
    ----------
    Mantel N, Haenszel W. J Natl Cancer Inst 1959;22:719-748.
    """
    t, _ = _whole_tables(two_by_two(events1=events1, n1=n1, events2=events2, n2=n2))
    n, m = t.n1 + t.n2, t.a + t.c
    expected = t.n1 * m / n
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(n > 1, t.n1 * t.n2 * m * (n - m) / (n**2 * (n - 1)), 0.0).sum()
    distance = max(abs(float((t.a - expected).sum())) - (0.5 if corrected else 0.0), 0.0)
    return chi2_test("Cochran-Mantel-Haenszel", distance**2 / float(variance) if variance > 0 else 0.0, 1)


def tarone_test(*, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike) -> Test:
    """Test that all tables have one odds ratio: Breslow and Day's statistic with Tarone's correction.

    Each table's expected count under the Mantel-Haenszel odds ratio is the root of a quadratic.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group.

    Raises
    ------
    InputError
        For wrong counts, and where no odds ratio can be pooled.

    References
    ----------
    Tarone RE. Biometrika 1985;72:91-95. Breslow NE, Day NE. Statistical methods in cancer research I. 1980.
    """
    psi = math.exp(mantel_haenszel(events1=events1, n1=n1, events2=events2, n2=n2, measure="OR").estimate)
    t, _ = _whole_tables(two_by_two(events1=events1, n1=n1, events2=events2, n2=n2))
    m = t.a + t.c
    informative = (m > 0) & (m < t.n1 + t.n2)
    a, n1_, n2_, m = t.a[informative], t.n1[informative], t.n2[informative], m[informative]
    if abs(psi - 1) < 1e-12:
        expected = n1_ * m / (n1_ + n2_)
    else:
        linear = psi * (n1_ + m) + (n2_ - m)
        expected = (linear - np.sqrt(linear**2 - 4 * psi * (psi - 1) * n1_ * m)) / (2 * (psi - 1))
    variance = 1 / (1 / expected + 1 / (n1_ - expected) + 1 / (m - expected) + 1 / (n2_ - m + expected))
    statistic = float(((a - expected) ** 2 / variance).sum() - (a - expected).sum() ** 2 / variance.sum())
    return chi2_test("Tarone", statistic, int(informative.sum()) - 1)
