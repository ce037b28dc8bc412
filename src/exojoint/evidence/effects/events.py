"""Effects of two groups measured in events: ratios and differences of risks, odds and rates.

Group 1 is treated, group 2 is the control. A row with an empty cell gets a continuity correction, and the result says
so; `pooling.tables` (Mantel-Haenszel, Peto) and `pooling.glmm` need none and are better where events are rare.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.evidence.checks import choose, columns, require
from exojoint.evidence.effects.types import Effects

Array = NDArray[np.float64]
CORRECT_WHERE = ("only0", "all", "if0all", "none")


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of k two-by-two tables.

    Parameters
    ----------
    a, b, c, d : (k,)
        Events and non-events in group 1, events and non-events in group 2.
    warnings : tuple of str
        What was added where.
    """

    a: Array
    b: Array
    c: Array
    d: Array
    warnings: tuple[str, ...] = ()

    @property
    def n1(self) -> Array:
        """Size of group 1."""
        return np.asarray(self.a + self.b)

    @property
    def n2(self) -> Array:
        """Size of group 2."""
        return np.asarray(self.c + self.d)


def two_by_two(*, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike) -> Table:
    """Check counts and make tables of them.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group; missing counts (nan) stay missing.

    Raises
    ------
    InputError
        For negative counts, empty groups, and more events than patients.
    """
    data = columns(events1=events1, n1=n1, events2=events2, n2=n2)
    for events, size in (("events1", "n1"), ("events2", "n2")):
        require(~(data[events] < 0), events, "is negative", "a count")
        require(~(data[size] <= 0), size, "is zero or negative", "the number of patients in the group")
        todo = "Are events and non-events given instead of events and patients?"
        require(~(data[events] > data[size]), events, "exceeds the group's size", "at most one event per patient", todo)
    a, c = data["events1"], data["events2"]
    return Table(a, data["n1"] - a, c, data["n2"] - c)


def corrected_table(table: Table, add: float, to: str, drop_double_zero: bool) -> Table:
    """Add to the cells of tables with an empty cell.

    Parameters
    ----------
    table : Table
        The counts.
    add : float
        What is added to all four cells.
    to : str
        ``only0`` (tables with an empty cell), ``all``, ``if0all`` (all, if one table has an empty cell), ``none``.
    drop_double_zero : bool
        Make rows missing in which nobody, or everybody, had an event: they say nothing about a ratio.

    Raises
    ------
    InputError
        For an unknown `to` or a negative `add`.
    """
    where = choose(to, CORRECT_WHERE, "to")
    require(np.array([add >= 0]), "add", "is negative", "a number of at least 0")
    cells = np.stack([table.a, table.b, table.c, table.d])
    empty = (cells == 0).any(axis=0)
    rows = {"only0": empty, "all": np.ones_like(empty), "if0all": np.full_like(empty, empty.any())}.get(where)
    rows = np.zeros_like(empty) if rows is None else rows
    cells = cells + np.where(rows, add, 0.0)
    warnings = []
    if rows.any() and add > 0:
        warnings.append(f"{add:g} was added to all cells of {int(rows.sum())} tables ({where})")
    nothing = ((table.a == 0) & (table.c == 0)) | ((table.b == 0) & (table.d == 0))
    if nothing.any():
        if drop_double_zero:
            cells = np.where(nothing, np.nan, cells)
        fate = "left out" if drop_double_zero else "kept with their correction"
        warnings.append(f"{int(nothing.sum())} tables without any event, or with events in all, were {fate}")
    a, b, c, d = cells
    return Table(a, b, c, d, tuple(warnings))


def risk_ratio(
    *, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike,
    add: float = 0.5, to: str = "only0", drop_double_zero: bool = False,
) -> Effects:  # fmt: skip
    """Log risk ratio (``RR``): ``ln((a/n1)/(c/n2))``, ``1/a - 1/n1 + 1/c - 1/n2``.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group.
    add, to, drop_double_zero
        Continuity correction, as in `corrected_table`.

    Raises
    ------
    InputError
        As `two_by_two`.
    """
    raw = two_by_two(events1=events1, n1=n1, events2=events2, n2=n2)
    t = corrected_table(raw, add, to, drop_double_zero)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.log(t.a / t.n1) - np.log(t.c / t.n2)
        v = 1 / t.a - 1 / t.n1 + 1 / t.c - 1 / t.n2
    return _finite("RR", y, v, "log", t.warnings)


def odds_ratio(
    *, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike,
    add: float = 0.5, to: str = "only0", drop_double_zero: bool = False,
) -> Effects:  # fmt: skip
    """Log odds ratio (``OR``): ``ln(ad/bc)``, ``1/a + 1/b + 1/c + 1/d``.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group.
    add, to, drop_double_zero
        Continuity correction, as in `corrected_table`.

    Raises
    ------
    InputError
        As `two_by_two`.
    """
    raw = two_by_two(events1=events1, n1=n1, events2=events2, n2=n2)
    t = corrected_table(raw, add, to, drop_double_zero)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.log(t.a) + np.log(t.d) - np.log(t.b) - np.log(t.c)
        v = 1 / t.a + 1 / t.b + 1 / t.c + 1 / t.d
    return _finite("OR", y, v, "log", t.warnings)


