"""WOMAC function: follows pain on the odds scale, less steeply, from the patient's own level."""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, OddsOfPain, rows_for, scale, score_error


def endpoint(rows: ParameterTable) -> Endpoint:
    """WOMAC physical function subscale, normalised to 0-100."""
    name = "womac_function"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="WOMAC function subscale (0-100)", better="lower"),
        observable="womac_pain",
        error=score_error(rows, name),
        mcid=rows["mcid_womac_function"],
        follows=OddsOfPain(
            slope=rows["slope_womac_function"].value, correlation=rows["corr_baseline_womac_function"].value
        ),
        rows=rows_for(rows, name),
    )
