"""What could be measured on the joint, as true values; instruments and their errors belong to the endpoints."""

from __future__ import annotations

from exojoint.joint.shapes import Value, positive_part
from exojoint.joint.views import View

MM_PER_CM = 10


def jsw_linear(_x: View, p: View, mftc: Value) -> Value:
    """Return medial joint space width as a line in cartilage thickness (structure reference_0_1: may turn negative)."""
    return p.jsw_ref + p.slope_jsw * (mftc - p.mftc_jsw_ref)


def jsw_narrowed(x: View, p: View, mftc: Value) -> Value:
    """Return medial joint space width, narrowed by what comes with sclerosis too, and stopped at bone on bone."""
    return positive_part(jsw_linear(x, p, mftc) - p.narrowing_sclerosis * x.sclerosis * x.sclerosis, p.width_jsw)


def thickness_observables(x: View, p: View, remaining: Value) -> dict[str, Value]:
    """Return the cartilage thicknesses in mm from the remaining share of the index column."""
    column = p.thickness_healthy * MM_PER_CM * remaining
    whole = p.w_index_column * remaining / p.thickness_column_ref + (1 - p.w_index_column) * x.rest_of_joint
    return {
        "thickness_column": column,
        "thickness_mftc": p.rel_mftc_column * column,
        "thickness_tftj": p.thickness_tftj_ref * whole,
        "thickness_loss": 1 - remaining,
    }


def fluid_observables(x: View, p: View, args: Value, collagen_flux: Value) -> dict[str, Value]:
    """Return synovial-fluid volume, markers and macrophage ratio."""
    return {
        "effusion_volume": x.volume,
        "sf_args": p.args_ref * args / p.aggrecan_flux_ref,
        "ctx_ii": collagen_flux / p.collagen_flux_ref,
        "sf_il6": p.sf_il6_ref * x.il6,
        "sf_il1b": p.sf_il1b_ref * x.il1b,
        "sf_tnf": p.sf_tnf_ref * x.tnf,
        "m1_m2_ratio": x.m1 / x.m2,
    }


def pain_observables(p: View, pain: Value) -> dict[str, Value]:
    """Return the pain scores that follow from WOMAC pain (function and patient global belong to the endpoints)."""
    return {"womac_pain": pain, "nrs_pain": pain / p.pain_per_nrs, "koos_pain": p.max_pain - pain}


def histology_observables(zones_x: list[View], zones_p: list[View]) -> dict[str, Value]:
    """Return the two histology scores from a damage index of aggrecan, collagen and healthy cells."""
    p = zones_p[0]
    aggrecan = sum(q.frac_zone * x.aggrecan for x, q in zip(zones_x, zones_p, strict=True))
    collagen = sum(q.w_damage_zone * x.collagen for x, q in zip(zones_x, zones_p, strict=True))
    cells = sum(q.w_damage_zone * x.healthy for x, q in zip(zones_x, zones_p, strict=True))
    damage = (
        p.w_damage_aggrecan * (p.damage_aggrecan_healthy - aggrecan) / p.damage_aggrecan_healthy
        + p.w_damage_collagen * (1 - collagen)
        + p.w_damage_cells * (1 - cells)
    )
    score = damage * (1 + p.damage_half) / (damage + p.damage_half)
    return {"damage_oarsi": p.max_oarsi * score, "damage_mankin": p.max_mankin * score}
