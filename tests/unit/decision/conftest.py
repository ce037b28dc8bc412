"""A small space of unknowns: independent ones of several grades and owners, and a set of weights."""

from __future__ import annotations

import pytest

from exojoint.core.distributions import parse_distribution, parse_variability
from exojoint.core.knowledge import KnowledgeSpace, knowledge_space
from exojoint.core.tables import Parameter, ParameterTable

ROWS = (
    # name, value, uncertainty, grade, table
    ("k_uptake", 2.0, "lognormal(0.5)", "assumed", "exosome.csv"),
    ("k_decay", 1.0, "lognormal(0.5)", "in_vitro", "exosome.csv"),
    ("em_effect", 0.4, "logitnormal(0.5)", "calibrated", "joint.csv"),
    ("w_a", 0.6, "dirichlet(weights, 50)", "assumed", "joint.csv"),
    ("w_b", 0.4, "dirichlet(weights, 50)", "assumed", "joint.csv"),
    ("k_known", 3.0, "fixed", "human_knee", "joint.csv"),
)


@pytest.fixture(scope="session")
def table() -> ParameterTable:
    """Rows of the unknowns (and one known number)."""
    return ParameterTable(
        Parameter(
            name, value, "1/day", parse_distribution(uncertainty, name), parse_variability("none", name), grade, "",
            ("assumed",), "", "", file, number,
        )
        for number, (name, value, uncertainty, grade, file) in enumerate(ROWS, start=2)
    )  # fmt: skip


@pytest.fixture(scope="session")
def space(table: ParameterTable) -> KnowledgeSpace:
    """Five axes."""
    return knowledge_space(table)
