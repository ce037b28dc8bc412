"""Rival explanations share the draws by weight, have their own knees, and their disagreement is part of the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from exojoint import workflow
from exojoint.core.errors import InputError
from exojoint.engine import compile_system
from exojoint.runs.parquet import read_table
from exojoint.workflow.draw import run_draw
from exojoint.workflow.lookup import make_plan
from exojoint.workflow.rivals import allocation, believed, draws_by_rival, kernel_of, plan_of, share_between

from .conftest import small_scenario

RIVALS = """
[[rivals]]
mechanism = "none"
weight = 0.3
because = "assumed for this test"

[[rivals]]
structure = "bistable"
weight = 0.2

[simulation]
"""


@pytest.fixture(scope="module")
def file(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The main scenario in small, with two rivals of this test in place of its own."""
    path = small_scenario(checkout, tmp_path_factory.mktemp("rivals"))
    text = path.read_text(encoding="utf-8")
    kept = text.split("# What else could be true")[0].split("[simulation]")[0]
    path.write_text(kept + RIVALS + text.split("[simulation]")[1], encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(file: Path) -> workflow.Done:
    return workflow.run(file, out=file.parent / "runs", threads=2)


@pytest.mark.parametrize("weights", [(0.5, 0.3, 0.2), (0.9, 0.1), (0.25, 0.25, 0.25, 0.25)])
def test_any_number_of_first_draws_is_in_proportion_to_the_weights(weights) -> None:
    found = allocation(weights, 200)
    for n in (5, 17, 64, 200):
        counts = np.bincount(found[:n], minlength=len(weights))
        assert np.all(np.abs(counts - n * np.asarray(weights)) < 1.0)
        assert np.array_equal(found[:n], allocation(weights, n)), "later draws change nothing"


def test_a_rival_has_its_own_equations_and_a_mechanism_shares_them(file: Path) -> None:
    plan = make_plan(file)
    own, none, bistable = (rival.plan for rival in plan.rivals)
    assert [round(rival.weight, 9) for rival in plan.rivals] == [0.5, 0.3, 0.2]
    kernel = compile_system(plan.knee.system)
    assert kernel_of(none, plan, kernel) is kernel
    assert kernel_of(bistable, plan, kernel).system.digest != kernel.system.digest
    assert set(bistable.table) > set(own.table), "rows that only this rival reads"
    assert "30% of the draws: none (assumed for this test)" in plan.synopsis()


def test_draws_of_the_own_explanation_do_not_notice_that_rivals_are_weighed(file: Path) -> None:
    plan = make_plan(file)
    draw = next(draw for draw in range(6) if plan_of(plan, draw) is plan.rivals[0].plan)
    kernel = compile_system(plan.knee.system)
    weighed = run_draw(plan, kernel, draw, 2, 0).tables["draws"]
    alone = run_draw(plan.rivals[0].plan, kernel, draw, 2, 0).tables["draws"]
    assert weighed.equals(alone)


def test_the_verdict_says_what_each_rival_says_and_how_much_lies_between_them(run: workflow.Done) -> None:
    rivals = run.verdict["rivals"]
    lines = {line["name"]: line for line in rivals["lines"]}
    assert list(lines) == ["membrane", "none", "membrane, bistable"]
    assert sum(line["n_draws"] for line in lines.values()) == 6
    assert sum(line["weight"] for line in lines.values()) == pytest.approx(1.0)
    assert abs(lines["none"]["true"]["mean"]) < 0.3, "only irritation is left"
    assert lines["membrane"]["true"]["mean"] < lines["none"]["true"]["mean"]
    assert all(line["verdict"] in ("go", "no-go", "learn") for line in lines.values())
    assert 0.0 <= rivals["lo"] <= rivals["hi"] <= 1.0
    assert rivals["effect"] == run.verdict["effects"][0]["id"]


def test_the_headline_is_the_mean_over_rivals_too(run: workflow.Done, file: Path) -> None:
    draws = read_table(run.folder, "draws").filter(pl.col("effect") == run.verdict["effects"][0]["id"]).sort("draw")
    parts = {rival.name: draws["difference"].to_numpy()[mine] for rival, mine in draws_by_rival(make_plan(file), 6)}
    for line in run.verdict["rivals"]["lines"]:
        assert parts[line["name"]].mean() == pytest.approx(line["true"]["mean"])
    assert draws["difference"].mean() == pytest.approx(run.verdict["effects"][0]["true"]["mean"])


def test_the_report_shows_the_rivals(run: workflow.Done) -> None:
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Rival explanations" in page
    assert "assumed for this test" in page
    assert (run.folder / "figures" / "rivals.png").exists()


def test_the_share_between_is_what_was_put_in() -> None:
    rng = np.random.default_rng(5)
    within = rng.standard_normal((2, 4000))
    apart = [within[0], within[1] + 2.0]
    assert share_between(apart, (0.5, 0.5)) == pytest.approx(0.5, abs=0.02)  # means 1 each side of the middle, SD 1
    few = [share_between([rng.standard_normal(8), rng.standard_normal(8)], (0.5, 0.5)) for _ in range(500)]
    assert np.mean(few) < 0.06, "without the correction chance alone would be about 0.06 and rivals never agree"
    assert share_between([np.zeros(3), np.ones(1)], (0.5, 0.5)) == 1.0
    assert share_between([np.zeros(3), np.zeros(3)], (0.5, 0.5)) == 0.0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weight = 0.3", "weight = 0.9", "add up to 1.1"),
        ('mechanism = "none"', 'mechanism = "membrane"', "is there already"),
        ('mechanism = "none"', 'mechanism = "nona"', "Did you mean"),
        ('structure = "bistable"', 'structure = "bystable"', "Did you mean"),
        ("weight = 0.2", "weight = 0", "greater than 0"),
        ("weight = 0.2", "wait = 0.2", "one of mechanism, structure, weight, because"),
    ],
)
def test_wrong_rivals_are_refused(old: str, new: str, message: str, file: Path, tmp_path: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        make_plan(wrong)


def test_a_scenario_without_rivals_says_nothing_of_them(file: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.toml"
    text = file.read_text(encoding="utf-8")
    alone.write_text(text.split("[[rivals]]")[0] + "[simulation]" + text.split("[simulation]")[1], encoding="utf-8")
    plan = make_plan(alone)
    assert plan.rivals == ()
    assert believed(plan, 3) is None
    assert plan_of(plan, 3) is plan
