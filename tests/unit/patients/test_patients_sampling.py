"""From a record to a knee: directions of every rule, weights, and the table that is achieved."""

from __future__ import annotations

from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from exojoint.core.errors import InputError
from exojoint.core.streams import stream
from exojoint.joint.model import load_joint
from exojoint.joint.starting import grade_tone, starting_state
from exojoint.patients.achieved import achieved_table
from exojoint.patients.population import list_populations, load_population, read_population
from exojoint.patients.sampling import match_effusion, recruit, reweigh, sample_patients, with_knowledge

LUCK = stream(5, "patients")
N = 20_000


@pytest.fixture(scope="module")
def population():
    return load_population("kl2_3_symptomatic")


@pytest.fixture(scope="module")
def many(population, knee, table):
    return sample_patients(population, knee, table, {}, LUCK, np.arange(N))


def column(patients, name):
    return patients.covariates[name].to_numpy()


def test_the_record_has_the_columns_of_the_run_folder(many):
    assert many.covariates.columns == [
        "patient", "age", "sex", "bmi", "kl", "varus", "phenotype", "pain_baseline", "effusion_volume",
    ]  # fmt: skip
    assert many.covariates.height == N == len(many.ids)
    assert set(many.covariates["sex"]) == {"woman", "man"}
    np.testing.assert_array_equal(many.kl, column(many, "kl"))
    np.testing.assert_array_equal(many.pain_latent, column(many, "pain_baseline"))


def test_every_parameter_has_one_value_per_patient_and_is_in_the_table(many, table):
    for name, values in many.parameters.items():
        assert name in table
        assert values.shape == (N,)
        assert np.isfinite(values).all()


def test_recorded_numbers_reach_the_knee_unchanged(many):
    np.testing.assert_array_equal(many.parameters["bmi_target"], column(many, "bmi"))
    np.testing.assert_array_equal(many.parameters["varus"], column(many, "varus"))


def test_older_patients_have_more_senescence_and_less_proliferation(many):
    age = column(many, "age")
    assert np.corrcoef(age, many.parameters["rel_age_senescence"])[0, 1] == pytest.approx(1.0)
    old = age > 70.0
    assert many.parameters["k_proliferation"][old].mean() < many.parameters["k_proliferation"][age < 55.0].mean()


def test_the_reference_age_changes_nothing(many):
    near = np.abs(column(many, "age") - 62.0) < 0.05
    np.testing.assert_allclose(many.parameters["rel_age_senescence"][near], 1.0, atol=1e-3)


def test_women_have_fewer_macrophages_and_less_cartilage(many):
    woman = column(many, "sex") == "woman"
    for name in ("n_macrophages", "area_cartilage"):
        ratio = many.parameters[name][woman].mean() / many.parameters[name][~woman].mean()
        assert ratio == pytest.approx(0.85, abs=0.02)


def test_phenotypes_order_synovial_tone(many):
    tone, phenotype = many.parameters["rel_tone"], column(many, "phenotype")
    means = {name: tone[phenotype == name].mean() for name in ("minimal", "mechanical", "metabolic", "inflammatory")}
    assert list(means.values()) == sorted(means.values())
    assert means["inflammatory"] / means["minimal"] == pytest.approx(1.6 / 0.6, rel=0.05)


@pytest.mark.parametrize("name", list_populations())
def test_phenotypes_do_not_raise_the_population_s_mean_tone(name, knee, table):
    population = load_population(name)
    patients = sample_patients(population, knee, table, {}, LUCK, np.arange(N))
    own = patients.parameters["rel_tone"] / grade_tone(patients.kl)
    assert abs(own.mean() - population.tone) < 4.0 * own.std() / np.sqrt(N)


def test_an_enriched_population_has_a_higher_tone_and_more_effusion(knee, table):
    usual, enriched = (
        sample_patients(load_population(name), knee, table, {}, LUCK, np.arange(2000))
        for name in ("kl2_3_symptomatic", "kl2_3_inflammatory")
    )
    assert enriched.parameters["rel_tone"].mean() > 1.15 * usual.parameters["rel_tone"].mean()
    assert column(enriched, "effusion_volume").mean() > column(usual, "effusion_volume").mean() + 3.0


def test_a_worse_grade_has_a_higher_tone(many):
    tone = many.parameters["rel_tone"]
    assert tone[many.kl == 3.0].mean() > 1.1 * tone[many.kl == 2.0].mean()


