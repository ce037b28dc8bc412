"""Compiled code on disk: read only if it is exactly what this machine would build now, else built again.

An entry is two files, ``<key>.bin`` and ``<key>.json``. The key is a digest of everything the code depends on. The
second file repeats these facts, adds a digest of the first, and is written last: without it, or if anything differs,
there is no entry. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from exojoint.core.files import atomic_write

FORMAT = 1  # of the two files
Facts = Mapping[str, str | int | bool]
Extra = dict[str, int]


def default_folder() -> Path:
    """Return the user's cache folder: $EXOJOINT_CACHE, else $XDG_CACHE_HOME/exojoint, else ~/.cache/exojoint."""
    chosen = os.environ.get("EXOJOINT_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "exojoint"


def load_or_build(folder: Path | None, facts: Facts, build: Callable[[], tuple[bytes, Extra]]) -> tuple[bytes, Extra]:
    """Return code and its numbers from the folder, or build them and leave them there.

    Parameters
    ----------
    folder
        Cache folder; None, or a folder that others may write to, means that nothing is read or written.
    facts
        Everything the code depends on.
    build
        Makes the code and a few whole numbers that belong to it.
    """
    usable = folder is not None and _private(folder)
    found = read_entry(folder, facts) if folder is not None and usable else None
    if found is not None:
        return found
    data, extra = build()
    if folder is not None and usable:
        _write_entry(folder, facts, data, extra)
    return data, extra


def key_of(facts: Facts) -> str:
    """Return the name under which an entry with these facts is kept."""
    return hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()[:40]


def read_entry(folder: Path, facts: Facts) -> tuple[bytes, Extra] | None:
    """Return an entry if both files agree with the facts and with each other."""
    key = key_of(facts)
    try:
        manifest = json.loads((folder / f"{key}.json").read_bytes())
        data = (folder / f"{key}.bin").read_bytes()
        matches = manifest["format"] == FORMAT and manifest["facts"] == dict(facts)
        matches = matches and manifest["sha256"] == hashlib.sha256(data).hexdigest()
        extra = {str(k): int(v) for k, v in manifest["extra"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return (data, extra) if matches else None


def _write_entry(folder: Path, facts: Facts, data: bytes, extra: Extra) -> None:
    """Write an entry; a folder that cannot be written to is no reason to fail."""
    key = key_of(facts)
    manifest = {"format": FORMAT, "facts": dict(facts), "sha256": hashlib.sha256(data).hexdigest(), "extra": extra}
    try:
        atomic_write(folder / f"{key}.bin", data)
        atomic_write(folder / f"{key}.json", json.dumps(manifest, indent=1))
    except OSError:
        return


def _private(folder: Path) -> bool:
    """Make the folder for this user only; return whether nobody else may put code into it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        info = folder.stat()
    except OSError:
        return False
    if not hasattr(os, "getuid"):
        return True
    return info.st_uid == os.getuid() and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
