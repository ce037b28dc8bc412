"""Dose-response meta-analysis with uncertain doses. See ../METHODS.md."""

from exojoint.evidence.dose_response.curves import CURVES, Curve
from exojoint.evidence.dose_response.fit import fit_study, one_stage, study_lack_of_fit, two_stage
from exojoint.evidence.dose_response.result import DoseResponse
from exojoint.evidence.dose_response.studies import (
    DoseStudy,
    greenland_longnecker_covariance,
    study_from_arms,
    study_from_ratios,
)

__all__ = [
    "CURVES",
    "Curve",
    "DoseResponse",
    "DoseStudy",
    "fit_study",
    "greenland_longnecker_covariance",
    "one_stage",
    "study_from_arms",
    "study_from_ratios",
    "study_lack_of_fit",
    "two_stage",
]
