"""Publication bias, influence and trust in evidence.

Examples: docs/reference/evidence_functions.md.
"""

from exojoint.evidence.bias.adjusted import (
    AdjustedResult,
    ConditionalEstimate,
    adjust_small_studies,
    conditional_estimate,
)
from exojoint.evidence.bias.averaging import AveragedResult, robust_bayesian_average
from exojoint.evidence.bias.bayes_models import BiasPrior
from exojoint.evidence.bias.excess import ExcessSignificance, excess_significance
from exojoint.evidence.bias.fail_safe import FailSafe, fail_safe_n
from exojoint.evidence.bias.grade import Body, Certainty, Step, grade, grade_body
from exojoint.evidence.bias.influence import (
    Baujat,
    Influence,
    baujat,
    cumulative,
    influence,
    leave_one_out,
    residuals,
)
from exojoint.evidence.bias.risk import Assessment, Item, assess, items, rob2_from_answers, summary
from exojoint.evidence.bias.selection import SelectionResult, selection_model
from exojoint.evidence.bias.small_study import PetPeese, SmallStudyResult, begg_test, egger_test, pet_peese
from exojoint.evidence.bias.trim_fill import TrimFill, trim_and_fill

__all__ = [
    "AdjustedResult",
    "Assessment",
    "AveragedResult",
    "Baujat",
    "BiasPrior",
    "Body",
    "Certainty",
    "ConditionalEstimate",
    "ExcessSignificance",
    "FailSafe",
    "Influence",
    "Item",
    "PetPeese",
    "SelectionResult",
    "SmallStudyResult",
    "Step",
    "TrimFill",
    "adjust_small_studies",
    "assess",
    "baujat",
    "begg_test",
    "conditional_estimate",
    "cumulative",
    "egger_test",
    "excess_significance",
    "fail_safe_n",
    "grade",
    "grade_body",
    "influence",
    "items",
    "leave_one_out",
    "pet_peese",
    "residuals",
    "rob2_from_answers",
    "robust_bayesian_average",
    "selection_model",
    "summary",
    "trim_and_fill",
]
