"""The verbs on model files, and the knee itself on its way out and back."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from exojoint.cli import main
from exojoint.core.errors import InputError
from exojoint.engine import compile_system, solve
from exojoint.engine.exchange.simulate import simulate
from exojoint.engine.exchange.translate import parse_sbml
from exojoint.engine.exchange.write import check_sbml, write_antimony, write_sbml
from exojoint.workflow.lookup import make_plan
from exojoint.workflow.models import model_import, model_simulate
from exojoint.workflow.models_out import model_export, outgoing

# Between the dose days: on a dose day the engine tells the value before the dose, SBML the value after it.
DAYS = np.array([0.5, 1, 2, 7, 14, 27.5, 28.5, 30, 56.5, 60, 90, 182, 365, 730])
FLOOR = 1e-9  # of every state's unit: smaller values are solver noise (levers.md, section 8)


@pytest.fixture(scope="module")
def scenario(root):
    return root / "scenarios" / "umbilical_phase2.toml"


@pytest.fixture(scope="module")
def plan(scenario):
    return make_plan(scenario)


@pytest.fixture(scope="module")
def direct(plan):
    """Course of every arm by the engine itself."""
    kernel = compile_system(plan.knee.system)
    found = {}
    for arm in plan.arms:
        out = outgoing(plan, arm)
        p = [[out.entries[name].value for name in plan.knee.parameter_names]]
        y = [[out.entries[name].value for name in plan.knee.state_names]]
        found[arm.name] = solve(kernel, p, y, out.events, DAYS, plan.knee.system.readable, rtol=1e-9).values[0]
    return found


def scaled(values, reference):
    """Error as the parity test of the levers measures it."""
    size = np.maximum(np.abs(reference), np.maximum(1e-3 * np.abs(reference).max(axis=0), FLOOR))
    return np.abs(values - reference) / size


def test_every_arm_comes_back_with_the_engines_courses(plan, direct):
    for arm in plan.arms:
        text = write_sbml(outgoing(plan, arm))
        assert check_sbml(text).errors == ()
        back = parse_sbml(text)
        assert back.system.rates == plan.knee.system.rates
        course = simulate(back, DAYS, columns=plan.knee.system.readable)
        assert scaled(course.values, direct[arm.name]).max() < 1e-6


def test_the_antimony_text_of_an_arm_has_the_engines_courses(plan, direct, files):
    arm = plan.active[0]
    back = parse_sbml(files.antimony(write_antimony(write_sbml(outgoing(plan, arm)))))
    renamed = {name: f"{name}_" for name in plan.knee.system.readable if f"{name}_" in back.columns}
    names = [renamed.get(name, name) for name in plan.knee.system.readable]
    course = simulate(back, DAYS, columns=names)
    assert scaled(course.values, direct[arm.name]).max() < 1e-6


def test_another_engine_follows_the_exported_knee_alike(plan, direct, peer):
    arm = plan.active[0]
    names = [*plan.knee.state_names, "womac_pain", "thickness_mftc", "vesicles_per_macrophage"]
    names = [name for name in names if name in plan.knee.system.readable]
    columns = [plan.knee.system.readable.index(name) for name in names]
    other = peer(write_sbml(outgoing(plan, arm)), [0.0, *DAYS], names)[1:]
    assert scaled(other, direct[arm.name][:, columns]).max() < 1e-5


def test_export_writes_one_file_per_arm(scenario, tmp_path):
    done = model_export(scenario, out=tmp_path)
    assert [path.name for path in done.paths] == ["umbilical_phase2_exosome.xml", "umbilical_phase2_saline.xml"]
    assert "umbilical_phase2_exosome.xml" in done.text()
    assert sum(done.data()["warnings"].values()) > 0  # literals and shared terms have no units
    assert "Grade: " in done.paths[0].read_text(encoding="utf-8")


def test_export_writes_antimony_of_one_arm(scenario, tmp_path):
    done = model_export(scenario, format="antimony", arm="saline", out=tmp_path)
    assert [path.name for path in done.paths] == ["umbilical_phase2_saline.ant"]
    text = done.paths[0].read_text(encoding="utf-8")
    assert "volume_ = volume_ + 4" in text  # a reserved word of Antimony gets an underscore
    assert "healthy_1' = " in text


def test_a_scenario_without_vesicle_effect_exports_none(root, tmp_path):
    text = (root / "scenarios" / "umbilical_phase2.toml").read_text(encoding="utf-8")
    path = tmp_path / "none.toml"
    swapped = text.replace('"none"', '"held"').replace('"membrane"', '"none"').replace('"held"', '"membrane"')
    path.write_text(swapped, encoding="utf-8")  # the scenario's mechanism changes places with the rival that has none
    plan = make_plan(path)
    entries = outgoing(plan, plan.active[0]).entries
    assert all(entries[name].value == 0.0 for name in entries if name.startswith("potency_"))


@pytest.mark.parametrize(
    ("options", "said"),
    [({"format": "matlab"}, "sbml or antimony"), ({"arm": "exosom"}, "exosome"), ({"out": "none"}, "no folder")],
)
def test_wrong_wishes_are_refused_before_anything_is_written(scenario, tmp_path, options, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        model_export(scenario, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def file(files, tmp_path):
    path = tmp_path / "own.xml"
    path.write_text(
        files.antimony("compartment C=2; S in C; S -> ; k*S*C; S=3; k=0.5; at (time>=1): k=1"), encoding="utf-8"
    )
    return path


def test_import_says_what_is_in_a_file(file):
    model = model_import(file)
    assert "own.xml" in model.text()
    assert model.data()["species"] == ["S"]


def test_simulate_writes_a_table(file, tmp_path):
    out = tmp_path / "course.csv"
    done = model_simulate(file, "0:0.5:2", out=out)
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [row["time"] for row in rows] == ["0.0", "0.5", "1.0", "1.5", "2.0"]
    assert float(rows[-1]["S"]) == pytest.approx(3 * np.exp(-1.5), rel=1e-7)
    assert "5 times" in done.text()
    assert done.data()["columns"][0] == "S"


def test_simulate_reads_amounts_and_chosen_columns(file, tmp_path):
    out = tmp_path / "course.csv"
    model_simulate(file, "0:1:1", out=out, species="amounts", ids=["S"], rtol=1e-6, atol=1e-9)
    assert out.read_text(encoding="utf-8").splitlines()[:2] == ["time,S", "0.0,6.0"]


@pytest.mark.parametrize(
    "wrong", [{"times": "0:1"}, {"out": "no/such/folder.csv"}, {"species": "masses"}, {"rtol": -1.0}]
)
def test_a_refused_simulation_writes_nothing(file, tmp_path, wrong):
    options = {"times": "0:1:2", "out": tmp_path / "course.csv", **wrong}
    with pytest.raises(InputError):
        model_simulate(file, options.pop("times"), **options)
    assert [path.name for path in tmp_path.iterdir()] == ["own.xml"]


def test_the_command_line_chooses_ids_and_readings(file, tmp_path):
    out = tmp_path / "course.csv"
    words = ["model", "simulate", str(file), "--times", "0:1:1", "--out", str(out), "--ids", "S,k", "--amounts", "S"]
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 0
    assert out.read_text(encoding="utf-8").splitlines()[:2] == ["time,S,k", "0.0,6.0,0.5"]


def test_the_command_line_tells_a_wrong_species_in_one_sentence(file, tmp_path, capsys):
    words = ["model", "simulate", str(file), "--times", "0:1:1", "--out", str(tmp_path / "c.csv"), "--amounts", "s"]
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert "amounts `s`: no species" in capsys.readouterr().err
    assert not (tmp_path / "c.csv").exists()
