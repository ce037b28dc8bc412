"""Network meta-analysis, contrast-based and frequentist.

Examples: docs/reference/evidence_functions.md.
"""

from exojoint.evidence.network.consistency import Decomposition, Split, decompose, node_splits
from exojoint.evidence.network.data import NetworkData, network_from_arms, network_from_contrasts
from exojoint.evidence.network.fit import NetworkResult, league_table, network, overall_test, p_scores

__all__ = [
    "Decomposition",
    "NetworkData",
    "NetworkResult",
    "Split",
    "decompose",
    "league_table",
    "network",
    "network_from_arms",
    "network_from_contrasts",
    "node_splits",
    "overall_test",
    "p_scores",
]
