"""Output times as people write them: START:STEP:END."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError, Problem

MOST_TIMES = 5_000_000  # rows of a table that still fits into the memory of a small machine
NEARLY = Decimal("1e-6")  # share of a step by which the end may be missed: 0:0.3333333:1 ends at 1
EXAMPLE = "three numbers such as 0:0.1:10, from 0 on, with a positive step"


def parse_times(text: str) -> NDArray[np.float64]:
    """Return the times START, START + STEP, ... up to and with END.

    Counted in decimals, so that 0:0.1:1 holds 0.3 and not 0.30000000000000004. If END is no whole number of steps away,
    the last time is the last one before it.

    Raises
    ------
    InputError
        When the text is not three numbers, time runs backwards, starts below 0, or has too many steps.
    """
    parts = text.split(":")
    try:
        start, step, end = (Decimal(part.strip()) for part in parts)
    except (ValueError, InvalidOperation):
        raise _wrong(text, "is not START:STEP:END") from None
    if not all(number.is_finite() and abs(number.adjusted()) <= 300 for number in (start, step, end)):
        raise _wrong(text, "has a number that is not finite")
    if start < 0 or step <= 0 or end < start:
        raise _wrong(text, "starts below 0, does not advance, or ends before it starts")
    count = (end - start) / step
    if count >= MOST_TIMES:
        raise _wrong(text, f"is more than {MOST_TIMES:,} times")
    whole = int(count + NEARLY)
    times = [float(start + k * step) for k in range(whole + 1)]
    if abs(count - whole) <= NEARLY:
        times[-1] = float(end)
    return np.array(times)


def _wrong(text: str, what: str) -> InputError:
    return InputError(Problem(f"times `{text[:80]}`", what, EXAMPLE, "Correct the times."))
