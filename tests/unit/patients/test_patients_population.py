"""Population files: every number with its life, every wrong key told at once."""

from __future__ import annotations

import csv
import re
from importlib.resources import files

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.core.tables import GRADES, read_parameters
from exojoint.patients.population import (
    list_populations,
    load_population,
    patient_parameters,
    read_population,
)

SYMPTOMATIC = (files("exojoint.patients") / "populations" / "kl2_3_symptomatic.toml").read_text(encoding="utf-8")


def edited(tmp_path, *changes):
    text = SYMPTOMATIC
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(path):
    with pytest.raises(InputError) as caught:
        read_population(path)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", list_populations())
def test_every_population_loads_and_names_itself(name):
    population = load_population(name)
    assert population.name == name
    assert population.meaning
    assert sum(population.phenotypes.values()) == pytest.approx(1.0)


def test_the_three_populations_of_the_first_release_are_there():
    assert set(list_populations()) >= {"kl2_3_symptomatic", "kl2_3_inflammatory", "kl3_4_late"}


@pytest.mark.parametrize("name", list_populations())
def test_every_number_has_a_unit_a_grade_and_a_source(name):
    for key, quantity in load_population(name).quantities.items():
        assert quantity.grade in GRADES, key
        assert quantity.source, key
        assert quantity.note, key
        assert quantity.unit, key


def test_every_cited_fact_was_collected(shared):
    known = {"assumed"}
    for table in (shared / "literature").glob("*_facts.csv"):
        with table.open(encoding="utf-8") as lines:
            known |= {row["id"] for row in csv.DictReader(lines)}
    cited = {fact for row in patient_parameters().values() for fact in row.source}
    for name in list_populations():
        cited |= {fact for quantity in load_population(name).quantities.values() for fact in quantity.source}
    assert cited <= known


def test_the_table_s_pain_sd_is_the_observed_one_and_the_latent_one_is_smaller():
    population = load_population("kl2_3_symptomatic")
    latent = population.copula.margins["pain_baseline"]
    assert population.observed_pain.sd == 16.0
    assert np.hypot(latent.sd, population.noise_pain) == pytest.approx(16.0)
    assert latent.mean == population.observed_pain.mean == 50.0


def test_the_noise_of_a_pain_score_is_the_trial_s():
    trial = read_parameters(files("exojoint.trial") / "endpoints" / "endpoints.csv")
    own = patient_parameters()
    assert own["sd_visit_pain"].value == trial["sd_visit_womac_pain"].value
    assert own["sd_measurement_pain"].value == trial["sd_measurement_womac_pain"].value


def test_an_unknown_population_gets_a_suggestion():
    with pytest.raises(InputError, match='Did you mean "kl2_3_symptomatic"'):
        load_population("kl2_3_symptomatik")


def test_all_wrong_keys_are_told_at_once(tmp_path):
    path = edited(
        tmp_path,
        ('value = "62 year"', 'value = "62"'),
        ('sd = { value = "4.5 kg/m2"', 'sdd = { value = "4.5 kg/m2"'),
        ('grade_3 = { value = "40 percent"', 'grade_3 = { value = "30 percent"'),
        ('mean = { value = "13.6 mL", grade = "human_knee"', 'mean = { value = "13.6 mm", grade = "human_nee"'),
        (
            'share = { value = "65 percent", grade = "assumed", source = ["assumed"]',
            'share = { value = "65 percent", grade = "assumed", source = []',
        ),
        ('low = { value = "-4 degree"', 'low = { value = "-400 degree"'),
    )
    found = problems(path)
    joined = "\n".join(found)
    for expected in (
        r"mine\.toml \[age\] `mean` `value`: .*no unit",
        r"mine\.toml \[bmi\] `sdd`: unknown key",
        r"mine\.toml \[bmi\] `sd`: is missing",
        r"mine\.toml \[kl\]: shares sum to 90 percent",
        r"mine\.toml \[effusion_volume\] `mean`.*dimension",
        r"mine\.toml \[effusion_volume\] `mean` `grade`: 'human_nee' is unknown.*Did you mean \"human_knee\"",
        r"mine\.toml \[women\] `share` `source`: is not a list of sources",
        r"mine\.toml \[varus\] `low` `value`: -400 degree is out of range",
    ):
        assert re.search(expected, joined), expected
    assert len(found) == 8


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("schema = 1", "schema = 7"), "`schema`: 7 is unknown"),
        (('name = "kl2_3_symptomatic"', "name = 3"), "`name`: 3 is not a text"),
        (('name = "kl2_3_symptomatic"', 'titel = "x"'), "`name`: is missing"),
        (('mean = { value = "62 year", grade', "mean = { value = 62, grade"), "62 is not a text with a unit"),
        (('[women]\nshare = { value = "65 percent"', '[women]\nshare = { value = "165 percent"'), "out of range"),
        (('sd = { value = "8 year"', 'sd = { value = "30 year"'), "no truncated normal"),
        (('minimal = { value = "25 percent"', 'quiet = { value = "25 percent"'), "`quiet`: unknown key"),
    ],
)
def test_a_wrong_key_names_file_key_and_cure(tmp_path, change, expected):
    assert any(expected in text and "mine.toml" in text for text in problems(edited(tmp_path, change)))


def test_a_section_that_is_no_table_is_told(tmp_path):
    text = re.sub(r"\[women\]\n.*\n", "", SYMPTOMATIC).replace('name = "kl2_3', 'women = 3\nname = "kl2_3')
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    assert any("[women]: is not a table" in text for text in problems(path))


def test_pain_that_varies_less_than_its_noise_is_refused(tmp_path):
    path = edited(tmp_path, ('sd = { value = "16 point"', 'sd = { value = "10 point"'))
    assert any("does not exceed the noise of one visit" in text for text in problems(path))


def test_phenotypes_that_need_more_spread_than_the_margin_has_are_refused(tmp_path):
    path = edited(tmp_path, ('sd = { value = "4.5 kg/m2"', 'sd = { value = "1.5 kg/m2"'))
    assert any("variance of the margin" in text for text in problems(path))


@pytest.mark.parametrize("value", ["0.95", "-0.95"])
def test_a_correlation_that_phenotypes_forbid_is_refused(tmp_path, value):
    path = tmp_path / "mine.toml"
    extra = f'\n[correlations]\nkl_varus = {{ value = "{value}", grade = "assumed", source = ["assumed"] }}\n'
    path.write_text(SYMPTOMATIC + extra, encoding="utf-8")
    assert any("cannot hold" in text for text in problems(path))


def test_a_file_may_replace_a_default_correlation(tmp_path):
    path = tmp_path / "mine.toml"
    extra = '\n[correlations]\nkl_age = { value = "0", grade = "assumed", source = ["assumed"] }\n'
    path.write_text(SYMPTOMATIC + extra, encoding="utf-8")
    population = read_population(path)
    assert population.correlations["kl", "age"] == pytest.approx(0.0, abs=1e-12)
    assert population.correlations["kl", "bmi"] > 0.1
    assert population.quantities["correlations.kl_age"].grade == "assumed"


def test_a_population_without_phenotypes_is_allowed(tmp_path):
    text = re.sub(r"\[phenotype\]\n(.*\n){4}", "", SYMPTOMATIC)
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    assert read_population(path).phenotypes == {}


def test_rounded_shares_are_brought_to_one(tmp_path):
    path = edited(tmp_path, ('grade_3 = { value = "40 percent"', 'grade_3 = { value = "40.3 percent"'))
    assert sum(read_population(path).copula.margins["kl"].shares) == pytest.approx(1.0)
