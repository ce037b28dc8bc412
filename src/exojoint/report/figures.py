"""All figures of the report, in the order of its argument."""

from __future__ import annotations

from exojoint.report.drawing import FigureMaker
from exojoint.report.figures_course import individuals, means, vesicles
from exojoint.report.figures_ground import drivers, evidence, population
from exojoint.report.figures_verdict import dose_response, effects, operating

FIGURES: tuple[FigureMaker, ...] = (
    effects, operating, means, individuals, vesicles, dose_response, population, drivers, evidence,
)  # fmt: skip
