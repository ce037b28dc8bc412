"""The twins themselves: readable, numerous, sourced, and fitted by nobody."""

from __future__ import annotations

import csv
import re
import tomllib
from importlib.resources import files

import pytest
from validation.twins.forecast import load_rows
from validation.twins.naive import load_classes, naive_interval
from validation.twins.twin import MOST_VALUES, TRIALS, load_twins, read_twin

from exojoint.core.errors import InputError
from exojoint.evidence.facts import load_facts
from exojoint.evidence.targets import further_targets, load_targets

FACT = re.compile(r"\b(?:T\d-\d{3}|PK\d{3}|EV\d{3}|DO\d{3}|RE\d{3}|ST\d{3}|MO\d{3}|CMC\d{3}|QX\d)\b")


@pytest.fixture(scope="module")
def twins():
    return load_twins()


def test_there_are_at_least_twelve_twins_some_negative_and_some_animal(twins):
    assert len(twins) >= 12
    assert sum(any(value.null for value in twin.values) for twin in twins) >= 3
    assert sum(twin.protocol.species != "human" for twin in twins) >= 2
    assert all(1 <= len(twin.values) <= MOST_VALUES for twin in twins)
    assert sum(value.published is not None for twin in twins for value in twin.values) >= 20


def test_no_fact_of_a_twin_is_a_fact_of_a_calibration_target(twins):
    fitted = {fact for target in (*load_targets(), *further_targets()) for fact in target.facts}
    fitted |= {reference for target in (*load_targets(), *further_targets()) for reference in target.reference}
    assert fitted >= {"T3-003", "T1-016"}
    assert {twin.name: set(twin.facts) & fitted for twin in twins if set(twin.facts) & fitted} == {}
    assert {twin.name for twin in twins} & fitted <= {twin.name for twin in twins if twin.words["shared"]}


def test_no_fact_of_a_twin_stands_behind_a_row_of_a_parameter_table(twins):
    used = set()
    for room in ("joint", "treatments", "patients", "product", "calibration"):
        for path in (p for p in walk(files("exojoint") / room) if p.name.endswith((".csv", ".toml"))):
            used |= set(FACT.findall(path.read_text(encoding="utf-8")))
    assert "T3-037" in used
    # population margins of the twins' own files are not parameters; published results must be new to every table
    assert {twin.name: set(twin.facts) & used for twin in twins if set(twin.facts) & used} == {}


def walk(folder):
    for item in folder.iterdir():
        if item.is_dir():
            yield from walk(item)
        else:
            yield item


def test_every_fact_of_a_twin_is_in_the_records(twins):
    studies = {row["study_id"] for row in csv.DictReader(lines("studies.csv"))}
    known = set(load_facts()) | studies
    assert {fact for twin in twins for fact in twin.facts} - known == set()


def lines(name):
    return (files("exojoint.evidence") / "records" / name).read_text(encoding="utf-8").splitlines()


def test_every_twin_says_why_it_is_fair_what_was_fitted_and_what_was_assumed(twins):
    for twin in twins:
        assert all(len(twin.words[key]) > 25 for key in ("fair", "fitted", "assumed")), twin.name
        assert twin.citation


def test_every_value_has_its_rows_and_a_naive_forecast(twins):
    discrepancy, readings, classes = load_rows("discrepancy"), load_rows("readings"), load_classes()
    for value in (value for twin in twins for value in twin.values):
        assert value.names["discrepancy"] in discrepancy
        assert value.names["reading"] in readings
        interval = naive_interval(value, classes)
        assert interval.lo < interval.middle < interval.hi


def test_the_discrepancy_between_trials_comes_from_no_twin(twins):
    named = {fact for twin in twins for fact in twin.facts} | {twin.name for twin in twins}
    with (TRIALS.parent / "discrepancy.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert not set(row["source"].split(";")) & named, row["name"]
            assert len(row["note"]) > 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kin": "trial"}, "unknown key"),
        ({"kind": "guess"}, "trial, cohort, animal"),
        ({"value": []}, "1 to 3"),
    ],
)
def test_a_wrong_file_is_refused_with_its_key(tmp_path, change, message):
    path = tmp_path / "wrong.toml"
    text = (TRIALS / "wluka2006.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text) | change
    path.write_text(written(data), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_twin(path)


def written(data):
    """The least TOML writer that these files need."""
    plain = {key: item for key, item in data.items() if key not in ("value", "protocol")}
    head = [f"{key} = {item!r}".replace("True", "true").replace("False", "false") for key, item in plain.items()]
    rows = [("[[value]]", row) for row in data["value"]] or [("value = []", {})]
    head = head if data["value"] else [*head, "value = []"]
    body = [line for name, row in rows if row for line in (name, *(f"{key} = {item!r}" for key, item in row.items()))]
    protocol = data["protocol"]
    tail = ["[protocol]", *(f"{key} = {protocol[key]!r}" for key in ("schema", "title", "species"))]
    for name in ("arm", "readout"):
        for row in protocol[name]:
            tail += [f"[[protocol.{name}]]", *(f"{key} = {item!r}" for key, item in row.items())]
    return "\n".join([*head, *body, *tail])
