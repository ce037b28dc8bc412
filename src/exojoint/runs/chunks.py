"""Chunks: finished pieces of a run (a block of knowledge draws each), whole with their checksum or not there at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from exojoint.core.errors import ExojointError, InputError
from exojoint.core.files import atomic_write, bounded_read
from exojoint.runs.digest import sha256
from exojoint.runs.documents import read_json, write_json
from exojoint.runs.parquet import MAX_TABLE_BYTES, decode, parquet_bytes

SEAL = "chunk.json"
TEMPORARY = "tmp-"


@dataclass(frozen=True, slots=True)
class Chunks:
    """Finished pieces of a run in `folder`, one sub-folder each, cut as `layout` says."""

    folder: Path
    layout: str

    def prepare(self) -> None:
        """Make the folder; throw away chunks of another layout and half-written ones."""
        marker = self.folder / "layout"
        if self.folder.is_symlink() or (self.folder.exists() and not _says(marker, self.layout)):
            self.clear()
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic_write(marker, self.layout)
        for path in self.folder.glob(f"{TEMPORARY}*"):
            shutil.rmtree(path, ignore_errors=True)

    def indices(self) -> tuple[int, ...]:
        """Chunks that are there and whole, ascending."""
        found = sorted(int(path.name) for path in self.folder.glob("[0-9]*") if path.name.isdecimal())
        return tuple(index for index in found if self.has(index))

    def has(self, index: int) -> bool:
        """Whether the chunk is there and whole; a damaged one is thrown away, so that it is computed again."""
        place = self._place(index)
        if not place.exists():
            return False
        try:
            for table in self._seal(index):
                self._bytes(index, table)
        except ExojointError:
            shutil.rmtree(place, ignore_errors=True)
            return False
        return True

    def put(self, index: int, tables: Mapping[str, pl.DataFrame]) -> None:
        """Keep the tables of a chunk: written beside, then put in place by one rename."""
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=self.folder))
        sums: dict[str, str] = {}
        for name, frame in tables.items():
            raw = parquet_bytes(frame, {})
            sums[name] = sha256(raw)
            atomic_write(temporary / f"{name}.parquet", raw)
        write_json(temporary, SEAL, {"tables": sums})
        shutil.rmtree(self._place(index), ignore_errors=True)
        temporary.rename(self._place(index))

    def read(self, index: int) -> dict[str, pl.DataFrame]:
        """Tables of one chunk.

        Raises
        ------
        ExojointError
            When the chunk is missing or damaged.
        """
        return {table: self.read_table(index, table) for table in self._seal(index)}

    def read_table(self, index: int, table: str) -> pl.DataFrame:
        """One table of one chunk (same errors as `read`)."""
        return decode(self._bytes(index, table), f"chunk {index}, {table}")

    def gather(self, table: str) -> pl.DataFrame:
        """One table of all chunks, in the order of the chunks.

        Raises
        ------
        ExojointError
            When there is no chunk at all.
        """
        frames = [self.read_table(index, table) for index in self.indices()]
        if not frames:
            raise ExojointError(f"no chunk holds a table {table!r}")
        return pl.concat(frames, rechunk=True)

    def clear(self) -> None:
        """Throw all chunks away."""
        if self.folder.is_symlink():
            self.folder.unlink()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _place(self, index: int) -> Path:
        return self.folder / f"{index:05d}"

    def _seal(self, index: int) -> dict[str, str]:
        tables = read_json(self._place(index), SEAL).get("tables")
        if not isinstance(tables, dict):
            raise ExojointError(f"chunk {index} is damaged")
        return {str(name): str(total) for name, total in tables.items()}

    def _bytes(self, index: int, table: str) -> bytes:
        raw = bounded_read(self._place(index) / f"{table}.parquet", MAX_TABLE_BYTES)
        if sha256(raw) != self._seal(index).get(table):
            raise ExojointError(f"chunk {index} is damaged")
        return raw


def _says(marker: Path, layout: str) -> bool:
    try:
        return bounded_read(marker, 10_000).decode("utf-8", "replace") == layout
    except InputError:
        return False
