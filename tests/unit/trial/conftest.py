"""A knee without equations: pain falls exponentially, cartilage thins in a line, rescue takes a few points off pain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from exojoint.trial.design import Design
from exojoint.trial.design_file import load_design
from exojoint.trial.latent import LatentOutcomes

RESCUE_RELIEF = 4.0  # points that rescue takes off the fake's pain, at once and for good


class FakeKnee:
    """Potential outcomes of a pool under arms with known effects, and the matching rescue solver."""

    def __init__(
        self, effects: dict[str, float], *, n_pool: int = 200, lots: int = 3, seed: int = 0, spread: float = 0.0
    ) -> None:
        rng = np.random.default_rng(seed)
        self.pain = np.clip(rng.normal(50.0, 12.0, n_pool), 20.0, 85.0)
        self.kl = rng.choice([2.0, 3.0], n_pool, p=[0.6, 0.4])
        self.bmi = rng.normal(29.0, 4.0, n_pool)
        self.response = rng.normal(15.0, 8.0, n_pool)
        self.effects, self.lots, self.spread = effects, lots, spread
        self.calls: list[tuple[str, np.ndarray, np.ndarray, np.ndarray]] = []
        self.design: Design = load_design("parallel_2y")

    def path(self, arm: str, patient: np.ndarray, lot: np.ndarray) -> np.ndarray:
        days = np.array(self.design.days)
        effect = self.effects[arm] * (1.0 + self.spread * (lot - (self.lots - 1) / 2)) if arm != "saline" else 0.0 * lot
        fall = (self.response[patient] + effect)[:, None] * (1.0 - np.exp(-days / 14.0))
        pain = self.pain[patient][:, None] - fall
        thickness = 3.4 - 0.08 * days / 365.0 + 0.0 * pain
        return np.stack([pain, thickness, 4.2 + 1.4 * (thickness - 3.45)], axis=-1)

    def latent(self, weights: np.ndarray | None = None) -> LatentOutcomes:
        n = len(self.pain)
        values = {}
        for arm in (*self.effects, "saline"):
            lots = 1 if arm == "saline" else self.lots
            patient, lot = (grid.ravel() for grid in np.meshgrid(np.arange(n), np.arange(lots), indexing="ij"))
            values[arm] = self.path(arm, patient, lot).reshape(n, lots, len(self.design.days), 3)
        weights = np.ones(n) if weights is None else weights
        covariates = {"kl": self.kl, "bmi": self.bmi}
        return LatentOutcomes(
            tuple(values), "saline", self.design.days, self.design.observables, values, weights, covariates
        )

    def rescue(self, arm: str, patient: np.ndarray, lot: np.ndarray, visit: np.ndarray) -> np.ndarray:
        self.calls.append((arm, patient, lot, visit))
        course = self.path(arm, patient, lot)
        course[:, :, 0] -= RESCUE_RELIEF * (np.arange(len(self.design.days)) > visit[:, None])
        return course


@pytest.fixture
def fake_knee() -> Callable[..., FakeKnee]:
    return FakeKnee


@pytest.fixture
def rescue_relief() -> float:
    return RESCUE_RELIEF
