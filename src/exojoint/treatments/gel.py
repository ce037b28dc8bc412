"""A gel that gives its vesicles off in two phases: a burst from its surface, then the slow rest."""

from __future__ import annotations

from exojoint.joint.shapes import Value
from exojoint.joint.views import view
from exojoint.treatments.moment import Moment


def effects(_at: Moment) -> dict[str, Value]:
    """Return nothing: vesicles act once they have left the gel."""
    return {}


def rates(at: Moment) -> dict[str, Value]:
    """Return how the two pools empty."""
    s, q = view(at.x), view(at.p)
    return {
        "vesicles_gel_surface": -q.rate_gel_burst * s.vesicles_gel_surface,
        "vesicles_gel_core": -q.rate_gel_core * s.vesicles_gel_core,
    }


def secretion(at: Moment) -> Value:
    """Return the vesicles that leave the gel (1e9 particles per day)."""
    return -sum(rates(at).values())
