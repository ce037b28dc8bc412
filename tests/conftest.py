"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The first example of a test may load a library or compile a kernel: a time limit per example would fail it by chance.
settings.register_profile("exojoint", deadline=None)
settings.load_profile("exojoint")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of third-party files that stay outside the project: skipped on a user's machine, required in CI."""
    if not SHARED.is_dir():
        reason = f"third-party test files are not at {SHARED}"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason + " (CI must have them)")
        pytest.skip(reason)
    return SHARED


@pytest.fixture(scope="session")
def root() -> Path:
    """Top folder of the checkout."""
    return ROOT
