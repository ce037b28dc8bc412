"""Publication bias, influence and trust in evidence. See ../METHODS.md."""

from exojoint.evidence.bias.excess import ExcessSignificance, excess_significance
from exojoint.evidence.bias.fail_safe import FailSafe, fail_safe_n
from exojoint.evidence.bias.influence import (
    Baujat,
    Influence,
    baujat,
    cumulative,
    influence,
    leave_one_out,
    residuals,
)
from exojoint.evidence.bias.selection import SelectionResult, selection_model
from exojoint.evidence.bias.small_study import PetPeese, SmallStudyResult, begg_test, egger_test, pet_peese
from exojoint.evidence.bias.trim_fill import TrimFill, trim_and_fill

__all__ = [
    "Baujat",
    "ExcessSignificance",
    "FailSafe",
    "Influence",
    "PetPeese",
    "SelectionResult",
    "SmallStudyResult",
    "TrimFill",
    "baujat",
    "begg_test",
    "cumulative",
    "egger_test",
    "excess_significance",
    "fail_safe_n",
    "influence",
    "leave_one_out",
    "pet_peese",
    "residuals",
    "selection_model",
    "trim_and_fill",
]
