"""Tumour necrosis factor in joint fluid: below the assay's limit in some knees."""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, assay_error, rows_for, scale


def endpoint(rows: ParameterTable) -> Endpoint:
    """Tumour necrosis factor in joint fluid, analysed as a ratio."""
    name = "sf_tnf"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="TNF in joint fluid", better="lower"),
        observable="sf_tnf",
        error=assay_error(rows, name),
        rows=rows_for(rows, name),
    )
