"""Numbers as people read them: few digits, a true minus sign, times in weeks."""

from __future__ import annotations

import math
import re

MINUS = "−"
ABSENT = "–"
NO_BREAK = "\u00a0"
DAYS_PER_WEEK = 7.0  # day/week
DIGITS = 3
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
LARGEST_PLAIN = 1e6
SMALLEST_PLAIN = 1e-4


def clean(text: str) -> str:
    """Text without control characters, which no picture or page can hold."""
    return CONTROL.sub("\ufffd", text)


def number(value: float | None, digits: int = DIGITS) -> str:
    """A number with `digits` significant digits; large and small ones as powers of ten; a dash when there is none."""
    if value is None or not math.isfinite(value):
        return ABSENT
    if value == 0:
        return "0"
    if not SMALLEST_PLAIN <= abs(value) < LARGEST_PLAIN:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return _minus(f"{mantissa.rstrip('0').rstrip('.')} × 10") + _superscript(int(exponent))
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return _minus(f"{value:,.{decimals}f}")


def fixed(value: float | None, decimals: int) -> str:
    """A number with so many decimals; minus zero is zero."""
    if value is None or not math.isfinite(value):
        return ABSENT
    return _minus(f"{round(value, decimals) + 0.0:,.{decimals}f}")


def signed(value: float | None, digits: int = DIGITS) -> str:
    """A difference: as `number`, with a plus when it is positive."""
    shown = number(value, digits)
    return f"+{shown}" if value is not None and math.isfinite(value) and value > 0 else shown


def percent(share: float | None, decimals: int = 0) -> str:
    """A share as a percentage."""
    return ABSENT if share is None or not math.isfinite(share) else _minus(f"{100 * share:.{decimals}f}{NO_BREAK}%")


def count(value: int) -> str:
    """A count with thousands separated."""
    return f"{value:,}"


def when(day: float) -> str:
    """A day of the trial as people say it: days below four weeks, then weeks, whole years as years."""
    weeks = day / DAYS_PER_WEEK
    if day < 4 * DAYS_PER_WEEK:
        return f"day {day:g}"
    if round(weeks) in (52, 104, 156, 208, 260):
        years = round(weeks) // 52
        return f"{years} year" + ("s" if years > 1 else "")
    return f"week {weeks:.0f}"


def _minus(shown: str) -> str:
    return shown.replace("-", MINUS)


def _superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
