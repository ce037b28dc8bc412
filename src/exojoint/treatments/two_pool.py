"""A rival of residence: vesicles that hyaluronate holds as a second, slower pool, and the label that outlives them.

Imaging follows a dye, not vesicles. What a vesicle's end sets free, or what never sat on one, stays for days by itself:
a residence that is not compared with a control injection of free dye cannot be read.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence

from exojoint.engine import Event
from exojoint.joint.shapes import Value
from exojoint.joint.views import ZONES, View, view
from exojoint.treatments.moment import Equations, Moment

STRUCTURE = "two_pool"
JOINT_PLACES = ("vesicles_depot", "vesicles_fluid", "vesicles_held", "vesicles_lining")


def with_second_pool(plain: Equations) -> Equations:
    """Return the equations of vesicles with a pool that hyaluronate holds, and with their label."""
    return dataclasses.replace(
        plain, rates=functools.partial(rates, plain.rates), observe=functools.partial(observe, plain.observe)
    )


def rates(plain: Callable[[Moment], dict[str, Value]], at: Moment) -> dict[str, Value]:
    """Return the rates of the plain equations with what hyaluronate holds, and of the label that outlives vesicles."""
    found, s, q = plain(at), view(at.x), view(at.p)
    held = held_rate(q) * s.vesicles_fluid
    freed = freed_rate(q) * s.vesicles_held
    gone = q.k_held_loss * s.vesicles_held
    drained = found["vesicles_plasma"] + q.k_vesicle_plasma * s.vesicles_plasma
    ended = at.inflow - drained - sum(found[name] for name in _places(found))  # taken up or degraded in the joint
    return found | {
        "vesicles_fluid": found["vesicles_fluid"] - held + freed,
        "vesicles_held": held - freed - gone,
        "label_left": ended + gone - q.k_label_left * s.label_left,
    }


def observe(plain: Callable[[Moment], dict[str, Value]], at: Moment) -> dict[str, Value]:
    """Return the observables of the plain equations, the vesicles in the joint, and the label in it."""
    inside = vesicles_in_joint(view(at.x))
    return plain(at) | {"vesicles_in_joint": inside, "label_in_joint": inside + at.x["label_left"]}


def _places(found: dict[str, Value]) -> list[str]:
    """Places inside the joint that the plain equations know."""
    return [name for name in found if name in JOINT_PLACES or name.startswith("vesicles_zone_")]


def held_rate(p: View) -> Value:
    """Rate at which vesicles in the fluid are held; a cationic surface is held much faster."""
    return p.k_held_on * (1 + p.gain_held_cationic * p.charge_positive)


def freed_rate(p: View) -> Value:
    """Rate at which held vesicles come free; a cationic surface holds on much longer."""
    return p.k_held_off / (1 + p.gain_held_stay_cationic * p.charge_positive)


def vesicles_in_joint(x: View) -> Value:
    """Return the vesicles anywhere in the joint and in no cell (1e9 particles)."""
    outside = sum(getattr(x, name) for name in JOINT_PLACES)
    return outside + sum(getattr(x, f"vesicles_zone_{zone}") for zone in ZONES)


def free_dye_control(days: Sequence[float], label: float) -> list[Event]:
    """Return a control injection of dye without vesicles, as much label as `label` (1e9) vesicles carry."""
    return [Event(day, "add", "label_left", label) for day in days]
