"""Marginal likelihood and posterior effect of one model of effect, heterogeneity and bias, by quadrature."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtri

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.bayes import TauPrior, conditional, tau_nodes
from exojoint.evidence.bias.step_likelihood import StepData, chances, step_data

Array = NDArray[np.float64]
KINDS = ("step", "pet", "peese")
SLOPES, TAUS, WEIGHTS = 48, 40, 10  # quadrature nodes: slopes of PET, tau, each publication weight
EFFECTS = 64  # nodes of the effect where it cannot be integrated in closed form
COARSE = 81  # evenly spaced effects that find where the likelihood is
REACH = 9.0  # standard errors about its maximum that the effect's nodes cover
GRID = 41  # equally likely points that stand for a normal posterior in quantiles
LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class BiasPrior:
    """One model of publication bias.

    Parameters
    ----------
    kind : str
        ``step`` (publication weights that fall with the p value), ``pet`` or ``peese`` (small studies show more).
    share : float
        Of the prior probability of bias.
    steps : tuple of float
        Inner ends of the p-value intervals.
    two_sided : bool
        Whether p values are two-sided; else small p means an effect in the wanted direction.
    scale : float
        Of the half-Cauchy prior of the slope on standard error (PET) or variance (PEESE).
    """

    kind: str
    share: float
    steps: tuple[float, ...] = ()
    two_sided: bool = False
    scale: float = 1.0

    @property
    def name(self) -> str:
        """Short name for tables."""
        if self.kind != "step":
            return self.kind.upper()
        return f"{'two' if self.two_sided else 'one'}-sided {', '.join(f'{step:g}' for step in self.steps)}"


@dataclass(frozen=True, slots=True)
class Component:
    """One fitted model.

    Parameters
    ----------
    effect, heterogeneity, bias : bool
        What it allows for.
    name : str
        Of its bias model.
    log_evidence, posterior : float
        Log marginal likelihood, and posterior probability (0 before weighing).
    moments : (float, float, float)
        Posterior mean and SD of the effect, posterior mean of tau.
    grid : (points, mass)
        The posterior of the effect as points with masses that sum to 1, for quantiles.
    """

    effect: bool
    heterogeneity: bool
    bias: bool
    name: str
    log_evidence: float
    posterior: float
    moments: tuple[float, float, float]
    grid: tuple[Array, Array]

    @property
    def mean(self) -> float:
        """Posterior mean of the effect."""
        return self.moments[0]

    @property
    def sd(self) -> float:
        """Posterior standard deviation of the effect."""
        return self.moments[1]

    @property
    def tau(self) -> float:
        """Posterior mean of tau."""
        return self.moments[2]

    @property
    def points(self) -> Array:
        """Points of the effect's posterior."""
        return self.grid[0]

    @property
    def mass(self) -> Array:
        """Masses of the points."""
        return self.grid[1]

    def weighted(self, posterior: float, sign: float) -> Component:
        """Return the model with its posterior probability, on the reader's side of zero."""
        moments = (sign * self.mean, self.sd, self.tau)
        return replace(self, posterior=posterior, moments=moments, grid=(sign * self.points, self.mass))


def component(y: Array, v: Array, effect_sd: float, tau_prior: TauPrior | None, bias: BiasPrior | None) -> Component:
    """Fit one model; wanted effects are positive.

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances.
    effect_sd : float
        SD of the effect's prior about zero; 0 for a model without effect.
    tau_prior : TauPrior or None
        None for a model without heterogeneity.
    bias : BiasPrior or None
        None for a model without bias.

    Raises
    ------
    InputError
        For an unknown kind of bias.
    """
    if tau_prior is None:
        tau, log_tau = np.zeros(1), np.zeros(1)
    else:
        tau, quadrature = tau_nodes(tau_prior, y, v, nodes=TAUS)
        log_tau = tau_prior.log_density(tau) + np.log(quadrature)
        keep = np.isfinite(log_tau)
        tau, log_tau = tau[keep], log_tau[keep]
    if bias is not None and bias.kind not in KINDS:
        raise InputError(Problem("bias", f"'{bias.kind}' is unknown", ", ".join(KINDS)))
    if bias is None or bias.kind != "step":
        evidence, moments, grid = _regression(y, v, effect_sd, tau, log_tau, bias)
    else:
        evidence, moments, grid = _selection(y, v, effect_sd, tau, log_tau, bias)
    name = "none" if bias is None else bias.name
    return Component(effect_sd > 0, tau_prior is not None, bias is not None, name, evidence, 0.0, moments, grid)


