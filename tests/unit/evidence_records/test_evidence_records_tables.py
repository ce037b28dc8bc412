"""The records of the package: all that was collected is here, each cell says how it is known."""

from __future__ import annotations

import csv
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest

from exojoint.core.errors import InputError
from exojoint.evidence.extraction.consistency import NUMBERS
from exojoint.evidence.extraction.status import MEANINGS, STATUSES, extraction_status, missing_of, status_of
from exojoint.evidence.facts import VERIFIED, load_facts, load_references
from exojoint.evidence.records.load import load_records, load_studies, read_records, read_studies
from exojoint.evidence.records.record import LITERATURE, Record

TABLES = ("studies.csv", "results.csv", "cells.csv")


FROM_THE_NOTE = {  # numbers that a fact tells in its note or context, or in another unit
    "eckstein2024.placebo",
    "sprifermin_meta2021.womac", "iijima2018.volume", "guehring2021.pain_3y_risk", "guehring2021.pain_5y_risk",
    "yazici2021.pain_007_24", "lorecivivint2023.responder_24",
}  # fmt: skip


def collected(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "literature" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def copy_tables(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """The package's three tables with some text replaced: (table, old, new)."""
    for name in TABLES:
        text = files("exojoint.evidence").joinpath("records", name).read_text(encoding="utf-8")
        for table, old, new in changes:
            if table == name:
                assert old in text
                text = text.replace(old, new, 1)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_every_collected_animal_study_and_trial_is_a_study(shared):
    names = {row["study_id"] for row in collected(shared, "ev_preclinical_studies.csv")}
    names |= {row["trial_id"] for row in collected(shared, "ev_clinical_trials.csv")}
    assert len(names) == 57 + 16
    assert names <= set(load_studies())


def test_numbers_of_the_collected_studies_are_untouched(shared):
    for row in collected(shared, "ev_preclinical_studies.csv"):
        study = load_studies()[row["study_id"]]
        dose = study.number("dose_value")
        given = row["dose_particles"] or row["dose_ug"]
        assert (f"{dose:g}" if dose is not None else "") == (f"{float(given):g}" if given else "")
        n = study.number("n_injections")
        assert ("" if n is None else f"{n:g}") == row["injections_n"]
        if not row["verified"].startswith("recalled"):
            assert study.text("ev_source") == row["ev_source"]
            assert study.text("doi") == row["doi_pmid"]


def test_what_was_recalled_has_no_value_and_is_kept_as_a_recollection(shared):
    kept = 0
    for row in collected(shared, "ev_preclinical_studies.csv"):
        for part in filter(None, row["recalled_fields"].split("||")):
            told = part.partition("=")[2].rpartition("(recalled")[0].strip()
            rows = load_studies()[row["study_id"]], load_records()[row["study_id"] + ".reported"]
            remembered = [cell.recalled for record in rows for cell in record.cells.values()]
            assert any(told in words for words in remembered), (row["study_id"], part)
            kept += 1
    assert kept > 30


def test_direction_counts_are_those_of_the_reading():
    """54 of 57 animal rows claim benefit, one of them for platelet vesicles; four of the 54 are only remembered."""
    rows = [
        record
        for name, record in load_records().items()
        if name.endswith(".reported") and record["kind"].value == "animal"
    ]
    seen = Counter(record.text("effect_direction") for record in rows if record["effect_direction"].value)
    recalled = sum(record["effect_direction"].recalled == "benefit" for record in rows)
    assert len(rows) == 57
    assert (seen["benefit"], seen["mixed"], seen["null"], seen["not evaluable"], recalled) == (49, 1, 1, 1, 4)


def test_every_cell_says_where_it_comes_from_and_how_it_is_known():
    known = {*load_facts(), *load_references()}
    cells = [(name, column, cell) for name, record in load_records().items() for column, cell in record.cells.items()]
    assert len(cells) > 5000
    for name, column, cell in cells:
        assert cell.source, (name, column)
        assert set(cell.source) <= known, (name, column)
        assert cell.verified in VERIFIED
        assert cell.value is not None or cell.recalled, (name, column)


def test_no_recalled_cell_has_a_value_in_a_number():
    for name, record in load_records().items():
        for column, cell in record.cells.items():
            if column in NUMBERS and cell.value is not None:
                assert cell.verified in LITERATURE, (name, column)
    assert load_records()["juni2015.pain_13wk"]["effect"].recalled == "-0.22"
    assert load_records()["juni2015.pain_13wk"].number("effect") is None


def test_numbers_agree_with_the_facts_that_they_name():
    """An effect that names one fact with a plain number has that number, up to its sign."""
    checked = 0
    for record in load_records().values():
        effect = record.number("effect")
        if effect is None or len(record.text("facts").split("; ")) != 1:
            continue
        fact = load_facts().get(record.text("facts"))
        try:
            value = float(fact.value) if fact else None
        except ValueError:
            continue
        if value is not None and record.verified in LITERATURE:
            same = abs(effect) == pytest.approx(abs(value))
            assert same or record.id in FROM_THE_NOTE, record.id
            checked += 1
    assert checked > 20


def test_focal_defects_stand_apart_and_sources_of_vesicles_are_told_apart():
    classes = {study.text("model_class") for study in load_studies().values()}
    assert {"focal defect", "surgical instability", "chemical", "enzymatic", "patients"} <= classes
    assert load_studies()["prpexo2023_rat"].text("intervention") == "other_ev"
    assert load_studies()["zhu2017_imsc"].text("intervention") == "msc_ev"


def test_status_says_what_is_missing():
    status = {item.study: item for item in extraction_status(load_records().values())}
    assert set(MEANINGS) == set(STATUSES)
    assert status["bennell2021"].status == "poolable"
    assert status["warmink2023_metOA"].status == "direction only"
    assert status["wu2019_ipfp"].status == "recalled"
    assert status["wang2025a"].status == "gap"
    assert status["whittle2025"].missing == ("effect_low", "effect_high")
    animal = [item for item in status.values() if load_studies()[item.study].text("kind") == "animal"]
    assert sum(item.status == "poolable" for item in animal) == 2, (
        "both sheep studies; nothing else gives means and SDs"
    )


def test_a_one_group_change_needs_no_control():
    record = load_records()["bennell2021.saline_pain"]
    assert status_of(record) == "poolable"
    assert missing_of(load_records()["gel200_2017.pbs_12wk"]) == ("sd_t",)


def test_labels_are_authors_and_years_where_they_are_known():
    assert load_records()["pereira2022.pain"].label == "Pereira 2022"
    assert load_records()["warmink2023_metOA.reported"].label == "warmink2023 metOA"


def test_an_unknown_column_is_a_mistake_and_an_empty_one_is_not():
    record = load_records()["pereira2022.pain"]
    assert record["mean_t"].value is None
    assert record.text("mean_t") == ""
    with pytest.raises(KeyError):
        record["no_such_column"]


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("results.csv", "pereira2022.pain,pereira2022", "pereira2022.pain,pereira2202", 'Did you mean "pereira2022"'),
        ("results.csv", ",-0.08,-0.15,-0.02,", ",-0.08,-0.02,-0.15,", "the interval runs from -0.02 to -0.15"),
        ("results.csv", ",-0.08,-0.15,-0.02,", ",-0.28,-0.15,-0.02,", "effect -0.28 lies outside its interval"),
        ("results.csv", ",-0.08,-0.15,-0.02,", ",,-0.15,-0.02,", "has an interval but no effect"),
        ("results.csv", "T3-007,seen", "T3-777,seen", "facts 'T3-777' is unknown"),
        ("results.csv", "T3-007,seen", "T3-007,recalled", "is recalled but has numbers"),
        ("results.csv", "-1.8,2.5,SD,", "-1.8,2.5,,", "may be an SD or a standard error"),
        ("studies.csv", "pereira2022,10.1136", "pereira2202,10.1136", "reference 'pereira2202' is unknown"),
        ("cells.csv", "study,zhang2016_hues9", "study,zhang2016_hues", "study row 'zhang2016_hues' is unknown"),
        ("cells.csv", "n_injections,recalled,12", "n_injections,recalled,", "recalled without a recollection"),
        ("cells.csv", "n_injections,recalled,12", "n_injections,derived,12", "recalls a derived value"),
        ("cells.csv", "n_injections,recalled", "n_injektions,recalled", 'Did you mean "n_injections"'),
    ],
)  # fmt: skip
def test_a_wrong_cell_of_the_tables_is_named(tmp_path, table, old, new, message):
    with pytest.raises(InputError) as caught:
        read_records(copy_tables(tmp_path, (table, old, new)))
    assert message in str(caught.value)


def test_an_untouched_copy_of_the_tables_reads_as_the_package_does(tmp_path):
    copy_tables(tmp_path)
    assert set(read_records(tmp_path)) == set(load_records())
    assert set(read_studies(tmp_path)) == set(load_studies())


def test_a_result_without_a_study_keeps_its_place_in_the_message(tmp_path):
    with pytest.raises(InputError, match=r"results.csv row \d+ `pereira2022.pain`"):
        read_records(
            copy_tables(tmp_path, ("results.csv", "pereira2022.pain,pereira2022", "pereira2022.pain,nobody1900"))
        )


def test_a_record_is_frozen():
    record = Record("a", "b", "c")
    with pytest.raises(AttributeError):
        record.id = "d"
