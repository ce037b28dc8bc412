"""What being treated does by itself: expectation and contextual response, attached to every administration."""

from __future__ import annotations

from exojoint.joint.shapes import Value
from exojoint.joint.views import view
from exojoint.treatments.moment import Moment


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
