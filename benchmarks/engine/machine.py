"""The machine that the figures come from, and how busy it was."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from exojoint.engine.machine import this_processor

PACKAGES = (
    "exojoint", "numpy", "scipy", "llvmlite", "numba", "numbalsoda", "libroadrunner", "antimony", "jax", "diffrax",
)  # fmt: skip
FEATURES = ("sse4.2", "avx", "avx2", "fma", "avx512f", "avx512vl", "neon", "sve")


def describe(absent: Mapping[str, str]) -> dict[str, object]:
    """Return processor, memory, load, versions, and the peers that are absent with their reasons."""
    processor = this_processor()
    return {
        "time": datetime.now(UTC).isoformat(timespec="minutes"),
        "processor": _cpu_name(),
        "llvm_name": processor.name,
        "features": [f for f in FEATURES if processor.has(f)],
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load_average": [round(v, 2) for v in os.getloadavg()],
        "timing": "CPU time of one process with one thread, numerical libraries limited to one thread",
        "versions": {"python": platform.python_version(), "g++": _compiler(), **_versions()},
        "absent": dict(absent),
    }


def write(path: Path, absent: Mapping[str, str]) -> None:
    """Write the description beside the tables."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(describe(absent), indent=1) + "\n", encoding="utf-8")


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    table = dict(line.split(":", 1) for line in lines if ":" in line)
    found = {k.strip(): v.strip() for k, v in table.items()}
    if "model name" not in found:
        return platform.processor()
    return f"{found['model name']}, family {found.get('cpu family')}, model {found.get('model')}"


def _compiler() -> str:
    found = shutil.which("g++")
    return subprocess.run([found, "-dumpfullversion"], capture_output=True, text=True).stdout.strip() if found else ""


def _versions() -> dict[str, str]:
    known = {}
    for name in PACKAGES:
        try:
            known[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            known[name] = "unknown version" if name == "numbalsoda" and _importable(name) else "absent"
    return known


def _importable(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None
