"""The generated pages, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from exojoint.workflow.documentation.build import Written, write_documentation
from exojoint.workflow.documentation.chapters import Book, load_book


@pytest.fixture(scope="session")
def book() -> Book:
    """All equations."""
    return load_book()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """All pages in a folder."""
    return write_documentation(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def site(built: Written) -> Path:
    """Folder of the pages."""
    return built.folder
