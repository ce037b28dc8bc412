"""Effects as a table reports them: with a variance, a standard error or an interval; ratios or their logarithms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem, closest
from exojoint.evidence.checks import choose
from exojoint.evidence.effects import MEASURES, columns_of, variance_from_interval
from exojoint.evidence.extraction.headers import LOG, RATIOS, read_header, roles
from exojoint.evidence.extraction.sheet import Sheet

Array = NDArray[np.float64]
LOGGED = ("RR", "OR", "IRR", "ROM", "HR", "PLN", "PETO", "IRLN", "MPOR")  # ratios: analysed as logarithms
GENERIC = "GEN"  # the measure of effects that come as they are
REPORTED_ONLY = ("HR", GENERIC)  # no group columns lead to them
MAX_TOLD = 100  # problems in one message
SPREADS = ("variance", "se", "low")


@dataclass(frozen=True)
class Reported:
    """Effects of a table.

    Parameters
    ----------
    measure, scale : str
        What they are; ``log`` for ratios.
    y, v : (k,)
        On the scale of the analysis.
    used : tuple of str
        Roles of the columns that were read.
    notes : tuple of str
        What was taken for what.
    """

    measure: str
    scale: str
    y: Array
    v: Array
    used: tuple[str, ...]
    notes: tuple[str, ...]


def measure_of(word: str) -> str:
    """Return the measure that a user names.

    Raises
    ------
    InputError
        For an unknown one.
    """
    generic = ("generic", "effect", "yi")
    return GENERIC if word.casefold().strip() in generic else choose(word, (*MEASURES, *REPORTED_ONLY), "measure")


def reported(sheet: Sheet, measure: str | None) -> Reported:
    """Read effects with a spread; without a measure the header of the effects may say it (``OR``, ``log RR``).

    Raises
    ------
    InputError
        With every wrong cell, and with the columns that are missing.
    """
    have = [role for role in SPREADS if role in sheet.roles and (role != "low" or "high" in sheet.roles)]
    if "effect" not in sheet.roles or not have:
        raise InputError(missing_columns(sheet, measure))
    header = sheet.roles["effect"]
    named = read_header(header)[1]
    kind = measure or named.removeprefix(LOG) or GENERIC
    notes = [] if measure or kind == GENERIC else [f"measure {kind}, as the header '{header}' says"]
    logged = kind in LOGGED
    ratios = named in RATIOS and "effect" not in sheet.given
    if logged and ratios and "low" not in have:
        what = f"'{header}' holds ratios by its name, without an interval"
        todo = f"Say --columns effect={header} if it holds logarithms with their {have[0]}."
        raise InputError(Problem(f"{sheet.grid.name} row 1", what, "ratios with low and high, or logarithms", todo))
    spread = "low" if logged and ratios else have[0]
    if spread == "low":
        y, v, told = _with_interval(sheet, kind, named)
    else:
        y, v, told = _with_spread(sheet, spread, kind)
    if not np.any(np.isfinite(y) & np.isfinite(v)):
        raise InputError(Problem(sheet.grid.name, "no row has both an effect and its spread", "at least one whole row"))
    used = ("effect", "low", "high") if spread == "low" else ("effect", spread)
    return Reported(kind, "log" if logged else "identity", y, v, used, (*notes, *told))


def _with_interval(sheet: Sheet, kind: str, named: str) -> tuple[Array, Array, list[str]]:
    problems: list[Problem] = []
    y, low, high = (sheet.numbers(sheet.roles[role], problems) for role in ("effect", "low", "high"))
    told = []
    if kind in LOGGED:
        negative = bool(np.any(np.concatenate([y, low, high]) < 0))
        logs = named.startswith(LOG) or (negative and named not in RATIOS)
        told = [f"effects and intervals were taken as {'logarithms of' if logs else 'ratios and logged:'} {kind}"]
        raise_some([*problems, *_bad_ends(sheet, y, low, high, not logs)])
        if not logs:
            y, low, high = (np.log(part) for part in (y, low, high))
    raise_some([*problems, *_bad_ends(sheet, y, low, high, False)])
    v = np.full(low.size, np.nan)
    whole = np.isfinite(low) & np.isfinite(high)
    if whole.any():
        v[whole] = variance_from_interval(low[whole], high[whole])
    return y, v, told


def _with_spread(sheet: Sheet, role: str, kind: str) -> tuple[Array, Array, list[str]]:
    problems: list[Problem] = []
    y, spread = (sheet.numbers(sheet.roles[name], problems) for name in ("effect", role))
    raise_some([*problems, *_bad_spread(sheet, role, spread)])
    said = [f"effects were taken as logarithms of {kind}"] if kind in LOGGED else []
    return y, spread if role == "variance" else spread**2, said


def _bad_ends(sheet: Sheet, y: Array, low: Array, high: Array, ratio: bool) -> Iterator[Problem]:
    for (number, _cells), effect, first, last in zip(sheet.grid.rows, y, low, high, strict=True):
        at = sheet.grid.at(number)
        if first > last:
            yield Problem(at, f"the interval runs from {first:g} to {last:g}", "low <= high", "Exchange the two ends.")
        elif first == last:
            yield Problem(at, f"the interval is {first:g} to {last:g}", "an interval with a width", "Give more digits.")
        elif effect < first or effect > last:
            yield Problem(at, f"effect {effect:g} lies outside {first:g} to {last:g}", "low <= effect <= high")
        if ratio and min(effect, first, last) <= 0:
            yield Problem(at, "a ratio is zero or negative", "ratios, not logarithms, beside an interval")


def _bad_spread(sheet: Sheet, role: str, spread: Array) -> Iterator[Problem]:
    for (number, _cells), value in zip(sheet.grid.rows, spread, strict=True):
        if value <= 0:
            what = f"{sheet.roles[role]} is {value:g}"
            todo = "Was it rounded? Give more digits or drop it."
            yield Problem(sheet.grid.at(number), what, f"a {role} above 0", todo)


def missing_columns(sheet: Sheet, measure: str | None) -> Problem:
    """Say which columns are missing, which headers may be meant, and which measures the table could have."""
    expected = "effect with variance, se, or low and high"
    if measure is None or measure in REPORTED_ONLY:
        needed = ["effect"] if "effect" not in sheet.roles else []
        spreads = [role for role in SPREADS if role in sheet.roles]
        needed += ["high"] if spreads == ["low"] else [] if spreads else ["se"]
        expected += "; or group columns with a --measure" if measure is None else ""
    else:
        needed = [name for name in columns_of(measure)[0] if name not in available(sheet)]
        expected = f"{', '.join(columns_of(measure)[0])} for {measure}; or {expected}"
    unclear = [f"{' or '.join(sheet.unclear[name])} for {name}" for name in needed if name in sheet.unclear]
    what = f"no column for {', '.join(needed)}" + (f" (unclear: {'; '.join(unclear)})" if unclear else "")
    fits = [kind for kind in MEASURES if set(columns_of(kind)[0]) <= available(sheet)]
    if fits and (measure is None or measure not in fits):
        todo = f"Its columns fit {', '.join(fits[:8])}: say --measure {fits[0]}."
    else:
        todo = f"Say --columns {','.join(_guesses(sheet, needed))}; headers here: {', '.join(sheet.grid.header)[:300]}."
    return Problem(f"{sheet.grid.name} row 1", what, expected, todo)


def available(sheet: Sheet) -> set[str]:
    """Roles that a table has, and those that follow: a size from events and others, an SD from a standard error."""
    known = set(sheet.roles)
    for group in ("1", "2"):
        known |= {f"n{group}"} if {f"events{group}", f"none{group}"} <= known else set()
        known |= {f"sd{group}"} if {f"sem{group}", f"n{group}"} <= known else set()
    return known


def _guesses(sheet: Sheet, needed: Iterable[str]) -> Iterator[str]:
    free = {header.casefold(): header for header in sheet.grid.header if header not in sheet.roles.values()}
    for name in needed:
        near = [closest(alias, free) for alias in roles().get(name, (name,)) if len(alias) > 1]
        guess = next((word for word in near if word), "")
        yield f"{name}={free.pop(guess) if guess else 'HEADER'}"


def raise_some(problems: Iterable[Problem]) -> None:
    """Raise the first hundred problems and the number of the others."""
    found = list(problems)
    if len(found) > MAX_TOLD:
        rest = Problem("table", f"has {len(found) - MAX_TOLD} more problems", "a table without", "Correct these first.")
        found = [*found[:MAX_TOLD], rest]
    if found:
        raise InputError(*found)
