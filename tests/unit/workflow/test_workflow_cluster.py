"""A run whose draws are followed by a cluster: the same folder to the last byte, also when a worker is lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from exojoint import cli, workflow
from exojoint.core.errors import InputError
from exojoint.workflow import chunks

distributed = pytest.importorskip("distributed", reason="dask is an extra")


def sealed(folder: Path) -> dict[str, bytes]:
    """Content of everything that the digest promises to be the same."""
    return {
        p.name: p.read_bytes()
        for p in folder.iterdir()
        if p.suffix in (".parquet", ".json") and p.name != "timings.json"
    }


def kill_the_first_busy_worker(cluster: object, killed: list[int], client: object) -> None:
    """Wait until a worker has work, then end its process without a word."""
    pids = client.run(os.getpid)  # type: ignore[attr-defined]
    for _ in range(600):
        busy = [w.address for w in cluster.scheduler.workers.values() if w.processing]  # type: ignore[attr-defined]
        if busy:
            killed.append(pids[busy[0]])
            os.kill(pids[busy[0]], signal.SIGKILL)
            return
        time.sleep(0.05)


def test_a_cluster_that_loses_a_worker_gives_the_same_folder(
    small_run: workflow.Done, cut: Callable[[Path], Path], tmp_path: Path
) -> None:
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    killed: list[int] = []
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        killer = threading.Thread(target=kill_the_first_busy_worker, args=(cluster, killed, client))
        killer.start()
        done = workflow.run(cut(tmp_path), out=tmp_path / "runs", cluster=cluster.scheduler_address)
        killer.join()
    assert killed, "nobody was lost"
    assert done.folder.name == small_run.folder.name
    assert sealed(done.folder) == sealed(small_run.folder)


def test_a_worker_with_another_program_is_refused(
    small_run: workflow.Done, cut: Callable[[Path], Path], tmp_path: Path
) -> None:
    plan = workflow.check(cut(tmp_path))
    with pytest.raises(InputError, match="Install the same exojoint on every worker"):
        chunks.chunk_on_worker((plan, None, "another"), 0, False)  # type: ignore[arg-type]


def test_the_command_line_hands_the_cluster_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict = {}

    def run(scenario: Path, **options: object) -> None:
        seen.update(options)
        raise InputError

    monkeypatch.setattr("exojoint.workflow.run", run)
    with pytest.raises(SystemExit):
        cli.main(["run", str(tmp_path / "a.toml"), "--cluster", "tcp://somewhere:8786"])
    assert seen["cluster"] == "tcp://somewhere:8786"
