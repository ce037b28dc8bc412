"""How accurate a set of courses is: a random sample solved again at a hundredth of the tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.streams import stream
from exojoint.engine.events import Event, events_of
from exojoint.engine.kernel import Kernel
from exojoint.engine.outcome import Outcome
from exojoint.engine.solve import MODES, Trajectory, solve
from exojoint.engine.triggers import Trigger, triggers_of

TIGHTER = 0.01  # of the tolerance that is certified
FLOOR = 1e-3  # an error is relative to the value, or to this share of the patient's largest value of that output


@dataclass(frozen=True)
class Certificate:
    """Errors of a sample of patients; a patient's error is the largest of all outputs and days.

    Attributes
    ----------
    p50, p99, max : float
        Quantiles over patients of the relative error.
    n : int
        Patients compared.
    failed : int
        Patients of the sample who could not be followed at one of the two tolerances.
    rtol : float
        Tolerance that is certified.
    """

    p50: float
    p99: float
    max: float
    n: int
    failed: int
    rtol: float


def certify(
    kernel: Kernel,
    parameters: ArrayLike,
    state: ArrayLike,
    events: Sequence[Event],
    times: ArrayLike,
    outputs: Sequence[str],
    *,
    sample: int = 200,
    seed: int = 0,
    day_end: float | None = None,
    mode: str = "standard",
    rtol: float | None = None,
    threads: int = 1,
    triggers: Sequence[Trigger] = (),
) -> Certificate:
    """Return the error of a mode on these patients.

    Parameters
    ----------
    kernel, parameters, state, events, times, outputs, day_end, mode, rtol, threads, triggers
        As in :func:`exojoint.engine.solve`.
    sample
        Patients to compare (all, if there are fewer).
    seed
        Chooses them; the same seed chooses the same rows.
    """
    p, y = np.asarray(parameters, dtype=np.float64), np.asarray(state, dtype=np.float64)
    rows = np.arange(len(p))
    if len(p) > sample:
        rows = np.sort(stream(seed, "certify").generator().choice(len(p), sample, replace=False))
    certified = rtol if rtol is not None else MODES[mode].rtol
    own = events_of(events, rows)
    levels = triggers_of(triggers, rows)

    def course(level: str, tolerance: float) -> Trajectory:
        return solve(
            kernel, p[rows], y[rows], own, times, outputs,
            day_end=day_end, mode=level, rtol=tolerance, threads=threads, triggers=levels,
        )  # fmt: skip

    rough, fine = course(mode, certified), course("reference", TIGHTER * certified)
    good = (rough.outcome == Outcome.ok) & (fine.outcome == Outcome.ok)
    error = relative_error(rough.values[good], fine.values[good])
    worst = error.reshape(int(good.sum()), -1).max(axis=1, initial=0.0)
    p50, p99, largest = (float(np.quantile(worst, q)) if len(worst) else np.nan for q in (0.5, 0.99, 1.0))
    return Certificate(p50, p99, largest, int(good.sum()), int((~good).sum()), certified)


def relative_error(values: NDArray[np.float64], exact: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return |values - exact| / max(|exact|, 1e-3 of the patient's largest of that output); shapes (n, m, k)."""
    largest = np.abs(exact).max(axis=1, keepdims=True, initial=0.0)
    scale = np.maximum(np.abs(exact), FLOOR * largest)
    return np.asarray(np.abs(values - exact) / np.maximum(scale, np.finfo(np.float64).tiny))
