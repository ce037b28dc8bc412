"""Numbers and names as people read them."""

from __future__ import annotations

import math

import pytest

from exojoint.report.labels import difference, glossary, grades, label, level, short, span, text
from exojoint.report.numbers import clean, fixed, number, percent, signed, when


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (3.14159, "3.14"),
        (-0.0512, "−0.0512"),
        (1234.5, "1,234"),
        (5e11, "5 × 10¹¹"),
        (2.1e-7, "2.1 × 10⁻⁷"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_numbers_have_few_digits_and_a_true_minus(value, shown):
    assert number(value) == shown


def test_differences_carry_their_sign_and_the_decimals_of_their_unit():
    assert signed(0.5) == "+0.500"
    assert signed(-0.5) == "−0.500"
    assert difference(2.34, "point") == "+2.3"
    assert difference(-0.04, "point") == "0.0"
    assert difference(0.04, "point") == "0.0"
    assert difference(0.0177, "mm") == "+0.018"
    assert difference(None, "mm") == "–"
    assert level(35.06, "point") == "35.1"
    assert level(35.06, "unheard") == "35.1"
    assert span(-1.0, 2.0, "point") == "−1.0\u00a0to\u00a0+2.0"
    assert fixed(-0.001, 2) == "0.00"
    assert fixed(math.nan, 2) == "–"


DAYS = {0: "day 0", 7: "day 7", 28: "week 4", 182: "week 26", 365: "1 year", 728: "2 years", 730: "2 years"}


@pytest.mark.parametrize(("day", "shown"), DAYS.items())
def test_days_are_said_as_people_say_them(day, shown):
    assert when(float(day)) == shown


def test_shares_are_percent():
    assert percent(0.052, 1) == "5.2\u00a0%"
    assert percent(None) == "–"


def test_control_characters_are_replaced():
    assert clean("a\x00b\x1fc\nd") == "a\ufffdb\ufffdc\nd"


def test_every_name_is_readable_and_unknown_ones_are_shown_as_they_are():
    assert text("endpoint", "womac_pain") == "knee pain (WOMAC 0-100)"
    assert short("womac_pain") == "knee pain"
    assert label("endpoint", "womac_pain").better == "lower"
    assert label("endpoint", "thickness_mftc").better == "higher"
    assert text("endpoint", "some_new_thing") == "some new thing"
    assert grades()[0] == "human_knee"
    assert grades()[-1] == "assumed"
    assert len(glossary()) > 15


def test_grades_are_those_of_the_parameter_tables():
    from exojoint.core.tables import GRADES

    assert grades() == GRADES
