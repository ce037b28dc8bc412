"""Write-once run folders: unfinished work stays apart, finished chunks survive, a whole run is never rewritten."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from exojoint.core.errors import ExojointError, InputError, Problem
from exojoint.runs.chunks import Chunks
from exojoint.runs.digest import sha256
from exojoint.runs.documents import write_json
from exojoint.runs.locks import lock
from exojoint.runs.manifest import MANIFEST, Manifest, read_manifest, write_manifest
from exojoint.runs.parquet import write_table

TIMINGS = "timings.json"
UNSEALED = frozenset({MANIFEST, TIMINGS})
"""Files without a checksum in the manifest: itself, and what differs between two runs of one digest."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a run lives: `folder` when whole, `partial` while it is made, `lock` while somebody works on it."""

    root: Path
    digest: str

    @property
    def folder(self) -> Path:
        """The finished run."""
        return self.root / self.digest

    @property
    def partial(self) -> Path:
        """Work in progress."""
        return self.root / f".partial-{self.digest}"

    @property
    def lock(self) -> Path:
        """File that the working process holds."""
        return self.root / f".lock-{self.digest}"


@dataclass(frozen=True, slots=True)
class Work:
    """A run in the making (`finished` False) or one that was already there (`finished` True).

    Parameters
    ----------
    address
        Where it lives.
    finished
        Whether the run is complete; then `folder` is the finished folder and nothing may be written.
    chunks
        Finished pieces of the work, one per block of knowledge draws.
    """

    address: Address
    finished: bool
    chunks: Chunks

    @property
    def folder(self) -> Path:
        """Folder to write to, or the finished run."""
        return self.address.folder if self.finished else self.address.partial

    def has_chunk(self, index: int) -> bool:
        """Whether the chunk is there and whole; a damaged one is thrown away."""
        return self.chunks.has(index)

    def put_chunk(self, index: int, tables: Mapping[str, pl.DataFrame]) -> None:
        """Keep the tables of one chunk; it survives an interruption from here on."""
        self.chunks.put(index, tables)

    def gather(self, table: str) -> pl.DataFrame:
        """One table of all chunks, in the order of the chunks."""
        return self.chunks.gather(table)

    def write_table(self, name: str, frame: pl.DataFrame, units: Mapping[str, str] | None = None) -> Path:
        """Write a run table (see `exojoint.runs.parquet.write_table`)."""
        return write_table(self._open_folder(), name, frame, units)

    def write_json(self, name: str, data: object) -> Path:
        """Write a document of the run."""
        return write_json(self._open_folder(), name, data)

    def write_timings(self, timings: Mapping[str, object]) -> Path:
        """Write how long it took and where: outside the digest and outside the checksums."""
        return write_json(self._open_folder(), TIMINGS, dict(timings))

    def seal(self, manifest: Manifest) -> Path:
        """Write the manifest with the checksum of every table and document so far; gives the folder for the report."""
        folder = self._open_folder()
        write_manifest(folder, manifest.with_outputs(_checksums(folder)))
        return folder

    def finish(self) -> Path:
        """Turn the work into the run: one rename, after which it is whole. Needs `seal` before.

        Raises
        ------
        ExojointError
            When the work was not sealed or a sealed file has changed.
        """
        if not is_complete(self._open_folder(), self.address.digest):
            raise ExojointError(f"run {self.address.digest} is not sealed, or a file changed after it was")
        self.chunks.clear()
        _set_aside(self.address)
        self.address.partial.rename(self.address.folder)
        return self.address.folder

    def _open_folder(self) -> Path:
        if self.finished:
            raise ExojointError(f"run {self.address.digest} is complete and is not rewritten")
        return self.address.partial


def check_output(root: Path) -> None:
    """Refuse an output folder that cannot be made, before any work is done and anything is written.

    Raises
    ------
    InputError
        When `root` or a folder above it is a file, or may not be written to.
    """
    existing = next(path for path in (root.absolute(), *root.absolute().parents) if path.exists() or path.is_symlink())
    if not existing.is_dir():
        raise InputError(
            Problem(
                str(root),
                f"{str(existing)!r} is a file",
                "a folder, or a path that does not exist yet",
                "Choose another --out.",
            )
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(
            Problem(str(root), f"{str(existing)!r} may not be written to", "a folder of yours", "Choose another --out.")
        )


def is_complete(folder: Path, digest: str) -> bool:
    """Whether a folder holds the whole run: the manifest is there and every sealed file has its checksum."""
    if folder.is_symlink() or not (folder / MANIFEST).is_file():
        return False
    try:
        manifest = read_manifest(folder)
    except InputError:
        return False
    return manifest.digest == digest and _checksums(folder) == dict(manifest.outputs)


def find_run(root: Path, digest: str) -> Path | None:
    """Folder of a complete run of this digest, if there is one."""
    folder = Address(root, digest).folder
    return folder if is_complete(folder, digest) else None


@contextmanager
def open_run(root: Path, digest: str, layout: str) -> Iterator[Work]:
    """Open the run of a digest: the finished one, else the unfinished one with its chunks, else a new one.

    Parameters
    ----------
    root
        Folder of the runs; made if needed.
    digest
        Name of the run, from `run_digest`.
    layout
        How the work is cut into chunks (for example ``"64 draws by 8"``); chunks of another layout are thrown away.

    Raises
    ------
    InputError
        When `root` cannot be a folder or another process works on the same run.
    """
    if not re.fullmatch(r"[0-9a-f]{8,64}", digest):
        raise ValueError(f"{digest!r} is not a digest")
    check_output(root)
    address = Address(root, digest)
    chunks = Chunks(address.partial / "chunks", layout)
    if find_run(root, digest):
        yield Work(address, True, chunks)
        return
    root.mkdir(parents=True, exist_ok=True)
    with lock(address.lock):
        if find_run(root, digest):
            yield Work(address, True, chunks)
            return
        if address.partial.is_symlink() or address.partial.is_file():
            address.partial.unlink()
        address.partial.mkdir(exist_ok=True)
        _sweep(address.partial)
        chunks.prepare()
        yield Work(address, False, chunks)


def _checksums(folder: Path) -> dict[str, str]:
    """Checksums of the tables and documents of a run; report and figures are made from these and can be made again."""
    names = sorted(
        path.name for path in folder.iterdir() if path.suffix in {".parquet", ".json"} and path.name not in UNSEALED
    )
    return {name: sha256((folder / name).read_bytes()) for name in names if not name.startswith(".")}


def _sweep(partial: Path) -> None:
    """Remove everything but the chunks: what an interrupted run wrote besides is written anew."""
    for path in partial.iterdir():
        if path.name == "chunks" and path.is_dir() and not path.is_symlink():
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _set_aside(address: Address) -> None:
    """Keep a damaged folder that stands where the run belongs under another name: nothing of the user's is deleted."""
    if not address.folder.exists() and not address.folder.is_symlink():
        return
    number = 1
    while (aside := address.root / f".broken-{address.digest}-{number}").exists():
        number += 1
    address.folder.rename(aside)
