"""KOOS pain: the same pain as WOMAC's, asked the other way round (higher is better)."""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, rows_for, scale, score_error


def endpoint(rows: ParameterTable) -> Endpoint:
    """KOOS pain subscale, 0-100."""
    name = "koos_pain"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="KOOS pain subscale (0-100)", better="higher"),
        observable="koos_pain",
        error=score_error(rows, name, spells="pain", spell_sign=-1.0),
        mcid=rows["mcid_koos_pain"],
        rows=rows_for(rows, name, "visit_pain"),
    )
