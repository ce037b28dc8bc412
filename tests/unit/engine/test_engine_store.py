"""The cache: read only if it is exactly what would be built now."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from exojoint.engine import compile_system, solve, trace
from exojoint.engine.lanes import candidates
from exojoint.engine.machine import this_processor
from exojoint.engine.store import default_folder, key_of, load_or_build, read_entry

FACTS = {"what": "test", "lanes": 8}


def built(folder: Path | None, data: bytes = b"code") -> tuple[bytes, list[int]]:
    """Load or build; return the code and how often it was built."""
    calls: list[int] = []

    def build() -> tuple[bytes, dict[str, int]]:
        calls.append(1)
        return data, {"rows": 3}

    return load_or_build(folder, FACTS, build)[0], calls


def test_what_was_built_once_is_read_afterwards(tmp_path: Path) -> None:
    assert built(tmp_path)[1] == [1]
    data, calls = built(tmp_path, b"other")
    assert (data, calls) == (b"code", [])
    assert read_entry(tmp_path, FACTS) == (b"code", {"rows": 3})


def test_no_folder_means_no_cache() -> None:
    assert built(None) == (b"code", [1])


def corrupt_code(folder: Path) -> None:
    (folder / f"{key_of(FACTS)}.bin").write_bytes(b"evil")


def truncate_manifest(folder: Path) -> None:
    path = folder / f"{key_of(FACTS)}.json"
    path.write_text(path.read_text()[:20])


def empty_manifest(folder: Path) -> None:
    (folder / f"{key_of(FACTS)}.json").write_text("[]")


def foreign_facts(folder: Path) -> None:
    path = folder / f"{key_of(FACTS)}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"facts": {"what": "test", "lanes": 4}}))


def older_format(folder: Path) -> None:
    path = folder / f"{key_of(FACTS)}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 0}))


def half_written(folder: Path) -> None:
    (folder / f"{key_of(FACTS)}.json").unlink()


@pytest.mark.parametrize(
    "damage", [corrupt_code, truncate_manifest, empty_manifest, foreign_facts, older_format, half_written]
)
def test_a_damaged_or_foreign_entry_is_rebuilt(tmp_path: Path, damage: object) -> None:
    built(tmp_path)
    damage(tmp_path)  # type: ignore[operator]
    assert built(tmp_path, b"fresh") == (b"fresh", [1])
    assert built(tmp_path, b"never") == (b"fresh", [])


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs file modes")
def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    built(tmp_path)
    tmp_path.chmod(0o777)
    assert built(tmp_path, b"mine") == (b"mine", [1])


def test_a_folder_that_cannot_be_made_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert built(tmp_path / "file" / "below") == (b"code", [1])


def test_the_default_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXOJOINT_CACHE", "/a")
    assert default_folder() == Path("/a")
    monkeypatch.delenv("EXOJOINT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert default_folder() == Path("/b/exojoint")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder() == Path.home() / ".cache" / "exojoint"


def test_a_corrupted_kernel_is_compiled_again_and_right(tmp_path: Path) -> None:
    system = trace(["a"], ["k"], [], lambda x, p: ({"a": -p["k"] * x["a"]}, {}))
    folder = tmp_path / "kernels"
    compile_system(system, cache_dir=folder)
    for path in folder.glob("*.bin"):
        path.write_bytes(path.read_bytes()[::-1] + b"!")
    kernel = compile_system(system, cache_dir=folder)
    np.testing.assert_allclose(solve(kernel, [[1.0]], [[1.0]], [], [1.0], ["a"]).values, np.exp(-1.0), rtol=1e-4)


def test_a_changed_equation_never_runs_old_code(cache: Path) -> None:
    for factor in (1.0, 2.0):
        system = trace(["a"], ["k"], [], lambda x, p, f=factor: ({"a": -f * p["k"] * x["a"]}, {}))
        kernel = compile_system(system, cache_dir=cache)
        value = solve(kernel, [[1.0]], [[1.0]], [], [1.0], ["a"]).values
        np.testing.assert_allclose(value, np.exp(-factor), rtol=1e-4)


def test_a_second_process_starts_from_the_cache(cache: Path) -> None:
    code = (
        "import numpy as np\n"
        "from exojoint.engine import trace, compile_system, solve\n"
        "s = trace(['a'], ['k'], [], lambda x, p: ({'a': -p['k'] * x['a']}, {}))\n"
        "k = compile_system(s)\n"
        "print(solve(k, [[1.0]], [[1.0]], [], [1.0], ['a']).values.ravel()[0])\n"
    )
    environment = os.environ | {"EXOJOINT_CACHE": str(cache)}
    resource = pytest.importorskip("resource", reason="needs the CPU time of child processes")
    outputs, seconds = [], []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        outputs.append(
            subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
            ).stdout
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert outputs[0] == outputs[1]
    assert seconds[1] < 5.0, "CPU time; a generous bound for busy machines, the benchmark holds the real one"


def test_the_number_of_lanes_is_tried_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def slowest_wins(variants: list) -> int:
        tried.append(len(variants))
        return variants[-1].shape.lanes

    monkeypatch.setattr("exojoint.engine.kernel.fastest", slowest_wins)
    system = trace(["a"], ["k"], [], lambda x, p: ({"a": -p["k"] * x["a"]}, {}))
    first, second = (compile_system(system, cache_dir=tmp_path / "kernels") for _ in range(2))
    likeliest, other = candidates(this_processor(), False)
    assert first.variant().shape.lanes == second.variant().shape.lanes == other
    assert tried == [2]
    assert compile_system(system, cache_dir=tmp_path / "kernels", lanes=likeliest).variant().shape.lanes == likeliest