def test_collagen_within_a_grade_is_the_patient_s_own_luck(many):
    assert abs(many.collagen_z.mean()) < 4.0 / np.sqrt(N)
    assert many.collagen_z.std() == pytest.approx(1.0, abs=4.0 / np.sqrt(2.0 * N))
    assert abs(np.corrcoef(many.collagen_z, column(many, "age"))[0, 1]) < 4.0 / np.sqrt(N)


def test_only_the_metabolic_phenotype_answers_more_to_adiposity(many):
    gain, phenotype = many.parameters["gain_metabolic"], column(many, "phenotype")
    assert gain[phenotype == "metabolic"].mean() == pytest.approx(3.0, rel=0.05)
    assert gain[phenotype == "minimal"].mean() == pytest.approx(1.0, rel=0.05)


def test_more_recorded_effusion_means_more_volume_in_both_parts(many):
    ratio = many.parameters["volume_inflammation"] / many.parameters["volume_rest"]
    np.testing.assert_allclose(ratio, 9.9 / 3.7)
    volume = many.parameters["volume_rest"]
    assert np.corrcoef(volume, column(many, "effusion_volume"))[0, 1] > 0.6


def test_a_drawn_phenotype_effect_is_used(population, knee, table):
    drawn = sample_patients(population, knee, table, {"rel_tone_inflammatory": 3.2}, LUCK, np.arange(2000))
    usual = sample_patients(population, knee, table, {}, LUCK, np.arange(2000))
    inflammatory = column(usual, "phenotype") == "inflammatory"
    assert drawn.parameters["rel_tone"][inflammatory].mean() > usual.parameters["rel_tone"][inflammatory].mean()
    assert drawn.covariates.equals(usual.covariates)


def test_weights_match_the_table_and_are_positive(population, knee, table):
    patients = sample_patients(population, knee, table, {}, LUCK, np.arange(200))
    assert patients.balance.outcome == "balanced"
    assert (patients.weights > 0.0).all()
    assert patients.weights.sum() == pytest.approx(200.0)
    assert 100.0 < patients.effective_sample_size < 200.0
    for name in ("age", "bmi", "varus", "effusion_volume", "pain_baseline"):
        margin = population.copula.margins[name]
        assert np.average(column(patients, name), weights=patients.weights) == pytest.approx(margin.mean, rel=1e-6)


def test_a_pool_too_small_for_the_table_is_flagged(population, knee, table):
    patients = sample_patients(population, knee, table, {}, LUCK, np.arange(8))
    assert patients.balance.outcome == "best_effort"
    assert patients.balance.largest_gap > 0.01


def test_chunks_give_the_same_patients(population, knee, table):
    whole = sample_patients(population, knee, table, {}, LUCK, np.arange(60))
    parts = [sample_patients(population, knee, table, {}, LUCK, ids) for ids in (np.arange(20), np.arange(20, 60))]
    assert whole.covariates.equals(pl.concat([part.covariates for part in parts]))
    for name, values in whole.parameters.items():
        np.testing.assert_array_equal(values, np.concatenate([part.parameters[name] for part in parts]))


def test_people_recruited_once_are_the_same_in_every_knowledge_draw(population, knee, table):
    people = recruit(population, knee, table, LUCK, np.arange(30))
    for knowledge in ({}, {"n_macrophages": 1.6e8, "rel_macrophages_women": 0.7}):
        shared = with_knowledge(people, knowledge)
        fresh = sample_patients(population, knee, table, knowledge, LUCK, np.arange(30))
        assert shared.covariates.equals(fresh.covariates)
        for name, values in fresh.parameters.items():
            np.testing.assert_array_equal(shared.parameters[name], values)
        np.testing.assert_array_equal(shared.weights, fresh.weights)


def test_an_animal_joint_is_refused(population, table):
    with pytest.raises(InputError, match="joint is of a rat"):
        sample_patients(population, SimpleNamespace(species="rat"), table, {}, LUCK, np.arange(5))


def test_a_population_without_phenotypes_has_a_wider_own_tone(tmp_path, knee, table):
    source = (files("exojoint.patients") / "populations" / "kl2_3_symptomatic.toml").read_text(encoding="utf-8")
    start = source.index("[phenotype]")
    path = tmp_path / "plain.toml"
    path.write_text(source[:start] + source[source.index("# Mean synovial tone") :], encoding="utf-8")
    patients = sample_patients(read_population(path), knee, table, {}, LUCK, np.arange(N))
    own = patients.parameters["rel_tone"] / grade_tone(patients.kl)
    assert own.std() / own.mean() == pytest.approx(0.4, rel=0.05)
    assert set(patients.covariates["phenotype"]) == {"none"}
    np.testing.assert_allclose(patients.parameters["gain_metabolic"].mean(), 1.0, rtol=0.05)


