"""Habits that a reader relies on: a README per room, abstract or final classes, imports where one looks for them."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "exojoint"
# Heavy packages may be imported late, so that `exojoint --help` answers at once and a run without figures loads none.
MAY_BE_LATE = {
    "altair", "antimony", "dask", "distributed", "jinja2", "libsbml", "llvmlite", "numba", "pint", "polars", "pyarrow",
    "rich", "roadrunner", "scipy", "sympy", "vl_convert",
}  # fmt: skip
ONE_SYSTEM_ONLY = {"fcntl", "msvcrt", "resource"}  # standard modules that not every operating system has
DOORS = ("cli", "__main__", "web")  # a door opens its rooms only when somebody walks in


def test_every_room_says_its_words_in_a_readme():
    rooms = [
        path for path in SOURCE.iterdir() if path.is_dir() and any(path.glob("*.py")) and path.name != "__pycache__"
    ]
    missing = [room.name for room in rooms if not (room / "README.md").is_file()]
    assert not missing, f"no README.md in {sorted(missing)}"
    silent = [room.name for room in rooms if "word" not in (room / "README.md").read_text(encoding="utf-8").lower()]
    assert not silent, f"no vocabulary in the README.md of {sorted(silent)}"


def test_only_heavy_packages_are_imported_inside_functions(modules):
    wrong = []
    for module in modules.values():
        if module.room in DOORS:
            continue
        for function in ast.walk(module.tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                wrong += [
                    f"{module.name} line {node.lineno}: {top}"
                    for node in ast.walk(function)
                    for top in imported(node)
                    if top not in MAY_BE_LATE | ONE_SYSTEM_ONLY
                ]
    assert not wrong, "\n".join(["", *wrong])


def imported(node):
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").split(".")[0]]
    return []


def test_classes_are_not_built_upon_each_other_more_than_twice(modules):
    bases = {}
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = [ast.unparse(base).split(".")[-1].split("[")[0] for base in node.bases]

    def depth(name, seen=()):
        inner = [depth(base, (*seen, name)) for base in bases.get(name, []) if base in bases and base not in seen]
        return 1 + max(inner, default=0)

    assert {name: depth(name) for name in bases if depth(name) > 2} == {}


def test_no_machine_path_stands_in_the_source():
    marks = ("/home/", "/root/", "/work/", "/tmp/")  # noqa: S108  # searched for, not used
    wrong = [
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*")
        if path.suffix in {".py", ".toml", ".csv", ".md", ".html", ".css", ".js"}
        and any(mark in path.read_text(encoding="utf-8") for mark in marks)
    ]
    assert not wrong, "\n".join(["", *wrong])
