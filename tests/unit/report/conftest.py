"""A synthetic run, made once, and copies of it to harm."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    spec = importlib.util.spec_from_file_location("synthetic_run", Path(__file__).with_name("synthetic_run.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def pristine(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole synthetic run without a report."""
    return synthetic.make_run(tmp_path_factory.mktemp("pristine"))


@pytest.fixture(scope="session")
def reported(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic run with its report: hostile names in every place where a name can stand."""
    from exojoint.report.build import build_report

    evil = "<script>alert(1)</script>"
    folder = synthetic.make_run(
        tmp_path_factory.mktemp("hostile"),
        name=f"{evil}{{{{7*7}}}}",
        question='"><img src=x onerror=alert(2)> {arm} once = 1?',
        arms=(f"exosome{evil}\x01", "saline {braces} href=javascript:alert(3)"),
        operator=f"{evil}<svg onload=alert(4)>",
    )
    build_report(folder)
    return folder


@pytest.fixture
def run(pristine: Path, tmp_path: Path) -> Path:
    """A copy of the synthetic run that a test may change."""
    return Path(shutil.copytree(pristine, tmp_path / pristine.name))


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Build pages without drawing, where pictures are not the matter."""

    def off() -> None:
        monkeypatch.setattr("exojoint.report.build._figures", lambda data, folder: {})

    return off
