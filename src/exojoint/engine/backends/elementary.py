"""exp, log and power for vectors: LLVM has none, so they are written here as polynomials that every lane can follow.

Series are those of e^r and of 2 atanh(q), cut where the next term is below the last bit; no fitted coefficients. The
logarithm is kept as a sum of two numbers inside a power, because the exponent multiplies its error. Measured over the
whole range the errors are below 1 unit in the last place for exp and log and below 2 for power
(tests/unit/engine/test_engine_elementary.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache
from typing import Final

from exojoint.engine.backends.writer import Writer

ELEMENTARY: Final = ("exp", "log", "pow")
Pair = tuple[str, str]  # a number as an unevaluated sum, the second far below the first


@dataclass(frozen=True)
class Format:
    """What the code needs to know about a floating-point format.

    Attributes
    ----------
    bits : int
        Width of a number.
    fraction : int
        Stored bits of its fraction.
    bias : int
        Exponent of one.
    low, high : float
        Arguments of exp below and above which the result is zero or infinite.
    exp_terms, log_terms : int
        Terms of the two series.
    """

    bits: int
    fraction: int
    bias: int
    low: float
    high: float
    exp_terms: int
    log_terms: int

    @property
    def rounder(self) -> float:
        """Number that pushes the fraction of another out of its last place (1.5 * 2^fraction)."""
        return 1.5 * 2.0**self.fraction

    @property
    def rounder_bits(self) -> int:
        """The same number, seen as a whole number."""
        return ((self.bias + self.fraction) << self.fraction) + (1 << (self.fraction - 1))


DOUBLE: Final = Format(64, 52, 1023, -746.0, 710.0, 14, 13)
SINGLE: Final = Format(32, 23, 127, -104.0, 89.0, 8, 6)


@cache
def ln2_parts(fraction: int) -> tuple[float, float]:
    """Return ln 2 as a short number, whose product with any exponent is exact, and the rest."""
    short = 42 if fraction == DOUBLE.fraction else 14  # fraction bits that leave room for the bits of an exponent
    with localcontext() as context:
        context.prec = 50
        exact = Decimal(2).ln()
        scaled = int((exact * 2**short).to_integral_value())
        return scaled / 2**short, float(exact - Decimal(scaled) / 2**short)


def emit_elementary(w: Writer, op: str, a: Sequence[str]) -> str:
    """Append exp, log or pow of values and return the name of the result."""
    f = DOUBLE if w.bits == DOUBLE.bits else SINGLE
    if op == "exp":
        return _exp(w, f, a[0], w.number(0.0))
    if op == "log":
        high, low = _log(w, f, a[0])
        return _log_limits(w, f, a[0], w.binary("add", high, low))
    return _power(w, f, a[0], a[1])


def _exp(w: Writer, f: Format, high: str, low: str) -> str:
    """e^(high + low): 2^n times the series on at most half of ln 2."""
    short, rest = ln2_parts(f.fraction)
    x = _between(w, high, f.low, f.high)
    shifted = w.fma(x, w.number(1.0 / math.log(2.0)), w.number(f.rounder))
    n = w.binary("sub", shifted, w.number(f.rounder))
    minus_n = w.negative(n)
    a = w.fma(minus_n, w.number(short), x)
    b = w.fma(minus_n, w.number(rest), low)
    r = w.binary("add", a, b)
    lost = w.binary("sub", b, w.binary("sub", r, a))
    total = w.number(1.0 / math.factorial(f.exp_terms))
    for k in range(f.exp_terms - 1, 1, -1):
        total = w.fma(total, r, w.number(1.0 / math.factorial(k)))
    tail = w.fma(w.binary("mul", r, r), total, lost)
    value = w.binary("add", w.binary("add", tail, r), w.number(1.0))
    return _scale(w, f, value, shifted)


def _scale(w: Writer, f: Format, value: str, shifted: str) -> str:
    """Value times 2^n, in two halves so that neither leaves the range before the result does."""
    t = w.whole_type
    n = w.put(f"sub {t} {_bits(w, shifted)}, {w.whole(f.rounder_bits)}")
    half = w.put(f"ashr {t} {n}, {w.whole(1)}")
    other = w.put(f"sub {t} {n}, {half}")
    for part in (half, other):
        exponent = w.put(f"add {t} {part}, {w.whole(f.bias)}")
        power = w.put(f"shl {t} {exponent}, {w.whole(f.fraction)}")
        value = w.binary("mul", value, _number(w, power))
    return value


def _log(w: Writer, f: Format, x: str) -> Pair:
    """Logarithm of a positive finite number as a pair: exponent times ln 2 plus 2 atanh((m - 1)/(m + 1))."""
    if x in w.logarithms:
        return w.logarithms[x]
    t, one = w.whole_type, w.number(1.0)
    smallest = 2.0 ** (1 - f.bias)
    tiny = w.compare("olt", x, w.number(smallest))
    lift = float(f.fraction + 2)
    bits = _bits(w, w.select(tiny, w.binary("mul", x, w.number(2.0**lift)), x))
    root_half = w.whole(_half_root_bits(f))
    above = w.put(f"sub {t} {bits}, {root_half}")
    k = w.put(f"ashr {t} {above}, {w.whole(f.fraction)}")
    moved = w.put(f"shl {t} {k}, {w.whole(f.fraction)}")
    m = _number(w, w.put(f"sub {t} {bits}, {moved}"))
    lifted = _number(w, w.put(f"add {t} {k}, {w.whole(f.rounder_bits)}"))
    exponent = w.binary("sub", lifted, w.number(f.rounder))
    exponent = w.select(tiny, w.binary("sub", exponent, w.number(lift)), exponent)
    numerator, sum_ = w.binary("sub", m, one), w.binary("add", m, one)
    sum_low = w.binary("sub", m, w.binary("sub", sum_, one))
    inverse = w.binary("div", one, sum_)
    q = w.binary("mul", numerator, inverse)
    minus_q = w.negative(q)
    rest = w.fma(minus_q, sum_low, w.fma(minus_q, sum_, numerator))
    q_low = w.binary("mul", rest, inverse)
    w.logarithms[x] = _log_sum(w, f, exponent, q, q_low)
    return w.logarithms[x]


def _log_sum(w: Writer, f: Format, exponent: str, q: str, q_low: str) -> Pair:
    short, rest = ln2_parts(f.fraction)
    square = w.binary("mul", q, q)
    series = w.number(2.0 / (2 * f.log_terms + 1))
    for k in range(f.log_terms - 1, 0, -1):
        series = w.fma(series, square, w.number(2.0 / (2 * k + 1)))
    cubic = w.binary("mul", w.binary("mul", q, square), series)
    a, b = w.binary("mul", exponent, w.number(short)), w.binary("add", q, q)
    high = w.binary("add", a, b)
    b_seen = w.binary("sub", high, a)
    lost = w.binary("add", w.binary("sub", a, w.binary("sub", high, b_seen)), w.binary("sub", b, b_seen))
    low = w.binary("add", w.fma(exponent, w.number(rest), cubic), w.fma(w.number(2.0), q_low, lost))
    total = w.binary("add", high, low)
    return total, w.binary("sub", low, w.binary("sub", total, high))


def _log_limits(w: Writer, f: Format, x: str, value: str) -> str:
    """Minus infinity at zero, infinity at infinity, no number below zero."""
    del f
    infinity = w.number(math.inf)
    value = w.select(w.compare("oeq", x, w.number(0.0)), w.number(-math.inf), value)
    value = w.select(w.compare("oeq", x, infinity), infinity, value)
    return w.select(w.compare("uge", x, w.number(0.0)), w.select(w.compare("uno", x, x), x, value), w.number(math.nan))


def _power(w: Writer, f: Format, x: str, y: str) -> str:
    """x^y. Below zero only whole exponents have a value; zero and infinity follow their limits."""
    zero, one, infinity = w.number(0.0), w.number(1.0), w.number(math.inf)
    size = w.call("fabs", x)
    high, low = _log(w, f, size)
    product = w.binary("mul", y, high)
    rounding = w.fma(y, high, w.negative(product)) if w.fused else zero
    value = _exp(w, f, product, w.fma(y, low, rounding))
    grows = w.compare("ogt", y, zero)
    value = w.select(w.compare("oeq", size, zero), w.select(grows, zero, infinity), value)
    value = w.select(w.compare("oeq", size, infinity), w.select(grows, infinity, zero), value)
    half = w.binary("mul", y, w.number(0.5))
    odd = w.compare("one", half, w.call("floor", half))
    whole = w.compare("oeq", y, w.call("floor", y))
    below = w.select(whole, w.select(odd, w.negative(value), value), w.number(math.nan))
    value = w.select(w.compare("olt", x, zero), below, value)
    value = w.select(w.compare("uno", x, y), w.binary("add", x, y), value)
    return w.select(w.compare("oeq", y, zero), one, value)


def _between(w: Writer, x: str, low: float, high: float) -> str:
    """Limit a number; no number stays no number."""
    x = w.select(w.compare("olt", x, w.number(low)), w.number(low), x)
    return w.select(w.compare("ogt", x, w.number(high)), w.number(high), x)


def _bits(w: Writer, x: str) -> str:
    return w.put(f"bitcast {w.type} {x} to {w.whole_type}")


def _number(w: Writer, x: str) -> str:
    return w.put(f"bitcast {w.whole_type} {x} to {w.type}")


def _half_root_bits(f: Format) -> int:
    """Bits of the square root of one half: numbers from here to twice here have a fraction around one."""
    fraction = int((math.sqrt(2.0) - 1.0) * 2**f.fraction)
    return ((f.bias - 1) << f.fraction) + fraction
