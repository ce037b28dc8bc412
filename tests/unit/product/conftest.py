"""A SYNTHETIC NanoSight export, so that the reader is tested where the real files are not at hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from exojoint.product.instruments.nanosight import read_nanosight
from exojoint.product.instruments.nta import NtaExperiment


def _number(value: float) -> str:
    return f"{value:.2e}"


@functools.cache
def synthetic_export(version: str = "3.4", videos: int = 3, name: str = "vesicles", median: float = 130.0) -> bytes:
    """Log-normal particles in the layout of NTA 3.2 or 3.4; rounded as the instrument rounds."""
    centres = np.arange(0.5, 1000.0)
    edge = centres + (0.5 if version == "3.4" else -0.5)
    shape = np.exp(-0.5 * (np.log(centres / median) / np.log(1.4)) ** 2) / centres
    totals = 1e11 * (1 + 0.05 * np.arange(videos))
    counts = np.rint(shape[:, None] / shape.sum() * totals)
    share = np.cumsum(counts, axis=0) / counts.sum(axis=0)
    percent = np.array([[np.interp(p / 100, share[:, j], edge) for j in range(videos)] for p in range(101)])
    mean = centres @ counts / counts.sum(axis=0)
    sd = np.sqrt(((centres[:, None] - mean) ** 2 * counts).sum(axis=0) / counts.sum(axis=0))
    rows = {
        "Mean": mean, "Mode": centres[counts.argmax(axis=0)], "SD": sd,
        "D10": percent[10], "D50": percent[50], "D90": percent[90],
    }  # fmt: skip
    files = ",".join(f"{name}_{j:02d}" for j in range(videos))
    total = counts.sum(axis=0)

    def same(key: str, value: str) -> str:
        return ",".join([key, *[value] * videos])

    def averaged(key: str, values: np.ndarray, form: Callable[[float], str]) -> str:
        error = values.std(ddof=1) / np.sqrt(videos) if videos > 1 else 0.0
        return ",".join([key, *map(form, values), form(values.mean()), form(error)])

    def decimals(value: float) -> str:
        return f"{value:.1f}"

    def whole(value: float) -> str:
        return str(round(value))

    commas = "," * videos
    lines = [
        "NTA Experiment Summary File,",
        f"Created with NTA {version} Build {version}.003,",
        ",",
        "[Experiment Details],",
        f"Experiment Name,{name}.nano",
        f"{'Sample Name' if version == '3.2' else 'Sample Description'},{name}",
        "Diluent,PBS",
        'Remarks,"SYNTHETIC: made by a test, no instrument, no sample"',
        f"Filename:,{files}",
        "",
        "[Conditions],",
        same("Temperature/C", "22.5"),
        same("Camera Level", "14"),
        "",
        f"[Results]{commas},Average,Standard Error",
        same("Dilution factor (concentrations adjusted for this factor)", "5.00e+02"),
        averaged("Concentration (Particles / ml)", total, _number),
        "",
        "[Information],",
        same("Vibration detected", "No"),
        "",
        "[Data Included],",
        "Size distribution - Number weighting - With Percentiles,",
        "",
        "[Size Data],",
        "Analysis Method,FTLA",
        "Weighting,Number",
        f"Filename,{files},Average,Standard Error",
        *(averaged(key, values, decimals) for key, values in rows.items()),
        same("Valid Tracks", "1500"),
        "Graph Data",
        same("Bin centre (nm)", "Concentration (particles / ml)") + ",Concentration average,Standard Error",
        *(averaged(f"{centre:.1f}", row, whole) for centre, row in zip(centres, counts, strict=True)),
        commas,
        same("Percentile", "Size (nm)"),
        *(",".join([str(p), *map(decimals, percent[p])]) for p in range(101)),
        commas,
    ]
    return "\r\n".join(lines).encode()


@pytest.fixture(scope="session")
def synthetic() -> Callable[..., bytes]:
    return synthetic_export


@pytest.fixture
def vesicle_file(tmp_path: Path) -> Path:
    path = tmp_path / "SYNTHETIC-ExperimentSummary.csv"
    path.write_bytes(synthetic_export())
    return path


@pytest.fixture
def vesicles(vesicle_file: Path) -> NtaExperiment:
    return read_nanosight(vesicle_file)


@pytest.fixture(scope="session")
def beads_32(shared: Path) -> NtaExperiment:
    return read_nanosight(shared / "data" / "nta" / "nanosight_3.2_beads_100nm.csv")


@pytest.fixture(scope="session")
def beads_34(shared: Path) -> NtaExperiment:
    return read_nanosight(shared / "data" / "nta" / "nanosight_3.4_beads_100nm.csv")
