"""A run is whole or not there; chunks survive; nobody works on a run twice."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from exojoint.core.errors import ExojointError, InputError
from exojoint.runs.digest import code_version, run_digest, table_hashes
from exojoint.runs.manifest import Manifest
from exojoint.runs.store import check_output, find_run, is_complete, open_run

LAYOUT = "6 draws by 2"


def make(root: Path, digest: str, manifest: Manifest, draws: pl.DataFrame, size: int = 2) -> Path:
    with open_run(root, digest, f"6 draws by {size}") as work:
        assert not work.finished
        for index in range(6 // size):
            if not work.has_chunk(index):
                work.put_chunk(index, {"draws": draws[index * size : (index + 1) * size]})
        work.write_table("draws", work.gather("draws"))
        work.write_json("verdict.json", {"schema": 1})
        work.write_timings({"total": 1.0})
        work.seal(manifest)
        return work.finish()


def fingerprint(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_a_run_becomes_visible_only_when_it_is_whole(tmp_path, digest, manifest, draws):
    with open_run(tmp_path, digest, LAYOUT) as work:
        work.put_chunk(0, {"draws": draws})
        assert find_run(tmp_path, digest) is None
        assert not (tmp_path / digest).exists()
    folder = make(tmp_path, digest, manifest, draws)
    assert folder == tmp_path / digest
    assert find_run(tmp_path, digest) == folder
    assert sorted(path.name for path in tmp_path.iterdir()) == [digest]
    assert sorted(path.name for path in folder.iterdir()) == [
        "draws.parquet",
        "manifest.json",
        "timings.json",
        "verdict.json",
    ]


def test_same_digest_gives_same_bytes_however_the_work_was_cut(tmp_path, digest, manifest, draws):
    first = make(tmp_path / "a", digest, manifest, draws, size=1)
    second = make(tmp_path / "b", digest, manifest, draws, size=3)
    assert fingerprint(first) == fingerprint(second)


def test_a_whole_run_is_reported_and_not_rewritten(tmp_path, digest, manifest, draws):
    folder = make(tmp_path, digest, manifest, draws)
    before = fingerprint(folder)
    with open_run(tmp_path, digest, LAYOUT) as work:
        assert work.finished
        assert work.folder == folder
        with pytest.raises(ExojointError, match="not rewritten"):
            work.write_table("draws", draws)
    assert fingerprint(folder) == before


def test_an_interrupted_run_resumes_with_its_chunks(tmp_path, digest, manifest, draws):
    def interrupted() -> None:
        with open_run(tmp_path, digest, LAYOUT) as work:
            work.put_chunk(0, {"draws": draws[:2]})
            work.write_json("verdict.json", {"half": True})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with open_run(tmp_path, digest, LAYOUT) as work:
        assert work.has_chunk(0)
        assert not work.has_chunk(1)
        assert not (work.folder / "verdict.json").exists()


def test_a_damaged_chunk_is_computed_again(tmp_path, digest, draws):
    with open_run(tmp_path, digest, LAYOUT) as work:
        work.put_chunk(0, {"draws": draws})
        work.put_chunk(1, {"draws": draws})
        work.put_chunk(2, {"draws": draws})
    chunks = tmp_path / f".partial-{digest}" / "chunks"
    (chunks / "00000" / "draws.parquet").write_bytes(b"PAR1")
    (chunks / "00001" / "chunk.json").write_text("[]")
    (chunks / "tmp-left").mkdir()
    with open_run(tmp_path, digest, LAYOUT) as work:
        assert not work.has_chunk(0)
        assert not work.has_chunk(1)
        assert work.chunks.indices() == (2,)
        assert not (chunks / "00000").exists()
        assert not (chunks / "tmp-left").exists()
        assert work.chunks.read(2)["draws"].equals(draws)


def test_chunks_of_another_layout_are_thrown_away(tmp_path, digest, draws):
    with open_run(tmp_path, digest, "6 draws by 2") as work:
        work.put_chunk(0, {"draws": draws})
    with open_run(tmp_path, digest, "6 draws by 3") as work:
        assert work.chunks.indices() == ()
        with pytest.raises(ExojointError, match="no chunk"):
            work.gather("draws")


def test_a_run_cannot_finish_unsealed_or_changed(tmp_path, digest, manifest, draws):
    with open_run(tmp_path, digest, LAYOUT) as work:
        work.write_table("draws", draws)
        with pytest.raises(ExojointError, match="not sealed"):
            work.finish()
        work.seal(manifest)
        work.write_table("draws", draws[:1])
        with pytest.raises(ExojointError, match="changed"):
            work.finish()


@pytest.mark.parametrize("harm", ["missing", "changed", "manifest", "foreign"])
def test_a_damaged_run_is_not_taken_for_a_whole_one_and_is_set_aside(tmp_path, digest, manifest, draws, harm):
    folder = make(tmp_path, digest, manifest, draws)
    if harm == "missing":
        (folder / "draws.parquet").unlink()
    elif harm == "changed":
        (folder / "verdict.json").write_text("{}")
    elif harm == "manifest":
        (folder / "manifest.json").write_text("{")
    else:
        text = (folder / "manifest.json").read_text().replace(digest, "f" * 16)
        (folder / "manifest.json").write_text(text)
    assert not is_complete(folder, digest)
    make(tmp_path, digest, manifest, draws)
    assert is_complete(folder, digest)
    assert (tmp_path / f".broken-{digest}-1").is_dir()


def test_a_second_process_is_refused_by_name_and_a_dead_one_is_not_in_the_way(tmp_path, digest):
    code = (
        "import sys, pathlib, time\n"
        "from exojoint.runs.store import open_run\n"
        f"with open_run(pathlib.Path(sys.argv[1]), {digest!r}, 'x') as work:\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == "ready"
        with (
            pytest.raises(InputError, match=f"process {child.pid} on .* is working on this run"),
            open_run(tmp_path, digest, "x"),
        ):
            pass
        child.kill()
    assert (tmp_path / f".lock-{digest}").exists()
    with open_run(tmp_path, digest, "x") as work:
        assert not work.finished
    assert not (tmp_path / f".lock-{digest}").exists()


def test_a_damaged_lock_note_still_refuses(tmp_path, digest):
    with open_run(tmp_path, digest, "x"):
        (tmp_path / f".lock-{digest}").write_text("not json")
        with pytest.raises(InputError, match="another process is working"), open_run(tmp_path, digest, "x"):
            pass


def test_an_output_path_below_a_file_is_refused_before_anything_is_written(tmp_path, digest):
    (tmp_path / "file").write_text("I am a file")
    for root in (tmp_path / "file", tmp_path / "file" / "runs" / "deep"):
        with pytest.raises(InputError, match="is a file") as caught:
            check_output(root)
        assert "Choose another --out" in str(caught.value)
        with pytest.raises(InputError, match="is a file"), open_run(root, digest, "x"):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_an_output_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="may not be written to"):
        check_output(tmp_path / "runs")


def test_a_link_in_place_of_the_work_folder_is_not_followed(tmp_path, digest, draws):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("keep")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / f".partial-{digest}").symlink_to(elsewhere)
    with open_run(tmp_path / "runs", digest, LAYOUT) as work:
        work.put_chunk(0, {"draws": draws})
    assert [path.name for path in elsewhere.iterdir()] == ["precious"]


def test_a_name_that_is_no_digest_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a digest"), open_run(tmp_path, "../x", "x"):
        pass


def test_the_digest_changes_with_each_of_its_parts_and_with_nothing_else():
    base = run_digest({"a": 1, "b": [2]}, {"t.csv": "00"}, "code", 1)
    assert base == run_digest({"b": [2], "a": 1}, {"t.csv": "00"}, "code", 1)
    others = {
        run_digest({"a": 1, "b": [3]}, {"t.csv": "00"}, "code", 1),
        run_digest({"a": 1, "b": [2]}, {"t.csv": "01"}, "code", 1),
        run_digest({"a": 1, "b": [2]}, {"t.csv": "00"}, "edoc", 1),
        run_digest({"a": 1, "b": [2]}, {"t.csv": "00"}, "code", 2),
    }
    assert len(others | {base}) == 5
    assert len(base) == 16


def test_tables_count_in_the_digest_and_doors_do_not():
    assert "runs/tables.csv" in table_hashes()
    assert not any(name.startswith("report/") for name in table_hashes())
    assert len(code_version()) == 16
