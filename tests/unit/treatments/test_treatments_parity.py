"""Structure reference_0_1 says exactly what the specification's prototype says."""

from __future__ import annotations

import numpy as np

from .conftest import draw, reference_values

POINTS = 100
TOLERANCE = 1e-10
FLOOR = 1e-9


def test_rates_equal_the_reference_at_100_random_points(parity_knee, reference):
    rng = np.random.default_rng(20260101)
    worst = {}
    for _ in range(POINTS):
        x, p = draw(parity_knee, rng)
        rates, _ = parity_knee.evaluate(x, p)
        q = reference_values(parity_knee, p, reference.values)
        expected = reference.module.rhs({s.symbol: x[s.name] for s in parity_knee.states}, q)
        for state in parity_knee.states:
            scale = max(abs(expected[state.symbol]), FLOOR)
            error = abs(rates[state.name] - expected[state.symbol]) / scale
            worst[state.name] = max(worst.get(state.name, 0.0), error)
    assert len(worst) == 75
    assert max(worst.values()) < TOLERANCE, sorted(worst.items(), key=lambda item: -item[1])[:5]
