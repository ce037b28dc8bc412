"""From rodent to man: the loss is split without a remainder, and depth is drawn for every species."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from exojoint.cli import main
from exojoint.core.errors import InputError
from exojoint.workflow.translation import FACTORS, OUTCOMES, combinations, shapley, translate, translation_rows
from exojoint.workflow.translation_figures import CARGO, SIGNAL, SPECIES, depth_profiles, write_translation


@pytest.fixture(scope="module")
def found():
    return translate("rat", "aclt", draws=4)


def kept(found, outcome, step):
    return found.steps.filter((pl.col("outcome") == outcome) & (pl.col("step") == step))["factor"].item()


def test_shares_multiply_to_the_whole_loss_in_any_knee():
    benefit = np.exp(np.random.default_rng(2).normal(size=(50, 16)))
    np.testing.assert_allclose(shapley(benefit).prod(axis=1), benefit[:, -1] / benefit[:, 0], rtol=1e-12)


def test_a_factor_that_changes_nothing_keeps_everything_and_a_lone_one_takes_it_all():
    masks = combinations()
    only_depth = np.where(masks[:, FACTORS.index("depth")], 0.25, 1.0)[None, :]
    assert dict(zip(FACTORS, shapley(only_depth)[0], strict=True)) == pytest.approx(
        {"dose per cell": 1.0, "depth": 0.25, "time scale": 1.0, "disease driver": 1.0}
    )
    assert not masks[0].any()
    assert masks[-1].all()


def test_the_loss_between_rat_and_man_is_split_without_a_remainder(found):
    assert found.n_draws == 4
    for outcome in OUTCOMES:
        parts = np.prod([kept(found, outcome, factor) for factor in FACTORS])
        ends = found.effects.filter(pl.col("outcome") == outcome)["benefit"]
        assert parts == pytest.approx(ends[-1] / ends[0], rel=1e-9)
        assert parts == pytest.approx(kept(found, outcome, "all of the knee"), rel=1e-9)
        assert parts * kept(found, outcome, "publication") == pytest.approx(kept(found, outcome, "all"), rel=1e-9)


def test_most_of_the_effect_in_rats_is_lost_in_man_and_depth_is_not_why_inflammation_is(found):
    assert kept(found, "structure", "all of the knee") < 0.3
    assert kept(found, "structure", "time scale") < 0.5
    assert kept(found, "structure", "depth") < 1.0
    assert kept(found, "inflammation", "depth") == pytest.approx(1.0, abs=0.02)


def test_published_effects_are_shrunk_by_facts_and_stand_beside_the_model(found):
    shown = dict(found.published.select("effect", "value").iter_rows())
    assert shown["published"] == -3.54
    assert shown["after shrinkage"] == pytest.approx(-3.54 * 0.6)
    assert -4.3 < shown["in the model"] < -1.4
    assert all(row.source for row in translation_rows().values())


def test_the_report_is_words_tables_and_two_pictures(found, tmp_path):
    profiles = depth_profiles(("rat", "human"))
    page = write_translation(tmp_path / "out", found, profiles).read_text(encoding="utf-8")
    assert "| disease driver |" in page
    assert "points of the OARSI score" in page
    for name in ("loss", "depth"):
        assert (tmp_path / "out" / f"translation_{name}.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
        assert "<svg" in (tmp_path / "out" / f"translation_{name}.svg").read_text(encoding="utf-8")
    steps = pl.read_csv(tmp_path / "out" / "translation_steps.csv")
    assert steps.height == len(OUTCOMES) * (len(FACTORS) + 3)
    assert set(profiles["quantity"].unique()) == {CARGO, SIGNAL}
    for _, own in profiles.group_by("species", "quantity"):
        values = own.sort("depth_um")["value"].to_numpy()
        assert np.all(np.diff(values) <= 1e-12 * values[0]), "deeper is never more"
        assert own["share"].max() == pytest.approx(1.0)


def test_every_species_has_a_dose_to_draw():
    assert {f"translation_dose_{name}" for name in SPECIES} < set(translation_rows())


def test_a_model_without_numbers_cannot_be_translated():
    with pytest.raises(InputError, match="`dmm` has no numbers in the species rabbit"):
        translate("rabbit", "dmm")


def code(*words):
    with pytest.raises(SystemExit) as left:
        main(["translation", *words])
    return left.value.code


def test_the_report_is_reached_by_a_command_and_refuses_what_it_does_not_know(tmp_path, capsys):
    assert code("mouse", "dmm", "--out", str(tmp_path / "mouse"), "--draws", "2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["animal"], told["model"], told["draws"]) == ("mouse", "dmm", 2)
    assert {row["step"] for row in told["steps"]} >= {*FACTORS, "publication"}
    assert (tmp_path / "mouse" / "translation_depth.png").exists()
    assert code("rabit", "--out", str(tmp_path / "none")) == 2
    assert 'Did you mean "rabbit"' in capsys.readouterr().err
    assert code("rabbit", "dmm", "--out", str(tmp_path / "none")) == 2
    assert "one of aclt" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
