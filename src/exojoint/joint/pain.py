"""Nociception, sensitisation, the pain score, and the hazard of joint replacement that follows from it."""

from __future__ import annotations

from collections.abc import Callable

from exojoint.joint.shapes import Value, positive_part, saturating
from exojoint.joint.views import View


def felt_as_it_is(_x: View, _p: View, noxious: Value, _loss: Value) -> Value:
    """Return nociception as it is (structure reference_0_1: cartilage thicker than healthy soothes)."""
    return noxious


def irritation_painless(_x: View, p: View, noxious: Value, loss: Value) -> Value:
    """Return nociception that no thickness soothes; acute irritation hurts through mediators alone."""
    gained = positive_part(-loss, p.width_smooth) - positive_part(-p.loss_ref, p.width_smooth)
    return noxious + p.w_pain_structure * gained / p.loss_ref


def irritation_painful(x: View, p: View, noxious: Value, loss: Value) -> Value:
    """Return nociception with what acute irritation adds at once, differently in each patient (painful_flare)."""
    felt = p.rel_irritation_pain * x.irritation
    return irritation_painless(x, p, noxious, loss) + p.w_pain_irritation * felt / (felt + p.irritation_pain_half)


def nociception(
    x: View,
    p: View,
    lever: View,
    inflammation_pain: Value,
    loss: Value,
    irritation: Callable[[View, View, Value, Value], Value] = irritation_painless,
) -> dict[str, Value]:
    """Return the nociceptive drive and its parts.

    Parameters
    ----------
    x, p, lever : namespace
        States, parameters, levers.
    inflammation_pain : value
        Inflammatory signal that nociceptors see.
    loss : value
        Lost share of the thickness of the index column.
    irritation : callable
        States, parameters, nociception, lost share -> nociception with what acute irritation adds.

    Returns
    -------
    dict
        ``prostaglandin``, ``ngf`` (saturated inputs), ``drive`` (after peripheral sensitisation).
    """
    prostaglandin = saturating(inflammation_pain, p.pain_half) * lever.prostaglandin_output
    ngf = saturating(x.ngf * lever.ngf_free, p.pain_half)
    total = (
        p.w_pain_inflammation * prostaglandin
        + p.w_pain_ngf * ngf
        + p.w_pain_bone * saturating(x.marrow_lesion, p.pain_half)
        + p.w_pain_structure * loss / p.loss_ref
        + p.w_pain_other
    )
    total = irritation(x, p, total, loss)
    sensitised = 1 - p.frac_sensitised_peripheral + p.frac_sensitised_peripheral * x.sensitisation_peripheral
    return {"prostaglandin": prostaglandin, "ngf": ngf, "drive": total * sensitised}


def pain_odds(x: View, p: View, lever: View, drive: Value) -> Value:
    """Return the odds of the pain score, linear in the patient's gain; treatments act here as factors."""
    central = 1 - p.frac_sensitised_central + p.frac_sensitised_central * x.sensitisation_central
    return p.gain_pain * drive * central * lever.pain_transmission * (1 - lever.local_analgesia)


def pain_score(p: View, odds: Value) -> Value:
    """Return WOMAC pain (0-100) from its odds: the ends are never reached, so nothing needs clipping."""
    return p.max_pain * odds / (1 + odds)


def pain_rates(x: View, p: View, noxious: View) -> dict[str, Value]:
    """Return the rates of peripheral and central sensitisation."""
    peripheral = p.w_ps_prostaglandin * noxious.prostaglandin + p.w_ps_ngf * noxious.ngf + p.w_ps_constant
    return {
        "sensitisation_peripheral": p.k_sensitisation_peripheral * (peripheral - x.sensitisation_peripheral),
        "sensitisation_central": p.k_sensitisation_central
        * (saturating(noxious.drive, p.pain_half) - x.sensitisation_central),
    }


def replacement_hazard(x: View, p: View, lever: View, pain: Value, loss: Value) -> Value:
    """Return the hazard of joint replacement per day, from pain, thickness loss and sclerosis."""
    suffering = pain / p.pain_hazard_ref
    damage = loss / p.loss_hazard_ref * x.sclerosis
    structural = damage * damage / (1 + p.sat_replacement * damage * damage)
    return p.k_replacement * suffering * suffering * structural * lever.hazard_gate
