"""One registry of units; text such as "5e11 particles" or "mL/cell/d" is read by a small strict grammar.

``d`` is the day (not deci-anything), ``M`` is mol/L, ``point`` is one point of a clinical score, and ``particle``,
``cell``, ``copy`` and ``EU`` count things that must not be added to each other. A unit text is a product of names,
numbers and parentheses with ``*``, ``/`` or a space between them and integer exponents (``cm2``, ``m^3``, ``d**-1``),
read left to right.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exojoint.core.errors import InputError, Problem, closest

if TYPE_CHECKING:
    import pint

# Only what a knee trial needs: pint's own list has typographic points, and takes a third of a second to load.
PREFIXES = (
    "femto- = 1e-15 = f-", "pico- = 1e-12 = p-", "nano- = 1e-9 = n-", "micro- = 1e-6 = u- = µ- = μ-",
    "milli- = 1e-3 = m-", "centi- = 1e-2 = c-", "deci- = 1e-1 = d-",
    "kilo- = 1e3 = k-", "mega- = 1e6 = M-", "giga- = 1e9 = G-",
)  # fmt: skip
DEFINITIONS = (
    "metre = [length] = m = meter", "gram = [mass] = g", "day = [time] = d", "mole = [substance] = mol",
    "kelvin = [temperature] = K", "volt = [electric_potential] = V", "US_dollar = [currency] = USD",
    "particle = [particle] = EV = vesicle", "cell = [cell]", "copy = [copy] = copies",
    "endotoxin_unit = [endotoxin] = EU", "point = [score]", "byte = [information]",
    "hour = day / 24 = h", "minute = hour / 60 = min", "second = minute / 60 = s", "week = 7 * day = wk",
    "year = 365.25 * day = yr", "month = year / 12",
    "litre = 1e-3 * metre ** 3 = L = liter = l", "molar = mole / litre = M", "dalton = 1.66053906660e-24 * gram = Da",
    "newton = 1e3 * gram * metre / second ** 2 = N", "pascal = newton / metre ** 2 = Pa", "joule = newton * metre = J",
    "radian = [] = rad", "degree = 0.017453292519943295 * radian = deg", "percent = 0.01 = %",
    "degree_Celsius = kelvin; offset: 273.15 = degC",
)  # fmt: skip
DIMENSIONLESS = frozenset({"relative", "fraction", "fold", "ratio"})  # words for a pure number
SPELLINGS = {"": "1", "-": "1", "0-100": "point"}  # what the field writes where it means a number or a score
SUGGESTIONS = (
    "day", "week", "month", "year", "hour", "minute", "second", "particle", "particles", "cell", "cells", "copy",
    "copies", "point", "points", "percent", "relative", "fraction", "degree", "deg", "degC", "EU", "mole", "pmol",
    "nmol", "litre", "mL", "uL", "cm", "mm", "um", "nm", "kg", "mg", "ug", "ng", "pg", "nM", "pM",
    "mV", "kPa", "MPa", "USD", "EV",
)  # fmt: skip
MAX_LENGTH = 80
MAX_EXPONENT = 9
NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|\.\d+(?:[eE][+-]?\d{1,3})?")
TOKEN = re.compile(
    rf"\s*(?:(?P<number>{NUMBER.pattern})|(?P<name>[A-Za-zµμ%_]+)|(?P<power>\*\*|\^)|(?P<sign>-)|(?P<mark>[*/()·]))"
)
QUANTITY = re.compile(rf"\s*(?P<number>[+-]?(?:{NUMBER.pattern}|inf\b|nan\b))\s*(?P<unit>.*)", re.DOTALL)


class _NotAUnitError(Exception):
    """The text is no unit; the message says which piece."""


@functools.cache
def unit_registry() -> pint.UnitRegistry[float]:
    """Return the one unit registry; pint is imported on the first call."""
    import pint  # imported late: `exojoint --help` never needs it

    registry: pint.UnitRegistry[float] = pint.UnitRegistry(None, case_sensitive=True)
    for line in (*PREFIXES, *DEFINITIONS):
        registry.define(line)
    return registry


def unit_quantity(text: str, where: str) -> pint.Quantity[float]:
    """Read a unit text as a quantity: "1e9 particle/mL" has magnitude 1e9.

    Parameters
    ----------
    text : str
        The unit.
    where : str
        File and row or key, for the message.

    Raises
    ------
    InputError
        When the text is not a unit; the message suggests the nearest one.
    """
    try:
        return _parsed(text.strip())
    except _NotAUnitError:
        repaired = _repair(text)
        todo = f"Did you mean '{repaired}'?" if repaired else "Units are written like these."
        expected = "a unit such as '1/day', 'mL', 'particle/mL' or '1'"
        raise InputError(Problem(where, f"unit '{text[:MAX_LENGTH]}' is not a unit", expected, todo)) from None


def check_unit(text: str, where: str) -> None:
    """Raise `InputError` with a suggestion unless `text` is a unit."""
    unit_quantity(text, where)


def parse_quantity(text: str, unit: str, where: str) -> float:
    """Read a number with a unit, as the number of `unit`.

    Parameters
    ----------
    text : str
        For example "5e11 particles", "26 weeks", "0.3 mL"; a pure number is accepted where `unit` is dimensionless.
    unit : str
        The unit wanted.
    where : str
        File and key, for the message.

    Returns
    -------
    float
        Finite; a negative number is returned as it stands, the caller judges it.

    Raises
    ------
    InputError
        When the number or the unit is missing, unknown, not finite, or of another dimension.
    """
    expected = f"a number with a unit, such as {_example(unit)}"
    match = QUANTITY.fullmatch(text) if isinstance(text, str) and len(text) <= 2 * MAX_LENGTH else None
    if match is None:
        what = f"'{str(text)[:MAX_LENGTH]}' is not a quantity"
        raise InputError(Problem(where, what, expected, "Write number and unit in quotes."))
    wanted = unit_quantity(unit, where)
    written = match["unit"].strip()
    written = f"1{written}" if written.startswith("/") else written
    if not written and not wanted.dimensionless:
        raise InputError(Problem(where, f"'{text}' has no unit", expected, f"Did you mean '{text.strip()} {unit}'?"))
    if re.match(r"\d(?!/)", written):
        what = f"'{text[:MAX_LENGTH]}' has two numbers"
        raise InputError(Problem(where, what, expected, "Write one number before the unit."))
    given = unit_quantity(written, where)
    number = float(match["number"])
    if given.dimensionality != wanted.dimensionality:
        what = f"'{text}' has the wrong dimension ({_dimension(given)})"
        raise InputError(Problem(where, what, f"a quantity in {unit} ({_dimension(wanted)})", "Change the unit."))
    result = _convert(number, given, wanted)
    if not math.isfinite(result):
        raise InputError(Problem(where, f"'{text}' is not finite", expected, "Give an ordinary number."))
    return result


def conversion_factor(source: str, target: str, where: str) -> float:
    """Return by what a number in `source` is multiplied to be a number in `target`.

    Raises
    ------
    InputError
        When either is not a unit, or their dimensions differ.
    """
    given, wanted = unit_quantity(source, where), unit_quantity(target, where)
    if given.dimensionality != wanted.dimensionality:
        what = f"unit '{source}' has the wrong dimension ({_dimension(given)})"
        raise InputError(Problem(where, what, f"a unit like {target} ({_dimension(wanted)})", "Change the unit."))
    return _convert(1.0, given, wanted)


def _example(unit: str) -> str:
    if unit in DIMENSIONLESS or unit in SPELLINGS or unit == "1":
        return "'0.5'" if SPELLINGS.get(unit, "1") == "1" else "'1 point'"
    if unit.startswith("1/"):
        return f"'0.5{unit[1:]}'"
    return f"'{unit}'" if NUMBER.match(unit) else f"'1 {unit}'"


def _convert(number: float, given: pint.Quantity[float], wanted: pint.Quantity[float]) -> float:
    if given.units == wanted.units:
        return number * given.magnitude / wanted.magnitude
    quantity = unit_registry().Quantity(number * given.magnitude, given.units)
    return float(quantity.to(wanted.units).magnitude / wanted.magnitude)


def _dimension(quantity: pint.Quantity[float]) -> str:
    return "a pure number" if quantity.dimensionless else str(quantity.dimensionality)


@functools.lru_cache(maxsize=1024)
def _parsed(text: str) -> pint.Quantity[float]:
    tokens = _tokens(SPELLINGS.get(text, text))
    factors: list[tuple[str | float, int]] = []
    end = _product(tokens, 0, 1, factors)
    if end != len(tokens):
        raise _NotAUnitError(text)
    registry = unit_registry()
    scale, units = 1.0, registry.Unit("")
    for factor, exponent in factors:
        if isinstance(factor, float):
            scale *= _power(factor, exponent)
        elif factor not in DIMENSIONLESS:
            units = units * registry.Unit(factor) ** exponent
    offset = any(isinstance(f, str) and f.endswith(("degC", "degree_Celsius")) for f, _ in factors)
    if not (math.isfinite(scale) and scale > 0) or (offset and len(factors) > 1):  # "degC/day" has no single meaning
        raise _NotAUnitError(text)
    return registry.Quantity(scale, units)


def _power(number: float, exponent: int) -> float:
    try:
        return number**exponent
    except (OverflowError, ZeroDivisionError):
        raise _NotAUnitError(f"{number}^{exponent}") from None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    if len(text) > MAX_LENGTH:
        raise _NotAUnitError(text)
    tokens, position = [], 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise _NotAUnitError(text[position:])
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return tokens


def _product(tokens: list[_Token], start: int, sign: int, factors: list[tuple[str | float, int]]) -> int:
    """Read factors from `start` on; returns the position after the product (a closing parenthesis or the end)."""
    position, direction = _factor(tokens, start, sign, factors), sign
    while position < len(tokens) and tokens[position].text != ")":
        direction = sign
        if tokens[position].text in ("*", "·", "/"):
            direction = -sign if tokens[position].text == "/" else sign
            position += 1
        position = _factor(tokens, position, direction, factors)
    return position


def _factor(tokens: list[_Token], start: int, sign: int, factors: list[tuple[str | float, int]]) -> int:
    if start >= len(tokens):
        raise _NotAUnitError("nothing after the last mark")
    token = tokens[start]
    if token.text == "(":
        end = _product(tokens, start + 1, sign, factors)
        if end >= len(tokens):
            raise _NotAUnitError("a parenthesis is not closed")
        return end + 1
    exponent, position = _exponent(tokens, start + 1, token.kind == "name")
    if token.kind == "name":
        if token.text not in DIMENSIONLESS and not _is_unit_name(token.text):
            raise _NotAUnitError(token.text)
        factors.append((token.text, sign * exponent))
    elif token.kind == "number":
        factors.append((float(token.text), sign * exponent))
    else:
        raise _NotAUnitError(token.text)
    return position


def _exponent(tokens: list[_Token], position: int, after_name: bool) -> tuple[int, int]:
    """Read ``2``, ``^2`` or ``**-2`` after a factor; returns (exponent, position after it)."""
    kinds = [token.kind for token in tokens[position : position + 3]]
    if kinds[:1] == ["power"]:
        length = 2 if kinds[1:2] == ["sign"] else 1
        digits = tokens[position + length].text if kinds[length : length + 1] == ["number"] else ""
        negative, end = length == 2, position + length + 1
    elif after_name and kinds[:1] == ["number"]:
        digits, negative, end = tokens[position].text, False, position + 1
    else:
        return 1, position
    if not digits.isdigit() or int(digits) > MAX_EXPONENT:
        raise _NotAUnitError(digits)
    return (-int(digits) if negative else int(digits)), end


@functools.lru_cache(maxsize=1024)
def _is_unit_name(name: str) -> bool:
    return bool(unit_registry().parse_unit_name(name))


def _repair(text: str) -> str:
    """Rebuild a misspelt unit from the nearest known words; ``''`` when that gives no unit either."""
    pieces = list(_repaired_pieces(text[:MAX_LENGTH]))
    candidate = "".join(pieces).strip().removesuffix("/")
    candidate = f"1{candidate}" if candidate.startswith("/") else candidate
    try:
        _parsed(candidate)
    except _NotAUnitError:
        return ""
    return candidate


def _repaired_pieces(text: str) -> Iterator[str]:
    text = re.sub(r"\s*\bper\b\s*", "/", text)
    for piece in re.split(r"([A-Za-zµμ%_]+)", text):
        if re.fullmatch(r"[A-Za-zµμ%_]+", piece) and piece not in DIMENSIONLESS and not _is_unit_name(piece):
            yield closest(piece, SUGGESTIONS) or piece
        else:
            yield piece
