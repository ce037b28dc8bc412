"""A knee small enough to see through: the rows that the mapping needs, and a few with spread."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from exojoint.core.distributions import parse_distribution, parse_variability
from exojoint.core.tables import Parameter, ParameterTable

ROWS = (
    # name, value, uncertainty, variability
    ("area_cartilage", 100.0, "lognormal(0.15)", "cv(0.12)"),
    ("n_macrophages", 8e7, "lognormal(0.6)", "cv(0.3)"),
    ("gain_metabolic", 1.0, "lognormal(0.7)", "cv(0.5)"),
    ("k_proliferation", 0.009, "lognormal(0.7)", "cv(0.3)"),
    ("rel_tone", 1.0, "covariate", "cv(0.25)"),
    ("bmi_target", 29.5, "covariate", "covariate"),
    ("varus", 2.0, "covariate", "covariate"),
    ("rel_age_senescence", 1.0, "covariate", "covariate"),
    ("volume_rest", 3.7, "lognormal(0.2)", "cv(0.3)"),
    ("volume_inflammation", 9.9, "lognormal(0.2)", "cv(0.4)"),
    ("k_collagenase_1", 6.7e-5, "fixed", "cv(0.7, collagen_loss)"),
    ("k_collagenase_2", 3.4e-5, "fixed", "cv(0.7, collagen_loss)"),
    ("max_context", 0.5, "logitnormal(0.3)", "cv(0.45)"),
    ("frac_capped", 0.4, "logitnormal(0.3) [0.1, 0.6]", "cv(0.9)"),
    ("w_a", 0.3, "dirichlet(weights, 50)", "cv(0.25)"),
    ("w_b", 0.5, "dirichlet(weights, 50)", "none"),
    ("w_c", 0.2, "dirichlet(weights, 50)", "none"),
    ("k_same", 0.1, "lognormal(0.3)", "none"),
)


@pytest.fixture(scope="session")
def table() -> ParameterTable:
    """Parameter table of the small knee."""
    rows = []
    for number, (name, value, uncertainty, variability) in enumerate(ROWS, start=2):
        spread = parse_distribution(uncertainty, name)
        between = parse_variability(variability, name)
        rows.append(
            Parameter(name, value, "1", spread, between, "assumed", "", ("assumed",), "", "", "fake.csv", number)
        )
    return ParameterTable(rows)


@pytest.fixture(scope="session")
def knee() -> SimpleNamespace:
    """What sampling asks of a joint."""
    return SimpleNamespace(species="human")
