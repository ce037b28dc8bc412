"""Every table of the package reads, every unit parses, every number says where it comes from."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from exojoint.core.errors import InputError
from exojoint.core.files import read_toml
from exojoint.core.knowledge import knowledge_space
from exojoint.core.tables import ASSUMED, COLUMNS, GRADES, read_parameters, read_table
from exojoint.core.units import check_unit
from exojoint.evidence.facts import load_facts, load_references

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "exojoint"
OTHER_UNITS = {
    "evidence/records/facts.csv",  # facts keep the words of their papers, units included
    "workflow/twins.csv",  # results in the scales of their papers ("point of 10"), shown as words
    "runs/tables.csv",  # there a unit may name the column that holds it
}
DOCUMENTS = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.toml"))
TABLES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.csv"))


def header(name: str) -> list[str]:
    with (PACKAGE / name).open(encoding="utf-8", newline="") as stream:
        return next(csv.reader(stream))


PARAMETERS = [name for name in TABLES if set(COLUMNS) <= set(header(name))]


def rows(name: str) -> list[dict[str, str]]:
    return read_table(PACKAGE / name, header(name), key="")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_reads(name):
    assert all(len(row) == len(header(name)) for row in rows(name))


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_table_is_correct_in_every_cell(name):
    extra = [column for column in header(name) if column not in COLUMNS]
    table = read_parameters(PACKAGE / name, extra=extra)
    assert len(table) == len(rows(name))


@pytest.mark.parametrize("name", [name for name in TABLES if "unit" in header(name) and name not in OTHER_UNITS])
def test_every_unit_is_a_unit(name):
    wrong = []
    for number, row in enumerate(rows(name), start=2):
        try:
            check_unit(row["unit"], f"{name} row {number}")
        except InputError as error:
            wrong.append(str(error))
    assert not wrong, "\n".join(["", *map(str, wrong)])


@pytest.mark.parametrize("name", [name for name in TABLES if "grade" in header(name)])
def test_every_grade_is_of_the_list(name):
    # Twins say how a published number was read: on its page, or from memory.
    grades = ("seen", "recalled") if name == "workflow/twins.csv" else GRADES
    wrong = [(number, row["grade"]) for number, row in enumerate(rows(name), start=2) if row["grade"] not in grades]
    assert not wrong, "\n".join(["", *map(str, wrong)])


@pytest.mark.parametrize("name", [name for name in TABLES if "source" in header(name)])
def test_every_source_is_a_fact_a_work_or_assumed(name):
    known = {*load_facts(), *load_references(), ASSUMED}
    wrong = [
        f"row {number}: {part!r}"
        for number, row in enumerate(rows(name), start=2)
        for part in (piece.strip() for piece in row["source"].split(";"))
        if part not in known
    ]
    assert not wrong, "\n".join(["", *map(str, wrong)])


@pytest.mark.parametrize("name", [name for name in TABLES if {"grade", "source"} <= set(header(name))])
def test_grades_agree_with_sources(name):
    """A measured or derived number names what it rests on; `assumed` as the only source is graded so."""
    wrong = [
        f"row {number}: {row['grade']} from {row['source']}"
        for number, row in enumerate(rows(name), start=2)
        if row["source"].strip() == ASSUMED and row["grade"] not in (ASSUMED, "calibrated")
    ]
    assert not wrong, "\n".join(["", *map(str, wrong)])


@pytest.mark.parametrize("name", [name for name in TABLES if {"grade", "source"} <= set(header(name))])
def test_a_recalled_or_missing_fact_alone_is_never_a_measurement(name):
    facts = load_facts()
    weak = {key for key, fact in facts.items() if fact.verified in ("recalled", "not_found")}
    measured = set(GRADES) - {"assumed", "calibrated", "derived"}
    wrong = [
        f"row {number}: {row['grade']} from {row['source']}"
        for number, row in enumerate(rows(name), start=2)
        if row["grade"] in measured and {part.strip() for part in row["source"].split(";")} <= weak
    ]
    assert not wrong, "\n".join(["", *map(str, wrong)])


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_set_of_weights_is_whole(name):
    extra = [column for column in header(name) if column not in COLUMNS]
    space = knowledge_space(read_parameters(PACKAGE / name, extra=extra))
    for group, members in space.groups.items():
        total = sum(space.table[member].value for member in members)
        assert total == pytest.approx(1.0), f"{name}: weights of {group} sum to {total:g}"


def named_sources(content, place=""):
    """Every `source`, `evidence` or `references` in a TOML document, with the key it stands under."""
    if isinstance(content, dict):
        for key, value in content.items():
            where = f"{place}.{key}".strip(".")
            if key in ("source", "evidence", "references") and isinstance(value, str | list):
                names = value.split(";") if isinstance(value, str) else value
                yield from ((where, str(name).strip()) for name in names)
            else:
                yield from named_sources(value, where)
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from named_sources(value, f"{place}[{index}]")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_source_in_a_document_is_a_fact_a_work_or_assumed(name):
    known = {*load_facts(), *load_references(), ASSUMED}
    wrong = [(where, source) for where, source in named_sources(read_toml(PACKAGE / name)) if source not in known]
    assert not wrong, "\n".join(["", *map(str, wrong)])
