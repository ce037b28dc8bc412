"""Bayesian random-effects meta-analysis, exact by quadrature: few studies, honest priors, whole distributions.

``y_i ~ N(theta_i, v_i)``, ``theta_i ~ N(mu, tau^2)``. Given tau everything is normal, so the posterior is a mixture of
normals over tau: one integral, no sampling, no convergence to doubt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import gammaln, ndtr

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.checks import choose, effects_and_variances
from exojoint.evidence.estimate import Estimate, Interval, normal_estimate

Array = NDArray[np.float64]
PRIOR_KINDS = ("half-normal", "half-t", "half-cauchy", "uniform", "log-normal", "inverse-gamma")
NODES = 32  # Gauss-Legendre nodes per panel
PANELS = 24  # panels, evenly spaced in u = tau/(tau + scale), finer towards 0
LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class TauPrior:
    """Prior of the between-study standard deviation tau.

    Parameters
    ----------
    kind : str
        ``half-normal(scale)``, ``half-t(scale, df)``, ``half-cauchy(scale)``, ``uniform`` on (0, scale),
        ``log-normal`` with median `scale` and log-SD `df`, ``inverse-gamma`` with shape `df` and scale `scale`.
    scale : float
        In the unit of the effects. For log odds ratios 0.5 to 1 is usual (Roever 2021); state why.
    df : float
        Degrees of freedom of the t; log-SD of the log-normal; shape of the inverse gamma.

    References
    ----------
    Roever C et al. Res Synth Methods 2021;12:448-474.
    """

    kind: str = "half-normal"
    scale: float = 0.5
    df: float = 4.0

    def log_density(self, tau: Array) -> Array:
        """Log density at tau >= 0, with its constant."""
        s = self.scale
        if self.kind == "half-normal":
            return np.asarray(math.log(2) - 0.5 * LOG_2PI - math.log(s) - 0.5 * (tau / s) ** 2)
        if self.kind in ("half-t", "half-cauchy"):
            df = 1.0 if self.kind == "half-cauchy" else self.df
            constant = (
                gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * math.log(df * math.pi) - math.log(s) + math.log(2)
            )
            return np.asarray(constant - 0.5 * (df + 1) * np.log1p((tau / s) ** 2 / df))
        if self.kind == "uniform":
            return np.asarray(np.where(tau <= s, -math.log(s), -np.inf))
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.kind == "inverse-gamma":
                value = self.df * math.log(s) - gammaln(self.df) - (self.df + 1) * np.log(tau) - s / tau
                return np.asarray(np.where(tau > 0, value, -np.inf))
            z = (np.log(tau) - math.log(s)) / self.df
            return np.asarray(np.where(tau > 0, -0.5 * z**2 - 0.5 * LOG_2PI - math.log(self.df) - np.log(tau), -np.inf))

    def check(self) -> None:
        """Raise an `InputError` when the prior is not one."""
        choose(self.kind, PRIOR_KINDS, "tau_prior")
        if not (self.scale > 0 and math.isfinite(self.scale) and self.df > 0):
            raise InputError(Problem("tau_prior", f"scale {self.scale:g}, df {self.df:g}", "positive numbers"))


@dataclass(frozen=True, slots=True)
class Posterior:
    """Mixture of normals over a grid of tau: the posterior of a mean, of a new effect, or of one study's effect.

    Parameters
    ----------
    weights : (g,)
        Posterior probability at the nodes of tau; they sum to 1.
    means, sds : (g,)
        Of the normal at each node.
    """

    weights: Array
    means: Array
    sds: Array

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return float(self.weights @ self.means)

    @property
    def sd(self) -> float:
        """Posterior standard deviation."""
        second = float(self.weights @ (self.sds**2 + self.means**2))
        return math.sqrt(max(second - self.mean**2, 0.0))

    def cdf(self, x: float) -> float:
        """Probability of values up to x."""
        return float(self.weights @ ndtr((x - self.means) / self.sds))

    def density(self, x: ArrayLike) -> Array:
        """Density at x, (n,)."""
        z = (np.atleast_1d(np.asarray(x, dtype=np.float64))[:, None] - self.means) / self.sds
        return np.asarray(np.exp(-0.5 * z**2 - 0.5 * LOG_2PI) / self.sds @ self.weights)

    def quantile(self, p: float) -> float:
        """Value below which a share p of the probability lies."""
        spread = 10.0 * max(self.sd, float(self.sds.max()))
        low, high = self.mean - spread, self.mean + spread
        while self.cdf(low) > p:
            low -= spread
        while self.cdf(high) < p:
            high += spread
        return float(brentq(lambda x: self.cdf(x) - p, low, high, xtol=1e-12))

    def interval(self, level: float = 0.95, kind: str = "central") -> Interval:
        """Credible interval: ``central`` (equal tails) or ``shortest``."""
        name = choose(kind, ("central", "shortest"), "kind")
        tail = 1 - level
        if name == "central":
            return Interval(self.quantile(tail / 2), self.quantile(1 - tail / 2), level, "central credible")
        found = minimize_scalar(
            lambda p: self.quantile(p + level) - self.quantile(p), bounds=(1e-6, tail - 1e-6), method="bounded",
            options={"xatol": 1e-7},
        )  # fmt: skip
        p = float(found.x)
        return Interval(self.quantile(p), self.quantile(p + level), level, "shortest credible")


@dataclass(frozen=True, slots=True)
class BayesResult:
    """Posterior of a random-effects meta-analysis.

    Parameters
    ----------
    mean, new_study : Posterior
        Of the mean effect, and of the true effect of a new study.
    tau, tau_weights : (g,)
        Nodes of tau and their posterior probabilities.
    studies : tuple of Posterior
        True effect of each study, drawn towards the mean.
    log_evidence : float
        Log marginal likelihood; with a flat prior of the mean only differences between priors of tau mean something.
    prior : TauPrior
        What was believed about tau.
    warnings : tuple of str
        What a reader must know.
    """

    mean: Posterior
    new_study: Posterior
    tau: Array
    tau_weights: Array
    studies: tuple[Posterior, ...]
    log_evidence: float
    prior: TauPrior
    warnings: tuple[str, ...] = ()

    @property
    def tau_mean(self) -> float:
        """Posterior mean of tau."""
        return float(self.tau_weights @ self.tau)

    def tau_quantile(self, p: float) -> float:
        """Quantile of tau, linear between the nodes."""
        below = np.cumsum(self.tau_weights) - 0.5 * self.tau_weights
        return float(np.interp(p, below, self.tau))

    def probability_above(self, value: float) -> float:
        """Posterior probability that the mean effect exceeds a value."""
        return 1.0 - self.mean.cdf(value)

    def to_estimate(self, rows_used: tuple[str, ...] = (), method: str = "") -> Estimate:
        """Return the posterior as the rooms on the right take it: its median, SD, and tau's posterior median.

        The SD is half the central 95 % interval over 1.96, so that a heavy tail widens it.
        """
        ends = self.mean.interval(0.95)
        sd = (ends.upper - ends.lower) / (2 * 1.959963984540054)
        how = f"Bayesian, {self.prior.kind} prior of tau (scale {self.prior.scale:g}), k = {len(self.studies)}"
        text = "; ".join(part for part in (method, how, *self.warnings) if part)
        return normal_estimate(self.mean.quantile(0.5), sd, self.tau_quantile(0.5), rows_used, text)


def bayes_pool(
    y: ArrayLike, v: ArrayLike, *, tau_prior: TauPrior | None = None, mean_prior: tuple[float, float] | None = None
) -> BayesResult:
    """Pool effects with a prior of tau, exactly.

    ``p(tau | y)`` is proportional to the prior times ``sqrt(V) exp(-Q/2) prod (v + tau^2)^-1/2`` (V and Q the variance
    and weighted sum of squares of the mean at tau; with a normal prior of the mean it joins them as one more study).

    Parameters
    ----------
    y, v : (k,)
        Effects and sampling variances; one study is enough.
    tau_prior : TauPrior, optional
        Half-normal with scale 0.5 when left out.
    mean_prior : (float, float), optional
        Centre and SD of a normal prior of the mean; flat when left out.

    Raises
    ------
    InputError
        For wrong rows or priors.

    References
    ----------
    Roever C. J Stat Softw 2020;93(6):1-51. Spiegelhalter DJ et al. Bayesian approaches to clinical trials. 2004.
    """
    prior = tau_prior or TauPrior()
    prior.check()
    y_used, v_used, _, warnings = effects_and_variances(y, v)
    if mean_prior is not None and not mean_prior[1] > 0:
        raise InputError(Problem("mean_prior", f"SD {mean_prior[1]:g}", "a positive standard deviation"))
    tau, quadrature = tau_nodes(prior, y_used, v_used)
    log_likelihood, means, variances = conditional(y_used, v_used, tau, mean_prior)
    log_weight = log_likelihood + prior.log_density(tau) + np.log(quadrature)
    top = float(log_weight.max())
    raw = np.exp(log_weight - top)
    weights = raw / raw.sum()
    shrink = tau[:, None] ** 2 / (tau[:, None] ** 2 + v_used)
    studies = tuple(
        Posterior(
            weights,
            shrink[:, i] * y_used[i] + (1 - shrink[:, i]) * means,
            np.sqrt(shrink[:, i] * v_used[i] + (1 - shrink[:, i]) ** 2 * variances),
        )
        for i in range(y_used.size)
    )
    mean = Posterior(weights, means, np.sqrt(variances))
    new = Posterior(weights, means, np.sqrt(variances + tau**2))
    if y_used.size < 3:
        warnings = (*warnings, f"{y_used.size} studies: tau is what its prior says")
    return BayesResult(mean, new, tau, weights, studies, top + math.log(float(raw.sum())), prior, warnings)


def conditional(y: Array, v: Array, tau: Array, mean_prior: tuple[float, float] | None) -> tuple[Array, Array, Array]:
    """Given tau: log marginal likelihood, posterior mean and variance of the mean effect, each (g,).

    With a flat prior of the mean the likelihood lacks the (infinite) constant of that prior.
    """
    w = 1.0 / (v[None, :] + tau[:, None] ** 2)
    precision, weighted = w.sum(axis=1), w @ y
    square = w @ y**2
    log_det = np.log(w).sum(axis=1)
    size = y.size
    if mean_prior is not None:
        centre, p = mean_prior[0], 1.0 / mean_prior[1] ** 2
        precision, weighted, square = precision + p, weighted + p * centre, square + p * centre**2
        log_det = log_det + math.log(p)
        size += 1
    means, variances = weighted / precision, 1.0 / precision
    value = 0.5 * (log_det - np.log(precision) - (square - weighted**2 / precision) - (size - 1) * LOG_2PI)
    return np.asarray(value), np.asarray(means), np.asarray(variances)


def tau_nodes(prior: TauPrior, y: Array, v: Array, nodes: int = PANELS * NODES) -> tuple[Array, Array]:
    """Nodes of tau and their quadrature weights; the map ``tau = scale u/(1-u)`` spreads them over all scales.

    Parameters
    ----------
    prior : TauPrior
    y, v : (k,)
        Effects and sampling variances.
    nodes : int
        About how many; fewer than two panels' worth are one panel.
    """
    data = math.sqrt(float(np.var(y)) + float(v.mean()))
    scale = min(prior.scale, data)
    panels = max(nodes // NODES, 1)
    edges = np.linspace(0.0, 1.0, panels + 1) ** 1.5
    if prior.kind == "uniform":
        top = prior.scale / (prior.scale + scale)
        edges = edges * top
    x, w = np.polynomial.legendre.leggauss(nodes if panels == 1 else NODES)
    half = 0.5 * np.diff(edges)
    u = (edges[:-1, None] + half[:, None] * (x + 1)).ravel()
    tau = scale * u / (1.0 - u)
    return tau, (half[:, None] * w).ravel() * scale / (1.0 - u) ** 2
