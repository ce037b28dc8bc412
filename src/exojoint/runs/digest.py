"""Name of a run: the digest of question, tables, code and seed, so that nothing is ever computed twice."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from exojoint.runs.documents import json_bytes

DIGEST_LENGTH = 16
"""Hexadecimal characters of a run's name: 64 bits, so two questions in a billion runs share a name once in 40 times."""

PACKAGE = Path(__file__).resolve().parent.parent
TABLE_SUFFIXES = frozenset({".csv", ".toml", ".bib"})
CODE_SUFFIXES = frozenset({".py"})
DOORS = frozenset({"report", "web", "cli", "__main__.py"})
"""Rooms that compute nothing: a new style sheet does not make a new result."""


def sha256(data: bytes) -> str:
    """Checksum of a file's content, 64 hexadecimal characters."""
    return hashlib.sha256(data).hexdigest()


def run_digest(scenario: Mapping[str, object], tables: Mapping[str, str], code: str, seed: int) -> str:
    """Name of the run that answers this question with these tables, this code and this seed.

    Parameters
    ----------
    scenario
        Canonical form of the scenario: plain data, independent of the formatting of the file.
    tables
        Checksum of every table that the run reads, and of every file the scenario names (instrument exports).
    code
        Version of the code, from `code_version`.
    seed
        Seed of all random streams.
    """
    content = {"scenario": scenario, "tables": dict(tables), "code": code, "seed": seed}
    return sha256(json_bytes(content))[:DIGEST_LENGTH]


def _files(suffixes: frozenset[str]) -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*")):
        name = path.relative_to(PACKAGE)
        if path.suffix in suffixes and name.parts[0] not in DOORS and path.is_file():
            yield name.as_posix(), path


@cache
def _table_hashes() -> tuple[tuple[str, str], ...]:
    return tuple((name, sha256(path.read_bytes())) for name, path in _files(TABLE_SUFFIXES))


def table_hashes() -> dict[str, str]:
    """Checksum of every table of the package (parameters, levers, designs, references, ...), by path."""
    return dict(_table_hashes())


@cache
def code_version() -> str:
    """Checksum over the package's program text, the doors and the report apart; the same for a wheel and a checkout."""
    total = hashlib.sha256()
    for name, path in _files(CODE_SUFFIXES):
        total.update(f"{name}\0{sha256(path.read_bytes())}\n".encode())
    return total.hexdigest()[:DIGEST_LENGTH]
