"""Pooling of independent effects: means, meta-regression, rare events, heterogeneity.

Examples: docs/reference/evidence_functions.md.
"""

from exojoint.evidence.pooling.batch import PooledMany, pool_many
from exojoint.evidence.pooling.glmm import glmm_odds_ratio, glmm_proportion, glmm_rate_ratio
from exojoint.evidence.pooling.location_scale import LocationScaleResult, location_scale
from exojoint.evidence.pooling.permutation import PermutationResult, permutation_test
from exojoint.evidence.pooling.pool import pool
from exojoint.evidence.pooling.regression import SubgroupResult, meta_regression, subgroups
from exojoint.evidence.pooling.robust_interval import henmi_copas
from exojoint.evidence.pooling.tables import (
    cochran_mantel_haenszel_test,
    mantel_haenszel,
    mantel_haenszel_rates,
    peto,
    tarone_test,
)
from exojoint.evidence.pooling.tau2_intervals import HeterogeneityInterval, tau2_interval

__all__ = [
    "HeterogeneityInterval",
    "LocationScaleResult",
    "PermutationResult",
    "PooledMany",
    "SubgroupResult",
    "cochran_mantel_haenszel_test",
    "glmm_odds_ratio",
    "glmm_proportion",
    "glmm_rate_ratio",
    "henmi_copas",
    "location_scale",
    "mantel_haenszel",
    "mantel_haenszel_rates",
    "meta_regression",
    "permutation_test",
    "peto",
    "pool",
    "pool_many",
    "subgroups",
    "tarone_test",
    "tau2_interval",
]
