"""The tables of the joint: complete, traceable, and the same numbers as the specification where they claim to be."""

from __future__ import annotations

import ast
import csv
import re
from importlib.resources import files
from pathlib import Path

import pytest

from exojoint.core.errors import InputError
from exojoint.joint.model import load_joint
from exojoint.joint.tables import (
    SPECIES,
    STRUCTURES,
    overlay_species,
    overlay_structure,
    read_levers,
    read_observables,
    read_states,
)

TISSUES = ("mechanics", "cartilage", "synovium", "bone", "pain", "observation")
NOT_KNOWLEDGE = {"switch", "input", "lot", "covariate"}
OBSERVABLES = "name,unit,meaning,only,source,after_replacement\n"
FACT = re.compile(r"(T\d-\d{3}|(PK|EV|RE|DO|MO|CMC)\d{3}|QX\d)")


@pytest.fixture
def table(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "table.csv"
        path.write_text(text)
        return path

    return write


def test_the_knee_has_41_states_and_28_levers_of_which_10_are_zonal():
    joint = load_joint()
    assert len(joint.states) == 41
    assert len(joint.levers) == 28
    assert sum(lever.zonal for lever in joint.levers.values()) == 10
    assert len({s.symbol for s in joint.states}) == 41


def test_the_joint_names_no_drug():
    words = re.compile(r"exosome|vesicle|triamcin|steroid|hyaluron|nsaid|paracetamol|fgf18|antibod|msc", re.IGNORECASE)
    folder = files("exojoint.joint")
    named = {path.name for path in folder.iterdir() if path.name.endswith(".py") and words.search(path.read_text())}
    assert not named
    assert not [name for name in load_joint().parameters if words.search(name)]


def test_equations_hold_no_numbers():
    for tissue in TISSUES:
        tree = ast.parse((files("exojoint.joint") / f"{tissue}.py").read_text())
        numbers = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, int | float)}
        allowed = {1} | ({0, 10} if tissue == "observation" else set())  # 1 + x, 1 - x; first zone, mm per cm
        assert numbers <= allowed, (tissue, numbers)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("species", SPECIES)
def test_every_species_loads_under_every_structure(species, structure):
    joint = load_joint(species, structure)
    assert joint.species == species
    assert set(joint.parameters) == set(load_joint("human", structure).parameters)


def test_reference_structure_has_the_numbers_of_the_specification(shared):
    with (shared / "science" / "reference" / "parameters.csv").open() as handle:
        wanted = {row["id"]: float(row["value"]) for row in csv.DictReader(handle)}
    for name, row in load_joint("human", "reference_0_1").parameters.items():
        if row.symbol:
            assert row.value == pytest.approx(wanted[row.symbol.replace("Z*", "Z1")], rel=1e-12), name


def test_default_structure_differs_from_the_reference_in_the_rows_of_its_overlay_only():
    default, reference = load_joint().parameters, load_joint("human", "reference_0_1").parameters
    overlay = files("exojoint.joint") / "structures" / "reference_0_1.csv"
    listed = {line.split(",")[0] for line in overlay.read_text().splitlines()[1:]}
    assert {name for name in default if default[name].value != reference[name].value} == listed


@pytest.mark.parametrize("species", [s for s in SPECIES if s != "human"])
def test_species_overlays_are_those_of_the_specification_and_change_nothing_else(species, shared):
    with (shared / "science" / "reference" / "species_overlays.csv").open() as handle:
        wanted = {row["id"]: row[species] for row in csv.DictReader(handle)}
    human, animal = load_joint("human", "reference_0_1"), load_joint(species, "reference_0_1")
    overlay = (files("exojoint.joint") / "species" / f"{species}.csv").read_text().splitlines()[1:]
    listed = {line.split(",")[0] for line in overlay}
    for name, row in animal.parameters.items():
        expected = float(wanted[row.symbol]) if row.symbol in wanted else human.parameters[name].value
        if name != "rel_tone":  # tone before and after induction belongs to the animal models
            assert row.value == pytest.approx(expected), name
        assert (row != human.parameters[name]) == (name in listed), name
    start = {s.name: s.init for s in animal.states}
    assert start["volume"] == float(wanted["SY_V"])
    assert all(s.init == start[s.name] for s in human.states if s.name != "volume")


