"""Quantities are text with a unit; anything else is refused with a hint."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.core.units import check_unit, conversion_factor, parse_quantity, unit_quantity, unit_registry

WHERE = "scenario.toml: arms[0].dose"
UNITS_OF_THE_TABLES = [
    "1", "relative", "-", "fraction", "fold", "0-100", "point", "1/d", "1/day", "mL/cell/d", "mL/(cell d)", "EV/cell",
    "particle/cell", "1e9 particle/mL", "cm2/d", "cm^2/d", "cm**2/d", "d**-1", "deg", "pmol/mL", "pg/mL", "mg/mL", "ug",
    "copies/cell", "copies/EV/d", "kg/m2", "cells/uL", "1e6 cells", "EU/mL", "EU", "percent", "%", "nm", "mm",
    "um/year", "1/(pM d)", "pM", "USD", "degC", "h", "particles/ug", "mV", "kDa", "MPa", "week", "month", "min",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS_OF_THE_TABLES)
def test_units_of_the_tables_are_units(unit):
    check_unit(unit, WHERE)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("5e11 particles", "particle", 5e11),
        ("5e11 particles", "1e9 particle", 500.0),
        ("5e11 vesicles", "particle", 5e11),
        ("100 points", "point", 100.0),
        ("4 mL", "mL", 4.0),
        ("4mL", "mL", 4.0),
        ("26 weeks", "day", 182.0),
        ("24 hours", "d", 1.0),
        ("5 EU/mL", "EU/mL", 5.0),
        ("30 kg/m2", "kg/m2", 30.0),
        ("3 cells/uL", "cell/mL", 3000.0),
        ("30 percent", "1", 0.3),
        ("0.3", "1", 0.3),
        ("0.3", "relative", 0.3),
        ("0.3", "percent", 30.0),
        ("1e9 particle/mL", "particle/uL", 1e6),
        ("0.5/day", "1/week", 3.5),
        ("0.5 1/day", "1/week", 3.5),
        ("4 degC", "K", 277.15),
        ("-3 mL", "mL", -3.0),
        ("+3 mL", "mL", 3.0),
        ("12 months", "year", 1.0),
        ("40 mg", "ug", 40_000.0),
        ("10 pM", "pmol/L", 10.0),
        ("180 deg", "rad", 3.141592653589793),
    ],
)
def test_a_quantity_is_a_number_of_the_wanted_unit(text, unit, expected):
    assert parse_quantity(text, unit, WHERE) == pytest.approx(expected, rel=1e-14)


def test_the_same_unit_is_read_without_rounding():
    assert parse_quantity("0.1 mL", "mL", WHERE) == 0.1
    assert parse_quantity("0.7 1/d", "1/day", WHERE) == 0.7


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("5", "mL", "'5' has no unit. Expected a number with a unit, such as '1 mL'. Did you mean '5 mL'?"),
        ("5 mg", "mL", "'5 mg' has the wrong dimension"),
        ("5 points", "particle", "wrong dimension ([score]). Expected a quantity in particle ([particle])"),
        ("5 cells", "particle", "wrong dimension"),
        ("5 copies", "particle", "wrong dimension"),
        ("5 mL", "1", "Expected a quantity in 1 (a pure number)"),
        ("5 partcles", "particle", "Did you mean 'particles'?"),
        ("5 weaks", "day", "Did you mean 'week'?"),
        ("5 mL day kg mL/", "mL", "is not a unit"),
        ("inf mL", "mL", "is not finite"),
        ("nan mL", "mL", "is not finite"),
        ("5e400 mL", "mL", "is not finite"),
        ("mL", "mL", "is not a quantity"),
        ("five mL", "mL", "is not a quantity"),
        ("", "mL", "is not a quantity"),
        (5, "mL", "'5' is not a quantity. Expected a number with a unit"),
        (None, "mL", "is not a quantity"),
        ("1" * 500 + " mL", "mL", "is not a quantity"),
        ("2 1e9 particle", "particle", "has two numbers"),
        ("0.3 0.4", "1", "has two numbers. Expected a number with a unit, such as '0.5'"),
        ("x", "0-100", "such as '1 point'"),
        ("x", "1e9 particle", "such as '1e9 particle'"),
        ("x", "1/d", "such as '0.5/d'"),
    ],
)
def test_a_wrong_quantity_says_where_what_was_expected_and_what_to_do(text, unit, message):
    with pytest.raises(InputError) as caught:
        parse_quantity(text, unit, WHERE)
    assert str(caught.value).startswith(WHERE)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("per dya", "Did you mean '1/day'?"),
        ("per day", "Did you mean '1/day'?"),
        ("1/dya", "Did you mean '1/day'?"),
        ("mL/", "Did you mean 'mL'?"),
        ("mL per cell", "Did you mean 'mL/cell'?"),
        ("partikel/mL", "Did you mean 'particle/mL'?"),
        ("zzz", "Units are written like these"),
    ],
)
def test_a_misspelt_unit_is_repaired_in_the_message(text, hint):
    with pytest.raises(InputError) as caught:
        check_unit(text, "parameters.csv row 41 `k_uptake`")
    assert str(caught.value).startswith(f"parameters.csv row 41 `k_uptake`: unit '{text}' is not a unit.")
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9", "(((", ")", "mL)", "mL//d", "/", "*", "cm^99", "cm^-", "cm**", "cm^2.5", "0 mL",
        "1e999 mL", "mL" * 100,
        "(1e300)^9", "1e300^9 mL", "__import__('os')", "mL; rm", "degC/day", "\0", "☃", "2^9^9", "1/0",
    ],
)  # fmt: skip
def test_hostile_text_is_no_unit_and_no_code(text):
    with pytest.raises(InputError):
        check_unit(text, WHERE)


@given(st.text(max_size=120))
def test_any_text_is_a_unit_or_an_input_error(text):
    try:
        magnitude = unit_quantity(text, WHERE).magnitude
    except InputError:
        return
    assert magnitude > 0


@given(st.text(alphabet="1 2e9mLd/*^()-par.tickle%", max_size=60))
def test_near_units_never_break_the_reader(text):
    with contextlib.suppress(InputError):
        assert math.isfinite(parse_quantity(text, "mL", WHERE))


def test_d_is_a_day_and_m_is_a_metre_not_a_prefix():
    assert conversion_factor("d", "hour", WHERE) == pytest.approx(24.0)
    assert conversion_factor("m", "cm", WHERE) == pytest.approx(100.0)
    assert conversion_factor("M", "nM", WHERE) == pytest.approx(1e9)
    assert conversion_factor("min", "second", WHERE) == pytest.approx(60.0)


def test_a_factor_between_dimensions_is_refused():
    with pytest.raises(InputError, match="unit 'mg' has the wrong dimension"):
        conversion_factor("mg", "mL", WHERE)


def test_counted_things_do_not_mix():
    registry = unit_registry()
    counted = [registry.particle, registry.cell, registry.copy, registry.EU, registry.point]
    assert len({str(unit.dimensionality) for unit in counted}) == 5
    assert not any(unit.dimensionless for unit in counted)


def test_there_is_one_registry():
    assert unit_registry() is unit_registry()


def test_pint_is_loaded_only_when_a_unit_is_read():
    code = "import sys, exojoint.core.units, exojoint.core.tables; sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
