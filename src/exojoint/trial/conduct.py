"""Runs the trials: enrols, measures, starts rescue, loses patients. Two passes over the joint make rescue exact.

The first pass is the library of potential outcomes without rescue. Whether and when a participant starts rescue depends
on what was observed before, so it is known from the first pass alone; the second pass solves those courses once each,
with rescue from that visit on. Dropout is then decided along the course in force.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from exojoint.core.errors import InputError, Problem
from exojoint.core.streams import Stream
from exojoint.trial.allocation import Roster, enrol
from exojoint.trial.batch import Course, Scores, TrialBatch
from exojoint.trial.design import Design, check_sizes
from exojoint.trial.latent import LatentOutcomes, Rescue
from exojoint.trial.measurement import Reader, make_reader

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def simulate_trials(
    design: Design,
    latent: LatentOutcomes,
    rescue: Rescue,
    stream: Stream,
    n_trials: int,
    sizes: Mapping[str, int],
    lots_per_trial: int,
) -> TrialBatch:
    """Simulate `n_trials` trials of one knowledge draw.

    Parameters
    ----------
    design : the protocol
    latent : potential outcomes of the draw's pool; its days must contain the design's
    rescue : exact second solve with rescue medication (see `latent.Rescue`); called at most once per arm
    stream : named luck of the draw; a participant's luck is named by (trial, place, purpose, visit)
    n_trials : trials to draw
    sizes : participants asked for per arm; blocks left unfinished make an arm differ by a few
    lots_per_trial : lots that each trial uses of an arm's library

    Raises
    ------
    InputError
        If the design asks for days, observables, covariates or arms that the potential outcomes do not have.
    """
    check_sizes(sizes, latent.control, "arms")
    _check_fit(design, latent, sizes)
    roster = enrol(design.conduct.allocation, latent, stream, n_trials, sizes, lots_per_trial)
    reader = make_reader(design, latent, roster, stream)
    arms = tuple(sizes)
    free = free_course(design, latent, arms, roster)
    missed = _missed_visits(design, reader)
    shadow = _rescue_starts(design, reader, free, missed)
    in_force, failed = _rescued_course(design, latent, rescue, arms, roster, shadow, free)
    left = _dropout(design, reader, in_force, missed)
    never = len(design.days)
    rescued = np.where(shadow < left, shadow, never)
    scores = _scores(design, reader, roster, free, in_force, missed, left)
    course = Course(
        left=left.reshape(roster.shape),
        rescued=rescued.reshape(roster.shape),
        shadow_rescued=shadow.reshape(roster.shape),
        missed=missed.reshape(*roster.shape, never),
        rescue_failed=failed.reshape(roster.shape),
    )
    return TrialBatch(design, arms, latent.control, roster, course, scores, reader.gains)


def _check_fit(design: Design, latent: LatentOutcomes, sizes: Mapping[str, int]) -> None:
    asked: dict[str, tuple[object, tuple[object, ...]]] = {
        "arm": (tuple(sizes), latent.arms),
        "day": (design.days, latent.days),
        "observable": (design.observables, latent.endpoints),
    }
    problems = []
    for what, (wanted, there) in asked.items():
        absent = [item for item in wanted if item not in there]  # type: ignore[attr-defined]  # tuples of names or of days
        if absent:
            listed, known = ", ".join(map(str, absent)), ", ".join(map(str, there))
            problems.append(
                Problem(f"design {design.name!r}", f"{what} without potential outcomes: {listed}", f"some of {known}")
            )
    if problems:
        raise InputError(*problems)


def free_course(design: Design, latent: LatentOutcomes, arms: tuple[str, ...], roster: Roster) -> Array:
    """(n_trials * n, v, observables) course of every participant without rescue, on her arm and lot."""
    patient, arm, lot = roster.patient.ravel(), roster.arm.ravel(), roster.lot.ravel()
    course = np.empty((len(patient), len(design.days), len(design.observables)))
    for number, name in enumerate(arms):
        inside = arm == number
        course[inside] = _asked(design, latent, latent.values[name])[patient[inside], lot[inside]]
    return course


def _asked(design: Design, latent: LatentOutcomes, values: Array) -> Array:
    """Days and observables of the design out of those of the potential outcomes (the last two axes)."""
    visits = [latent.days.index(day) for day in design.days]
    names = [latent.endpoints.index(name) for name in design.observables]
    return np.asarray(values[..., visits, :][..., names])


def _missed_visits(design: Design, reader: Reader) -> Flags:
    missed = (
        reader.stream.child("missed visit").uniform(reader.ids, len(design.days)) < design.conduct.missed.probability
    )
    missed[:, 0] = False  # nobody is randomised without a baseline
    return missed


def _worsening(design: Design, reader: Reader, name: str, course: Array) -> Array:
    """(n_trials * n, v) recorded change from baseline if all visits were kept, positive for worse; NaN off schedule."""
    plan = design.plan(name)
    endpoint = plan.endpoint
    recorded = reader.observed(endpoint, reader.latent(endpoint, course))
    change = endpoint.instrument.worse_sign * (recorded - recorded[:, :1])
    scheduled = np.isin(design.days, plan.days)
    return np.where(scheduled, change, np.nan)


def _rescue_starts(design: Design, reader: Reader, free: Array, missed: Flags) -> Integers:
    """(n_trials * n,) visit at which rescue starts if nobody leaves; the number of visits for never."""
    rule = design.conduct.rescue
    n_visits = len(design.days)
    if rule is None:
        return np.full(len(free), n_visits)
    worsening = _worsening(design, reader, rule.endpoint, free)
    late = np.array(design.days) > rule.after
    accepts = reader.stream.child("rescue").uniform(reader.ids, n_visits) < rule.probability
    starts = late & ~missed & accepts & (worsening >= -rule.margin)
    return np.where(starts.any(axis=1), starts.argmax(axis=1), n_visits)


def _rescued_course(
    design: Design,
    latent: LatentOutcomes,
    rescue: Rescue,
    arms: tuple[str, ...],
    roster: Roster,
    start: Integers,
    free: Array,
) -> tuple[Array, Flags]:
    """Course in force, and which participants' second solve failed; each different course is solved once."""
    course, failed = free.copy(), np.zeros(len(free), dtype=bool)
    patient, arm, lot = roster.patient.ravel(), roster.arm.ravel(), roster.lot.ravel()
    after = np.arange(len(design.days)) > start[:, None]
    visits = np.array([latent.days.index(day) for day in design.days])
    for number, name in enumerate(arms):
        who = np.flatnonzero(
            (arm == number) & after.any(axis=1)
        )  # from the last visit on there is nothing left to solve
        if len(who) == 0:
            continue
        cases = np.stack([patient[who], lot[who], visits[start[who]]])
        unique, index = np.unique(cases, axis=1, return_inverse=True)
        solved = _asked(design, latent, _checked(rescue(name, *unique), latent, unique.shape[1]))[index.ravel()]
        course[who] = np.where(after[who][:, :, None], solved, free[who])
        failed[who] = ~np.isfinite(course[who]).all(axis=(1, 2))
    return course, failed


