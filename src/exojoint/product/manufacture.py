"""From cells to vials: how many particles a lot holds after all steps, and what it costs.

Per-cell production, number of cells, number of collections and step yields are multiplied. Published "folds" of one
process over another mix several of these and are never multiplied on top.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from exojoint.product.catalogue import Numbers, Process, Source

COST_BASIS = (
    "assumed bottom-up cost in 2024 US dollars: labour, disposables, medium, quality control, a share of the facility; "
    "no capital, no cell bank, no licence, failed lots not spread over good ones"
)


@dataclass(frozen=True, slots=True)
class Yield:
    """One lot through the process, in NTA particles: harvested, after each step, and the filled volume (mL)."""

    cells: float
    harvested: float
    after_step: tuple[tuple[str, float], ...]
    volume_ml: float

    @property
    def bulk(self) -> float:
        """Particles that reach the vials."""
        return self.after_step[-1][1] if self.after_step else self.harvested


@dataclass(frozen=True, slots=True)
class Cost:
    """What a lot costs (US dollars) by line; `basis` says what is in it and on what it rests."""

    lines: Mapping[str, float]
    basis: str = COST_BASIS

    @property
    def total(self) -> float:
        """Sum of the lines."""
        return math.fsum(self.lines.values())


def manufacture(source: Source, process: Process, numbers: Numbers, cells_luck: float, cell_luck: float) -> Yield:
    """Particles of one lot.

    Parameters
    ----------
    source, process : Source, Process
        What is grown and how.
    numbers : Numbers
        Knowledge draw.
    cells_luck, cell_luck : float
        Factors of mean 1 of this lot: how well cells grew, and how much each cell made (donor).
    """
    cells = numbers[f"n_cells_{process.name}"] * cells_luck
    per_cell = numbers[f"n_per_cell_{source.name}"] * cell_luck * numbers[f"rel_production_{process.name}"]
    particles = harvested = cells * per_cell * numbers[f"n_collections_{process.name}"]
    after = []
    for step in process.steps:
        particles *= numbers[f"frac_yield_{step}"]
        after.append((step, particles))
    return Yield(cells, harvested, tuple(after), particles / numbers[f"concentration_fill_{process.name}"])


def lot_cost(process: Process, numbers: Numbers) -> Cost:
    """Cost of making and testing one lot, whatever it yields."""
    name = process.name
    return Cost(
        {
            "labour": numbers["cost_labour"] * numbers[f"dur_labour_{name}"],
            "disposables": numbers[f"cost_disposables_{name}"],
            "medium": numbers["cost_medium"] * numbers[f"volume_medium_{name}"],
            "quality_control": numbers["cost_quality_control"],
            "facility": numbers["cost_facility"],
        }
    )
