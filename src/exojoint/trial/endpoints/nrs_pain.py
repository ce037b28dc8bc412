"""Pain on a numerical rating scale of 0 to 10, whole numbers."""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, rows_for, scale, score_error


def endpoint(rows: ParameterTable) -> Endpoint:
    """Pain now, 0-10."""
    name = "nrs_pain"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="Numerical rating scale of pain (0-10)", better="lower"),
        observable="nrs_pain",
        error=score_error(rows, name, spells="pain"),
        mcid=rows["mcid_nrs_pain"],
        rows=rows_for(rows, name, "visit_pain"),
    )
