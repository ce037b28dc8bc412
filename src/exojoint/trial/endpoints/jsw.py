"""Medial joint space width on a radiograph: the structural endpoint that regulators know."""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, rows_for, scale, score_error


def endpoint(rows: ParameterTable) -> Endpoint:
    """Medial joint space width, fixed-flexion radiograph."""
    name = "jsw"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="Medial joint space width (radiograph)", better="higher"),
        observable="jsw",
        error=score_error(rows, name),
        rows=rows_for(rows, name),
    )
