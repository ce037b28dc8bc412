"""A small run that several tests look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exojoint import workflow

SMALL = (
    ("knowledge_draws = 64", "knowledge_draws = 6"),
    ("patients_per_draw = 200", "patients_per_draw = 40"),
    ("trials_per_draw = 20", "trials_per_draw = 3\npatients_per_driver = 4"),
    ("n = 100", "n = 16"),
)


def small_scenario(root: Path, place: Path, name: str = "umbilical_phase2") -> Path:
    """A scenario of the project cut down to seconds."""
    text = (root / "scenarios" / f"{name}.toml").read_text(encoding="utf-8")
    for old, new in SMALL:
        text = text.replace(old, new)
    path = place / "small.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def checkout(root: Path) -> Path:
    """Top folder of the checkout, under a name that leaves `root` to the stream."""
    return root


@pytest.fixture(scope="session")
def cut(root: Path) -> Callable[[Path], Path]:
    """Writes the small scenario into a folder."""
    return lambda place: small_scenario(root, place)


@pytest.fixture(scope="session")
def small_run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> workflow.Done:
    """The main scenario in small, run with two threads."""
    place = tmp_path_factory.mktemp("small")
    return workflow.run(small_scenario(root, place), out=place / "runs", threads=2)
