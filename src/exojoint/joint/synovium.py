"""Synovial membrane and fluid: macrophages, mediators, fragments, imprint, volume, acute irritation."""

from __future__ import annotations

from exojoint.joint.shapes import Value, positive_part, saturating, saturating_square
from exojoint.joint.views import View


def inflammation(x: View, p: View, lever: View) -> dict[str, Value]:
    """Return the inflammatory signals after the levers: what cartilage sees, what nociceptors see, and their parts.

    Returns
    -------
    dict
        ``cartilage`` and ``pain`` (1 in the reference knee), ``il1_free``, ``tnf_free`` (cytokines not neutralised),
        ``output`` (factor on mediator output) and ``other`` (redundant mediators).
    """
    il1_free = x.il1b * lever.il1_free
    tnf_free = x.tnf * lever.tnf_free
    output = lever.mediator_output * (1 - p.em_imprint_output * x.imprint)
    other = (p.frac_other_m1 * x.m1 + (1 - p.frac_other_m1) * x.synovitis) * output
    cartilage = p.w_cartilage_il1 * il1_free + p.w_cartilage_tnf * tnf_free + p.w_cartilage_other * other
    pain = (
        p.w_nociceptor_il1 * il1_free
        + p.w_nociceptor_tnf * tnf_free
        + p.w_nociceptor_il6 * x.il6
        + p.w_nociceptor_other * other
    )
    return {
        "cartilage": cartilage,
        "pain": pain,
        "il1_free": il1_free,
        "tnf_free": tnf_free,
        "output": output,
        "other": other,
    }


def fragment_source(p: View, aggrecan_flux: Value, collagen_flux: Value) -> Value:
    """Return the fragments that enter the synovial fluid, 1 in the reference knee of any species."""
    aggrecan = p.w_fragments_aggrecan * aggrecan_flux / p.aggrecan_flux_ref
    collagen = (1 - p.w_fragments_aggrecan) * collagen_flux / p.collagen_flux_ref
    return (aggrecan + collagen) / p.rel_turnover


def macrophage_drive(x: View, p: View, signal: View, overload: Value, adiposity: Value) -> Value:
    """Return the drive of pro-inflammatory macrophages, 1 in the reference knee."""
    tone = (
        p.w_drive_fragments * saturating_square(x.fragments, p.fragments_half_sq)
        + p.w_drive_tnf * saturating(signal.tnf_free, p.cytokine_half)
        + p.w_drive_il1 * saturating(signal.il1_free, p.cytokine_half)
        + p.w_drive_other * saturating(signal.other, p.cytokine_half)
        + p.w_drive_metabolic * adiposity
        + p.w_drive_overload * overload
    )
    return p.rel_tone * tone + p.gain_irritation_drive * x.irritation


def macrophage_drive_bounded(x: View, p: View, signal: View, overload: Value, adiposity: Value) -> Value:
    """Return that drive with a metabolic part that never turns against it, however lean a sensitive patient becomes."""
    stimulus = positive_part(adiposity, p.width_smooth) / positive_part(1, p.width_smooth)
    return macrophage_drive(x, p, signal, overload, stimulus)


def macrophage_drive_self_sustaining(x: View, p: View, signal: View, overload: Value, adiposity: Value) -> Value:
    """Return a drive in which mediators call for themselves with a threshold (structure bistable).

    The core of a published model of joint inflammation: above a threshold of the mediators their own production carries
    them, below it they fade. The rest of the drive is that of the other structures; 1 in the reference knee.
    """
    outside = macrophage_drive_bounded(x, p, signal, overload, adiposity) - p.gain_irritation_drive * x.irritation
    own = p.rel_tone * saturating_square(x.m1 * signal.output, p.inflammation_threshold_sq)
    sustained = p.w_drive_itself * own + (1 - p.w_drive_itself) * outside
    return sustained + p.gain_irritation_drive * x.irritation


def turnover_fixed(p: View) -> Value:
    """Return the turnover of synovial fluid as a rate of its own (structure reference_0_1)."""
    return p.k_volume


def turnover_lymph(p: View) -> Value:
    """Return the turnover of synovial fluid that its lymph flow implies, so that both leave alike."""
    return p.flow_lymph / (p.volume_rest + p.volume_inflammation)


