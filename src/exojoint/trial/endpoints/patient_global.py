"""Patient global assessment: follows pain on the odds scale, from the patient's own level, and reads noisily."""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, OddsOfPain, rows_for, scale, score_error


def endpoint(rows: ParameterTable) -> Endpoint:
    """Patient's global assessment of the knee on a 100 mm line."""
    name = "patient_global"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="Patient global assessment (0-100)", better="lower"),
        observable="womac_pain",
        error=score_error(rows, name),
        follows=OddsOfPain(
            slope=rows["slope_patient_global"].value, correlation=rows["corr_baseline_patient_global"].value
        ),
        rows=rows_for(rows, name),
    )
