"""Doses in incompatible units: particles, protein, volume or cells, brought to particles as distributions.

A paper that gives micrograms does not give particles. The conversion is uncertain by a factor of ten and more, and
differs from laboratory to laboratory, so that each study draws its own factor and all its doses share it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from exojoint.core.errors import InputError, Problem, raise_problems
from exojoint.core.streams import stream
from exojoint.core.tables import place, read_table
from exojoint.core.units import parse_quantity
from exojoint.evidence.dose_response.studies import DoseStudy
from exojoint.evidence.facts import load_facts, names, unknown_names

Array = NDArray[np.float64]
COLUMNS = ("name", "from_unit", "centre", "spread", "source", "note")
TARGET = "particle"
BILLION = 1e9  # particles; doses are kept in billions so that coefficients have ordinary sizes
TARGET_UNIT = "1e9 particle"
PREFIXES = ("log-uniform", "log-normal")


@dataclass(frozen=True, slots=True)
class Conversion:
    """Particles per unit of another measure of dose.

    Parameters
    ----------
    name, unit : str
        What it converts, and from which unit.
    centre : float
        Median number of particles per unit.
    kind : str
        ``log-uniform`` between the bounds, or ``log-normal`` cut at them.
    log_sd : float
        Of the log-normal, natural log.
    bounds : (float, float)
        Smallest and largest factor.
    source : tuple of str
        Facts behind it.
    """

    name: str
    unit: str
    centre: float
    kind: str
    log_sd: float
    bounds: tuple[float, float]
    source: tuple[str, ...]

    def factor(self, u: Array) -> Array:
        """Return the factor below which a share `u` of our belief lies, same shape; u = 1/2 gives the centre."""
        low, high = (math.log(bound / self.centre) for bound in self.bounds)
        share = np.asarray(u, dtype=np.float64)
        if self.kind == "log-uniform":
            return np.asarray(self.centre * np.exp(low + (high - low) * share))
        return np.asarray(self.centre * np.exp(np.clip(self.log_sd * ndtri(share), low, high)))


@functools.cache
def _own() -> tuple[Conversion, ...]:
    return read_conversions(files("exojoint.evidence.dose_response").joinpath("conversions.csv"))


def load_conversions() -> Mapping[str, Conversion]:
    """Conversions to particles by name, from ``conversions.csv``."""
    return {row.name: row for row in _own()}


def read_conversions(path: Path | Traversable) -> tuple[Conversion, ...]:
    """Read a table of conversions.

    Parameters
    ----------
    path : Path or Traversable
        Columns ``name, from_unit, centre, spread, source, note``; spread is ``log-uniform LOW HIGH`` or
        ``log-normal GEOMETRIC_SD LOW HIGH``.

    Raises
    ------
    InputError
        With every wrong row.
    """
    problems: list[Problem] = []
    found = [
        _conversion(row, place(path.name, number, row["name"]), problems)
        for number, row in enumerate(read_table(path, COLUMNS), start=2)
    ]
    raise_problems(problems)
    return tuple(row for row in found if row is not None)


def _conversion(row: Mapping[str, str], at: str, problems: list[Problem]) -> Conversion | None:
    kind, *rest = row["spread"].split()
    expected = "log-uniform LOW HIGH or log-normal GEOMETRIC_SD LOW HIGH"
    try:
        numbers, centre = [float(text) for text in rest], float(row["centre"])
    except ValueError:
        numbers, centre = [], math.nan
    if kind not in PREFIXES or len(numbers) != (2 if kind == "log-uniform" else 3):
        problems.append(Problem(at, f"spread '{row['spread'][:80]}' is unknown", expected))
        return None
    low, high = numbers[-2:]
    if not 0 < low <= centre <= high or (kind == "log-normal" and numbers[0] <= 1):
        problems.append(Problem(at, "has a centre or a spread out of range", "low <= centre <= high, spread > 1"))
    if kind == "log-uniform" and abs(math.log(centre**2 / (low * high))) > 0.01:
        problems.append(Problem(at, f"centre {centre:g} is not the median", f"{math.sqrt(low * high):.4g}"))
    sources = names(row["source"])
    problems.extend(unknown_names(at, "fact", sources, load_facts()))
    log_sd = math.log(numbers[0]) if kind == "log-normal" else 0.0
    return Conversion(row["name"], row["from_unit"], centre, kind, log_sd, (low, high), sources)


def conversion_of(unit: str) -> tuple[Conversion | None, float]:
    """Conversion that fits a unit, and what one such unit is in the conversion's own unit (1000 for mg to ug).

    Parameters
    ----------
    unit : str
        Of a dose, e.g. ``ug``, ``mg``, ``mL``, ``cell``, ``1e9 particle``.

    Returns
    -------
    conversion, multiple
        None for particles.

    Raises
    ------
    InputError
        For a unit that no conversion knows.
    """
    text = unit if unit[:1].isdigit() else f"1 {unit}"
    try:
        return None, parse_quantity(text, TARGET, "unit")
    except InputError:
        pass
    for row in _own():
        try:
            return row, parse_quantity(text, row.unit, "unit")
        except InputError:
            continue
    expected = f"particle, {', '.join(row.unit for row in _own())}, or a multiple of them"
    raise InputError(Problem("unit", f"'{unit[:80]}' cannot be brought to particles", expected))


def convert_studies(studies: Sequence[DoseStudy], u: Array | None = None) -> tuple[DoseStudy, ...]:
    """Bring the doses of all studies to billions of particles.

    Parameters
    ----------
    studies : sequence of DoseStudy
        In any units that `conversion_of` knows.
    u : (studies,), optional
        Probabilities at which each study's conversion is taken; the median for all when left out.

    Raises
    ------
    InputError
        For an unknown unit.
    """
    shares = np.full(len(studies), 0.5) if u is None else np.asarray(u, dtype=np.float64)
    found = []
    for study, share in zip(studies, shares, strict=True):
        row, multiple = conversion_of(study.unit)
        factor = multiple / BILLION * (1.0 if row is None else float(row.factor(np.array(share))))
        found.append(
            replace(study, dose=study.dose * factor, reference_dose=study.reference_dose * factor, unit=TARGET_UNIT)
        )
    return tuple(found)


def dose_quantiles(dose: float, unit: str, probabilities: Sequence[float] = (0.05, 0.5, 0.95)) -> dict[float, float]:
    """Quantiles of a dose in particles.

    Parameters
    ----------
    dose, unit : float, str
        As the paper gives it.
    probabilities : sequence of float
        Which quantiles.
    """
    row, multiple = conversion_of(unit)
    factors = np.ones(len(probabilities)) if row is None else row.factor(np.array(probabilities))
    return {p: float(dose * multiple * factor) for p, factor in zip(probabilities, factors, strict=True)}


def draws(studies: int, number: int, seed: int) -> Array:
    """Probabilities for the conversions of each study in each draw, (number, studies), stratified over the draws.

    Each study's column is a Latin hypercube, so that 100 draws cover a factor of thirty evenly.
    """
    generator = stream(seed, "evidence", "dose units").generator()
    columns = [(generator.permutation(number) + generator.random(number)) / number for _ in range(studies)]
    return np.column_stack(columns)
