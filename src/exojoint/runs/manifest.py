"""Manifest of a run: what went in, which program computed it, how the computing ended, what came out."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from exojoint.runs.digest import sha256
from exojoint.runs.documents import read_json, write_json
from exojoint.runs.migrations import migrate
from exojoint.runs.records import STRICT, from_plain, label, to_plain

MANIFEST = "manifest.json"
SCHEMA = 1
PACKAGES = ("exojoint", "numpy", "scipy", "numba", "llvmlite", "polars", "pyarrow", "altair", "vl-convert-python")
VECTOR_FLAGS = ("avx512f", "avx2", "asimd")
"""Instruction sets, widest first, that decide the order of floating-point operations on a processor family."""

Setting = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file the scenario named, as it was read."""

    name: str
    sha256: str
    n_bytes: int

    __pydantic_config__ = STRICT

    @classmethod
    def of(cls, path: Path, content: bytes) -> InputFile:
        """Record of a file's content under its bare name (folders of one's machine do not belong in a run)."""
        return cls(path.name, sha256(content), len(content))


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked: the scenario in full, its seed, and the files it named."""

    scenario: str
    question: str
    text: str
    seed: int
    files: tuple[InputFile, ...] = ()

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Program:
    """What answered: code, tables (path to checksum), package versions, and the processor family of the bytes."""

    code: str
    tables: Mapping[str, str]
    versions: Mapping[str, str]
    cpu_family: str

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Engine:
    """How the knees were solved: mode, measured accuracy, and how many solves ended in which outcome."""

    mode: str
    accuracy: Mapping[str, float]
    outcomes: Mapping[str, int]

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Citation:
    """A reference that the run used: key, how it is printed, where it is found."""

    key: str
    text: str
    url: str = ""

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class CriterionLine:
    """Line of a criterion on the scale of an effect: the true difference that counts, for figures."""

    endpoint: str
    day: float
    difference: float
    text: str

    __pydantic_config__ = STRICT


@dataclass(frozen=True, slots=True)
class Manifest:
    """All of `manifest.json`.

    Parameters
    ----------
    digest
        Name of the run.
    question, program, engine
        What was asked, what answered, how the computing ended.
    citations
        References used, in alphabetical order.
    criteria
        Lines for figures: which true difference counts.
    settings
        Further facts for the report: `alpha` (nominal two-sided type I error), `population`, `design`, `mechanism`, ...
    outputs
        Checksum of every table and document of the run; set when the run is sealed.
    """

    digest: str
    question: Question
    program: Program
    engine: Engine
    citations: tuple[Citation, ...] = ()
    criteria: tuple[CriterionLine, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    __pydantic_config__ = STRICT

    def with_outputs(self, outputs: Mapping[str, str]) -> Manifest:
        """The same manifest, sealing these files."""
        return dataclasses.replace(self, outputs=dict(outputs))


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write `manifest.json`: the last document of a run, because it seals the others."""
    return write_json(folder, MANIFEST, {"schema": SCHEMA, **to_plain(manifest)})


def read_manifest(folder: Path) -> Manifest:
    """Read `manifest.json` of a run folder that may come from anybody; older schemas are migrated.

    Raises
    ------
    InputError
        When the document is missing, too large, not JSON, of a newer schema, or has wrong keys.
    """
    where = label(folder, MANIFEST)
    data = migrate(MANIFEST, read_json(folder, MANIFEST), SCHEMA, where)
    return from_plain(Manifest, {key: value for key, value in data.items() if key != "schema"}, where)


def package_versions(names: Sequence[str] = PACKAGES) -> dict[str, str]:
    """Installed versions of the packages that a result can depend on, and of Python."""
    versions = {"python": platform.python_version()}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def cpu_family(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Processor family within which a digest gives the same bytes: machine, maker, widest vector instructions."""
    try:
        with cpuinfo.open(encoding="utf-8", errors="replace") as stream:
            text = stream.read(20_000)
    except OSError:
        text = ""
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    vector = next((flag for flag in VECTOR_FLAGS if flag in flags), "")
    maker = fields.get("vendor_id") or fields.get("CPU implementer") or platform.processor()
    return " ".join(part for part in (platform.machine(), maker, vector) if part)
