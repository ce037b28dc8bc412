"""The drugs and procedures beside vesicles: how each stays in the knee and which levers it pulls."""

from __future__ import annotations

from exojoint.joint.shapes import Value
from exojoint.joint.views import ZONES, view
from exojoint.treatments.moment import Moment

PER_CELL = 1e-3  # particles per cell and day times 1e6 cells are 1e-3 times 1e9 particles per day


def triamcinolone_effects(at: Moment) -> dict[str, Value]:
    """Return what a glucocorticoid pulls: less inflammation, but less matrix and fewer cells."""
    effect, q = at.x["triamcinolone_effect"], view(at.p)
    pulled = {
        "macrophage_drive": 1 - q.em_triamcinolone_macrophage * effect,
        "mediator_output": 1 - q.em_triamcinolone_mediators * effect,
        "m2_recruitment": 1 + q.gain_triamcinolone_m2 * effect,
        "ngf_output": 1 - q.em_triamcinolone_ngf * effect,
        "rest_loss": 1 + q.gain_triamcinolone_rest * effect,
    }
    for zone in ZONES:
        pulled |= {
            f"cell_death_{zone}": 1 + q.gain_triamcinolone_death * effect,
            f"protease_output_{zone}": 1 - q.em_triamcinolone_protease * effect,
            f"aggrecan_synthesis_{zone}": 1 / (1 + q.gain_triamcinolone_synthesis * effect),
            f"collagen_loss_{zone}": 1 + q.gain_triamcinolone_collagen * effect,
        }
    return pulled


def triamcinolone_rates(at: Moment) -> dict[str, Value]:
    """Return dissolution, release from microspheres, clearance from the fluid, and the slow effect."""
    s, q = view(at.x), view(at.p)
    fluid = s.triamcinolone_fluid / at.read["volume"]
    occupied = fluid / (fluid + q.triamcinolone_half)
    dissolved = q.k_triamcinolone_dissolution * s.triamcinolone_crystal
    released = q.k_triamcinolone_release * s.triamcinolone_depot
    cleared = q.clearance_small_solute * fluid
    return {
        "triamcinolone_crystal": -dissolved,
        "triamcinolone_depot": -released,
        "triamcinolone_fluid": dissolved + released - cleared,
        "triamcinolone_plasma": cleared - q.k_triamcinolone_plasma * s.triamcinolone_plasma,
        "triamcinolone_effect": q.k_triamcinolone_on * occupied * (1 - s.triamcinolone_effect)
        - q.k_triamcinolone_off * s.triamcinolone_effect,
    }


def hyaluronate_effects(at: Moment) -> dict[str, Value]:
    """Return lubrication and a small local analgesia."""
    effect, q = at.x["hyaluronate_effect"], view(at.p)
    return {
        "friction": 1 / (1 + q.gain_hyaluronate_lubrication * effect),
        "local_analgesia": q.em_hyaluronate_analgesia * effect,
    }


def hyaluronate_rates(at: Moment) -> dict[str, Value]:
    """Return loss of the injected polymer and its slow effect."""
    s, q = view(at.x), view(at.p)
    present = s.hyaluronate_fluid / (s.hyaluronate_fluid + q.hyaluronate_half)
    return {
        "hyaluronate_fluid": -q.k_hyaluronate * s.hyaluronate_fluid,
        "hyaluronate_effect": q.k_hyaluronate_effect
        * (present * q.gain_hyaluronate_on * (1 - s.hyaluronate_effect) - s.hyaluronate_effect),
    }


def msc_effects(at: Moment) -> dict[str, Value]:
    """Return what the soluble factors of living cells pull; their vesicles act through the exosome disposition."""
    q = view(at.p)
    return {
        "mediator_output": 1 - q.em_msc_mediators * at.x["msc_factor"],
        "imprint_drive": q.gain_msc_imprint * at.x["msc_factor"],
    }


def msc_rates(at: Moment) -> dict[str, Value]:
    """Return the death of injected cells and the level of their soluble factor."""
    s, q = view(at.x), view(at.p)
    present = s.msc_live / (s.msc_live + q.msc_half)
    return {
        "msc_live": -(q.k_msc + q.k_msc_inflammation * at.inflammation_pain) * s.msc_live,
        "msc_factor": q.k_msc_factor * (present - s.msc_factor),
    }


def msc_secretion(at: Moment) -> Value:
    """Return the vesicles that living cells secrete (1e9 particles per day)."""
    return at.p["rate_secretion"] * at.x["msc_live"] * PER_CELL


