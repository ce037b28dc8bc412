"""Covariates: exact margins, wanted correlations, phenotypes that shift without counting twice, luck by name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojoint.core.streams import stream
from exojoint.patients.copula import VARIABLES, draw
from exojoint.patients.dependence import expected_correlations
from exojoint.patients.margins import Levels
from exojoint.patients.population import list_populations, load_population

N = 40_000
LUCK = stream(11, "patients")


@pytest.fixture(scope="module", params=list_populations())
def many(request):
    population = load_population(request.param)
    return population, draw(population.copula, LUCK, np.arange(N))


def test_means_are_the_table_s_within_four_monte_carlo_errors(many):
    population, draws = many
    for name in VARIABLES:
        margin = population.copula.margins[name]
        assert abs(draws.values[name].mean() - margin.mean) < 4.0 * margin.sd / np.sqrt(N), name


def test_sds_are_the_table_s_within_four_monte_carlo_errors(many):
    population, draws = many
    for name in VARIABLES:
        values, margin = draws.values[name], population.copula.margins[name]
        squares = (values - values.mean()) ** 2
        assert abs(values.var() - margin.sd**2) < 4.0 * squares.std() / np.sqrt(N), name


def test_shares_are_the_table_s_within_four_monte_carlo_errors(many):
    population, draws = many
    wanted = [*population.phenotypes.values(), population.copula.women]
    found = [(draws.phenotype == index).mean() for index in range(len(population.phenotypes))]
    for share, target in zip([*found, draws.woman.mean()], wanted, strict=True):
        assert abs(share - target) < 4.0 * np.sqrt(target * (1.0 - target) / N)


def test_correlations_are_the_wanted_ones_in_spite_of_phenotypes(many):
    population, draws = many
    for (first, second), wanted in population.correlations.items():
        found = np.corrcoef(draws.values[first], draws.values[second])[0, 1]
        assert abs(found - wanted) < 4.0 / np.sqrt(N), (first, second)


def test_two_grades_correlate_less_than_their_scores():
    population = load_population("kl2_3_symptomatic")
    margins = population.copula.margins
    found = expected_correlations({("kl", "age"): 0.25, ("age", "bmi"): 0.25}, margins)
    assert 0.7 < found["kl", "age"] / 0.25 < 0.85
    assert found["age", "bmi"] / 0.25 == pytest.approx(1.0, abs=0.02)


def test_a_single_grade_has_no_correlation():
    margins = {"kl": Levels((3.0,), (1.0,)), "age": load_population("kl2_3_symptomatic").copula.margins["age"]}
    assert expected_correlations({("kl", "age"): 0.25}, margins)["kl", "age"] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("variable", "phenotype"),
    [("bmi", "metabolic"), ("varus", "mechanical"), ("effusion_volume", "inflammatory")],
)
def test_a_phenotype_stands_out_in_what_names_it(many, variable, phenotype):
    population, draws = many
    own = draws.phenotype == list(population.phenotypes).index(phenotype)
    assert draws.values[variable][own].mean() > draws.values[variable][~own].mean() + 0.5 * draws.values[variable].std()


def test_women_report_more_pain_and_the_mean_stays_the_table_s(many):
    population, draws = many
    gap = draws.values["pain_baseline"][draws.woman].mean() - draws.values["pain_baseline"][~draws.woman].mean()
    assert gap == pytest.approx(population.rows["shift_pain_women"].value, abs=0.5)


def test_age_does_not_depend_on_phenotype(many):
    _, draws = many
    means = [draws.values["age"][draws.phenotype == index].mean() for index in range(4)]
    assert np.ptp(means) < 8.0 * 8.0 / np.sqrt(N * 0.1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30, unique=True), st.randoms(use_true_random=False))
def test_a_patient_is_the_same_in_any_company_and_order(ids, random):
    copula = load_population("kl2_3_symptomatic").copula
    together = draw(copula, LUCK, np.array(ids))
    order = list(range(len(ids)))
    random.shuffle(order)
    for position in order[:5]:
        alone = draw(copula, LUCK, np.array([ids[position]]))
        for name in VARIABLES:
            assert alone.values[name][0] == together.values[name][position]
        assert alone.phenotype[0] == together.phenotype[position]
        assert alone.woman[0] == together.woman[position]


def test_another_stream_gives_other_patients():
    copula = load_population("kl2_3_symptomatic").copula
    first, second = (draw(copula, stream(seed), np.arange(50)).values["age"] for seed in (1, 2))
    assert not np.any(first == second)
