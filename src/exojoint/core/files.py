"""Read files as if they were hostile; write them so that a half-written one is never seen."""

from __future__ import annotations

import os
import tempfile
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from exojoint.core.errors import InputError, Problem

MAX_TEXT_BYTES = 16_000_000  # 20 times the largest table or scenario we know of


def bounded_read(path: Path | Traversable, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """Read a whole file, refusing what is missing, not a plain file, or larger than expected.

    Parameters
    ----------
    path : Path or Traversable
        The file.
    max_bytes : int
        Largest size accepted; nothing beyond it is read into memory.

    Raises
    ------
    InputError
        When the file cannot be read or is too large.
    """
    where = str(path)
    if path.is_dir():
        raise InputError(Problem(where, "is a folder", "a file", "Give the path of a file inside it."))
    if not path.is_file():
        raise InputError(Problem(where, "there is no such file", "a readable file", "Check the path."))
    try:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problem = Problem(where, f"cannot be read ({reason})", "a readable file", "Check its permissions.")
        raise InputError(problem) from None
    if len(data) > max_bytes:
        what = f"is larger than {max_bytes:,} bytes"
        raise InputError(Problem(where, what, f"at most {max_bytes:,} bytes", "Is it the right file?"))
    return data


def read_text(path: Path | Traversable, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """Read a UTF-8 text file without NUL bytes; a byte-order mark is dropped.

    Raises
    ------
    InputError
        When the file cannot be read, is too large or is not plain UTF-8 text.
    """
    data = bounded_read(path, max_bytes)
    if b"\0" in data:
        todo = "Is it a picture or another binary file?"
        raise InputError(Problem(str(path), "contains NUL bytes", "plain UTF-8 text", todo))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        todo = "Save the file again with encoding UTF-8."
        raise InputError(Problem(f"{path} line {line}", "is not UTF-8 text", "UTF-8 text", todo)) from None


def read_toml(path: Path | Traversable, max_bytes: int = 1_000_000) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    InputError
        When the file cannot be read or is not TOML; the message has line and column.
    """
    text = read_text(path, max_bytes)
    try:
        return tomllib.loads(text)
    except RecursionError:
        what = "is nested too deeply"
    except ValueError as error:
        what = f"is not valid TOML: {error}"
    raise InputError(Problem(str(path), what, "a TOML file", "Strings need quotes, and every key stands once."))


def atomic_write(path: Path, data: bytes | str) -> None:
    """Write a file whole or not at all: a reader sees the old content or the new, never half.

    Parameters
    ----------
    path : Path
        Destination; its folder must exist.
    data : bytes or str
        Content; text is written as UTF-8 with unchanged line ends.
    """
    content = data.encode("utf-8") if isinstance(data, str) else data
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o666 & ~_umask())  # mkstemp makes the file private; a result is shared like any other
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