def prp_effects(at: Moment) -> dict[str, Value]:
    """Return what the factors of platelet-rich plasma pull: as those of living cells, without the cells."""
    q = view(at.p)
    effect = at.x["prp_factor"] / (at.x["prp_factor"] + q.prp_half)
    pulled = {"mediator_output": 1 - q.em_prp_mediators * effect, "imprint_drive": q.gain_prp_imprint * effect}
    return pulled | {f"proliferation_{zone}": q.gain_prp_proliferation * effect for zone in ZONES}


def prp_rates(at: Moment) -> dict[str, Value]:
    """Return the loss of the factors."""
    return {"prp_factor": -at.p["k_prp"] * at.x["prp_factor"]}


def fgf18_effects(at: Moment) -> dict[str, Value]:
    """Return the anabolic pull on cells and matrix, in the index column and outside it."""
    q = view(at.p)
    effect = at.x["fgf18_cartilage"] / (at.x["fgf18_cartilage"] + q.fgf18_half)
    pulled = {"rest_growth": effect}
    for zone in ZONES:
        pulled |= {
            f"proliferation_{zone}": q.gain_fgf18_proliferation * effect,
            f"aggrecan_gain_{zone}": q.gain_fgf18_aggrecan * effect,
            f"collagen_deposition_{zone}": q.gain_fgf18_collagen * effect,
        }
    return pulled


def fgf18_rates(at: Moment) -> dict[str, Value]:
    """Return loss from the fluid and the effective amount in cartilage (a scale, not a mass balance)."""
    s, q = view(at.x), view(at.p)
    lost = q.k_fgf18_fluid * s.fgf18_fluid
    return {
        "fgf18_fluid": -lost,
        "fgf18_cartilage": lost * q.rel_fgf18_cartilage - q.k_fgf18_cartilage * s.fgf18_cartilage,
    }


def nsaid_effects(at: Moment) -> dict[str, Value]:
    """Return the lower prostaglandin drive."""
    return {"prostaglandin_output": 1 - at.p["em_nsaid"] * at.x["nsaid_exposure"]}


def nsaid_rates(at: Moment) -> dict[str, Value]:
    """Return the approach of exposure to the dose taken (1 = full dose)."""
    return {"nsaid_exposure": at.p["k_nsaid"] * (at.p["dose_nsaid"] - at.x["nsaid_exposure"])}


def paracetamol_effects(at: Moment) -> dict[str, Value]:
    """Return the lower transmission of pain."""
    return {"pain_transmission": 1 - at.p["em_paracetamol"] * at.x["paracetamol_exposure"]}


def paracetamol_rates(at: Moment) -> dict[str, Value]:
    """Return the approach of exposure to the dose taken (1 = full dose)."""
    return {"paracetamol_exposure": at.p["k_paracetamol"] * (at.p["dose_paracetamol"] - at.x["paracetamol_exposure"])}


def adamts5_effects(at: Moment) -> dict[str, Value]:
    """Return the lower activity of aggrecanase."""
    exposure = at.x["adamts5_inhibitor_exposure"]
    factor = 1 - at.p["em_adamts5_inhibitor"] * exposure / (exposure + at.p["adamts5_inhibitor_half"])
    return {f"aggrecanase_activity_{zone}": factor for zone in ZONES}


def adamts5_rates(at: Moment) -> dict[str, Value]:
    """Return the approach of exposure to the daily dose."""
    k, dose = at.p["k_adamts5_inhibitor"], at.p["dose_adamts5_inhibitor"]
    return {"adamts5_inhibitor_exposure": k * (dose - at.x["adamts5_inhibitor_exposure"])}


def antibody_effects(at: Moment) -> dict[str, Value]:
    """Return the free shares of three cytokines; validation tools, without kinetics of their own."""
    return {"il1_free": 1 - at.p["block_il1"], "tnf_free": 1 - at.p["block_tnf"], "ngf_free": 1 - at.p["block_ngf"]}


def antibody_rates(_at: Moment) -> dict[str, Value]:
    """Return nothing: an antibody is an input."""
    return {}


def replacement_effects(at: Moment) -> dict[str, Value]:
    """Return the pain that a replaced joint leaves, and no further hazard."""
    return {"pain_transmission": 1 - at.x["replacement_effect"], "hazard_gate": 1 - at.p["joint_replaced"]}


def replacement_rates(at: Moment) -> dict[str, Value]:
    """Return recovery after surgery."""
    q = view(at.p)
    return {"replacement_effect": q.k_recovery * (q.em_replacement * q.joint_replaced - at.x["replacement_effect"])}
