"""Tables carry their units and give the same bytes; documents are strict."""

from __future__ import annotations

import json

import polars as pl
import pytest

from exojoint.core.errors import InputError
from exojoint.runs.documents import json_bytes, member, read_json, write_json
from exojoint.runs.parquet import has_table, parquet_bytes, read_table, read_units, table_schemas, write_table


def test_a_table_comes_back_with_its_units(tmp_path, draws):
    write_table(tmp_path, "draws", draws)
    assert has_table(tmp_path, "draws")
    assert read_table(tmp_path, "draws").equals(draws)
    units = read_units(tmp_path, "draws")
    assert units["day"] == "day"
    assert units["difference"] == "row"


def test_every_number_column_of_the_schema_has_a_unit_and_a_meaning():
    for name, columns in table_schemas().items():
        for column in columns:
            assert column.meaning, (name, column)
            assert bool(column.unit) == (column.dtype in {"int64", "float64"}), (name, column)


def test_bytes_do_not_depend_on_how_a_frame_was_put_together(draws):
    pieces = pl.concat([draws[:2], draws[2:]], rechunk=False)
    categorical = draws.with_columns(pl.col("arm").cast(pl.Categorical))
    first = parquet_bytes(draws, {"day": "day"})
    assert parquet_bytes(pieces, {"day": "day"}) == first
    assert parquet_bytes(categorical, {"day": "day"}) == first
    assert parquet_bytes(draws, {"day": "year"}) != first


def test_columns_are_ordered_and_cast_and_a_missing_one_or_one_without_unit_is_an_error(tmp_path, draws):
    shuffled = draws.select(reversed(draws.columns)).with_columns(pl.col("day").cast(pl.Int32))
    write_table(tmp_path, "draws", shuffled)
    assert read_table(tmp_path, "draws").equals(draws)
    with pytest.raises(ValueError, match=r"columns missing \['day'\]"):
        write_table(tmp_path, "draws", draws.drop("day"))
    with pytest.raises(ValueError, match=r"without a unit \['more'\]"):
        write_table(tmp_path, "draws", draws.with_columns(more=pl.lit(1.0)))


def test_lots_may_bring_columns_of_their_own_with_units(tmp_path):
    write_table(tmp_path, "lots", pl.DataFrame({"lot": [1], "purity": [2e10]}), {"purity": "particle/ug"})
    assert read_units(tmp_path, "lots") == {"lot": "1", "purity": "particle/ug"}


def test_a_wrong_table_gets_one_clear_message(tmp_path, draws):
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path, "draws")
    for content in (b"", b"PAR1PAR1", b"\x89PNG\r\n", bytes(10_000)):
        (tmp_path / "draws.parquet").write_bytes(content)
        with pytest.raises(InputError, match="not a readable table"):
            read_table(tmp_path, "draws")
        with pytest.raises(InputError, match="not a readable table"):
            read_units(tmp_path, "draws")
    (tmp_path / "draws.parquet").write_bytes(parquet_bytes(draws.rename({"day": "dya"}), {}))
    with pytest.raises(InputError, match=r"column 'day' is missing.*Did you mean"):
        read_table(tmp_path, "draws")
    (tmp_path / "draws.parquet").write_bytes(parquet_bytes(draws.with_columns(day=pl.lit("late")), {}))
    with pytest.raises(InputError, match="not a readable table"):
        read_table(tmp_path, "draws")


def test_too_many_rows_are_refused_before_they_are_unpacked(tmp_path, draws, monkeypatch):
    write_table(tmp_path, "draws", draws)
    monkeypatch.setattr("exojoint.runs.parquet.MAX_TABLE_ROWS", 5)
    with pytest.raises(InputError, match="6 rows"):
        read_table(tmp_path, "draws")


def test_paths_that_leave_the_run_and_links_are_refused(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (tmp_path / "secret.json").write_text('{"secret": 1}')
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    (folder / "figures").symlink_to(tmp_path)
    (folder / "box").mkdir()
    for name in ("../secret.json", str(tmp_path / "secret.json"), "", "..\\secret.json"):
        with pytest.raises(InputError, match="leaves the run folder"):
            member(folder, name)
    for name in ("link.json", "figures/secret.json"):
        with pytest.raises(InputError, match="symbolic link"):
            member(folder, name)
    with pytest.raises(InputError, match="not a plain file"):
        member(folder, "box")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not plain JSON"),
        (b"{", "not plain JSON"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": 1e999}', "not plain JSON"),
        (b'{"a": "\\ud800"}', "not plain JSON"),
        (b"\xff\xfe{}", "not plain JSON"),
        (b"[1]", "the document is a list"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "not plain JSON"),
    ],
)
def test_hostile_json_gets_one_clear_message(tmp_path, content, message):
    (tmp_path / "verdict.json").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_json(tmp_path, "verdict.json")


def test_json_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "verdict.json").write_bytes(b" " * 101)
    with pytest.raises(InputError, match="larger than 100"):
        read_json(tmp_path, "verdict.json", max_bytes=100)


def test_json_is_written_canonically_and_refuses_numbers_that_are_not(tmp_path):
    write_json(tmp_path, "a.json", {"b": 1, "a": "ü"})
    assert (tmp_path / "a.json").read_bytes() == '{\n "a": "ü",\n "b": 1\n}\n'.encode()
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == read_json(tmp_path, "a.json")
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_bytes({"a": float("nan")})
