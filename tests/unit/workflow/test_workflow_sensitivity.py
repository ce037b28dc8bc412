"""The sensitivity study: complete, the same on any number of threads, resumed, within its budget, on its own page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from exojoint import workflow
from exojoint.core.errors import InputError
from exojoint.core.streams import stream
from exojoint.engine import compile_system
from exojoint.runs.parquet import read_table
from exojoint.runs.store import is_complete
from exojoint.workflow import alternatives, sensitivity
from exojoint.workflow.headline import Headlines, headlines
from exojoint.workflow.lookup import make_plan
from exojoint.workflow.variants import PLANNED, variants

Cut = Callable[[Path], Path]
BUDGET = 2_000


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two headlines that cost nothing: linear in two unknowns, with one product, and a failed row here and there."""

    def value(self: Headlines, z: np.ndarray, draws: object = None) -> np.ndarray:
        first = -2.0 + z[:, 0] + 0.5 * z[:, 1] + 0.3 * z[:, 0] * z[:, 2]
        first[np.abs(z[:, 5]) > 1.5] = np.nan
        return np.stack([first * (1.0 + column) for column in range(len(self.wanted))], axis=1)

    monkeypatch.setattr(Headlines, "__call__", value)
    monkeypatch.setattr(sensitivity, "headlines", lambda plan: headlines(plan)[:2])


@pytest.fixture(scope="module")
def study(cut: Cut, tmp_path_factory: pytest.TempPathFactory) -> sensitivity.Surveyed:
    place = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        quick(patch)
        return sensitivity.sensitivity(cut(place), out=place / "studies", budget=BUDGET, threads=2)


def test_the_study_is_whole_and_has_tables_in_both_forms_figures_and_a_page(study: sensitivity.Surveyed) -> None:
    folder = study.folder
    assert is_complete(folder, folder.name)
    for name in ("headlines", "main_effects", "screening", "indices"):
        table = read_table(folder, name)
        assert pl.read_csv(folder / f"{name}.csv").height == table.height > 0
    drawn = {path.name for path in (folder / "figures").iterdir()}
    assert {"heat_map.svg", "heat_map.png", "tornado_1.svg", "tornado_1.png", "indices_1.svg", "rooms_1.svg"} <= drawn
    page = (folder / "sensitivity.html").read_text(encoding="utf-8")
    assert "elementary" in page.lower()
    assert "95 % bootstrap intervals" in page
    assert "<script" not in page


def test_the_leading_unknowns_and_their_shares_are_found(study: sensitivity.Surveyed, cut: Cut, tmp_path: Path) -> None:
    names = make_plan(cut(tmp_path)).space.names
    rows = read_table(study.folder, "indices").filter(pl.col("headline") == pl.col("headline").first())
    single = {row["name"]: row for row in rows.filter(pl.col("kind") == "parameter").iter_rows(named=True)}
    assert set(names[:3]) <= set(single)
    first, second = single[names[0]], single[names[1]]
    assert first["first"] > second["first"] > 0.0
    assert first["total_lo"] <= first["total"] <= first["total_hi"]
    assert single[names[2]]["first"] < single[names[2]]["total"]  # acts with the first one only
    rest = rows.filter(pl.col("kind") == "rest")
    assert rest["total"][0] == pytest.approx(0.0, abs=1e-9)
    assert set(rows["kind"]) == {"parameter", "rest", "room", "grade"}


def test_runs_stay_within_the_budget_and_failed_ones_are_counted(study: sensitivity.Surveyed) -> None:
    assert study.runs <= BUDGET
    assert 0 < study.failed < study.runs / 3
    assert f"{study.failed:,} failed" in study.text()
    assert set(study.data()) == {"folder", "fresh", "runs", "failed", "leaders"}


def test_a_second_call_reports_the_study_and_a_broken_one_resumes_to_the_same_bytes(
    study: sensitivity.Surveyed, cut: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch)
    monkeypatch.setattr(sensitivity, "build_sensitivity", lambda folder: folder)
    scenario = cut(tmp_path)
    assert not sensitivity.sensitivity(scenario, out=study.folder.parent, budget=BUDGET).fresh
    whole, calls = Headlines.__call__, []

    def breaks(self: Headlines, z: np.ndarray) -> np.ndarray:
        calls.append(len(z))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return whole(self, z)

    monkeypatch.setattr(Headlines, "__call__", breaks)
    with pytest.raises(KeyboardInterrupt):
        sensitivity.sensitivity(scenario, out=tmp_path / "again", budget=BUDGET, threads=1)
    before = len(calls)
    again = sensitivity.sensitivity(scenario, out=tmp_path / "again", budget=BUDGET, threads=1)
    rows = read_table(again.folder, "headlines")["runs"][0]
    assert sum(calls[before:]) < rows
    for path in study.folder.glob("*.parquet"):
        assert path.read_bytes() == (again.folder / path.name).read_bytes()


def test_too_small_a_budget_is_refused_with_the_smallest_one(cut: Cut, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least"):
        sensitivity.sensitivity(cut(tmp_path), out=tmp_path / "none", budget=100)
    assert not (tmp_path / "none").exists()


def test_headlines_are_the_same_for_a_row_in_any_company(cut: Cut, tmp_path: Path) -> None:
    plan = make_plan(cut(tmp_path))
    headline = Headlines(plan, compile_system(plan.knee.system), headlines(plan), 2, lambda _: None)
    z = stream(1).normal(np.arange(3), plan.space.n_axes)
    together, alone = headline(z), headline(z[1:2])
    assert together[1] == pytest.approx(alone[0], rel=1e-9)
    assert [item.name for item in headline.wanted][:1] == ["womac_pain/182"]
    assert "womac_pain/182/once" in [item.name for item in headline.wanted]
    assert np.isfinite(together).all()


def test_the_arm_as_planned_has_the_effect_of_the_run_and_other_ways_are_judged_beside_it(
    small_run: workflow.Done,
) -> None:
    table = read_table(small_run.folder, "alternatives").filter(pl.col("side") == "go")
    planned = table.filter(pl.col("variant") == "planned")
    effect = small_run.verdict["effects"][0]["true"]
    assert planned["mean"][0] == pytest.approx(effect["mean"])
    reason = small_run.verdict["reasons"][0]
    assert planned["probability"][0] == pytest.approx(reason["probability"])
    assert planned["call"][0] == small_run.verdict["verdict"]
    assert {"once", "dose_x10", "charge_reversed", "hydrogel_depot", "all_active"} <= set(table["variant"])


def test_a_stronger_dose_is_a_larger_dose_and_a_formulation_brings_its_own_charge(cut: Cut, tmp_path: Path) -> None:
    plan = make_plan(cut(tmp_path))
    known = {variant.name: variant for variant in variants(plan)}
    assert known["dose_x10"].arm(plan).amount == pytest.approx(10.0 * plan.active[0].amount)
    assert known["once"].arm(plan).arm.days == plan.active[0].arm.days[:1]
    assert known["hydrogel_depot"].arm(plan).treatment.name == "exosome_depot"
    assert PLANNED.arm(plan) == plan.active[0]


def test_agreement_is_one_where_there_is_no_effect() -> None:
    assert alternatives.agreement(np.zeros(4), np.zeros(4)) == 1.0
    assert alternatives.agreement(np.array([1.0, 2.0, np.nan]), np.array([0.5, 1.0, 3.0])) == pytest.approx(0.5)
