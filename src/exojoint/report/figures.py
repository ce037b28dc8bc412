"""All figures of the report, in the order of its argument."""

from __future__ import annotations

from exojoint.report.drawing import FigureMaker
from exojoint.report.figures_course import individuals, means, vesicles
from exojoint.report.figures_ground import drivers, evidence, population
from exojoint.report.figures_sensitivity import heat_map, tornado
from exojoint.report.figures_verdict import dose_response, effects, operating
from exojoint.report.rivals import figure as rivals

FIGURES: tuple[FigureMaker, ...] = (
    effects, operating, means, individuals, vesicles, dose_response, population, drivers, tornado,
    heat_map, rivals, evidence,
)  # fmt: skip
