"""Dose-response meta-analysis with uncertain doses.

Examples: docs/reference/evidence_functions.md.
"""

from exojoint.evidence.dose_response.curves import CURVES, Curve
from exojoint.evidence.dose_response.doses import (
    Conversion,
    conversion_of,
    convert_studies,
    dose_quantiles,
    load_conversions,
)
from exojoint.evidence.dose_response.fit import fit_study, one_stage, study_lack_of_fit, two_stage
from exojoint.evidence.dose_response.result import DoseResponse
from exojoint.evidence.dose_response.studies import (
    DoseStudy,
    greenland_longnecker_covariance,
    hamling_covariance,
    study_from_arms,
    study_from_ratios,
)
from exojoint.evidence.dose_response.uncertain import UncertainDoseResponse, uncertain_dose_response

__all__ = [
    "CURVES",
    "Conversion",
    "Curve",
    "DoseResponse",
    "DoseStudy",
    "UncertainDoseResponse",
    "conversion_of",
    "convert_studies",
    "dose_quantiles",
    "fit_study",
    "greenland_longnecker_covariance",
    "hamling_covariance",
    "load_conversions",
    "one_stage",
    "study_from_arms",
    "study_from_ratios",
    "study_lack_of_fit",
    "two_stage",
    "uncertain_dose_response",
]