def synovium_rates(
    x: View,
    p: View,
    lever: View,
    signal: View,
    drive: Value,
    fragments: Value,
    turnover: Value,
) -> dict[str, Value]:
    """Return the rates of the eleven states of the synovium and of acute irritation.

    Parameters
    ----------
    x, p, lever : namespace
        States, parameters, levers.
    signal : namespace
        What `inflammation` returns.
    drive, fragments, turnover : value
        Macrophage drive, fragment source, and turnover of synovial fluid (1/d).
    """
    regulation = lever.regulatory_signal + x.imprint - lever.regulatory_signal * x.imprint
    restrained = (1 + p.il10_half) / (x.il10 + p.il10_half) * (1 - p.em_regulatory_drive * regulation)
    switched = saturating(x.il10, p.mediator_half) * (1 + p.gain_regulatory_switch * regulation)
    fls = x.synovitis * (p.frac_fls_basal + (1 - p.frac_fls_basal) * saturating(signal.il1_free, p.mediator_half))
    il1b = (p.frac_il1_m1 * x.m1 + (1 - p.frac_il1_m1) * x.synovitis) * signal.output
    tnf = (p.frac_tnf_m1 * x.m1 + (1 - p.frac_tnf_m1) * x.synovitis) * signal.output
    il6 = (p.frac_il6_m1 * x.m1 + (1 - p.frac_il6_m1) * fls) * signal.output + p.gain_irritation_il6 * x.irritation
    il10 = (p.frac_il10_m2 * x.m2 + (1 - p.frac_il10_m2) * x.m1) * (1 + p.gain_regulatory_il10 * regulation)
    nerve = p.w_ngf_fls * fls + p.w_ngf_m1 * x.m1 + p.w_ngf_bone * saturating(x.marrow_lesion, p.mediator_half)
    ngf = nerve * lever.ngf_output + p.gain_irritation_ngf * x.irritation
    m2_lost = p.k_m2_loss * x.m2 * (1 + p.gain_m2_loss_tnf * saturating(signal.tnf_free, p.mediator_half))
    return {
        "m1": (p.k_m1_loss + p.k_m1_switch) * drive * restrained * lever.macrophage_drive
        - (p.k_m1_loss + p.k_m1_switch * switched) * x.m1,
        "m2": p.k_m1_switch * switched * x.m1 + p.s_m2 * lever.m2_recruitment - m2_lost,
        "il1b": p.k_il1b * (il1b - x.il1b),
        "tnf": p.k_tnf * (tnf - x.tnf),
        "il6": p.k_il6 * (il6 - x.il6),
        "il10": p.k_il10 * (il10 - x.il10),
        "ngf": p.k_ngf * (ngf - x.ngf),
        "fragments": p.k_fragments * (fragments - x.fragments),
        "synovitis": p.k_synovitis * (synovitis_drive(x, p, signal) - x.synovitis),
        "imprint": p.k_imprint_on * lever.imprint_drive * (1 - x.imprint) - p.k_imprint_off * x.imprint,
        "volume": turnover * (volume_target(x, p) - x.volume),
        "irritation": -p.k_irritation * x.irritation,
    }


def synovitis_drive(x: View, p: View, signal: View) -> Value:
    """Return the drive of synovitis, 1 in the reference knee."""
    return (
        p.w_synovitis_il1 * saturating(signal.il1_free, p.mediator_half)
        + p.w_synovitis_tnf * saturating(signal.tnf_free, p.mediator_half)
        + p.w_synovitis_m1 * saturating(x.m1, p.mediator_half)
        + p.w_synovitis_fragments * saturating(x.fragments, p.mediator_half)
    )


def volume_target(x: View, p: View) -> Value:
    """Return the volume towards which synovial fluid moves: rest, inflammatory effusion, effusion by irritation."""
    level = p.w_volume_il6 * x.il6 + (1 - p.w_volume_il6) * x.synovitis
    acute = p.vmax_irritation_volume * x.irritation / (x.irritation + p.irritation_volume_half)
    return p.volume_rest + p.volume_inflammation * saturating(level, p.volume_half) + p.volume_inflammation * acute
