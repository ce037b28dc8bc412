"""Robust Bayesian averaging: no single model of publication bias is trusted; all are weighed by how well they predict.

Every combination of (effect or none) x (heterogeneity or none) x (a model of bias or none) is fitted exactly by
quadrature. The answer is the mixture of their posteriors. With few studies the data hardly tell the models apart, and
the result says so by staying close to its priors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.bayes import TauPrior
from exojoint.evidence.bias.bayes_models import BiasPrior, Component, component
from exojoint.evidence.checks import choose, effects_and_variances
from exojoint.evidence.estimate import Estimate, Interval, normal_estimate

Array = NDArray[np.float64]
DEFAULT_TAU = TauPrior("inverse-gamma", 0.15, 1.0)  # heterogeneity of 705 meta-analyses in psychology (van Erp 2017)
DEFAULT_BIAS = (
    BiasPrior("step", 1 / 8, (0.05,), two_sided=True),
    BiasPrior("step", 1 / 8, (0.025,)),
    BiasPrior("step", 1 / 8, (0.025, 0.05)),
    BiasPrior("step", 1 / 8, (0.025, 0.5)),
    BiasPrior("pet", 1 / 4, scale=1.0),
    BiasPrior("peese", 1 / 4, scale=5.0),
)


@dataclass(frozen=True, slots=True)
class AveragedResult:
    """Posterior over models and the effect averaged over them.

    Parameters
    ----------
    components : tuple of Component
        Every model with its posterior probability, effect and heterogeneity.
    prior_probabilities : (float, float, float)
        Of an effect, of heterogeneity, of bias.
    direction : float
        1 when positive effects are wanted, -1 otherwise.
    warnings : tuple of str
        What a reader must know.
    """

    components: tuple[Component, ...]
    prior_probabilities: tuple[float, float, float]
    direction: float
    warnings: tuple[str, ...] = ()

    def probability(self, what: str) -> float:
        """Posterior probability of an ``effect``, of ``heterogeneity`` or of ``bias``."""
        name = choose(what, ("effect", "heterogeneity", "bias"), "what")
        return float(sum(c.posterior for c in self.components if getattr(c, name)))

    def bayes_factor(self, what: str) -> float:
        """Posterior odds over prior odds of an ``effect``, of ``heterogeneity`` or of ``bias``."""
        index = ("effect", "heterogeneity", "bias").index(choose(what, ("effect", "heterogeneity", "bias"), "what"))
        prior, posterior = self.prior_probabilities[index], self.probability(what)
        if prior in (0.0, 1.0):
            return math.nan
        return posterior / max(1 - posterior, 1e-300) / (prior / (1 - prior))

    @property
    def mean(self) -> float:
        """Effect averaged over all models; models without an effect count as zero."""
        return float(sum(c.posterior * c.mean for c in self.components))

    @property
    def sd(self) -> float:
        """Standard deviation of the averaged effect."""
        second = sum(c.posterior * (c.sd**2 + c.mean**2) for c in self.components)
        return math.sqrt(max(float(second) - self.mean**2, 0.0))

    @property
    def tau(self) -> float:
        """Between-study standard deviation, averaged."""
        return float(sum(c.posterior * c.tau for c in self.components))

    def quantile(self, p: float) -> float:
        """Quantile of the averaged effect (a mixture with a point at zero)."""
        points = np.concatenate([c.points for c in self.components])
        mass = np.concatenate([c.posterior * c.mass for c in self.components])
        order = np.argsort(points, kind="stable")
        total = np.cumsum(mass[order])
        return float(points[order][min(int(np.searchsorted(total, p * total[-1])), points.size - 1)])

    def interval(self, level: float = 0.95) -> Interval:
        """Central credible interval of the averaged effect."""
        tail = (1 - level) / 2
        return Interval(self.quantile(tail), self.quantile(1 - tail), level, "central credible, model-averaged")

    def to_estimate(self, rows_used: tuple[str, ...] = (), method: str = "") -> Estimate:
        """Return the averaged effect as the rooms on the right take it."""
        how = (
            f"averaged over {len(self.components)} models of effect, heterogeneity and bias; "
            f"P(effect) {self.probability('effect'):.2f}, P(bias) {self.probability('bias'):.2f}"
        )
        text = "; ".join(part for part in (method, how, *self.warnings) if part)
        return normal_estimate(self.mean, self.sd, self.tau, rows_used, text)


def robust_bayesian_average(
    y: ArrayLike, v: ArrayLike, *, direction: str = "greater", effect_sd: float = 1.0,
    tau_prior: TauPrior | None = None, bias_models: Sequence[BiasPrior] = DEFAULT_BIAS,
    prior_probabilities: tuple[float, float, float] = (0.5, 0.5, 0.5),
) -> AveragedResult:  # fmt: skip
    """Average an effect over models with and without effect, heterogeneity and publication bias.

    Parameters
    ----------
    y, v : (k,)
        Effects (standardised, for the default priors) and sampling variances.
    direction : str
        Which effects are more likely to be published: ``greater`` (positive) or ``less``.
    effect_sd : float
        SD of the normal prior of the effect about zero.
    tau_prior : TauPrior, optional
        Inverse gamma (1, 0.15) when left out.
    bias_models : sequence of BiasPrior
        Step functions of the p value (weights fall with p; uniform on the ordered simplex), PET and PEESE (half-Cauchy
        slopes). Their probabilities are shares of the prior probability of bias.
    prior_probabilities : (float, float, float)
        Of an effect, of heterogeneity, of bias.

    Raises
    ------
    InputError
        For wrong rows or probabilities.

    References
    ----------
    Bartos F et al. Res Synth Methods 2023;14:99-116. Maier M et al. Psychol Methods 2023;28:107-122.
    """
    sign = -1.0 if choose(direction, ("greater", "less"), "direction") == "less" else 1.0
    y_used, v_used, _, warnings = effects_and_variances(y, v)
    prior = tau_prior or DEFAULT_TAU
    prior.check()
    if any(not 0 <= p <= 1 for p in prior_probabilities) or not effect_sd > 0:
        raise InputError(Problem("priors", f"{prior_probabilities}, SD {effect_sd:g}", "probabilities; an SD above 0"))
    share = sum(model.share for model in bias_models)
    p_effect, p_tau, p_bias = prior_probabilities
    options: list[tuple[BiasPrior | None, float]] = [(None, 1 - p_bias if bias_models else 1.0)]
    options += [(model, p_bias * model.share / share) for model in bias_models]
    found = []
    for effect, a in ((True, p_effect), (False, 1 - p_effect)):
        for spread, b in ((True, p_tau), (False, 1 - p_tau)):
            for model, c in options:
                if a * b * c > 0:
                    part = component(
                        sign * y_used, v_used, effect_sd if effect else 0.0, prior if spread else None, model
                    )
                    found.append((part, math.log(a * b * c) + part.log_evidence))
    top = max(weight for _, weight in found)
    total = sum(math.exp(weight - top) for _, weight in found)
    components = tuple(part.weighted(math.exp(weight - top) / total, sign) for part, weight in found)
    return AveragedResult(components, prior_probabilities, sign, warnings)
