"""Design files: what they say, and what is said when they are wrong."""

from __future__ import annotations

import copy
import tomllib
from importlib.resources import files

import pytest

from exojoint.core.errors import InputError
from exojoint.trial.design import check_sizes
from exojoint.trial.design_file import list_designs, load_design, read_design
from exojoint.trial.synopsis import synopsis

BASE = tomllib.loads((files("exojoint.trial") / "designs" / "parallel_2y.toml").read_text(encoding="utf-8"))


def problems_of(change) -> list[str]:
    table = copy.deepcopy(BASE)
    change(table)
    with pytest.raises(InputError) as caught:
        read_design(table, "trial.toml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", list_designs())
def test_every_design_loads_and_prints_a_synopsis(name):
    design = load_design(name)
    assert design.name == name
    text = synopsis(design)
    assert max(map(len, text.splitlines())) <= 110
    for word in ("Primary", "Rescue", "Discontinuation", "Test", str(design.alpha)):
        assert word in text


def test_the_main_design_asks_what_the_main_job_asks():
    design = load_design("parallel_2y")
    assert design.primary.name == "womac_pain"
    assert design.primary.headline == 182.0
    assert design.primary.analysis == "mmrm"
    assert design.plan("thickness_mftc").headline == 728.0
    assert design.alpha == 0.05
    assert design.observables == ("womac_pain", "thickness_mftc", "jsw")
    assert "whether or not rescue" in design.estimand("womac_pain")


def test_a_variant_differs_only_in_what_it_writes():
    main, variant = load_design("parallel_2y"), load_design("parallel_2y_mnar")
    assert variant.conduct.dropout.model == "mnar"
    assert variant.conduct.dropout.slope == main.conduct.dropout.slope
    assert variant.endpoints == main.endpoints


def test_a_design_is_read_from_a_file_of_the_user(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "parallel_26w"\nname = "mine"\nalpha = 0.1\n', encoding="utf-8")
    design = load_design(str(path))
    assert (design.name, design.alpha, design.days[-1]) == ("mine", 0.1, 182.0)


def test_an_unknown_design_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match='Did you mean "parallel_2y"'):
        load_design("paralel_2y")


def test_an_unknown_parent_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "parallel_3y"\n', encoding="utf-8")
    with pytest.raises(InputError, match="extends"):
        load_design(str(path))


def test_all_mistakes_of_a_file_are_told_at_once():
    def spoil(table):
        table["days"] = [-7, 0, 28, 182, 364, 728]
        table["alpha"] = 2.0
        table["colour"] = "red"
        table["rescue"]["margin"] = "5 mm"
        table["dropout"]["model"] = "mcar"
        del table["allocation"]["block_multiples"]
        table["endpoints"][0]["name"] = "womac_pian"

    told = "\n".join(problems_of(spoil))
    for piece in (
        "a visit before day 0: -7",
        "`alpha`: 2.0. Expected between 0.0001 and 0.5",
        "`colour`: unknown key",
        "'5 mm' has the wrong dimension",
        'Did you mean "mar"',
        "`block_multiples`: is missing",
        'Did you mean "womac_pain"',
    ):
        assert piece in told


@pytest.mark.parametrize(
    ("change", "piece"),
    [
        (lambda t: t.update(days=[0]), "at least two days"),
        (lambda t: t.update(days=[7, 28]), "the first visit is at day 7"),
        (lambda t: t.update(days=[0, 28, 28]), "ascending days"),
        (lambda t: t.update(days=[0, "26 weaks"]), "Did you mean 'week'"),
        (lambda t: t.update(days="0, 28"), "list of at least two days"),
        (lambda t: t.update(days=[0, True]), "a day"),
        (lambda t: t.update(alpha=float("nan")), "`alpha`"),
        (lambda t: t.update(schema=2), "`schema`"),
        (lambda t: t.update(name=""), "`name`"),
        (lambda t: t.pop("alpha"), "`alpha`: is missing"),
        (lambda t: t.update(rescue="never"), "a table"),
        (lambda t: t.update(endpoints=[]), "[[endpoints]]"),
        (lambda t: t["rescue"].update(probability=1.5), "between 0 and 1"),
        (lambda t: t["rescue"].update(margin=5), "has no unit"),
        (lambda t: t["rescue"].update(after="-4 weeks"), "at least 0"),
        (lambda t: t["dropout"].update(slope="0.02 1/mm"), "dimension"),
        (lambda t: t["allocation"].update(strata="kl"), "a list of texts"),
        (lambda t: t["allocation"].update(block_multiples=[0]), "whole numbers between 1 and 20"),
        (lambda t: t["allocation"].update(blocks=[2]), "unknown key"),
        (lambda t: t["intercurrent_events"].update(discontinuation="treatment_policy"), "No data are simulated"),
        (lambda t: t["endpoints"][0].update(headline=100), "day 100"),
        (lambda t: t["endpoints"][3].update(days=[0, 365]), "day 365 is not a visit"),
        (lambda t: t["endpoints"][1].update(role="primary"), "2 endpoints with role 'primary'"),
        (lambda t: t["endpoints"].append(dict(t["endpoints"][3])), "stands twice"),
        (lambda t: t["endpoints"].pop(1), "which is not measured"),
        (lambda t: t["responder"].update(day=28.5), "not measured at day 28.5"),
    ],
)
def test_each_mistake_has_its_own_message(change, piece):
    assert any(piece in problem for problem in problems_of(change)), problems_of(change)


def test_one_arm_only_is_refused():
    with pytest.raises(InputError, match="at least two arms"):
        check_sizes({"exosome": 100}, "saline", "scenario.toml arms")


def test_an_arm_needs_patients_and_a_control():
    with pytest.raises(InputError) as caught:
        check_sizes({"exosome": 0, "placebo": 50}, "saline", "arms")
    told = str(caught.value)
    assert "n = 0" in told
    assert "'saline' is not an arm" in told


def test_an_endpoint_that_is_not_measured_has_no_plan():
    with pytest.raises(InputError, match="does not measure"):
        load_design("parallel_26w").plan("jsw")


def test_a_design_without_rescue_dropout_or_strata_says_so():
    table = copy.deepcopy(BASE)
    del table["rescue"], table["responder"]
    table["dropout"]["model"] = "none"
    table["allocation"]["strata"] = []
    text = synopsis(read_design(table, "plain.toml"))
    assert "Rescue" not in text
    assert "Discontinuation     none" in text
    assert "stratified" not in text
