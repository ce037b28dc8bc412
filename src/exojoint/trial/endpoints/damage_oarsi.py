"""OARSI histology score of cartilage sections: what animal studies report.

Read once, at the end, by people who do not know the group; what differs is one reader from another.
"""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, rows_for, scale, score_error


def endpoint(rows: ParameterTable) -> Endpoint:
    """OARSI histology score (0-24), mean of the readers of a laboratory."""
    name = "damage_oarsi"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="OARSI histology score (0-24)", better="lower"),
        observable="damage_oarsi",
        error=score_error(rows, name),
        rows=rows_for(rows, name),
    )
