"""Folders are arrows: a room imports what stands to its left, and nothing turns back."""

from __future__ import annotations

STAGES = ("evidence", "product", "joint", "treatments", "patients", "calibration", "trial", "decision")
# What each room may import beside itself: `joint` knows no drug, `patients` no treatment, `trial` no engine.
MAY_IMPORT = {
    "core": set(),
    "engine": {"core"},
    "evidence": {"core"},
    "product": {"core", "evidence"},
    "joint": {"core", "engine"},
    "treatments": {"core", "engine", "evidence", "product", "joint"},
    "patients": {"core", "engine", "joint"},
    "calibration": {"core", "engine", "evidence", "product", "joint", "treatments", "patients"},
    "trial": {"core", "evidence", "product", "joint", "treatments", "patients"},
    "decision": {"core", "engine", *STAGES[:-1]},
    "runs": {"core"},
    "report": {"core", "runs"},
    "workflow": {"core", "engine", *STAGES, "runs", "report"},
    "cli": {"core", "runs", "report", "workflow"},
    "web": {"core", "runs", "report", "workflow"},
    "__main__": {"cli"},
    "": set(),
}  # fmt: skip


def target(modules, base, name):
    """The file an import reaches: ``from exojoint.core import units`` reaches ``exojoint.core.units``."""
    return f"{base}.{name}" if f"{base}.{name}" in modules else base


def test_every_room_has_its_place_in_the_order(modules):
    assert {module.room for module in modules.values()} <= set(MAY_IMPORT)


def test_rooms_import_only_what_stands_to_their_left(modules, room):
    wrong = []
    for module in modules.values():
        for base, name, line in module.imports():
            there = room(target(modules, base, name))
            if there != module.room and there not in MAY_IMPORT[module.room]:
                wrong.append(
                    f"{module.name} line {line} imports {base}: {module.room} may not import {there or 'the root'}"
                )
    assert not wrong, "\n".join(["", *wrong])


def test_nobody_imports_the_package_root(modules):
    wrong = [
        f"{module.name} line {line}"
        for module in modules.values()
        for base, name, line in module.imports()
        if base == "exojoint" and f"exojoint.{name}" not in modules
    ]
    assert not wrong, "\n".join(["", *wrong])


def test_imports_exist_and_are_absolute(modules):
    wrong = [
        f"{module.name} line {line}: {base}"
        for module in modules.values()
        for base, _name, line in module.imports()
        if base not in modules
    ]
    assert not wrong, "\n".join(["", *wrong])


def test_no_file_takes_part_in_an_import_cycle(modules):
    graph = {
        module.name: {target(modules, base, name) for base, name, _line in module.imports()} - {module.name}
        for module in modules.values()
    }
    assert cycle(graph) == []


def test_private_names_stay_at_home(modules):
    wrong = [
        f"{module.name} line {line}: {base}.{name}"
        for module in modules.values()
        for base, name, line in module.imports()
        if (name.startswith("_") and not name.startswith("__")) or any(part.startswith("_") for part in base.split("."))
    ]
    assert not wrong, "\n".join(["", *wrong])


def test_the_cycle_finder_finds_cycles():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}


def cycle(graph):
    """Return the nodes of one cycle, or an empty list: nodes whose imports are all settled are taken away in turn."""
    left = {name: set(imports) & set(graph) for name, imports in graph.items()}
    settled = True
    while settled:
        settled = {name for name, imports in left.items() if not imports & set(left)}
        left = {name: imports for name, imports in left.items() if name not in settled}
    if not left:
        return []
    path = [min(left)]
    while path.count(path[-1]) == 1:
        path.append(min(left[path[-1]] & set(left)))
    return path[path.index(path[-1]) : -1]
