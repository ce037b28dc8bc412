"""Unit texts of our tables as SBML unit definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from exojoint.core.units import unit_quantity

DIMENSIONLESS: Final = "dimensionless"
DAY: Final = 86_400.0  # second
# Root units of the registry in SBML's words, each with what it is a multiple of. SBML counts things in items and has no
# word for scores, endotoxin units and money: those become pure numbers.
KINDS: Final = {
    "metre": ("metre", 1.0), "gram": ("gram", 1.0), "day": ("second", DAY), "mole": ("mole", 1.0),
    "kelvin": ("kelvin", 1.0), "volt": ("volt", 1.0), "radian": ("radian", 1.0), "particle": ("item", 1.0),
    "cell": ("item", 1.0), "copy": ("item", 1.0),
}  # fmt: skip
Part = tuple[str, int, float]  # kind, exponent, multiplier


def unit_id(text: str) -> str:
    """Return the identifier under which a unit text is defined: ``unit_mL_per_cell_per_d``."""
    if not tuple(unit_parts(text)):
        return DIMENSIONLESS
    words = text.strip().replace("/", " per ").replace("%", "percent")
    return "unit_" + "_".join(re.findall(r"[A-Za-z0-9]+", words))


def unit_parts(text: str) -> Iterator[Part]:
    """Yield the factors of a unit; none for a pure number."""
    root = unit_quantity(text, f"unit `{text}`").to_root_units()
    factors = [(KINDS[name], round(float(str(power)))) for name, power in root.unit_items() if name in KINDS]
    if root.magnitude != 1.0:
        yield DIMENSIONLESS, 1, float(root.magnitude)
    for (kind, multiple), power in factors:
        yield kind, power, multiple
