"""Subchondral bone: marrow lesions, sclerosis, osteophytes."""

from __future__ import annotations

from exojoint.joint.shapes import Value, positive_part, saturating
from exojoint.joint.views import View


def load_drive(stress: Value, p: View) -> Value:
    """Return the drive that squared stress exerts on bone, 1 in the reference knee."""
    return saturating(stress * stress, p.bone_load_half)


def sclerosis_proportional(p: View, drive: Value) -> Value:
    """Return a sclerosis target in proportion to the load drive (structure reference_0_1: a healthy knee hardens)."""
    return p.max_sclerosis * drive


def sclerosis_above_rest(p: View, drive: Value) -> Value:
    """Return a sclerosis target that rises from the healthy level once the drive exceeds that of a healthy knee."""
    excess = positive_part(drive - p.bone_load_rest, p.width_smooth) / (1 - p.bone_load_rest)
    return p.sclerosis_rest + (p.max_sclerosis - p.sclerosis_rest) * excess


def osteophytes_relaxing(x: View, p: View, drive: Value) -> Value:
    """Return the distance to an osteophyte target that may also lie below (reference_0_1: they may shrink)."""
    return p.w_osteophyte_load * drive + p.w_osteophyte_synovitis * x.synovitis - x.osteophytes


def osteophytes_growing(x: View, p: View, drive: Value) -> Value:
    """Return the growth of osteophytes above the drive of a healthy knee; never negative, for they do not shrink."""
    full = p.w_osteophyte_load + p.w_osteophyte_synovitis
    relative = (p.w_osteophyte_load * drive + p.w_osteophyte_synovitis * x.synovitis) / full
    target = full * positive_part(relative - p.osteophyte_rest, p.width_smooth) / (1 - p.osteophyte_rest)
    return positive_part(target - x.osteophytes, p.width_smooth)


def marrow_lesion_rate(x: View, p: View, drive: Value, inflammation_pain: Value) -> Value:
    """Return the rate of bone marrow lesions, driven by load and inflammation."""
    inflamed = saturating(inflammation_pain, p.mediator_half)
    return p.k_marrow_lesion * p.rel_turnover * (p.w_bml_load * drive + (1 - p.w_bml_load) * inflamed - x.marrow_lesion)


def bone_rates(
    x: View,
    p: View,
    drive: Value,
    inflammation_pain: Value,
    sclerosis_target: Value,
    osteophyte_growth: Value,
) -> dict[str, Value]:
    """Return the rates of the three bone states; sclerosis and osteophytes are frozen during burn-in."""
    slow = p.switch_structure * p.rel_turnover
    return {
        "marrow_lesion": marrow_lesion_rate(x, p, drive, inflammation_pain),
        "sclerosis": slow * p.k_sclerosis * (sclerosis_target - x.sclerosis),
        "osteophytes": slow * p.k_osteophytes * osteophyte_growth,
    }
