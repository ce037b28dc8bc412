"""From courses to the numbers that a publication prints: changes, differences, means, SDs and bands of patients."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from exojoint.calibration.protocol import Protocol, Readout
from exojoint.calibration.unknowns import reading_rows
from exojoint.patients.population import patient_parameters

Floats = NDArray[np.float64]
Course = tuple[Floats, Floats, Floats]  # days (m,), values (k, n, m, outputs), weights (k, n)
PERCENT = 100.0
NODES = 15  # per patient, of the error of reading when bands of patients as read are wanted


def read_all(protocol: Protocol, courses: Mapping[str, Course], values: Mapping[str, Floats], k: int) -> Floats:
    """Return the readouts of a protocol, (k, n_readouts).

    Parameters
    ----------
    courses : mapping of str to (days, values, weights)
        What each arm showed.
    values : mapping of str to (k,) array
        The draws' values, among them the errors of instruments.
    k : int
        Draws.
    """
    found = [_read(protocol, readout, courses, values, k) for readout in protocol.readouts]
    return np.stack(found, axis=1)


def _read(
    protocol: Protocol, readout: Readout, courses: Mapping[str, Course], values: Mapping[str, Floats], k: int
) -> Floats:
    one = _in_patients(protocol, readout, courses[readout.arm])
    weights = courses[readout.arm][2]
    paired = readout.summary == "mean" or not (readout.minus or readout.over)
    if readout.minus and not paired:
        one = one - _in_patients(protocol, readout, courses[readout.minus])
    result = _summary(readout, one, weights, _noise(readout, values, k))
    other = readout.minus or readout.over
    if other and paired:
        reference = _summary(readout, _in_patients(protocol, readout, courses[other]), courses[other][2], np.zeros(k))
        with np.errstate(divide="ignore", invalid="ignore"):
            result = result - reference if readout.minus else result / reference
    return readout.scale * result


def _in_patients(protocol: Protocol, readout: Readout, course: Course) -> Floats:
    """(k, n): what is read in every patient."""
    days, seen, _ = course
    columns = [protocol.observables.index(name) for name in readout.observable]
    level = seen[..., columns].sum(axis=-1)
    at = [int(np.searchsorted(days, day)) for day in readout.days]
    start, mean = level[..., 0], level[..., at].mean(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        if readout.value == "change":
            return np.asarray(mean - start)
        if readout.value == "percent_change":
            return np.asarray(PERCENT * (mean / start - 1.0))
        if readout.value == "risk_percent":
            return np.asarray(-PERCENT * np.expm1(-mean))
        if readout.value == "half_life":
            span = readout.days[-1] - readout.days[0]
            return np.asarray(np.log(2.0) * span / np.log(level[..., at[0]] / level[..., at[-1]]))
    return np.asarray(mean)


def _noise(readout: Readout, values: Mapping[str, Floats], k: int) -> Floats:
    """(k,): SD of the error of what is read in one patient; a change has the error of two readings."""
    variance = np.zeros(k)
    for name in readout.noise:
        variance += np.square(values[name] if name in values else np.full(k, _row(name)))
    readings = 2.0 if readout.value in ("change", "percent_change") else 1.0
    return np.asarray(np.sqrt(readings * variance))


def _row(name: str) -> float:
    return (reading_rows() if name in reading_rows() else patient_parameters())[name].value


def _summary(readout: Readout, one: Floats, weights: Floats, noise: Floats) -> Floats:
    """(k,): what is said of the patients of each draw; patients who failed have no weight, half of them none."""
    usable = np.isfinite(one) & (weights > 0)
    w = np.where(usable, weights, 0.0)
    kept = w.sum(axis=1)
    x = np.where(usable, one, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (w * x).sum(axis=1) / kept
        if readout.summary == "sd":
            spread = (w * (x - mean[:, None]) ** 2).sum(axis=1) / kept
            mean = np.sqrt(spread + noise**2)
        elif readout.summary in ("band", "quantile"):
            mean = _band(readout, x, w, noise)
    enough = usable.sum(axis=1) >= 0.5 * one.shape[1]
    return np.where(enough & (kept > 0), mean, np.nan)


def _band(readout: Readout, x: Floats, w: Floats, noise: Floats) -> Floats:
    """(k,): mean of the patients between two ranks, or the patient at one rank, as read (with the error of reading)."""
    errors = ndtri((np.arange(NODES) + 0.5) / NODES) if readout.noise else np.zeros(1)
    result = np.empty(len(x))
    for i, (values, weights) in enumerate(zip(x, w, strict=True)):
        seen = (values[:, None] + noise[i] * errors).ravel()
        share = np.repeat(weights, len(errors))
        order = np.argsort(seen, kind="stable")
        seen, share = seen[order], share[order] / share.sum()
        upper = np.cumsum(share)
        if readout.summary == "quantile":
            result[i] = seen[min(int(np.searchsorted(upper, readout.band[0])), len(seen) - 1)]
            continue
        low, high = readout.band
        inside = np.clip(np.minimum(upper, high) - np.maximum(upper - share, low), 0.0, None)
        result[i] = float(inside @ seen / inside.sum())
    return result
