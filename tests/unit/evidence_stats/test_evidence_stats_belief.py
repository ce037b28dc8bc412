"""What we believe after the evidence: exact posteriors, models of bias weighed against each other, wider priors."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from exojoint.core.errors import InputError
from exojoint.evidence import bias
from exojoint.evidence.bayes import TauPrior, bayes_pool
from exojoint.evidence.pooling import pool

Y, V = np.array([0.2, 0.9, 1.4, 0.5]), np.array([0.10, 0.20, 0.15, 0.30])
PRIORS = [
    TauPrior("half-normal", 0.5), TauPrior("half-t", 0.4, 3.0), TauPrior("half-cauchy", 0.3), TauPrior("uniform", 2.0),
    TauPrior("log-normal", 0.3, 0.8), TauPrior("inverse-gamma", 0.15, 1.0),
]  # fmt: skip


def brute_force(prior, function):
    """Posterior mean of a function of (mean of mu given tau, variance of mu given tau, tau), by adaptive quadrature."""

    def height(tau):
        w = 1 / (V + tau**2)
        mean = (w * Y).sum() / w.sum()
        log = 0.5 * (np.log(w).sum() - math.log(w.sum()) - (w * (Y - mean) ** 2).sum())
        return math.exp(log + float(prior.log_density(np.array([tau]))[0])), mean, 1 / w.sum()

    def integral(of):
        ends = [1e-9, 0.05, 0.2, 1.0, prior.scale if prior.kind == "uniform" else np.inf]
        return sum(quad(of, a, b, limit=200)[0] for a, b in itertools.pairwise(ends))

    return integral(lambda t: height(t)[0] * function(*height(t)[1:], t)) / integral(lambda t: height(t)[0])


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.kind)
def test_posterior_is_that_of_adaptive_quadrature(prior):
    found = bayes_pool(Y, V, tau_prior=prior)
    mean = brute_force(prior, lambda m, v, t: m)
    assert found.mean.mean == pytest.approx(mean, abs=1e-6)
    assert found.mean.sd**2 == pytest.approx(brute_force(prior, lambda m, v, t: v + (m - mean) ** 2), rel=1e-5)
    assert found.tau_mean == pytest.approx(brute_force(prior, lambda m, v, t: t), rel=1e-5)
    assert found.mean.cdf(0.5) == pytest.approx(
        brute_force(prior, lambda m, v, t: norm.cdf((0.5 - m) / v**0.5)), abs=1e-6
    )


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.kind)
def test_priors_of_tau_are_densities(prior):
    top = prior.scale if prior.kind == "uniform" else np.inf
    mass = quad(lambda t: math.exp(float(prior.log_density(np.array([t]))[0])), 1e-12, top, limit=400)[0]
    assert mass == pytest.approx(1.0, abs=1e-4)


def test_a_prior_without_heterogeneity_is_the_equal_effects_model():
    found = bayes_pool(Y, V, tau_prior=TauPrior("half-normal", 1e-6)).mean
    usual = pool(Y, V, method="EE", interval="normal")
    assert (found.mean, found.sd) == (pytest.approx(usual.estimate, abs=1e-6), pytest.approx(usual.se, abs=1e-6))


def test_a_prior_of_the_mean_is_one_more_study():
    with_prior = bayes_pool([1.0], [0.5], tau_prior=TauPrior("half-normal", 1e-6), mean_prior=(0.0, 0.5**0.5))
    assert with_prior.mean.mean == pytest.approx(0.5, abs=1e-6)
    assert with_prior.mean.sd == pytest.approx(0.5, abs=1e-6)


def test_a_wider_prior_of_tau_and_fewer_studies_widen_the_posterior():
    sds = [bayes_pool(Y, V, tau_prior=TauPrior("half-normal", scale)).mean.sd for scale in (0.1, 0.5, 2.0)]
    assert sds == sorted(sds)
    assert bayes_pool(Y[:2], V[:2]).mean.sd > bayes_pool(Y, V).mean.sd
    assert bayes_pool(Y, V).new_study.sd > bayes_pool(Y, V).mean.sd


def test_worse_evidence_gives_a_wider_prior_and_says_why():
    estimate = bayes_pool(Y, V).to_estimate(("a", "b", "c", "d"), "histology")
    bodies = [
        bias.grade("animal", ()),
        bias.grade("animal", (bias.Step("risk of bias", -1, "no blinding"),)),
        bias.grade("animal", (bias.Step("risk of bias", -1, "no blinding"), bias.Step("indirectness", -1, "rats"))),
        bias.grade("animal", (bias.Step("risk of bias", -2, "no blinding"), bias.Step("indirectness", -2, "rats"))),
    ]
    widened = [body.widen(estimate) for body in bodies]
    assert [body.level for body in bodies] == ["high", "moderate", "low", "very low"]
    sds = [item.sd for item in widened]
    assert sds == sorted(set(sds))
    assert sds[0] == estimate.sd
    assert {item.value for item in widened} == {estimate.value}
    assert "no blinding" in widened[-1].method
    assert widened[-1].for_a_new_setting().sd > sds[-1]


def test_rules_of_grading_follow_the_pooled_result():
    apart = pool([0.1, 2.0, -0.8, 1.5], [0.05] * 4)
    body = bias.Body(start="animal", share_high_risk=0.8, important_difference=0.5, animals_for_humans=True)
    rated = bias.grade_body(apart, body)
    assert rated.level == "very low"
    assert {step.domain for step in rated.steps if step.levels < 0} >= {"risk of bias", "inconsistency", "indirectness"}
    alike = pool([1.0, 1.1, 0.9, 1.05], [0.005] * 4)
    clean = bias.grade_body(alike, bias.Body(start="randomised", share_high_risk=0.0, important_difference=0.5))
    assert clean.level == "high"


def test_two_models_are_weighed_by_their_closed_form():
    y, v = np.array([0.9]), np.array([0.2])
    found = bias.robust_bayesian_average(y, v, bias_models=(), prior_probabilities=(0.5, 0.0, 0.0))
    factor = norm.pdf(0.9, 0, math.sqrt(1 + 0.2)) / norm.pdf(0.9, 0, math.sqrt(0.2))
    assert found.bayes_factor("effect") == pytest.approx(factor, rel=1e-6)
    assert found.mean == pytest.approx(factor / (1 + factor) * 0.9 / 1.2, rel=1e-6)


@pytest.fixture(scope="module")
def published():
    """All significant experiments and few of the others, of a true effect of 0.3."""
    stream = np.random.default_rng(4)
    kept = []
    while len(kept) < 15:
        v = stream.uniform(0.1, 0.5)
        y = stream.normal(0.3, 0.1) + stream.normal() * math.sqrt(v)
        if y / math.sqrt(v) > 1.96 or stream.random() < 0.1:
            kept.append((y, v))
    return tuple(np.array(kept).T)


def test_selected_animal_studies_are_corrected_towards_the_truth(published):
    found = bias.adjust_small_studies(*published)
    assert found.naive.estimate > 0.6
    assert found.adjusted.mean < 0.6 * found.naive.estimate
    assert found.adjusted.interval().lower < 0.3 < found.adjusted.interval().upper
    assert found.adjusted.probability("bias") > 0.8
    assert 0 < found.shrinkage < 1
    estimate = found.to_estimate()
    assert estimate.sd > found.naive.se


def test_wanted_direction_is_a_mirror(published):
    y, v = published
    models = (bias.BiasPrior("step", 1.0, (0.025,)),)
    up = bias.robust_bayesian_average(y[:6], v[:6], bias_models=models)
    down = bias.robust_bayesian_average(-y[:6], v[:6], bias_models=models, direction="less")
    assert down.mean == pytest.approx(-up.mean, abs=1e-12)


def test_fair_evidence_is_hardly_changed():
    y = 1.0 + 0.1 * np.tile([1.0, -1.0], 6)
    found = bias.robust_bayesian_average(y, np.linspace(0.005, 0.1, 12))
    assert found.mean == pytest.approx(1.0, abs=0.06)
    assert found.probability("bias") < 0.5


def test_one_significant_study_is_shrunk_by_its_selection():
    found = bias.conditional_estimate(1.2, 0.3)
    assert 0 < found.estimate < 1.2
    assert bias.conditional_estimate(5.0, 0.3).estimate == pytest.approx(5.0, abs=1e-3)


def test_priors_that_are_none_are_refused():
    with pytest.raises(InputError):
        bias.robust_bayesian_average(Y, V, prior_probabilities=(0.5, 1.5, 0.5))
    with pytest.raises(InputError):
        bayes_pool(Y, V, tau_prior=TauPrior("half-normal", -1.0))
    with pytest.raises(InputError):
        bayes_pool(Y, V, mean_prior=(0.0, 0.0))