def test_without_failed_patients_the_pool_still_matches_the_table(population, knee, table):
    patients = sample_patients(population, knee, table, {}, LUCK, np.arange(200))
    usable = np.arange(200) % 10 != 0
    found = reweigh(population, patients, usable)
    assert found.balance.outcome == "balanced"
    assert (found.weights[~usable] == 0.0).all()
    assert (found.weights[usable] > 0.0).all()
    for name in ("age", "bmi", "effusion_volume"):
        mean = population.copula.margins[name].mean
        assert np.average(column(found, name), weights=found.weights) == pytest.approx(mean, rel=1e-6)
    everyone = reweigh(population, patients, np.ones(200, bool))
    np.testing.assert_allclose(everyone.weights, patients.weights, rtol=1e-9)


def test_a_pool_in_which_everybody_failed_has_no_weight(population, knee, table):
    patients = sample_patients(population, knee, table, {}, LUCK, np.arange(20))
    found = reweigh(population, patients, np.zeros(20, bool))
    assert found.effective_sample_size == 0.0
    assert found.balance.outcome == "best_effort"


def test_matched_effusion_restores_the_recorded_volume():
    rested, wanted = np.array([10.0, 20.0, np.nan]), np.array([13.0, 10.0, 5.0])
    np.testing.assert_allclose(match_effusion(rested, wanted), [1.3, 0.5, 1.0])


def test_the_real_knee_accepts_these_patients(population):
    joint = load_joint()
    patients = sample_patients(population, joint, joint.parameters, {}, LUCK, np.arange(50))
    assert set(patients.parameters) <= set(joint.parameters)
    assert {"rel_tone", "varus", "bmi_target", "k_collagenase_1", "volume_rest"} <= set(patients.parameters)
    assert all((values >= 0.0).all() for name, values in patients.parameters.items() if name != "varus")
    state = starting_state(joint, patients.kl, bmi=column(patients, "bmi"), collagen_z=patients.collagen_z)
    assert np.isfinite(state).all()


def test_the_achieved_table_stands_beside_the_wanted_one(population, knee, table):
    pools = [sample_patients(population, knee, table, {}, LUCK.child(draw), np.arange(200)) for draw in range(3)]
    found = achieved_table(population, pools)
    assert found.columns == ["variable", "statistic", "unit", "wanted", "achieved_raw", "achieved_weighted"]
    known = found.filter(pl.col("wanted").is_not_null())
    np.testing.assert_allclose(known["achieved_weighted"], known["wanted"], rtol=1e-5)
    assert not np.allclose(known["achieved_raw"], known["wanted"], rtol=1e-5)


def test_the_achieved_table_says_which_pain_sd_is_meant(population, many):
    pain = achieved_table(population, many).filter(pl.col("variable") == "pain_baseline")
    wanted = dict(zip(pain["statistic"], pain["wanted"], strict=True))
    assert wanted["sd (observed score)"] == 16.0
    assert wanted["sd (latent)"] == pytest.approx(np.sqrt(16.0**2 - 9.0**2 - 6.0**2))


def test_failed_burn_ins_are_counted_and_left_out_of_means(population, many):
    volume = column(many, "effusion_volume").copy()
    volume[:2000] = np.nan
    found = achieved_table(population, many, {"effusion_volume": volume, "jsw": np.ones(N)}, {"jsw": "mm"})
    rows = {(row["variable"], row["statistic"]): row for row in found.iter_rows(named=True)}
    assert rows["effusion_volume", "share of failed burn-ins"]["achieved_raw"] == pytest.approx(0.1)
    assert rows["effusion_volume", "mean (rested knee)"]["wanted"] == 13.6
    assert rows["jsw", "mean (rested knee)"]["wanted"] is None
    assert rows["jsw", "mean (rested knee)"]["unit"] == "mm"
    assert ("jsw", "share of failed burn-ins") not in rows


def test_pools_that_all_failed_have_no_mean(population, many):
    found = achieved_table(population, many, {"jsw": np.full(N, np.nan)})
    jsw = found.filter(pl.col("variable") == "jsw")
    assert jsw["statistic"].to_list() == ["share of failed burn-ins"]
    assert jsw["achieved_weighted"].to_list() == [1.0]
