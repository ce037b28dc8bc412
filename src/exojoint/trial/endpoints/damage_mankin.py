"""Mankin histology score of cartilage sections: the older scale of animal studies.

Read once, at the end, by people who do not know the group; what differs is one reader from another.
"""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, rows_for, scale, score_error


def endpoint(rows: ParameterTable) -> Endpoint:
    """Mankin histology score (0-14), mean of the readers of a laboratory."""
    name = "damage_mankin"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="Mankin histology score (0-14)", better="lower"),
        observable="damage_mankin",
        error=score_error(rows, name),
        rows=rows_for(rows, name),
    )
