"""ARGS in joint fluid: the stump that aggrecanase leaves, a marker of matrix loss."""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, assay_error, rows_for, scale


def endpoint(rows: ParameterTable) -> Endpoint:
    """Aggrecan ARGS neoepitope in joint fluid, analysed as a ratio."""
    name = "sf_args"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="ARGS neoepitope in joint fluid", better="lower"),
        observable="sf_args",
        error=assay_error(rows, name),
        rows=rows_for(rows, name),
    )
