"""Load on the knee, what the matrix carries of it, and the overload that is left for the tissue (all algebraic)."""

from __future__ import annotations

from exojoint.joint.shapes import Value, positive_part, saturating_square
from exojoint.joint.views import View


def deviation_signed(p: View) -> Value:
    """Return the hip-knee-ankle deviation as it is: valgus relieves the medial column (structure reference_0_1)."""
    return p.varus


def deviation_absolute(p: View) -> Value:
    """Return the absolute deviation: a valgus knee overloads its lateral column as a varus knee its medial one."""
    return abs(p.varus)


def matrix_support(quality: Value, p: View) -> Value:
    """Return the support that the matrix gives, 1 in the reference knee, from its mechanical quality."""
    relative = quality / p.quality_ref
    return p.frac_support_free + (1 - p.frac_support_free) * relative * relative


def zone_quality(x: View, p: View) -> Value:
    """Return one zone's contribution to the mechanical quality of the matrix."""
    return p.frac_zone * (p.w_quality_collagen * x.collagen + (1 - p.w_quality_collagen) * x.aggrecan)


def load(x: View, p: View, lever: View, pain: Value, deviation: Value) -> Value:
    """Return the load on the index column, 1 in the reference patient; less pain means slightly more load."""
    body = x.bmi / p.bmi_ref
    alignment = (1 + p.gain_varus * deviation) / (1 + p.gain_varus * p.varus_ref)
    sparing = 1 + p.gain_activity_pain * (p.pain_reference - pain) / p.max_pain
    return body * alignment * p.rel_activity * sparing * (1 + p.instability) * lever.load


def overload(stress: Value, p: View, lever: View) -> Value:
    """Return the mechanical overload of cartilage, 1 in the reference knee; friction acts here and not on stress."""
    strain_energy = stress * stress
    return saturating_square(strain_energy, p.overload_half_sq) * lever.friction


def wear_proportional(_p: View, overload: Value) -> Value:
    """Return a wear of collagen in proportion to overload (structure reference_0_1: a healthy knee wears too)."""
    return overload


def wear_above_tolerance(p: View, overload: Value) -> Value:
    """Return the wear by overload beyond what intact collagen tolerates, 1 in the reference knee."""
    return positive_part(overload - p.overload_tolerated, p.width_smooth) / (1 - p.overload_tolerated)


def adiposity(x: View, p: View) -> Value:
    """Return the metabolic stimulus of the synovium, 1 at the reference body-mass index."""
    return 1 + p.gain_metabolic * p.gain_adiposity * (x.bmi - p.bmi_ref) / p.bmi_ref
