"""An animal experiment runs as a trial does: healthy, injured on day 0, read on sections, asked nothing."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from exojoint import workflow
from exojoint.core.errors import InputError
from exojoint.runs.parquet import read_table
from exojoint.workflow.lookup import make_plan

SMALL = (("knowledge_draws = 32", "knowledge_draws = 4"), ("patients_per_draw = 60", "patients_per_draw = 20"),
         ("trials_per_draw = 20", "trials_per_draw = 3\npatients_per_driver = 4"))  # fmt: skip


@pytest.fixture(scope="module")
def experiment(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> workflow.Done:
    """The rat scenario in small."""
    place = tmp_path_factory.mktemp("rats")
    return workflow.run(copied(checkout, place, *SMALL), out=place / "runs", threads=2)


def copied(checkout: Path, place: Path, *changes: tuple[str, str]) -> Path:
    """The rat scenario in a folder of its own, with changes; what it names stays in the checkout."""
    text = (checkout / "scenarios" / "rat_acl.toml").read_text(encoding="utf-8")
    text = text.replace('"rat_acl/', f'"{(checkout / "scenarios" / "rat_acl").as_posix()}/')
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = place / "rat.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_rats_are_read_on_sections_at_twelve_weeks_and_vesicles_spare_them(experiment: workflow.Done) -> None:
    effects = {effect["endpoint"]: effect for effect in experiment.verdict["effects"]}
    assert set(effects) == {"damage_oarsi", "damage_mankin"}
    assert all(effect["day"] == 84 for effect in effects.values())
    assert -6.0 < effects["damage_oarsi"]["true"]["mean"] < 0.0
    curves = read_table(experiment.folder, "curves").filter(pl.col("endpoint") == "damage_oarsi")
    untreated = curves.filter((pl.col("arm") == "saline") & (pl.col("day") == 84))["mean"][0]
    assert 8.0 < untreated < 20.0, "the joint was injured"


def test_nobody_asks_a_rat_or_counts_its_flares(experiment: workflow.Done) -> None:
    assert read_table(experiment.folder, "adverse_events").height == 0
    assert set(read_table(experiment.folder, "patients")["phenotype"]) == {"healthy"}
    page = (experiment.folder / "report.html").read_text(encoding="utf-8")
    assert "Adverse events" not in page


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"rat_acl/sections_12w.toml"', '"parallel_2y"', "womac_pain, which is not defined for the rat"),
        ('induction = "aclt" ', "# ", "Add the key"),
        ('"aclt" ', '"mya" ', "Did you mean"),
        ('"healthy_rat"', '"healthy_mouse"', "the joint is of a rat"),
        ('"healthy_rat"', '"kl2_3_symptomatic"', "unknown colony"),
        ('treatment = "saline"', 'treatment = "prp"\ndose = "5 mL"', "no number for"),
    ],
)
def test_what_has_no_meaning_in_a_rat_is_refused(old: str, new: str, message: str, checkout, tmp_path) -> None:
    old = old.replace('"rat_acl/', f'"{(checkout / "scenarios" / "rat_acl").as_posix()}/')
    with pytest.raises(InputError, match=message):
        make_plan(copied(checkout, tmp_path, (old, new)))
