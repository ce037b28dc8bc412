"""Joint replacement as what ends a course: drawn from the hazard that the knee builds up, seen in what is measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from exojoint.core.streams import Stream
from exojoint.engine import Event, Trajectory, Trigger
from exojoint.joint.model import JointModel
from exojoint.treatments.treatment import load_treatment

Floats = NDArray[np.float64]
HAZARD = "replacement_hazard"
NAME = "replacement"


def replacement_thresholds(stream: Stream, ids: NDArray[np.int64]) -> Floats:
    """Return how much cumulative hazard each patient lives through before surgery, (n,): a standard exponential.

    Parameters
    ----------
    stream : Stream
        Named luck of the patients; the same in every arm, so that arms differ by hazard alone.
    ids : (n,) array
        Patients.
    """
    return np.asarray(-np.log(stream.child("joint replacement").uniform(ids, 1)[:, 0]))


def replacement_trigger(thresholds: Floats) -> Trigger:
    """Return what ends the course: surgery once, at the instant at which the hazard has built up to the threshold."""
    doses = load_treatment(NAME).giving.doses
    effects = [Event(0.0, "input", dose.target, dose.share * dose.scale) for dose in doses]
    return Trigger(HAZARD, thresholds, "up", effects, at_most=1)


def replaced_by(thresholds: Floats, hazard: Floats, days: Floats) -> Floats:
    """Return the day of surgery of each patient from a course without it, (n,); nan where there is none.

    The cumulative hazard is read off the course on its output days, as a straight line between them.

    Parameters
    ----------
    thresholds : (n,) array
        As drawn.
    hazard : (n, m) array
        Cumulative hazard of replacement.
    days : (m,) array
        Output days of the course.
    """
    day = np.full(len(thresholds), np.nan)
    for i, (level, course) in enumerate(zip(thresholds, hazard, strict=True)):
        if np.isfinite(course).all() and course[-1] > level:
            k = int(np.searchsorted(course, level, side="right"))
            share = (level - course[k - 1]) / (course[k] - course[k - 1]) if k else 0.0
            day[i] = days[k - 1] + share * (days[k] - days[k - 1]) if k else days[0]
    return day


def end_structure(joint: JointModel, seen: Trajectory, day_replaced: Floats) -> Floats:
    """Return the values of a course with every observable of the natural joint ended at surgery.

    Parameters
    ----------
    joint : JointModel
        Says which observables end with the joint: cartilage, bone, fluid, histology.
    seen : Trajectory
        The course.
    day_replaced : (n,) array
        Day of surgery; nan where there is none.

    Returns
    -------
    (n, m, k) array
        As ``seen.values``, nan after surgery where there is nothing left to measure. Pain goes on.
    """
    values = seen.values.copy()
    ends = np.array([name in joint.observables and joint.observables[name].ends for name in seen.names])
    after = seen.days[None, :] > np.asarray(day_replaced)[:, None]  # false where there is no surgery
    values[after[:, :, None] & ends[None, None, :]] = np.nan
    return values
