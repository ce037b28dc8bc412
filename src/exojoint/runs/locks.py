"""One process per run: a lock that names its holder and dies with it."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from exojoint.core.errors import InputError, Problem

MAX_NOTE_BYTES = 1_000


def _try_lock(handle: int) -> bool:
    """Take the operating system's lock on an open file; it is released when the holder ends, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _same_file(handle: int, path: Path) -> bool:
    """Whether the open file is still the one at `path`: its last holder may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _holder(handle: int) -> str:
    try:
        note = json.loads(os.read(handle, MAX_NOTE_BYTES))
        return f"process {int(note['pid'])} on {str(note['host'])[:80]!r}"
    except (ValueError, KeyError, TypeError, OSError):
        return "another process"


def _acquire(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        if not _try_lock(handle):
            holder = _holder(handle)
            os.close(handle)
            raise InputError(
                Problem(
                    path.name,
                    f"{holder} is working on this run",
                    "one process per run",
                    "Wait for it, or give this run another --out folder.",
                )
            )
        if _same_file(handle, path):
            return handle
        os.close(handle)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock at `path`; a lock left by a process that died is taken over, a held one is refused.

    Raises
    ------
    InputError
        When another process holds it; the message names process and host.
    """
    handle = _acquire(path)
    try:
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
        yield
    finally:
        with suppress(OSError):  # Windows keeps an open file; a file without its lock is harmless
            path.unlink()
        os.close(handle)
