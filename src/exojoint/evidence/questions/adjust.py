"""Care for bias: a share taken off a published effect, or a bias model of pooled studies."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from exojoint.core.errors import InputError
from exojoint.evidence.bias.averaging import robust_bayesian_average
from exojoint.evidence.bias.selection import selection_model
from exojoint.evidence.bias.small_study import pet_peese
from exojoint.evidence.bias.trim_fill import trim_and_fill
from exojoint.evidence.estimate import Estimate, normal_estimate
from exojoint.evidence.questions.question import Bias, Question

Array = NDArray[np.float64]
STEP = 0.025  # one-sided p value of a selection model's step: significant in the wanted direction


def shrunk(estimate: Estimate, bias: Bias) -> Estimate:
    """Take a share of an effect for bias; not knowing the share widens the estimate.

    The share m is uniform between two ends: the mean becomes ``value (1 - E m)``, the variance
    ``sd^2 E(1 - m)^2 + value^2 Var m``.
    """
    low, high = bias.shrink
    mean, variance = (low + high) / 2, (high - low) ** 2 / 12
    sd = math.sqrt(estimate.sd**2 * ((1 - mean) ** 2 + variance) + estimate.value**2 * variance)
    method = f"{estimate.method}; {100 * low:.0f} to {100 * high:.0f} % of the effect taken for bias ({bias.reason})"
    tau = estimate.between_study_sd * (1 - mean)
    return normal_estimate(estimate.value * (1 - mean), sd, tau, estimate.rows_used, method)


def adjusted(question: Question, y: Array, v: Array, estimate: Estimate) -> Estimate:
    """Return the pooled estimate after the question's care for bias; a model that cannot be fitted is said, not hidden.

    Parameters
    ----------
    question : Question
        Says how bias is handled.
    y, v : (k,)
        Effects and sampling variances of the studies.
    estimate : Estimate
        What they pool to.
    """
    bias = question.rules.bias
    try:
        if bias.handling == "selection":
            fit = selection_model(y, v, steps=(STEP, 1.0), alternative="less" if question.direction < 0 else "greater")
            value, se, tau = fit.estimate, fit.se, math.sqrt(max(fit.tau[0], 0.0))
        elif bias.handling == "pet-peese":
            limit = pet_peese(y, v, direction="less" if question.direction < 0 else "greater").effect
            value, se, tau = limit["estimate"], limit["se"], estimate.between_study_sd
        elif bias.handling == "trim-and-fill":
            filled = trim_and_fill(y, v).adjusted
            value, se, tau = filled.estimate, filled.se, math.sqrt(filled.tau2)
        elif bias.handling == "averaged":
            fitted = robust_bayesian_average(y, v, direction="less" if question.direction < 0 else "greater")
            return fitted.to_estimate(estimate.rows_used, estimate.method)
        else:
            return shrunk(estimate, bias) if bias.handling == "shrink" else estimate
    except InputError as error:
        said = f"{estimate.method}; {bias.handling} could not be fitted ({error.problems[0].what})"
        return normal_estimate(estimate.value, estimate.sd, estimate.between_study_sd, estimate.rows_used, said)
    method = f"{estimate.method}; adjusted by {bias.handling}"
    return normal_estimate(value, se, tau, estimate.rows_used, method)
