"""Treatments without a drug: load that is taken off the knee, and weight that is lost."""

from __future__ import annotations

from exojoint.joint.shapes import Value
from exojoint.joint.views import view
from exojoint.treatments.moment import Moment


def brace_effects(at: Moment) -> dict[str, Value]:
    """Return the load that an unloading brace leaves on the index column."""
    return {"load": 1 - at.p["em_brace"] * at.x["brace_effect"]}


def brace_rates(at: Moment) -> dict[str, Value]:
    """Return the approach to the share of the day for which it is worn."""
    return {"brace_effect": at.p["k_brace"] * (at.p["wear_brace"] - at.x["brace_effect"])}


def exercise_effects(at: Moment) -> dict[str, Value]:
    """Return the load that trained muscles leave on the index column."""
    return {"load": 1 - at.p["em_exercise"] * at.x["exercise_effect"]}


def exercise_rates(at: Moment) -> dict[str, Value]:
    """Return the slow onset, and as slow a loss, of what a programme trains."""
    return {"exercise_effect": at.p["k_exercise"] * (at.p["adherence_exercise"] - at.x["exercise_effect"])}


def weight_loss_effects(at: Moment) -> dict[str, Value]:
    """Return the lower target of body-mass index, and a tone of its own in the rival that gives weight loss one.

    The joint already lowers load and metabolic tone with body-mass index; the second lever is a rival, 0 as shipped.
    """
    q = view(at.p)
    return {
        "weight_change": -q.weight_lost,
        "macrophage_drive": 1 / (1 + q.gain_weight_loss_tone * q.weight_lost / q.bmi_ref),
    }


def weight_loss_rates(_at: Moment) -> dict[str, Value]:
    """Return nothing: the joint's own body-mass index moves towards its target."""
    return {}
