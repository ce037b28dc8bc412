"""A table is read strictly, and every wrong row is named at once."""

from __future__ import annotations

import contextlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.core.tables import COLUMNS, ParameterTable, read_parameters, read_table

HEADER = ",".join(COLUMNS)
GOOD = [
    'k_uptake,1.5,1/d,lognormal(0.5),"cv(0.3, burden)",in_vitro,ku,EV041; PK062,table 2,"24 h, then divided"',
    "frac_a,0.2,1,fixed,none,assumed,wa,assumed,,",
    "n_cells,2e6,cell,fixed,covariate,derived,N,PK049,,",
]


def write(folder: Path, *rows: str, header: str = HEADER, name: str = "parameters.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_parameters(path)
    return [str(problem) for problem in caught.value.problems]


def test_a_row_keeps_its_whole_life(tmp_path):
    row = read_parameters(write(tmp_path, *GOOD))["k_uptake"]
    assert (row.value, row.unit, row.grade, row.symbol) == (1.5, "1/d", "in_vitro", "ku")
    assert row.source == ("EV041", "PK062")
    assert (row.where, row.note, row.table, row.row) == ("table 2", "24 h, then divided", "parameters.csv", 2)
    assert row.uncertainty.kind == "lognormal"
    assert (row.variability.cv, row.variability.group) == (0.3, "burden")
    assert row.place == "parameters.csv row 2 `k_uptake`"
    assert row.extra == ()


def test_a_table_keeps_the_order_of_its_file_and_gives_arrays(tmp_path):
    table = read_parameters(write(tmp_path, *GOOD))
    assert list(table) == ["k_uptake", "frac_a", "n_cells"]
    assert len(table) == 3
    assert "frac_a" in table
    assert "other" not in table
    np.testing.assert_array_equal(table.values_array(["n_cells", "k_uptake"]), [2e6, 1.5])
    assert list(table.select(["n_cells", "frac_a"])) == ["n_cells", "frac_a"]
    assert repr(table) == "ParameterTable(3 rows of parameters.csv)"
    assert repr(ParameterTable()) == "ParameterTable(0 rows of nothing)"


def test_an_unknown_name_is_a_key_error_with_a_hint(tmp_path):
    table = read_parameters(write(tmp_path, *GOOD))
    with pytest.raises(KeyError, match="Did you mean"):
        table["k_uptaek"]
    assert table.get("k_uptaek") is None


def test_tables_merge_and_refuse_a_name_that_both_have(tmp_path):
    first = read_parameters(write(tmp_path, *GOOD[:2]))
    second = read_parameters(write(tmp_path, GOOD[2], name="more.csv"))
    assert list(first.merge(second)) == ["k_uptake", "frac_a", "n_cells"]
    with pytest.raises(InputError, match=r"parameters.csv row 2 `k_uptake`: `k_uptake` stands twice"):
        first.merge(first)


def test_tables_travel_between_processes(tmp_path):
    table = read_parameters(write(tmp_path, *GOOD))
    copy = pickle.loads(pickle.dumps(table))  # noqa: S301  # our own bytes
    assert dict(copy) == dict(table)
    assert hash(copy["k_uptake"]) == hash(table["k_uptake"])


def test_a_table_may_have_one_column_more(tmp_path):
    path = write(tmp_path, *(f"{row},exosome" for row in GOOD), header=f"{HEADER},disposition")
    table = read_parameters(path, extra=("disposition",))
    assert table["frac_a"].extra == (("disposition", "exosome"),)


def test_all_wrong_cells_of_all_rows_are_reported_at_once(tmp_path):
    path = write(
        tmp_path,
        "k_uptake,1.5,per dya,lognormal(0.5),none,in_vitro,,PK049,,",
        "short,row",
        "frac a,abc,1,lognorml(1),cvv(1),human_kne,,,,",
        GOOD[1],
        GOOD[1],
        "p_inactive,0.3,1,\"beta(3, 7)\",none,assumed,,assumed,,",
        "big,1e400,1,fixed,none,assumed,,assumed,,",
        "odd,1_000,1,fixed,none,assumed,,assumed,,",
    )  # fmt: skip
    found = "\n".join(problems(path))
    for part in (
        "parameters.csv row 2 `k_uptake`: unit 'per dya' is not a unit.",
        "Did you mean '1/day'?",
        "parameters.csv row 3: has 2 cells. Expected 10 cells.",
        "row 4 `frac a`: name 'frac a' is not a name",
        "row 4 `frac a`: value 'abc' is not a number",
        "row 4 `frac a`: uncertainty 'lognorml(1)' is unknown",
        "row 4 `frac a`: variability 'cvv(1)' is unknown",
        "row 4 `frac a`: grade 'human_kne' is unknown",
        'Did you mean "human_knee"?',
        "row 4 `frac a`: has no source",
        "row 6 `frac_a`: `frac_a` stands twice (first in row 5)",
        "row 7 `p_inactive`: value 0.3 is not the median of its beta uncertainty. Expected value 0.2862.",
        "row 8 `big`: value '1e400' is not a number",
        "row 9 `odd`: value '1_000' is not a number",
    ):
        assert part in found
    assert len(found.splitlines()) == 12


def test_assumed_is_a_legal_grade(tmp_path):
    assert read_parameters(write(tmp_path, GOOD[1]))["frac_a"].grade == "assumed"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (HEADER.replace("grade", "grad"), "column 'grade' is missing"),
        (HEADER.replace("grade", "grad"), "column 'grad' is unknown. Expected the columns name, value"),
        (HEADER.replace(",grade", ""), "column 'grade' is missing"),
        (f"{HEADER},note", "column 'note' stands twice"),
        (f"{HEADER},", "column '' is unknown"),
    ],
)
def test_a_wrong_header_is_named(tmp_path, header, message):
    assert message in "\n".join(problems(write(tmp_path, GOOD[1], header=header)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n\n", "is empty"),
        (b"\x89PNG\r\n\x1a\n\0", "contains NUL bytes"),
        (HEADER.encode() + b"\n\xff", "line 2: is not UTF-8 text"),
        (HEADER.encode() + b'\n"never closed', "is not a CSV table"),
        (HEADER.encode() + b"\n\nrow", "row 2: is empty"),
        (HEADER.encode() + b"\n,1,1,fixed,none,assumed,,assumed,,", "cell 'name' is empty"),
        (b"x" * 100_000, "is unknown"),
        (b"x" * 200_000, "field larger than"),
    ],
)
def test_a_file_that_is_no_table_is_one_clear_message(tmp_path, content, message):
    path = tmp_path / "parameters.csv"
    path.write_bytes(content)
    found = "\n".join(problems(path))
    assert message in found
    assert len(found) < 5_000


