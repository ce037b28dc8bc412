"""Tables of a run folder: Parquet with the unit of every column beside it, the same bytes for the same numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import polars as pl

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.core.files import atomic_write, bounded_read
from exojoint.runs.documents import member

COMPRESSION = "zstd"
COMPRESSION_LEVEL = 6
ROWS_PER_GROUP = 131_072
"""Fixed, so that the bytes of a table do not depend on how many pieces it was computed in."""

MAX_TABLE_BYTES = 2_000_000_000
MAX_TABLE_ROWS = 200_000_000
"""A main job keeps 0.5 million visits; --keep-all about 15 million. Larger tables are refused unopened."""

DTYPES: Mapping[str, pl.DataType] = {
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "text": pl.String(),
    "bool": pl.Boolean(),
}
OPEN_TABLES = frozenset({"lots"})
"""Tables whose writer adds columns of its own, with their units."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a run table: what it means and its unit (`row`: the unit stands in the same row)."""

    name: str
    dtype: str
    unit: str
    meaning: str


@cache
def table_schemas() -> Mapping[str, tuple[Column, ...]]:
    """Columns of every run table, from `tables.csv`."""
    text = files("exojoint.runs").joinpath("tables.csv").read_text(encoding="utf-8")
    schemas: dict[str, tuple[Column, ...]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        column = Column(row["column"], row["dtype"], row["unit"], row["meaning"])
        schemas[row["table"]] = (*schemas.get(row["table"], ()), column)
    return schemas


def conform(
    name: str, frame: pl.DataFrame, units: Mapping[str, str] | None = None
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Bring a frame into the form of its run table: columns in order, types cast, a unit for every column.

    Parameters
    ----------
    name
        Table of `tables.csv`, or any other name if `units` names every column.
    frame
        The numbers.
    units
        Units of columns that `tables.csv` does not know (empty text: no unit, as for names).

    Raises
    ------
    ValueError
        When a column is missing, has no unit, or cannot be cast: an error of the writing stage, not of the user.
    """
    columns = table_schemas().get(name, ())
    known = {column.name: column.unit for column in columns}
    missing = [column for column in known if column not in frame.columns]
    extra = [column for column in frame.columns if column not in known]
    nameless = [column for column in extra if column not in (units or {})]
    if missing or nameless:
        raise ValueError(f"table {name!r}: columns missing {missing}; columns without a unit {nameless}")
    typed = [pl.col(column.name).cast(DTYPES[column.dtype]) for column in columns]
    return frame.select(*typed, *extra), known | {column: (units or {})[column] for column in extra}


def parquet_bytes(frame: pl.DataFrame, units: Mapping[str, str]) -> bytes:
    """Serialise a frame; the same values give the same bytes, however the frame was put together."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = frame.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String)).rechunk()
    table = plain.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    fields = [field.with_metadata({"unit": units.get(field.name, "")}) for field in table.schema]
    sink = io.BytesIO()
    pq.write_table(
        table.cast(pa.schema(fields)),
        sink,
        compression=COMPRESSION,
        compression_level=COMPRESSION_LEVEL,
        row_group_size=ROWS_PER_GROUP,
    )
    return sink.getvalue()


def write_table(folder: Path, name: str, frame: pl.DataFrame, units: Mapping[str, str] | None = None) -> Path:
    """Write one run table as `<name>.parquet` in one step, with units as column metadata (see `conform`)."""
    path = member(folder, f"{name}.parquet")
    atomic_write(path, parquet_bytes(*conform(name, frame, units)))
    return path


def has_table(folder: Path, name: str) -> bool:
    """Whether the run has this table."""
    return member(folder, f"{name}.parquet").exists()


def read_table(folder: Path, name: str) -> pl.DataFrame:
    """Read a run table, checked: bounded size, the columns that `tables.csv` asks for, their types.

    Raises
    ------
    InputError
        When the file is missing, a link, too large, not Parquet, or lacks a column.
    """
    where = f"{folder.name}/{name}.parquet"
    raw = bounded_read(member(folder, f"{name}.parquet"), MAX_TABLE_BYTES)
    frame = decode(raw, where)
    for column in table_schemas().get(name, ()):
        if column.name not in frame.columns:
            todo = did_you_mean(column.name, frame.columns) or "Run the scenario again."
            raise InputError(
                Problem(where, f"column {column.name!r} is missing", f"columns as in runs/tables.csv ({name})", todo)
            )
    try:
        return frame.with_columns(
            pl.col(column.name).cast(DTYPES[column.dtype]) for column in table_schemas().get(name, ())
        )
    except pl.exceptions.PolarsError as error:
        raise _damaged(where, error) from None


def read_units(folder: Path, name: str) -> dict[str, str]:
    """Units of a table's columns, as written beside them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    raw = bounded_read(member(folder, f"{name}.parquet"), MAX_TABLE_BYTES)
    try:
        schema = pq.read_schema(io.BytesIO(raw))
    except (pa.ArrowException, OSError) as error:
        raise _damaged(f"{folder.name}/{name}.parquet", error) from None
    return {field.name: (field.metadata or {}).get(b"unit", b"").decode("utf-8", "replace") for field in schema}


def decode(raw: bytes, where: str) -> pl.DataFrame:
    """Parse Parquet bytes whose row count is checked before anything is unpacked.

    Raises
    ------
    InputError
        When the bytes are not a Parquet table or announce too many rows.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_metadata(io.BytesIO(raw)).num_rows
        if rows > MAX_TABLE_ROWS:
            raise InputError(
                Problem(where, f"the table has {rows:,} rows", f"at most {MAX_TABLE_ROWS:,}", "Is it the right file?")
            )
        frame = pl.from_arrow(pq.read_table(io.BytesIO(raw)))
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(where, error) from None
    if not isinstance(frame, pl.DataFrame):
        raise InputError(
            Problem(where, "this is not a table", "Parquet written by Exojoint", "Run the scenario again.")
        )
    return frame


def _damaged(where: str, error: Exception) -> InputError:
    what = f"this is not a readable table ({str(error).splitlines()[0][:100] if str(error) else type(error).__name__})"
    return InputError(Problem(where, what, "Parquet written by Exojoint", "Run the scenario again."))
