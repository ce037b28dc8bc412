"""The real knee under vesicles: gradients agree with differences of reference solutions.

Every treatment against two independent solvers is in `validation/engine`.
"""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.engine import Event, gradient, solve
from exojoint.treatments.administer import administer
from exojoint.treatments.treatment import load_treatment

DAYS = np.array([0.5, 3.0, 27.5, 35.0, 91.0])  # none is a day of a dose
OUTPUTS = ("womac_pain", "thickness_mftc", "sf_il6")


@pytest.fixture(scope="module")
def course(bench) -> tuple[np.ndarray, np.ndarray, list[Event]]:
    """Two knees at rest, more and less inflamed, and two injections."""
    rested = bench.rest(n=2, rel_tone=np.array([0.8, 1.3]))
    events = administer(load_treatment("exosome"), days=[0.0, 28.0], amount=5e11)
    return np.asarray(rested.parameters), np.asarray(rested.state), events


def test_gradients_of_the_knee_agree_with_central_differences(bench, course) -> None:
    p, y, events = course
    s, change = bench.knee.system, 2e-4
    wrt = [
        n for n in s.parameters if n.startswith(("k_", "s_", "half_", "potency_")) and p[0, s.parameters.index(n)] > 0
    ]
    wrt = wrt[::4]
    found = gradient(bench.kernel, p, y, events, DAYS, OUTPUTS, wrt)
    exact = np.empty(found.gradient.shape)
    value = np.stack([p[:, s.parameters.index(n)] for n in wrt], axis=-1)[:, None, None]
    for j, name in enumerate(wrt):
        ends = []
        for sign in (1.0, -1.0):
            q = p.copy()
            q[:, s.parameters.index(name)] *= 1.0 + sign * change
            ends.append(solve(bench.kernel, q, y, events, DAYS, OUTPUTS, rtol=1e-11).values)
        exact[..., j] = (ends[0] - ends[1]) / (2.0 * change * value[..., j])
    size = np.abs(found.values).max(axis=1, keepdims=True)[..., None]
    scale = np.maximum(np.abs(exact).max(axis=1, keepdims=True), 1e-3 * size / value)
    wrong = np.abs(found.gradient - exact) / scale
    assert len(wrt) > 5
    assert np.quantile(wrong, 0.99) <= 1e-4
