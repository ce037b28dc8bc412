"""The collected facts and targets are complete, resolvable and say how they are known."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest

from exojoint.core.errors import InputError
from exojoint.core.units import check_unit
from exojoint.evidence.facts import VERIFIED, load_facts, load_references
from exojoint.evidence.targets import Target, load_targets

FACT_FILES = ("oa_facts.csv", "ev_facts.csv", "cmc_facts.csv")


def write_targets(folder: Path, *changes: tuple[str, str]) -> Path:
    """The project's own first three target rows with some text replaced."""
    text = files("exojoint.evidence").joinpath("records", "targets.csv").read_text(encoding="utf-8")
    text = "\n".join(text.splitlines()[:4]) + "\n"
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "targets.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_fact_cites_a_work_that_exists():
    references = load_references()
    for fact in load_facts().values():
        assert fact.reference
        assert set(fact.reference) <= set(references), fact.id


def test_every_cited_work_is_used_by_a_fact_or_described():
    used = {key for fact in load_facts().values() for key in fact.reference}
    for key, reference in load_references().items():
        assert key in used or reference.fields.get("title"), f"{key} is neither used nor described"


def test_verification_is_from_the_closed_list():
    assert {fact.verified for fact in load_facts().values()} == set(VERIFIED)


def test_all_collected_facts_are_here_with_their_numbers_untouched(shared):
    facts = load_facts()
    collected = {}
    for name in FACT_FILES:
        with (shared / "literature" / name).open(encoding="utf-8", newline="") as stream:
            collected |= {row["id"]: row for row in csv.DictReader(stream)}
    assert set(facts) == set(collected)
    assert {"QX1", "QX2", "QX3", "QX4", "QX5"} <= set(facts)
    for key, row in collected.items():
        assert (facts[key].value, facts[key].low, facts[key].high) == (row["value"], row["low"], row["high"])
        assert facts[key].verified == row["verified"].split("(")[0]


def test_doi_of_a_reference_is_that_of_its_facts(shared):
    references = load_references()
    for name in FACT_FILES:
        with (shared / "literature" / name).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                fact = load_facts()[row["id"]]
                if row["doi_or_pmid"].startswith("10.") and len(fact.reference) == 1:
                    assert references[fact.reference[0]].fields["doi"].lower() == row["doi_or_pmid"].lower()


def test_targets_have_units_windows_and_the_references_of_their_facts():
    targets = load_targets()
    assert len({target.id for target in targets}) == len(targets)
    for target in targets:
        check_unit(target.unit, target.id)
        cited = {key for fact in target.facts for key in load_facts()[fact].reference}
        assert set(target.reference) == cited
        if target.window is not None:
            assert target.met_by(target.value)
            assert not target.met_by(target.window[1] + 1e3)


def test_all_targets_of_the_specification_are_here(shared):
    path = shared / "science" / "reference" / "calibration_targets.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    ours: dict[str, list[Target]] = {}
    for target in load_targets():
        ours.setdefault(target.id[:3], []).append(target)
    assert list(ours) == [row["id"] for row in rows]
    for row in rows:
        windows = [part.strip() for part in row["lo"].split(" / ")]
        judged = [target for target in ours[row["id"]] if target.window is not None]
        assert [target.window[0] for target in judged if target.window] == [float(part) for part in windows], row["id"]
        assert all(target.recalled == (row["recalled"] == "yes") for target in judged)
        assert all(target.conflict_group == row["conflict_group"] for target in judged)


def test_a_target_without_a_window_says_so():
    arm_change = next(target for target in load_targets() if target.id == "C03a")
    with pytest.raises(ValueError, match="judged by C03b"):
        arm_change.met_by(-0.2)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-0.116", "abc", "value 'abc' is not a number"),
        (",mm,", ",mmm,", "unit 'mmm' is not a unit"),
        ("T1-016", "T1-999", "fact 'T1-999' is unknown"),
        ("schnitzer2023", "schnitzer2032", 'Did you mean "schnitzer2023"'),
        ("schnitzer2023", "", "has no reference"),
        ("human", "humna", 'Did you mean "human"'),
        (",no,", ",maybe,", "recalled 'maybe' is unknown"),
        ("-0.17", "-0.1", "outside its window"),
    ],
)
def test_a_wrong_cell_is_named_with_file_and_row(tmp_path, old, new, message):
    with pytest.raises(InputError) as caught:
        load_targets(write_targets(tmp_path, (old, new)))
    assert message in str(caught.value)
    assert "targets.csv row 2 `C01`" in str(caught.value)
