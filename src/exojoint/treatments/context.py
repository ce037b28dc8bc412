"""What being treated does by itself: expectation and contextual response, attached to every administration."""

from __future__ import annotations

from exojoint.joint.shapes import Value, positive_part
from exojoint.joint.views import view
from exojoint.treatments.moment import Moment

BELIEF = "belief"  # the structure in which patients judge their treatment by how they feel


def effects(at: Moment) -> dict[str, Value]:
    """Return the pain that the contextual response leaves."""
    return {"pain_transmission": 1 - at.x["contextual_response"]}


def rates(at: Moment) -> dict[str, Value]:
    """Return the rates of contextual response and expectation; expectation is *set* by an administration."""
    s, q = view(at.x), view(at.p)
    return {
        "contextual_response": q.k_context_on * (q.em_context * s.expectation - s.contextual_response),
        "expectation": -q.k_context_wane * s.expectation,
    }


def rates_of_belief(at: Moment) -> dict[str, Value]:
    """Return the rates with a belief that grows with relief (structure belief).

    Whoever feels better comes to believe that the treatment works, whatever it was; that belief adds to the contextual
    response. So a placebo arm goes on improving for months, and a drug that works unblinds its patients.
    """
    s, q = view(at.x), view(at.p)
    felt = positive_part((q.pain_reference - at.pain) / q.pain_reference, q.width_smooth)
    convinced = felt / (felt + q.relief_half)
    share = q.em_context * s.expectation
    strengthened = share * q.gain_belief * s.belief
    return {
        "contextual_response": q.k_context_on * ((share + strengthened) / (1 + strengthened) - s.contextual_response),
        "expectation": -q.k_context_wane * s.expectation,
        "belief": q.k_belief * s.expectation * (convinced - s.belief),
    }
