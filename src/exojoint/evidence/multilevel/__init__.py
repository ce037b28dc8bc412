"""Effects that depend on each other: multilevel, multivariate, cluster-robust.

Examples: docs/reference/evidence_functions.md.
"""

from exojoint.evidence.multilevel.correlated import CheResult, correlated_hierarchical
from exojoint.evidence.multilevel.fit import MultilevelResult, multilevel
from exojoint.evidence.multilevel.moments import RveResult, robust_variance_estimation
from exojoint.evidence.multilevel.profiles import profile_interval
from exojoint.evidence.multilevel.robust import RobustResult, robust, sandwich
from exojoint.evidence.multilevel.terms import Term, intercepts, known_correlation, nested, slopes, structured

__all__ = [
    "CheResult",
    "MultilevelResult",
    "RobustResult",
    "RveResult",
    "Term",
    "correlated_hierarchical",
    "intercepts",
    "known_correlation",
    "multilevel",
    "nested",
    "profile_interval",
    "robust",
    "robust_variance_estimation",
    "sandwich",
    "slopes",
    "structured",
]
