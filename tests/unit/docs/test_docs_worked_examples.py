"""The hand-written pages: links lead somewhere, commands exist, worked examples work on a copy of the project.

Blocks with an instruction behind the language are executed in the order of their page: ``file=PATH`` writes,
``append=PATH`` adds lines, ``diff`` edits, ``python run`` and ``console`` (lines with ``$ exojoint``) must end well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
import typer

from exojoint import cli
from exojoint.runs.verdict import Accuracy, Effect, Interval, Mirna, Operating, Rate, Reason, Variance, VerdictFile
from exojoint.workflow.scenario import read_scenario

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
SLOW = ("exojoint run",)  # minutes: its arguments are checked, the run itself is tested elsewhere


@dataclass(frozen=True)
class Block:
    """A fenced block: language, instruction, text."""

    language: str
    instruction: str
    text: str


def blocks(page: str) -> list[Block]:
    found = re.findall(
        r"^```(\S*)[ ]?(.*?)\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [Block(*parts) for parts in found]


WORKED = [page for page in PAGES if any(b.instruction or b.language in ("diff", "console") for b in blocks(page))]


@pytest.fixture
def copy(tmp_path):
    """A copy of the project that an example may change."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    return tmp_path


def run(copy: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(arguments)[:400]}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def apply(copy: Path, block: Block) -> None:
    key, _, name = block.instruction.partition("=")
    if key == "file":
        path = copy / name
        assert not path.exists(), f"{name} is there already: the example is no example any more"
        path.write_text(block.text, encoding="utf-8")
    elif key == "append":
        path = copy / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text + ("" if text.endswith("\n") else "\n") + block.text, encoding="utf-8")
    elif block.language == "diff":
        edit(copy, block.text)
    elif block.instruction == "run":
        run(copy, "-c", block.text)
    elif block.language == "console":
        for line in block.text.splitlines():
            if line.startswith("$ exojoint") and not line.removeprefix("$ ").startswith(SLOW):
                run(copy, "-m", *line.removeprefix("$ ").split())


def edit(copy: Path, text: str) -> None:
    """Apply a one-piece difference by its text, wherever it stands in the file."""
    lines = text.splitlines()
    path = copy / lines[0].removeprefix("--- ")
    old = "".join(f"{line[1:]}\n" for line in lines[2:] if line[:1] in " -")
    new = "".join(f"{line[1:]}\n" for line in lines[2:] if line[:1] in " +")
    before = path.read_text(encoding="utf-8")
    assert before.count(old) == 1, f"the lines of the example stand {before.count(old)} times in {path.name}"
    path.write_text(before.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("page", WORKED)
def test_the_worked_example_works(page, copy):
    for block in blocks(page):
        apply(copy, block)


def test_every_recipe_has_a_worked_example():
    recipes = re.findall(r"^### ([a-f])\. ", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)
    pages = (DOCS / "how_to" / "README.md").read_text(encoding="utf-8")
    for letter in recipes:
        match = re.search(rf"\[(\w+\.md)\]\(\1\) \| {letter} \|", pages)
        assert match, f"no page for recipe {letter}"
        assert f"how_to/{match[1]}" in WORKED


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not target.startswith("http"):
            assert ((DOCS / page).parent / target).exists(), f"{page} -> {target}"


@pytest.mark.parametrize("page", PAGES)
def test_pages_name_files_that_exist(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    made = {block.instruction.partition("=")[2] for block in blocks(page)}
    for name in re.findall(r"`((?:src|tests|scenarios|docs|examples|validation)/[\w./-]+)`", text):
        assert (ROOT / name).exists() or name in made, f"{page} names {name}"


def test_every_page_can_be_reached_from_the_start():
    seen, left = set(), ["README.md"]
    while left:
        page = left.pop()
        if page in seen or page not in PAGES:
            continue
        seen.add(page)
        for target in re.findall(r"\]\(([^)#]+\.md)(?:#[^)]*)?\)", (DOCS / page).read_text(encoding="utf-8")):
            left.append(os.path.normpath(Path(page).parent / target))
    assert sorted(set(PAGES) - seen) == []


def commands(group, prefix=""):
    """Every command of the command line with its options."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield f"{prefix}{name}", set()
        else:
            options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
            yield f"{prefix}{name}", options - {"--json", "--help"}


def test_the_page_of_the_command_line_names_every_command_and_option():
    text = (DOCS / "reference" / "command_line.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)$", text, re.MULTILINE))
    found = dict(commands(typer.main.get_command(cli.app)))
    assert set(rows) == set(found)
    for name, options in found.items():
        assert options == set(re.findall(r"`(--[\w-]+)`", rows[name].rpartition("|")[0].rpartition("|")[0])), name


def test_the_page_of_exit_codes_names_every_code():
    text = (DOCS / "reference" / "command_line.md").read_text(encoding="utf-8")
    codes = {cli.EXIT_OK, cli.EXIT_INPUT, cli.EXIT_FAULT, cli.EXIT_INTERRUPTED}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)} == codes


def test_the_page_of_the_verdict_names_every_key():
    text = (DOCS / "reference" / "verdict.md").read_text(encoding="utf-8")
    said = {word for group in re.findall(r"`([^`]+)`", text) for word in re.split(r"[^\w]+", group)}
    kinds = (VerdictFile, Reason, Effect, Operating, Rate, Variance, Mirna, Accuracy, Interval)
    missing = [f"{kind.__name__}.{field.name}" for kind in kinds for field in fields(kind) if field.name not in said]
    assert not missing


def test_the_scenario_of_the_tutorial_reads(tmp_path):
    (block,) = [b for b in blocks("tutorial/3_changing_a_dose.md") if b.instruction.endswith("ten_times.toml")]
    path = tmp_path / "ten_times.toml"
    path.write_text(block.text, encoding="utf-8")
    assert len(read_scenario(path).arms) == 3