def _checked(solved: Array, latent: LatentOutcomes, cases: int) -> Array:
    expected = (cases, len(latent.days), len(latent.endpoints))
    if solved.shape != expected:
        raise InputError(Problem("rescue", f"gave shape {solved.shape}", f"{expected}"))
    return solved


def _dropout(design: Design, reader: Reader, course: Array, missed: Flags) -> Integers:
    """(n_trials * n,) first visit that a participant no longer attends; the number of visits for a completer."""
    rule, n_visits = design.conduct.dropout, len(design.days)
    left = np.full(len(course), n_visits)
    if rule.model == "none":
        return left
    worsening = _worsening(design, reader, rule.endpoint, course)
    periods = np.diff(design.days, prepend=0.0) / rule.period
    luck = reader.stream.child("dropout").uniform(reader.ids, n_visits)
    last = np.zeros(len(course))
    for visit in range(1, n_visits):
        known = np.isfinite(worsening[:, visit])
        driver = np.where(known, worsening[:, visit], last) if rule.model == "mnar" else last
        stays = (1.0 - expit(rule.intercept + rule.slope * driver)) ** periods[visit]
        left[(left == n_visits) & (luck[:, visit] < 1.0 - stays)] = visit
        last = np.where(known & ~missed[:, visit], worsening[:, visit], last)
    return left


def _scores(
    design: Design, reader: Reader, roster: Roster, free: Array, in_force: Array, missed: Flags, left: Integers
) -> dict[str, Scores]:
    attended = ~missed & (np.arange(len(design.days)) < left[:, None])
    scores = {}
    for plan in design.endpoints:
        endpoint = plan.endpoint
        latent = reader.latent(endpoint, in_force)
        seen = attended & np.isin(design.days, plan.days)
        observed = np.where(seen, reader.observed(endpoint, latent), np.nan)
        without = reader.latent(endpoint, free)
        scores[plan.name] = Scores(*(values.reshape(*roster.shape, -1) for values in (observed, latent, without)))
    return scores
