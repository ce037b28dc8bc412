"""The source tree as parsed files, read once for all architecture tests."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
PACKAGE = "exojoint"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, its room and its parsed text."""

    name: str
    path: Path
    lines: int
    tree: ast.Module = field(repr=False)

    @property
    def room(self) -> str:
        """First name below the package: ``core``, ``joint``, ``cli`` ... (empty for the package itself)."""
        return room_of(self.name)

    def imports(self) -> Iterator[tuple[str, str, int]]:
        """Every import of the project: (module or package, imported name or '', line)."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "", node.lineno) for alias in node.names if _ours(alias.name))
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                yield from ((base, alias.name, node.lineno) for alias in node.names if _ours(base))

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".") if self.path.name == "__init__.py" else self.name.split(".")[:-1]
        return ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])


def room_of(name: str) -> str:
    """Room of a dotted name: ``joint`` for ``exojoint.joint.model``, empty for the package root."""
    _package, _dot, inside = name.partition(".")
    return inside.partition(".")[0]


def _ours(name: str) -> bool:
    return name == PACKAGE or name.startswith(f"{PACKAGE}.")


def _read(path: Path) -> Module:
    parts = list(path.relative_to(SOURCE).with_suffix("").parts)
    text = path.read_text(encoding="utf-8")
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, len(text.splitlines()), ast.parse(text, filename=str(path)))


@pytest.fixture(scope="session")
def room() -> Callable[[str], str]:
    """Find the room of a dotted name."""
    return room_of


@pytest.fixture(scope="session")
def modules() -> dict[str, Module]:
    """All modules of the package by dotted name."""
    found = [_read(path) for path in sorted((SOURCE / PACKAGE).rglob("*.py"))]
    return {module.name: module for module in found}
