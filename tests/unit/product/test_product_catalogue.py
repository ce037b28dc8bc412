"""Sources, processes and the tables of their numbers."""

import csv
import re

import pytest

import exojoint.product.catalogue as catalogue
from exojoint.core.errors import InputError
from exojoint.core.knowledge import knowledge_space
from exojoint.product.catalogue import (
    FORMULATIONS,
    Numbers,
    all_parameters,
    list_processes,
    list_sources,
    load_process,
    load_source,
    product_parameters,
)
from exojoint.product.lot import AXES
from exojoint.product.release import specification

FACT = re.compile(r"[A-Z]{2,3}\d{2,3}|assumed")


def test_the_four_sources_and_three_processes_of_the_mission_are_there():
    assert set(list_sources()) == {"umbilical_cord", "bone_marrow", "adipose", "synovial"}
    assert set(list_processes()) == {"flask_uc", "bioreactor_tff", "hollow_fibre_sec"}
    for name in list_sources():
        assert load_source(name).title
        assert load_source(name).evidence
    for name in list_processes():
        assert load_process(name).steps[-1] == "fill"


def test_no_source_is_ranked_above_another():
    """Same rows with the same numbers for every source: only evidence, not the author, may tell them apart."""
    lives = {
        source: {
            name.removesuffix(f"_{source}"): (row.value, row.unit, row.uncertainty, row.variability, row.grade)
            for name, row in all_parameters().items()
            if name.endswith(f"_{source}")
        }
        for source in list_sources()
    }
    first = lives["umbilical_cord"]
    potencies = {f"rel_potency_{axis}" for axis in AXES}
    assert set(first) == {"p_inactive", "diameter", "n_per_cell"} | potencies
    assert all(life == first for life in lives.values())


def test_a_source_that_differs_in_potency_names_the_facts_that_say_so():
    """A potency other than 1, or known better than the others, needs a fact; as shipped none does."""
    rows = [row for name, row in all_parameters().items() if name.startswith("rel_potency_")]
    assert len(rows) == len(list_sources()) * len(AXES)
    usual = rows[0].uncertainty
    for row in rows:
        stands_out = row.value != 1.0 or row.uncertainty != usual or row.grade != "assumed"
        assert not stands_out or set(row.source) - {"assumed"}, row.place
        source = next(name for name in list_sources() if row.name.endswith(f"_{name}"))
        assert set(row.source) - {"assumed"} <= {*load_source(source).evidence}, "the source's own file lists the fact"


def test_inactive_share_is_knowledge_and_potency_spread_is_variability():
    row = all_parameters()["p_inactive_synovial"]
    assert (row.uncertainty.kind, row.uncertainty.arguments) == ("beta", (3.0, 7.0))
    assert row.variability.cv == 0
    assert not all_parameters()["sd_potency_inflammation"].uncertainty.uncertain
    assert all(f"sd_potency_{axis}" in all_parameters() for axis in AXES)


def test_every_number_names_its_sources_and_they_exist(shared):
    facts = set()
    for file in ("cmc_facts.csv", "ev_facts.csv", "oa_facts.csv"):
        with (shared / "literature" / file).open(encoding="utf-8", newline="") as stream:
            facts |= {row["id"] for row in csv.DictReader(stream)}
    used = {fact for row in all_parameters().values() for fact in row.source}
    used |= {fact for criterion in specification() for fact in criterion.source}
    used |= {fact for name in list_sources() for fact in load_source(name).evidence}
    used |= {fact for name in list_processes() for fact in load_process(name).evidence}
    assert used - facts == {"assumed"}


def test_every_source_cell_has_the_form_of_a_fact_id():
    assert all(FACT.fullmatch(fact) for row in all_parameters().values() for fact in row.source)


def test_recalled_facts_never_pass_for_measured_ones(shared):
    """A number whose facts were all recalled from memory is graded `assumed`."""
    recalled = set()
    for file in ("cmc_facts.csv", "ev_facts.csv"):
        with (shared / "literature" / file).open(encoding="utf-8", newline="") as stream:
            recalled |= {
                row["id"] for row in csv.DictReader(stream) if row["verified"].startswith(("recalled", "not_found"))
            }
    for row in all_parameters().values():
        if set(row.source) <= recalled:
            assert row.grade == "assumed", row.place


def test_rows_of_one_choice_leave_the_others_out():
    table = product_parameters("synovial", "hollow_fibre_sec")
    assert "p_inactive_synovial" in table
    assert "purity_hollow_fibre_sec" in table
    assert "gsd_diameter" in table
    foreign = {*list_sources(), *list_processes(), *FORMULATIONS} - {"synovial", "hollow_fibre_sec", "native"}
    assert not [name for name in table if name.endswith(tuple(f"_{other}" for other in foreign))]
    assert set(product_parameters()) == set(all_parameters())


def test_yields_and_cost_can_be_left_out_of_what_reaches_the_patient():
    patient = product_parameters("umbilical_cord", "bioreactor_tff", reach="patient")
    whole = product_parameters("umbilical_cord", "bioreactor_tff")
    assert set(patient) < set(whole)
    assert not [name for name in patient if name.startswith(("cost_", "frac_yield_"))]
    assert knowledge_space(patient).n_axes < knowledge_space(whole).n_axes


def test_a_draw_without_a_row_takes_the_value_of_the_table():
    numbers = Numbers({"gsd_diameter": 1.5})
    assert numbers["gsd_diameter"] == 1.5
    assert numbers["ratio_mrps_nta"] == 10
    with pytest.raises(KeyError, match="ratio_mrps_nta"):
        numbers["ratio_mrps_ntx"]


@pytest.mark.parametrize(
    ("load", "wrong", "right"), [(load_source, "adipos", "adipose"), (load_process, "flask", "flask_uc")]
)
def test_an_unknown_name_gets_a_suggestion(load, wrong, right):
    with pytest.raises(InputError, match=right):
        load(wrong)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"steps": ["clarification", "sterile_filtraton"]}, "sterile_filtration"),
        ({"formulation": "nativ"}, '"native"'),
        ({"count_method": "trps"}, "mrps"),
        ({"title": 3}, "title"),
        ({"colour": "red"}, "unknown key"),
    ],
)
def test_a_wrong_process_file_is_named_with_key_and_cure(monkeypatch, change, word):
    good = {
        "title": "t", "upstream": "u", "steps": ["fill"], "formulation": "native", "count_method": "nta",
        "evidence": [], "note": "",
    }  # fmt: skip
    monkeypatch.setattr(catalogue, "read_toml", lambda path: good | change)
    load_process.cache_clear()
    try:
        with pytest.raises(InputError, match=r"flask_uc\.toml") as caught:
            load_process("flask_uc")
        assert word in str(caught.value)
    finally:
        load_process.cache_clear()