def risk_difference(
    *, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike,
    add: float = 0.5, to: str = "only0", drop_double_zero: bool = False,
) -> Effects:  # fmt: skip
    """Risk difference (``RD``): ``a/n1 - c/n2``, ``ab/n1^3 + cd/n2^3``.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group.
    add, to, drop_double_zero
        Continuity correction, as in `corrected_table`; it keeps the variance of a row without events above zero.

    Raises
    ------
    InputError
        As `two_by_two`.
    """
    raw = two_by_two(events1=events1, n1=n1, events2=events2, n2=n2)
    t = corrected_table(raw, add, to, drop_double_zero)
    y = t.a / t.n1 - t.c / t.n2
    return _finite("RD", y, t.a * t.b / t.n1**3 + t.c * t.d / t.n2**3, "identity", t.warnings)


def arcsine_difference(*, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike) -> Effects:
    """Arcsine difference (``AS``): ``asin(sqrt(a/n1)) - asin(sqrt(c/n2))``, ``1/(4 n1) + 1/(4 n2)``; no correction.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group.

    Raises
    ------
    InputError
        As `two_by_two`.

    References
    ----------
    Ruecker G et al. Stat Med 2009;28:721-738.
    """
    t = two_by_two(events1=events1, n1=n1, events2=events2, n2=n2)
    y = np.arcsin(np.sqrt(t.a / t.n1)) - np.arcsin(np.sqrt(t.c / t.n2))
    return Effects("AS", y, 1 / (4 * t.n1) + 1 / (4 * t.n2))


def peto_odds_ratio(*, events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike) -> Effects:
    """Peto's one-step log odds ratio (``PETO``): ``(O - E)/V``, variance ``1/V``; no correction is needed.

    ``E = n1 m / n`` and ``V = n1 n2 m (n - m) / (n^2 (n - 1))`` with m events among n patients. Rows without any event,
    or with events in all, carry no information and are missing.

    Parameters
    ----------
    events1, n1, events2, n2 : (k,)
        Patients with an event and patients, by group.

    Raises
    ------
    InputError
        As `two_by_two`.

    References
    ----------
    Yusuf S et al. Prog Cardiovasc Dis 1985;27:335-371.
    """
    t = two_by_two(events1=events1, n1=n1, events2=events2, n2=n2)
    n, m = t.n1 + t.n2, t.a + t.c
    with np.errstate(divide="ignore", invalid="ignore"):
        v = t.n1 * t.n2 * m * (n - m) / (n**2 * (n - 1))
        y, variance = (t.a - t.n1 * m / n) / v, 1 / v
    return _finite("PETO", y, variance, "log", ())


def _rates(
    events1: ArrayLike, time1: ArrayLike, events2: ArrayLike, time2: ArrayLike, add: float
) -> tuple[Array, Array, Array, Array, tuple[str, ...]]:
    data = columns(events1=events1, time1=time1, events2=events2, time2=time2)
    for name in ("events1", "events2"):
        require(~(data[name] < 0), name, "is negative", "a count")
    for name in ("time1", "time2"):
        require(~(data[name] <= 0), name, "is zero or negative", "a time under observation, e.g. patient-years")
    zero = (data["events1"] == 0) | (data["events2"] == 0)
    x1, x2 = (data[name] + np.where(zero, add, 0.0) for name in ("events1", "events2"))
    warnings = (f"{add:g} was added to the events of {int(zero.sum())} rows",) if zero.any() and add > 0 else ()
    return x1, data["time1"], x2, data["time2"], warnings


def rate_ratio(
    *, events1: ArrayLike, time1: ArrayLike, events2: ArrayLike, time2: ArrayLike, add: float = 0.5
) -> Effects:
    """Log incidence rate ratio (``IRR``): ``ln((x1/t1)/(x2/t2))``, ``1/x1 + 1/x2``.

    Parameters
    ----------
    events1, time1, events2, time2 : (k,)
        Events and time under observation, by group.
    add : float
        Added to both counts of a row where one is zero.

    Raises
    ------
    InputError
        For negative counts and times that are not positive.
    """
    x1, t1, x2, t2, warnings = _rates(events1, time1, events2, time2, add)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _finite("IRR", np.log(x1 / t1) - np.log(x2 / t2), 1 / x1 + 1 / x2, "log", warnings)


def rate_difference(
    *, events1: ArrayLike, time1: ArrayLike, events2: ArrayLike, time2: ArrayLike, add: float = 0.5
) -> Effects:
    """Incidence rate difference (``IRD``): ``x1/t1 - x2/t2``, ``x1/t1^2 + x2/t2^2``.

    Parameters
    ----------
    events1, time1, events2, time2 : (k,)
        Events and time under observation, by group.
    add : float
        Added to both counts of a row where one is zero.

    Raises
    ------
    InputError
        As `rate_ratio`.
    """
    x1, t1, x2, t2, warnings = _rates(events1, time1, events2, time2, add)
    return Effects("IRD", x1 / t1 - x2 / t2, x1 / t1**2 + x2 / t2**2, warnings=warnings)


def _finite(measure: str, y: Array, v: Array, scale: str, warnings: tuple[str, ...]) -> Effects:
    """Effects in which a row that cannot be computed is missing in both columns, with a warning."""
    bad = ~(np.isfinite(y) & np.isfinite(v))
    if bad.any():
        warnings = (*warnings, f"{int(bad.sum())} rows give no {measure}: missing counts or no information")
    return Effects(measure, np.where(bad, np.nan, y), np.where(bad, np.nan, v), scale, warnings)
