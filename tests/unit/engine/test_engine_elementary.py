"""exp, log and power of vectors: accuracy in units of the last place, and the ends of the range."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from exojoint.engine import Kernel, trace
from exojoint.engine.functions import atan, cos, exp, floor, log, sin
from exojoint.engine.probe import Probe, outputs_at

mpmath = pytest.importorskip("mpmath", reason="mpmath gives the exact values (it comes with sympy)")

PRECISION = {False: 53, True: 24}  # bits of double and single numbers


@pytest.fixture(scope="module")
def functions(compiled: Callable[..., Kernel]) -> Kernel:
    def equations(x: dict, p: dict) -> tuple[dict, dict]:
        z = x["z"]
        table = {"exp": exp(z), "log": log(z), "power": z ** p["a"], "sin": sin(z), "cos": cos(z)}
        return {"z": 0.0}, table | {"atan": atan(z), "floor": floor(z), "root": z**0.5}

    return compiled(trace(["z"], ["a"], [], equations))


def run(kernel: Kernel, name: str, z: np.ndarray, a: np.ndarray | float = 1.0, single: bool = False) -> np.ndarray:
    probe = Probe(kernel.variant(single=single))
    lanes = probe.variant.shape.lanes
    a = np.broadcast_to(a, z.shape)
    out = np.empty(len(z))
    for start in range(0, len(z), lanes):
        part = slice(start, min(start + lanes, len(z)))
        for lane, value in enumerate(a[part]):
            probe.patient(lane, np.array([value]))
        probe.rows("y_out")[0, : part.stop - start] = z[part]
        probe.run("outputs")
        out[part] = probe.rows("outputs")[kernel.system.index(name) - 1, : part.stop - start]
    return out


def ulps(values: np.ndarray, exact: list, bits: int) -> float:
    worst = 0.0
    for v, e in zip(values, exact, strict=True):
        unit = mpmath.mpf(2) ** (mpmath.floor(mpmath.log(abs(e), 2)) - bits + 1)
        worst = max(worst, float(abs(mpmath.mpf(float(v)) - e) / unit))
    return worst


@pytest.mark.parametrize("single", [False, True])
def test_exp_log_and_power_are_accurate_to_the_last_place(functions: Kernel, single: bool) -> None:
    rng = np.random.default_rng(3)
    number = (lambda v: np.float32(v).astype(float)) if single else (lambda v: v)
    bits = PRECISION[single]
    n = 1500
    with mpmath.workprec(200):
        z = number(rng.uniform(-80, 80, n))
        assert ulps(run(functions, "exp", z, single=single), [mpmath.e ** mpmath.mpf(v) for v in z], bits) < 1.0
        for z in (number(np.exp(rng.uniform(-80, 80, n))), number(1 + rng.uniform(-0.2, 0.2, n))):
            assert ulps(run(functions, "log", z, single=single), [mpmath.log(mpmath.mpf(v)) for v in z], bits) < 1.0
        z, a = number(np.exp(rng.uniform(-7, 7, n))), number(rng.uniform(-8, 8, n))
        exact = [mpmath.mpf(u) ** mpmath.mpf(v) for u, v in zip(z, a, strict=True)]
        assert ulps(run(functions, "power", z, a, single), exact, bits) < 2.0


def test_a_large_power_keeps_its_accuracy(functions: Kernel) -> None:
    rng = np.random.default_rng(4)
    z, a = np.exp(rng.uniform(-60, 60, 1000)), rng.uniform(-11, 11, 1000)
    with mpmath.workprec(200):
        exact = [mpmath.mpf(u) ** mpmath.mpf(v) for u, v in zip(z, a, strict=True)]
        assert ulps(run(functions, "power", z, a), exact, 53) < 2.0


def test_the_ends_of_the_range_follow_the_standard(functions: Kernel) -> None:
    z = np.array([0.0, -1.0, np.inf, np.nan, 5e-324, 1.0])
    np.testing.assert_allclose(
        run(functions, "log", z), [-np.inf, np.nan, np.inf, np.nan, np.log(5e-324), 0.0], rtol=1e-15
    )
    z = np.array([np.inf, -np.inf, np.nan, 710.0, -746.0, 0.0])
    np.testing.assert_array_equal(run(functions, "exp", z), [np.inf, 0.0, np.nan, np.inf, 0.0, 1.0])
    z = np.array([0.0, 0.0, 0.0, -2.0, -2.0, -2.0, np.inf, np.inf, 3.0, np.nan])
    a = np.array([0.5, -1.0, 0.0, 3.0, 2.0, 0.5, 2.0, -2.0, 0.0, 2.0])
    expected = [0.0, np.inf, 1.0, -8.0, 4.0, np.nan, np.inf, 0.0, 1.0, np.nan]
    np.testing.assert_allclose(run(functions, "power", z, a), expected, rtol=1e-15)


def test_a_whole_exponent_from_a_parameter_forgives_a_state_below_zero(functions: Kernel) -> None:
    assert run(functions, "power", np.array([-1e-12]), 2.0)[0] == pytest.approx(1e-24)


def test_other_functions_agree_with_numpy(functions: Kernel) -> None:
    z = np.random.default_rng(5).uniform(0.0, 6.0, 500)
    for name, reference in (
        ("sin", np.sin),
        ("cos", np.cos),
        ("atan", np.arctan),
        ("floor", np.floor),
        ("root", np.sqrt),
    ):
        np.testing.assert_allclose(run(functions, name, z), reference(z), rtol=1e-15, atol=1e-15)
    assert outputs_at(functions, [[1.0]], [[2.5]], ["floor"])[0, 0] == 2.0
