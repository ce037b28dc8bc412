"""Where the outputs of every patient go when they are wanted after all: a Parquet file, written block by block."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Sink(Protocol):
    """Receives the outputs of consecutive patients."""

    def write(
        self, ids: NDArray[np.int64], values: NDArray[np.float64], names: tuple[str, ...], days: NDArray[np.float64]
    ) -> None:
        """Take values (b, m, k) of patients ``ids`` (b,)."""


class ParquetSink:
    """A Parquet file with one row per patient and day: ``patient``, ``day`` and one column per output.

    The file gets its name only when the sink is closed without an error, so a half-written one is never seen.

    Parameters
    ----------
    path : Path
        File to write.
    single : bool
        Whether outputs are stored in single precision.
    """

    def __init__(self, path: Path, *, single: bool = True) -> None:
        self.path, self.single = path, single
        self._partial = path.with_name(path.name + ".partial")
        self._writer: Any = None

    def __enter__(self) -> ParquetSink:
        """Start writing."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, or remove what was written if something went wrong."""
        if self._writer is None:
            return
        self._writer.close()
        if kind is None:
            self._partial.replace(self.path)
        else:
            self._partial.unlink()

    def write(
        self, ids: NDArray[np.int64], values: NDArray[np.float64], names: tuple[str, ...], days: NDArray[np.float64]
    ) -> None:
        """Append the rows of some patients."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        kind = np.float32 if self.single else np.float64
        columns = {"patient": np.repeat(ids, len(days)), "day": np.tile(days, len(ids))}
        columns |= {name: values[:, :, k].reshape(-1).astype(kind) for k, name in enumerate(names)}
        table = pa.table(columns)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._partial, table.schema)
        self._writer.write_table(table)
