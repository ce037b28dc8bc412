"""Small systems and a cache folder that the engine's tests share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from exojoint.engine import Kernel, System, compile_system, trace


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder of this test session: everything in it was built by this code."""
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="session")
def compiled(cache: Path) -> Callable[..., Kernel]:
    """Compile a system into the session's cache."""

    def build(system: System, **options: int) -> Kernel:
        return compile_system(system, cache_dir=cache, **options)

    return build


def two_compartments(x: Mapping, p: Mapping) -> tuple[dict, dict]:
    """A depot that feeds a body with first-order loss, infusion as an input."""
    flow = p["ka"] * x["depot"]
    return (
        {"depot": -flow, "body": p["infusion"] + flow - p["ke"] * x["body"]},
        {"concentration": x["body"] / p["volume"]},
    )


@pytest.fixture(scope="session")
def depot(compiled: Callable[..., Kernel]) -> Kernel:
    system = trace(["depot", "body"], ["ka", "ke", "volume", "infusion"], ["infusion"], two_compartments)
    return compiled(system)


def synovitis(x: Mapping, p: Mapping) -> tuple[dict, dict]:
    """Seven states with loops, saturation, roots and several orders of magnitude between the rates."""
    drive = x["il1"] / (p["half"] + x["il1"]) * p["gain"] + p["base"]
    damp = 1.0 / (1.0 + x["il10"] ** 2)
    load = (x["matrix"] ** 0.5) * p["load"] / (1.0 + x["matrix"])
    thickness = p["h0"] * (0.8 * x["matrix"] + 0.2)
    rates = {
        "m1": p["k1"] * (drive * damp - x["m1"]),
        "m2": p["k2"] * (x["m1"] * (1 + x["il10"]) - x["m2"]),
        "il1": p["fast"] * (x["m1"] * damp + p["w"] * load - x["il1"]),
        "il10": p["fast"] / 3 * (x["m2"] - x["il10"]),
        "mmp": p["k3"] * (drive + load**2 - x["mmp"]),
        "matrix": p["k4"] * (1 - x["matrix"]) - p["k5"] * x["mmp"] * x["matrix"],
        "dose": -p["k6"] * x["dose"],
    }
    return rates, {"thickness": thickness, "ratio": x["m1"] / (x["m2"] + 1e-3), "drive": drive}


SYNOVITIS_STATES = ["m1", "m2", "il1", "il10", "mmp", "matrix", "dose"]
SYNOVITIS = {
    "half": 0.5, "gain": 2.0, "base": 0.1, "load": 0.7, "h0": 2.0, "k1": 0.3, "k2": 0.1, "fast": 40.0, "w": 0.2,
    "k3": 1.0, "k4": 0.01, "k5": 0.005, "k6": 3.0,
}  # fmt: skip


@pytest.fixture(scope="session")
def knee_system() -> System:
    return trace(SYNOVITIS_STATES, list(SYNOVITIS), ["load"], synovitis)


@pytest.fixture(scope="session")
def knee(compiled: Callable[..., Kernel], knee_system: System) -> Kernel:
    return compiled(knee_system)


@pytest.fixture(scope="session")
def patients() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Parameters and states of n different patients of the small knee."""

    def sample(n: int, seed: int = 1, spread: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        p = np.array(list(SYNOVITIS.values())) * np.exp(spread * rng.standard_normal((n, len(SYNOVITIS))))
        y = np.array([1.0, 0.8, 1.0, 0.5, 1.0, 0.6, 0.0]) * np.exp(0.1 * rng.standard_normal((n, 7)))
        return p, y

    return sample


@pytest.fixture(scope="session")
def knee_rates() -> Callable:
    """The small knee's equations on plain numbers, for other solvers."""

    def rates(_: float, y: np.ndarray, p: np.ndarray) -> list[float]:
        x = dict(zip(SYNOVITIS_STATES, y, strict=True))
        return list(synovitis(x, dict(zip(SYNOVITIS, p, strict=True)))[0].values())

    return rates
