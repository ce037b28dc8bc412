"""WOMAC pain: the question most trials ask first.

The joint's latent pain, a spell that lasts weeks, the error of one reading, the grid of the questionnaire.
"""

from __future__ import annotations

from exojoint.core.tables import ParameterTable
from exojoint.trial.instrument import Endpoint, rows_for, scale, score_error


def endpoint(rows: ParameterTable) -> Endpoint:
    """WOMAC pain subscale, normalised to 0-100."""
    name = "womac_pain"
    return Endpoint(
        name=name,
        instrument=scale(rows, name, title="WOMAC pain subscale (0-100)", better="lower"),
        observable="womac_pain",
        error=score_error(rows, name, spells="pain"),
        mcid=rows["mcid_womac_pain"],
        rows=rows_for(rows, name, "visit_pain"),
    )
