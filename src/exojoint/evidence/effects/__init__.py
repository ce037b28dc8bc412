"""Effect sizes with their sampling variances, repairs of reported numbers, and covariances.

Examples: docs/reference/evidence_functions.md.
"""

from exojoint.evidence.effects.covariance import (
    block_covariance,
    checked_covariance,
    constant_correlation_covariance,
    shared_control_covariance,
    split_control,
)
from exojoint.evidence.effects.events import (
    arcsine_difference,
    odds_ratio,
    peto_odds_ratio,
    rate_difference,
    rate_ratio,
    risk_difference,
    risk_ratio,
)
from exojoint.evidence.effects.means import (
    glass_delta,
    mean_difference,
    normalised_mean_difference,
    ratio_of_means,
    small_sample_factor,
    smd_unequal_variances,
    standardised_mean_difference,
)
from exojoint.evidence.effects.measures import MEASURES, columns_of, effect_sizes
from exojoint.evidence.effects.medians import mean_sd_from_median
from exojoint.evidence.effects.paired import (
    change_sd,
    correlation_from_sds,
    difference_of_changes,
    mean_change,
    paired_odds_ratio,
    ratio_of_means_paired,
    standardised_mean_change,
)
from exojoint.evidence.effects.repair import (
    Repaired,
    combine_groups,
    repair_sem,
    sd_from_interval,
    sd_from_sem,
    suspect_sem,
    variance_from_interval,
    variance_from_p,
)
from exojoint.evidence.effects.single import correlation, event_rate, fisher_z, proportion, single_mean
from exojoint.evidence.effects.types import Effects, back_transform

__all__ = [
    "MEASURES",
    "Effects",
    "Repaired",
    "arcsine_difference",
    "back_transform",
    "block_covariance",
    "change_sd",
    "checked_covariance",
    "columns_of",
    "combine_groups",
    "constant_correlation_covariance",
    "correlation",
    "correlation_from_sds",
    "difference_of_changes",
    "effect_sizes",
    "event_rate",
    "fisher_z",
    "glass_delta",
    "mean_change",
    "mean_difference",
    "mean_sd_from_median",
    "normalised_mean_difference",
    "odds_ratio",
    "paired_odds_ratio",
    "peto_odds_ratio",
    "proportion",
    "rate_difference",
    "rate_ratio",
    "ratio_of_means",
    "ratio_of_means_paired",
    "repair_sem",
    "risk_difference",
    "risk_ratio",
    "sd_from_interval",
    "sd_from_sem",
    "shared_control_covariance",
    "single_mean",
    "small_sample_factor",
    "smd_unequal_variances",
    "split_control",
    "standardised_mean_change",
    "standardised_mean_difference",
    "suspect_sem",
    "variance_from_interval",
    "variance_from_p",
]