def _regression(
    y: Array, v: Array, effect_sd: float, tau: Array, log_tau: Array, bias: BiasPrior | None
) -> tuple[float, tuple[float, float, float], tuple[Array, Array]]:
    """Models in which the effect is normal given tau and the slope: no bias, PET, PEESE."""
    if bias is None:
        slopes, log_slope = np.zeros(1), np.zeros(1)
    else:
        # A half-Cauchy slope is scale tan(pi u/2) with u uniform on (0, 1).
        x, w = np.polynomial.legendre.leggauss(SLOPES)
        slopes, log_slope = bias.scale * np.tan(0.25 * np.pi * (x + 1)), np.log(0.5 * w)
    predictor = np.sqrt(v) if bias is None or bias.kind == "pet" else v
    prior = (0.0, effect_sd) if effect_sd > 0 else None
    rows = []
    for slope, weight in zip(slopes, log_slope, strict=True):
        z = y - slope * predictor
        if prior is None:
            s2 = v[None, :] + tau[:, None] ** 2
            value = -0.5 * (np.log(s2) + z**2 / s2 + LOG_2PI).sum(axis=1)
            rows.append((value + log_tau + weight, np.zeros_like(tau), np.zeros_like(tau)))
        else:
            value, mean, variance = conditional(z, v, tau, prior)
            rows.append((value + log_tau + weight, mean, variance))
    log_weight, mean, variance = (np.concatenate([row[i] for row in rows]) for i in range(3))
    evidence = float(logsumexp(log_weight))
    p = np.exp(log_weight - evidence)
    centre = float(p @ mean)
    sd = math.sqrt(max(float(p @ (variance + mean**2)) - centre**2, 0.0))
    moments = (centre, sd, float(p @ np.tile(tau, len(rows))))
    if effect_sd == 0:
        return evidence, moments, (np.zeros(1), np.ones(1))
    keep = p > 1e-7 * p.max()
    scores = ndtri((np.arange(GRID) + 0.5) / GRID)
    points = (mean[keep][:, None] + np.sqrt(variance[keep])[:, None] * scores).ravel()
    mass = np.repeat(p[keep] / p[keep].sum() / GRID, GRID)
    return evidence, moments, (points, mass)


def _selection(
    y: Array, v: Array, effect_sd: float, tau: Array, log_tau: Array, bias: BiasPrior
) -> tuple[float, tuple[float, float, float], tuple[Array, Array]]:
    """Step-function models: the effect's integral has no closed form."""
    data = step_data(y, v, np.ones((y.size, 1)), (*bias.steps, 1.0), bias.two_sided)
    weights, log_omega = ordered_weights(len(bias.steps))
    if effect_sd == 0:
        effects, log_effect = np.zeros(1), np.zeros(1)
    else:
        coarse = np.linspace(-4 * effect_sd, 4 * effect_sd, COARSE)
        height = np.array([_log_joint(data, m, tau, log_tau, weights, log_omega)[0] for m in coarse])
        height -= 0.5 * (coarse / effect_sd) ** 2
        near = coarse[height > height.max() - 0.5 * REACH**2]
        step = coarse[1] - coarse[0]
        low, high = float(near.min() - step), float(near.max() + step)
        x, w = np.polynomial.legendre.leggauss(EFFECTS)
        effects = low + 0.5 * (high - low) * (x + 1)
        log_effect = (
            np.log(0.5 * (high - low) * w) - 0.5 * (effects / effect_sd) ** 2 - math.log(effect_sd) - 0.5 * LOG_2PI
        )
    values, taus = np.array([_log_joint(data, m, tau, log_tau, weights, log_omega) for m in effects]).T
    log_mass = values + log_effect
    evidence = float(logsumexp(log_mass))
    p = np.exp(log_mass - evidence)
    centre = float(p @ effects)
    sd = math.sqrt(max(float(p @ effects**2) - centre**2, 0.0))
    return evidence, (centre, sd, float(p @ taus)), (effects, p)


def _log_joint(
    data: StepData, effect: float, tau: Array, log_tau: Array, weights: Array, log_omega: Array
) -> tuple[float, float]:
    """Log likelihood at an effect, tau and weights integrated out, and the posterior mean of tau there."""
    k, g = data.y.size, tau.size
    s = np.sqrt(data.v[None, :] + tau[:, None] ** 2)
    base = (-0.5 * ((data.y - effect) / s) ** 2 - np.log(s) - 0.5 * LOG_2PI).sum(axis=1)
    chance = chances(np.tile(data.bars, (g, 1)), data.two_sided, np.full(k * g, effect), s.ravel())[0]
    published = np.log(np.maximum(chance @ weights.T, 1e-300)).reshape(g, k, -1).sum(axis=1)
    counts = np.bincount(data.interval, minlength=weights.shape[1])
    own = np.log(np.maximum(weights, 1e-300)) @ counts
    log_given = logsumexp(own[None, :] - published + log_omega[None, :], axis=1) + base + log_tau
    total = float(logsumexp(log_given))
    return total, float(np.exp(log_given - total) @ tau)


def ordered_weights(steps: int) -> tuple[Array, Array]:
    """Nodes of publication weights ``1 >= w_2 >= ... >= w_J``, uniform on that set, and their log quadrature weights.

    Order statistics of uniform variables: ``w_2 = u_1^(1/n)``, ``w_3 = w_2 u_2^(1/(n-1))`` ... with n = J - 1.

    Parameters
    ----------
    steps : int
        Number of steps, J - 1.
    """
    x, w = np.polynomial.legendre.leggauss(WEIGHTS)
    u, q = 0.5 * (x + 1), 0.5 * w
    grids = np.meshgrid(*([u] * steps), indexing="ij")
    masses = np.meshgrid(*([q] * steps), indexing="ij")
    nodes = np.stack([grid.ravel() for grid in grids], axis=1)
    log_mass = np.log(np.stack([mass.ravel() for mass in masses], axis=1)).sum(axis=1)
    weights = np.ones((nodes.shape[0], steps + 1))
    for j in range(steps):
        weights[:, j + 1] = weights[:, j] * nodes[:, j] ** (1.0 / (steps - j))
    return weights, np.asarray(log_mass)
