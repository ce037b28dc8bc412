"""What is imported is declared, what is declared is imported, and what is declared is pinned."""

from __future__ import annotations

import ast
import re
import sys
import tomllib

IMPORT_NAMES = {
    "vl-convert-python": "vl_convert",
    "python-libsbml": "libsbml",
    "libroadrunner": "roadrunner",
    "dask": "dask",
}

COMPANIONS = {"llvmlite", "pydantic_core", "_typeshed"}  # halves of numba, of pydantic and of the type checker


def declared(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    needed = {plain(line) for line in project["dependencies"]}
    optional = {plain(line) for name, lines in extras.items() if name != "dev" for line in lines}
    development = {plain(line) for line in extras["dev"]} - {"exojoint"}
    return needed, optional, development


def plain(requirement):
    return re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0].lower()


def imported(modules):
    for module in modules.values():
        for node in ast.walk(module.tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            yield from (name.split(".")[0] for name in names)


def import_name(package):
    return IMPORT_NAMES.get(package, package.replace("-", "_"))


def test_every_imported_package_is_declared(modules, root):
    needed, optional, _development = declared(root)
    known = {import_name(package) for package in needed | optional} | COMPANIONS | {"exojoint"}
    assert sorted(set(imported(modules)) - set(sys.stdlib_module_names) - known) == []


def test_every_needed_package_is_imported(modules, root):
    needed, _optional, _development = declared(root)
    found = set(imported(modules))
    assert sorted(package for package in needed if import_name(package) not in found) == []


def test_every_declared_package_is_pinned_to_one_version(root):
    lines = [line for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    assert all(re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.]+", line) for line in lines)
    pinned = [line.partition("==")[0] for line in lines]
    assert pinned == sorted(set(pinned))
    for group in declared(root):
        assert sorted(group - set(pinned)) == []