def test_every_number_names_a_source_or_admits_that_it_is_assumed():
    for name, row in load_joint().parameters.items():
        for source in row.source:
            assert source == "assumed" or FACT.fullmatch(source), name
        if row.grade not in ("assumed", "derived", "calibrated"):
            assert "assumed" not in row.source, name


def test_weights_of_a_set_sum_to_one():
    sums: dict[str, float] = {}
    for row in load_joint().parameters.values():
        if row.uncertainty.kind == "dirichlet":
            sums[row.uncertainty.group] = sums.get(row.uncertainty.group, 0.0) + row.value
    assert len(sums) >= 8
    assert all(total == pytest.approx(1.0) for total in sums.values()), sums


def test_most_of_the_knee_is_assumed_and_the_table_says_so():
    known = [row for row in load_joint().parameters.values() if row.uncertainty.kind not in NOT_KNOWLEDGE]
    share = sum(row.grade == "assumed" for row in known) / len(known)
    assert 0.7 < share < 0.85


@pytest.mark.parametrize("name", ["thickness_tftj", "jsw", "sf_args", "womac_pain", "koos_pain", "sf_il6"])
def test_human_observables_are_refused_for_animals(name):
    assert load_joint("human").observable(name).only == "human"
    with pytest.raises(InputError, match="not defined for the species rat"):
        load_joint("rat").observable(name)


def test_an_animal_shows_its_pain_in_behaviour_and_a_person_says_it():
    for species in SPECIES:
        joint = load_joint(species)
        assert ("pain_behaviour" in joint.observables) == (species != "human")
        assert {"damage_oarsi", "damage_mankin", "thickness_column"} < set(joint.observables)
    with pytest.raises(InputError, match="not defined for the species human"):
        load_joint().observable("pain_behaviour")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: load_joint("humam"), 'Did you mean "human"'),
        (lambda: load_joint("human", "defalt"), 'Did you mean "default"'),
        (lambda: load_joint().observable("womac_pian"), 'Did you mean "womac_pain"'),
    ],
)
def test_unknown_names_are_told_with_a_suggestion(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_wrong_rows_of_small_tables_are_told_with_their_row(table):
    with pytest.raises(InputError, match=r"row 2 `il6`.*'abc' is not a number"):
        read_states(table("name,symbol,unit,init,meaning\nil6,SY_IL6,relative,abc,x\n"))
    with pytest.raises(InputError, match="kind 'produkt' is unknown"):
        read_levers(table("name,kind,neutral,unit,zone,meaning,where\nload,produkt,1,1,,x,y\n"))
    with pytest.raises(InputError, match="zone 'all' is unknown"):
        read_levers(table("name,kind,neutral,unit,zone,meaning,where\nload,product,1,1,all,x,y\n"))
    with pytest.raises(InputError, match="species 'mice' is unknown"):
        read_observables(table(f"{OBSERVABLES}jsw,mm,x,mice,T1-020,ends\n"))
    with pytest.raises(InputError, match="'mmm' is not a unit"):
        read_observables(table(f"{OBSERVABLES}jsw,mmm,x,,T1-020,ends\n"))
    with pytest.raises(InputError, match="after_replacement 'stops' is unknown"):
        read_observables(table(f"{OBSERVABLES}jsw,mm,x,,T1-020,stops\n"))


def test_overlays_may_change_only_what_exists(table):
    joint = load_joint()
    columns = "name,value,uncertainty,grade,source,note\n"
    with pytest.raises(InputError, match='Did you mean "flow_lymph"'):
        overlay_species(joint.states, joint.parameters, table(columns + "flow_lymf,1,,assumed,assumed,x\n"))
    with pytest.raises(InputError, match="no state `volum`"):
        overlay_species(joint.states, joint.parameters, table(columns + "init_volum,1,,assumed,assumed,x\n"))
    with pytest.raises(InputError, match="no parameter"):
        overlay_structure(joint.parameters, table("name,value,note\nnothing_like_it,1,x\n"))
