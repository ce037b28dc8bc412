"""Files that exist in memory only, for tests that try many texts."""

from __future__ import annotations

import io

import pytest


class TextFile:
    """Stands for a file of a given name and text."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def is_dir(self) -> bool:
        return False

    def is_file(self) -> bool:
        return True

    def open(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self.text.encode())


@pytest.fixture(scope="session")
def text_file() -> type[TextFile]:
    """Make a file in memory: ``text_file(name, text)``."""
    return TextFile
