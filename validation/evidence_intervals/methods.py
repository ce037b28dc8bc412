"""What is judged: every interval of the mean effect, on the same simulated data."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.special import chdtri, ndtr

from exojoint.evidence.bayes import TauPrior, conditional, tau_nodes
from exojoint.evidence.pooling import pool_many

ESTIMATORS = ("EE", "DL", "HE", "SJ", "ML", "REML", "PM")
INTERVALS = ("normal", "t", "knapp-hartung", "knapp-hartung-adhoc")
LEVEL = 0.95
PRIOR = TauPrior("half-normal", 0.5)
TAU_STEPS = 96  # of the profile likelihood: u = tau/(tau + 1) in equal steps
Found = tuple[str, str, str, np.ndarray, np.ndarray | None, np.ndarray]


def judge(y: np.ndarray, variances: dict[str, np.ndarray], truth: float) -> Iterator[Found]:
    """Yield (variance, estimator, interval, covered, width or None, error of the estimate), arrays (replicates,).

    All estimators with the usual variance, REML with the other as well.
    """
    chosen = [("LS", estimator) for estimator in ESTIMATORS] + [("AV", "REML")]
    for kind, estimator in chosen:
        for interval in INTERVALS:
            found = pool_many(y, variances[kind], method=estimator, interval=interval, level=LEVEL)
            covered = (found.lower <= truth) & (truth <= found.upper)
            yield kind, estimator, interval, covered, found.upper - found.lower, found.estimate - truth
    yield "LS", "ML", "profile likelihood", *profile(y, variances["LS"], truth)
    yield "LS", "half-normal(0.5)", "Bayesian", *bayesian(y, variances["LS"], truth)


def profile(y: np.ndarray, v: np.ndarray, truth: float) -> tuple[np.ndarray, None, np.ndarray]:
    """Whether twice the profile log-likelihood has dropped by at most 3.84 at the truth (Hardy and Thompson 1996)."""
    best, there, best_mean = np.full(len(y), -np.inf), np.full(len(y), -np.inf), np.zeros(len(y))
    for u in np.linspace(0.0, 0.9, TAU_STEPS):
        w = 1.0 / (v + (u / (1 - u)) ** 2)
        total = w.sum(axis=1)
        mean = (w * y).sum(axis=1) / total
        top = 0.5 * np.log(w).sum(axis=1) - 0.5 * (w * (y - mean[:, None]) ** 2).sum(axis=1)
        best_mean = np.where(top > best, mean, best_mean)
        best, there = np.maximum(best, top), np.maximum(there, top - 0.5 * total * (mean - truth) ** 2)
    return 2 * (best - there) <= chdtri(1, 1 - LEVEL), None, best_mean - truth


def bayesian(y: np.ndarray, v: np.ndarray, truth: float) -> tuple[np.ndarray, None, np.ndarray]:
    """Whether the truth lies within the central 95 % of the exact posterior; error of the posterior mean."""
    covered, error = np.empty(len(y), dtype=bool), np.empty(len(y))
    for i, (effects, variances) in enumerate(zip(y, v, strict=True)):
        tau, step = tau_nodes(PRIOR, effects, variances, nodes=32)
        height, means, spread = conditional(effects, variances, tau, None)
        weight = np.exp(height + PRIOR.log_density(tau) - height.max()) * step
        weight /= weight.sum()
        below = float(weight @ ndtr((truth - means) / np.sqrt(spread)))
        covered[i] = (1 - LEVEL) / 2 <= below <= (1 + LEVEL) / 2
        error[i] = float(weight @ means) - truth
    return covered, None, error


def summarise(found: Found, replicates: int) -> dict[str, object]:
    """One row of the table: shares with their Monte Carlo errors."""
    kind, estimator, interval, covered, width, error = found
    share = float(covered.mean())
    return {
        "variance": kind, "estimator": estimator, "interval": interval, "coverage": f"{share:.4f}",
        "mc_error": f"{math.sqrt(max(share * (1 - share), 1 / replicates) / replicates):.4f}",
        "median_width": "" if width is None else f"{float(np.median(width)):.3f}",
        "bias": f"{float(error.mean()):.4f}",
        "bias_mc_error": f"{float(error.std(ddof=1)) / math.sqrt(replicates):.4f}",
    }  # fmt: skip
