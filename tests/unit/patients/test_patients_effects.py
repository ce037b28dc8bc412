"""Random effects: mean 1, shared within groups, inside their support, weights that keep their sum."""

from __future__ import annotations

import numpy as np
import pytest

from exojoint.core.streams import stream
from exojoint.patients.effects import effect_scores, random_effects

N = 20_000
LUCK = stream(3, "patients")


def drawn(table, knowledge, ids):
    return random_effects(table, knowledge, effect_scores(table, LUCK, ids), 0.92)


@pytest.fixture(scope="module")
def effects(table):
    return drawn(table, {}, np.arange(N))


def test_only_rows_with_spread_differ_between_patients(table, effects):
    varying = {name for name, row in table.items() if row.variability.cv > 0.0}
    assert set(effects) == varying | {"w_b", "w_c"}
    assert "k_same" not in effects


def test_the_mean_patient_is_the_knowledge_draw(table, effects):
    for name in ("area_cartilage", "n_macrophages", "k_proliferation", "k_collagenase_1"):
        centre, cv = table[name].value, table[name].variability.cv
        assert abs(effects[name].mean() / centre - 1.0) < 4.0 * cv / np.sqrt(N)


def test_the_spread_is_the_row_s_coefficient_of_variation(effects):
    assert effects["n_macrophages"].std() / effects["n_macrophages"].mean() == pytest.approx(0.3, rel=0.05)
    assert effects["k_collagenase_1"].std() / effects["k_collagenase_1"].mean() == pytest.approx(0.7, rel=0.1)


def test_how_widely_patients_differ_may_itself_be_unknown(table, effects):
    narrow = drawn(table, {"rel_spread_collagen_loss": 0.5}, np.arange(N))
    assert narrow["k_collagenase_1"].std() / narrow["k_collagenase_1"].mean() == pytest.approx(0.35, rel=0.05)
    assert np.array_equal(narrow["n_macrophages"], effects["n_macrophages"])


def test_rows_of_a_group_share_one_factor(effects):
    np.testing.assert_allclose(effects["k_collagenase_1"] / 6.7e-5, effects["k_collagenase_2"] / 3.4e-5, rtol=1e-12)


def test_rows_without_a_group_are_independent(effects):
    assert abs(np.corrcoef(effects["area_cartilage"], effects["n_macrophages"])[0, 1]) < 4.0 / np.sqrt(N)


def test_a_drawn_value_moves_every_patient_by_the_same_factor(table, effects):
    moved = drawn(table, {"k_proliferation": 0.018}, np.arange(N))
    np.testing.assert_allclose(moved["k_proliferation"], 2.0 * effects["k_proliferation"])
    np.testing.assert_array_equal(moved["area_cartilage"], effects["area_cartilage"])


def test_fractions_stay_below_their_ceiling(effects):
    assert effects["max_context"].max() == 0.92
    assert effects["frac_capped"].max() == 0.6
    assert effects["frac_capped"].min() == 0.1


def test_a_draw_beyond_the_ceiling_is_kept(table):
    moved = drawn(table, {"max_context": 0.95}, np.arange(100))
    assert moved["max_context"].max() == 0.95


def test_weights_keep_their_sum_in_every_patient(table, effects):
    total = effects["w_a"] + effects["w_b"] + effects["w_c"]
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)
    assert effects["w_a"].std() > 0.02
    np.testing.assert_allclose(effects["w_b"] / effects["w_c"], 2.5)


def test_weights_keep_the_sum_of_the_draw(table):
    moved = drawn(table, {"w_a": 0.5, "w_b": 0.3, "w_c": 0.2}, np.arange(50))
    np.testing.assert_allclose(moved["w_a"] + moved["w_b"] + moved["w_c"], 1.0)
    np.testing.assert_allclose(moved["w_b"] / moved["w_c"], 1.5)


def test_what_a_covariate_gives_is_left_out(table):
    assert "rel_tone" not in effect_scores(table, LUCK, np.arange(5), skip=("rel_tone",))


def test_a_patient_s_effects_do_not_depend_on_the_others(table, effects):
    alone = drawn(table, {}, np.array([17]))
    for name, values in alone.items():
        assert values[0] == effects[name][17], name
