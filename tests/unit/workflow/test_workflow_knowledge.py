"""What a run knows: posterior by default, prior on request, and a visible word about it everywhere."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from exojoint import workflow
from exojoint.calibration.posterior import shipped_posterior
from exojoint.core.errors import InputError
from exojoint.workflow import knowledge
from exojoint.workflow.draw import knowledge_of, knowledge_scores, root
from exojoint.workflow.drivers import marginals
from exojoint.workflow.knowledge import story_of
from exojoint.workflow.lookup import make_plan

from .conftest import small_scenario


@pytest.fixture(scope="module")
def file(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_scenario(checkout, tmp_path_factory.mktemp("knowledge"))


@pytest.fixture(scope="module")
def plan(file: Path):
    return make_plan(file)


def changed(file: Path, old: str, new: str) -> Path:
    other = file.with_name("changed.toml")
    other.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    return other


def test_calibrated_unknowns_come_from_one_shipped_draw_and_the_others_from_the_prior(plan) -> None:
    posterior, names = shipped_posterior(), plan.space.names
    scores = knowledge_scores(plan, range(8))
    prior = root(plan).child("knowledge").normal(np.arange(8), len(names))
    mine = np.array(plan.known.calibrated)
    assert 150 < mine.sum() < len(names)
    assert np.array_equal(scores[:, ~mine], prior[:, ~mine])
    column = [posterior.names.index(name) for name, here in zip(names, mine, strict=True) if here]
    for row in scores[:, mine]:
        assert (posterior.z[:, column] == row).all(axis=1).any()


def test_draw_five_is_the_same_in_any_company(plan) -> None:
    assert np.array_equal(knowledge_scores(plan, range(8))[5], knowledge_scores(plan, [5])[0])


def test_values_are_those_that_the_posterior_tells(plan) -> None:
    told = shipped_posterior().rows["em_context"]
    values = [knowledge["em_context"] for knowledge in knowledge_of(plan, knowledge_scores(plan, range(400)))]
    assert np.median(values) == pytest.approx(float(told["median"]), abs=0.01)
    assert np.quantile(values, 0.95) < float(told["prior_q95"])


def test_single_unknowns_move_about_their_posterior_mean_by_their_posterior_spread(plan) -> None:
    belief = marginals(plan)
    draws = knowledge_scores(plan, range(3000))
    assert not belief.is_prior
    assert belief.centre == pytest.approx(draws.mean(axis=0), abs=0.1)
    assert belief.spread == pytest.approx(draws.std(axis=0), abs=0.1)
    at = plan.space.names.index("em_context")
    assert belief.spread[at] < 0.6


def test_a_scenario_may_ask_for_the_prior(file: Path) -> None:
    plan = make_plan(changed(file, "seed =", 'knowledge = "prior"\nseed ='))
    draws = root(plan).child("knowledge").normal(np.arange(4), plan.space.n_axes)
    assert np.array_equal(knowledge_scores(plan, range(4)), draws)
    assert marginals(plan).is_prior
    assert "prior, as the scenario asks" in plan.synopsis()


def test_a_rival_structure_says_that_it_was_not_calibrated(file: Path) -> None:
    plan = make_plan(changed(file, 'structure = "default"', 'structure = "two_pool"'))
    assert "was not calibrated" in plan.synopsis()
    assert marginals(plan).is_prior


def test_a_misspelt_kind_of_knowledge_is_told(file: Path) -> None:
    with pytest.raises(InputError, match=r"posteriour.*posterior, prior"):
        make_plan(changed(file, "seed =", 'knowledge = "posteriour"\nseed ='))


def test_a_posterior_of_other_tables_stops_the_run_before_it_starts(file: Path, monkeypatch) -> None:
    posterior = shipped_posterior()
    rows = {**posterior.rows, "em_context": {**posterior.rows["em_context"], "prior": "0.4 logitnormal(0.3)"}}
    monkeypatch.setattr(knowledge, "shipped_posterior", lambda: dataclasses.replace(posterior, rows=rows))
    with pytest.raises(InputError, match=r"em_context.*exojoint calibrate.*knowledge = \"prior\""):
        make_plan(file)


def test_the_report_and_the_trace_say_what_is_known(small_run: workflow.Done) -> None:
    manifest = json.loads((small_run.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["settings"]["knowledge"].startswith("posterior for")
    number = small_run.verdict["effects"][0]["id"]
    found = workflow.trace(small_run.folder, number)
    told = {item.name: item.knowledge for item in found.parameters}
    assert told["em_context"].startswith("identified: posterior")
    assert "calibrated, " in found.text(shown=400)


def test_the_page_of_a_number_says_what_calibration_made_of_it(plan) -> None:
    row = plan.table["em_context"]
    assert story_of(row).startswith("identified: posterior")
    assert story_of(dataclasses.replace(row, value=0.3)) == ""
    assert story_of(plan.table["k_bmi"]) != story_of(row)
