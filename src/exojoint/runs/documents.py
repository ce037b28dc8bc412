"""Documents of a run folder: JSON in, JSON out, bounded and strict, because a run folder may come from anybody."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, NoReturn

from exojoint.core.errors import InputError, Problem
from exojoint.core.files import atomic_write, bounded_read

MAX_JSON_BYTES = 64_000_000
"""Largest JSON document that is read (bytes); the largest of our own, a lineage of 1,000 parameters, is below 2 MB."""


def member(folder: Path, name: str) -> Path:
    """Path of a file of the run folder; anything that points elsewhere is refused.

    Raises
    ------
    InputError
        When `name` leaves the folder or the file (or a folder on the way) is a symbolic link.
    """
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts or "\\" in name:
        raise InputError(
            Problem(
                f"{folder.name}/{name}",
                "this path leaves the run folder",
                "a file of the run",
                "Check who made this run folder.",
            )
        )
    path = folder
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise InputError(
                Problem(
                    f"{folder.name}/{name}",
                    "this is a symbolic link",
                    "a file of its own",
                    "Replace the link by the file it names.",
                )
            )
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise InputError(
            Problem(
                f"{folder.name}/{name}", "this is not a plain file", "a plain file", "Check who made this run folder."
            )
        )
    return path


def json_bytes(data: object) -> bytes:
    """Canonical bytes of a JSON document: sorted keys, no NaN, UTF-8, one final newline.

    Raises
    ------
    ValueError
        When a number is not finite or a text is not valid Unicode: both would make a document that others cannot read.
    """
    return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def write_json(folder: Path, name: str, data: object) -> Path:
    """Write a document of the run folder in one step (never half a file)."""
    path = member(folder, name)
    atomic_write(path, json_bytes(data))
    return path


def read_json(folder: Path, name: str, max_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Read a document of the run folder: an object, of bounded size, plain JSON.

    Raises
    ------
    InputError
        When the file is missing, a link, too large, not UTF-8, not JSON, or not an object.
    """
    path = member(folder, name)
    where = f"{folder.name}/{name}"
    raw = bounded_read(path, max_bytes)
    try:
        data = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
        json_bytes(data)
    except RecursionError:
        raise _broken(where, "the document is nested too deeply") from None
    except ValueError as error:
        raise _broken(where, f"this is not plain JSON ({str(error)[:120]})") from None
    if not isinstance(data, dict):
        raise _broken(where, f"the document is a {type(data).__name__}")
    return data


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


def _broken(where: str, what: str) -> InputError:
    return InputError(Problem(where, what, "a JSON object written by Exojoint", "Run the scenario again."))
