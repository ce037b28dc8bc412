"""Effusion: the volume of joint fluid, read with a proportional error."""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, assay_error, rows_for, scale


def endpoint(rows: ParameterTable) -> Endpoint:
    """Volume of joint fluid on MRI, analysed as a ratio."""
    name = "effusion_volume"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="Effusion volume on MRI", better="lower"),
        observable="effusion_volume",
        error=assay_error(rows, name),
        rows=rows_for(rows, name),
    )
