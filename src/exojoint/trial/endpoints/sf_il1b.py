"""Interleukin 1 beta in joint fluid: close to the assay's limit in most knees."""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, assay_error, rows_for, scale


def endpoint(rows: ParameterTable) -> Endpoint:
    """Interleukin 1 beta in joint fluid, analysed as a ratio."""
    name = "sf_il1b"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="IL-1 beta in joint fluid", better="lower"),
        observable="sf_il1b",
        error=assay_error(rows, name),
        rows=rows_for(rows, name),
    )
