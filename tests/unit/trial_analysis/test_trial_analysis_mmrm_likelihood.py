"""The criterion and its derivatives against dense matrices and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojoint.trial.analysis.mmrm_criterion import curvature, evaluate
from exojoint.trial.analysis.mmrm_moments import gather
from exojoint.trial.analysis.mmrm_newton import describe
from exojoint.trial.analysis.mmrm_start import rough_covariance
from exojoint.trial.analysis.mmrm_structures import STRUCTURES, covariance

N_VISITS = 4


def example(seed, n=25, v=N_VISITS, missing=0.3, n_groups=1):
    """Rows z (N, P), subject, visit, group per subject; every subject and every visit is seen."""
    rng = np.random.default_rng(seed)
    seen = rng.random((n, v)) > missing
    seen[np.arange(n), np.arange(n) % v] = True
    subject, visit = np.nonzero(seen)
    z = np.column_stack([np.ones(len(subject)), visit == 1, rng.normal(size=(len(subject), 2))]).astype(float)
    return z, subject, visit, np.arange(n) % n_groups


def random_sigma(seed, v=N_VISITS, n_groups=1):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n_groups, v, v)) * 0.4 + np.eye(v)
    return root @ root.transpose(0, 2, 1)


def dense_value(z, subject, visit, group, sigma, reml):
    """Minus twice the log-likelihood without constants, with one big matrix."""
    X, y = z[:, :-1], z[:, -1]
    side = group[subject]
    V = np.where(subject[:, None] == subject, sigma[side[:, None], visit[:, None], visit[None, :]], 0.0)
    W = np.linalg.inv(V)
    normal = X.T @ W @ X
    r = y - X @ np.linalg.solve(normal, X.T @ W @ y)
    value = np.linalg.slogdet(V)[1] + r @ W @ r
    return value + np.linalg.slogdet(normal)[1] if reml else value


@given(seed=st.integers(0, 10**6), missing=st.floats(0.0, 0.7), reml=st.booleans(), n_groups=st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_summing_by_pattern_gives_the_likelihood_of_the_whole_matrix(seed, missing, reml, n_groups):
    rows = example(seed, missing=missing, n_groups=n_groups)
    sigma = random_sigma(seed, n_groups=n_groups)
    found = evaluate(gather(*rows), sigma, reml)
    assert found is not None
    assert found.value == pytest.approx(dense_value(*rows, sigma, reml), rel=1e-10)


def test_fixed_effects_are_generalised_least_squares():
    z, subject, visit, group = example(3)
    sigma = random_sigma(3)
    found = evaluate(gather(z, subject, visit, group), sigma, True)
    V = np.where(subject[:, None] == subject, sigma[0][visit[:, None], visit[None, :]], 0.0)
    X, y = z[:, :-1], z[:, -1]
    normal = X.T @ np.linalg.solve(V, X)
    np.testing.assert_allclose(found.cov, np.linalg.inv(normal), rtol=1e-10)
    np.testing.assert_allclose(found.coefficients, np.linalg.solve(normal, X.T @ np.linalg.solve(V, y)), rtol=1e-10)


def test_a_matrix_that_is_not_positive_definite_has_no_likelihood():
    moments = gather(*example(1))
    assert evaluate(moments, np.ones((1, N_VISITS, N_VISITS)), True) is None


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("n_groups", [1, 2])
@pytest.mark.parametrize("name", sorted(STRUCTURES))
def test_gradient_and_hessian_agree_with_finite_differences(name, n_groups, reml):
    structure = STRUCTURES[name]
    moments = gather(*example(7, n_groups=n_groups))
    rng = np.random.default_rng(11)
    theta = np.concatenate([structure.start(sigma) for sigma in rough_covariance(moments)])
    theta = theta + 0.1 * rng.normal(size=len(theta))

    def gradient(at):
        covariances = [covariance(structure, part, N_VISITS) for part in at.reshape(n_groups, -1)]
        by_sigma = evaluate(moments, np.stack([c.sigma for c in covariances]), reml).gradient
        return np.concatenate([np.tensordot(c.first, g, 2) for c, g in zip(covariances, by_sigma, strict=True)])

    def value(at):
        sigma = np.stack([covariance(structure, part, N_VISITS).sigma for part in at.reshape(n_groups, -1)])
        return evaluate(moments, sigma, reml).value

    step = 1e-5 * np.eye(len(theta))
    by_value = np.array([(value(theta + h) - value(theta - h)) / 2e-5 for h in step])
    by_gradient = np.array([(gradient(theta + h) - gradient(theta - h)) / 2e-5 for h in step])
    np.testing.assert_allclose(gradient(theta), by_value, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(describe(moments, structure, theta, reml).hessian, by_gradient, rtol=1e-5, atol=1e-5)


def test_the_change_of_the_normal_equations_agrees_with_finite_differences():
    moments = gather(*example(5))
    structure = STRUCTURES["us"]
    theta = structure.start(rough_covariance(moments)[0])
    here = describe(moments, structure, theta, True)
    for k, h in enumerate(1e-5 * np.eye(len(theta))):
        up, down = (np.linalg.inv(describe(moments, structure, theta + s * h, True).at.cov) for s in (1, -1))
        np.testing.assert_allclose(here.change[k], (up - down) / 2e-5, rtol=1e-6, atol=1e-6)


def test_the_expected_information_is_the_mean_of_the_exact_one():
    """Over data sets of the model, and without the correction for fixed effects."""
    n, v = 400, 3
    sigma = random_sigma(2, v=v)
    rng = np.random.default_rng(5)
    exact, expected = 0.0, 0.0
    subject, visit = np.divmod(np.arange(n * v), v)
    for _ in range(60):
        y = (rng.normal(size=(n, v)) @ np.linalg.cholesky(sigma[0]).T).ravel()
        moments = gather(np.column_stack([np.ones(n * v), y]), subject, visit, np.zeros(n, dtype=int))
        bent = curvature(moments, evaluate(moments, sigma, False), False)
        exact, expected = exact + bent.exact / 60, bent.expected
    np.testing.assert_allclose(exact, expected, atol=0.03 * np.abs(expected).max())


@pytest.mark.parametrize("name", sorted(STRUCTURES))
@pytest.mark.parametrize("v", [1, 2, 5])
def test_derivatives_of_every_structure_agree_with_finite_differences(name, v):
    structure = STRUCTURES[name]
    rng = np.random.default_rng(v)
    theta = 0.3 * rng.normal(size=structure.n_theta(v))
    here = covariance(structure, theta, v)
    np.testing.assert_allclose(here.sigma, here.sigma.T)
    for k, h in enumerate(1e-5 * np.eye(len(theta))):
        up, down = (covariance(structure, theta + s * h, v) for s in (1, -1))
        np.testing.assert_allclose(here.first[k], (up.sigma - down.sigma) / 2e-5, atol=1e-8)
        np.testing.assert_allclose(here.second[k], (up.first - down.first) / 2e-5, atol=1e-8)


@pytest.mark.parametrize("name", sorted(STRUCTURES))
def test_a_matrix_of_the_structure_is_its_own_start(name):
    structure = STRUCTURES[name]
    theta = np.linspace(-0.2, 0.4, structure.n_theta(N_VISITS))
    sigma = covariance(structure, theta, N_VISITS).sigma
    again = covariance(structure, structure.start(sigma), N_VISITS).sigma
    np.testing.assert_allclose(again, sigma, rtol=1e-8)


@pytest.mark.parametrize("name", sorted(STRUCTURES))
def test_a_start_is_positive_definite_however_odd_the_correlations(name):
    odd = np.array([[1.0, 0.9, -0.5, 0.9], [0.9, 1.0, -0.9, 0.99], [-0.5, -0.9, 1.0, -0.9], [0.9, 0.99, -0.9, 1.0]])
    odd = 0.9 * odd + 0.1 * np.eye(4) if np.linalg.eigvalsh(odd)[0] <= 0.02 else odd
    while np.linalg.eigvalsh(odd)[0] <= 0.0:
        odd = 0.9 * odd + 0.1 * np.eye(4)
    structure = STRUCTURES[name]
    assert np.linalg.eigvalsh(covariance(structure, structure.start(odd), 4).sigma)[0] > 0
