"""Interleukin 6 in joint fluid."""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, assay_error, rows_for, scale


def endpoint(rows: ParameterTable) -> Endpoint:
    """Interleukin 6 in joint fluid, analysed as a ratio."""
    name = "sf_il6"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="IL-6 in joint fluid", better="lower"),
        observable="sf_il6",
        error=assay_error(rows, name),
        rows=rows_for(rows, name),
    )
