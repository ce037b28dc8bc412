"""Files are read with suspicion and written whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from exojoint.core.errors import InputError
from exojoint.core.files import atomic_write, bounded_read, read_text, read_toml


def message(function, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments)
    assert len(caught.value.problems) == 1
    return str(caught.value)


def test_a_file_is_read_whole(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert bounded_read(tmp_path / "a", 3) == b"abc"


def test_a_larger_file_is_refused_without_reading_it(tmp_path):
    with (tmp_path / "zeros").open("wb") as stream:
        stream.truncate(3_000_000_000)  # sparse: three billion zeros that take no disk
    assert "is larger than 100 bytes" in message(bounded_read, tmp_path / "zeros", 100)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    assert "there is no such file" in message(bounded_read, tmp_path / "nothing", 10)
    assert "is a folder" in message(bounded_read, tmp_path, 10)


def test_a_pipe_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "there is no such file" in message(bounded_read, tmp_path / "pipe", 10)


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read everything")
def test_a_file_without_permission_is_named(tmp_path):
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "secret").chmod(0)
    assert "cannot be read" in message(bounded_read, tmp_path / "secret", 10)


def test_a_file_that_fails_while_it_is_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"x")

    def fail(*_arguments, **_options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", fail)
    assert "cannot be read (Input/output error)" in message(bounded_read, tmp_path / "a", 10)


def test_text_is_utf8_and_a_byte_order_mark_is_dropped(tmp_path):
    (tmp_path / "a").write_bytes("\ufeffµm".encode())
    assert read_text(tmp_path / "a") == "µm"


def test_another_encoding_is_named_with_its_line(tmp_path):
    (tmp_path / "a").write_bytes("eins\nzwei \u00b5m".encode("latin-1"))
    assert "line 2: is not UTF-8 text" in message(read_text, tmp_path / "a")


def test_binary_is_no_text(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    assert "contains NUL bytes" in message(read_text, tmp_path / "a.png")


def test_toml_is_read(tmp_path):
    (tmp_path / "a.toml").write_text('a = "1 mL"\n[b]\nc = [1, 2]\n', encoding="utf-8")
    assert read_toml(tmp_path / "a.toml") == {"a": "1 mL", "b": {"c": [1, 2]}}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a = 1\nb = \n", "line 2"),
        ("a = 1\na = 2\n", "line 2"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "9" * 10_000, "is not valid TOML"),
    ],
)
def test_broken_toml_is_one_message(tmp_path, text, part):
    (tmp_path / "a.toml").write_text(text, encoding="utf-8")
    assert part in message(read_toml, tmp_path / "a.toml")


def test_a_write_replaces_the_whole_file(tmp_path):
    path = tmp_path / "a.json"
    atomic_write(path, "old and long")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    atomic_write(path, "old")

    def fail(*_arguments):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        atomic_write(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_line_ends_are_kept_and_the_file_can_be_shared(tmp_path):
    path = tmp_path / "a.txt"
    mask = os.umask(0o022)
    try:
        atomic_write(path, "a\r\nb\n")
    finally:
        os.umask(mask)
    assert path.read_bytes() == b"a\r\nb\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
