"""An ascending-dose trial has something to see: in the knee that an injection can hurt, flares rise with the dose."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from exojoint.engine import compile_system
from exojoint.workflow.draw import run_draw
from exojoint.workflow.flares import simulated_flares
from exojoint.workflow.lookup import make_plan

MORE = """
[[arms]]
name = "hyaluronate"
treatment = "hyaluronate"
dose = "48 mg"
days = [0, 28]
n = 12

[[arms]]
name = "cells"
treatment = "msc"
dose = "5e7 cells"
days = [0, 28]
n = 12

[[arms]]
name = "tablets"
treatment = "paracetamol"
dose = "1"
days = [0]
n = 12

[simulation]
"""


@pytest.fixture(scope="module")
def path(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped scenario with three comparators and many trials, so that rates can be told apart."""
    place = tmp_path_factory.mktemp("doses")
    text = (checkout / "scenarios" / "ascending_dose.toml").read_text(encoding="utf-8")
    text = text.replace('"ascending_dose/', f'"{(checkout / "scenarios" / "ascending_dose").as_posix()}/')
    text = text.replace("trials_per_draw = 10", "trials_per_draw = 60").replace(
        "patients_per_draw = 100", "patients_per_draw = 250"
    )
    file = place / "doses.toml"
    file.write_text(text.replace("[simulation]", MORE), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def rates(path: Path) -> dict[str, float]:
    """Flares per injection by arm, over two knowledge draws."""
    plan = make_plan(path)
    kernel = compile_system(plan.knee.system)
    harms = pl.concat([run_draw(plan, kernel, draw, 2, 0).tables["adverse_events"] for draw in (0, 1)])
    sums = (
        harms.filter(pl.col("event") == "injection flare").group_by("arm").agg(pl.col("n_events", "n_injections").sum())
    )
    return {row["arm"]: row["n_events"] / row["n_injections"] for row in sums.iter_rows(named=True)}


def test_flares_are_counted_from_pain_and_rise_with_the_dose(rates) -> None:
    doses = [rates[f"exosome {dose}"] for dose in ("1e10", "1e11", "1e12", "5e12")]
    assert doses == sorted(doses)
    assert doses[-1] > 2 * doses[0]
    assert rates["saline"] <= doses[0]
    assert 0.0 < rates["saline"] < 0.15, "these draws; the tables as written are tested in tests/science"
    assert 2 * rates["saline"] < rates["hyaluronate"] < rates["cells"] < 0.6
    assert rates["tablets"] == 0.0


def test_in_the_default_structure_flares_are_the_graded_probabilities(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace('structure = "painful_flare"', 'structure = "default"')
    plain = tmp_path / "plain.toml"
    plain.write_text(text, encoding="utf-8")
    plan = make_plan(plain)
    assert simulated_flares(plan, None, None, {}, None, 1) is None
    risks = {arm.name: {risk.name: risk.probability for risk in arm.treatment.adverse_events} for arm in plan.arms}
    assert risks["exosome 1e10"] == risks["exosome 5e12"], "which know no dose"
