"""Cartilage thickness of the central medial compartment on MRI: femoral and tibial plate together."""

from __future__ import annotations

import math

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, ScoreError, rows_for, scale


def endpoint(rows: ParameterTable) -> Endpoint:
    """Central medial femorotibial cartilage thickness (cMFTC)."""
    name = "thickness_mftc"
    per_plate, plates = rows["sd_plate_thickness_mftc"].value, rows["n_plates_thickness_mftc"].value
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="Central medial femorotibial cartilage thickness (MRI)", better="higher"),
        observable="thickness_mftc",
        error=ScoreError(sd_measurement=per_plate * math.sqrt(plates)),
        rows=rows_for(rows, name),
    )