def test_a_small_table_is_read_as_stripped_text(tmp_path):
    path = tmp_path / "levers.csv"
    path.write_text("name,meaning,unit\n a , first ,1\nb,,mL\n\n", encoding="utf-8")
    rows = read_table(path, ("name", "meaning"), optional=("unit", "zone"))
    assert rows == [
        {"name": "a", "meaning": "first", "unit": "1", "zone": ""},
        {"name": "b", "meaning": "", "unit": "mL", "zone": ""},
    ]


def test_quoted_cells_may_hold_commas_and_lines(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('name,note\nx,"one, two"\ny,"three\nfour"\n', encoding="utf-8")
    assert [row["note"] for row in read_table(path, ("name", "note"))] == ["one, two", "three\nfour"]


def test_a_table_without_a_key_may_repeat(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n1,2\n", encoding="utf-8")
    assert len(read_table(path, ("a", "b"), key="")) == 2
    with pytest.raises(InputError, match="stands twice"):
        read_table(path, ("a", "b"), key="a")


def test_a_table_may_not_be_larger_than_said(tmp_path):
    path = write(tmp_path, *GOOD)
    with pytest.raises(InputError, match="is larger than 20 bytes"):
        read_table(path, COLUMNS, max_bytes=20)


@given(st.text(alphabet='namevlu,"\n 1x', max_size=200))
def test_any_text_is_a_table_or_an_input_error(text_file, text):
    with contextlib.suppress(InputError):
        read_table(text_file("fuzz.csv", text), ("name", "value"))
