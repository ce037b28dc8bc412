"""All shipped answers stand on one page, with figures, targets and nothing loaded from elsewhere."""

from __future__ import annotations

import json
import re

import pytest

from exojoint.evidence.questions.question_file import list_questions
from exojoint.evidence.targets import load_targets
from exojoint.workflow import evidence_page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("answers")
    evidence_page.answers(out)
    return out


def test_every_question_and_target_is_on_the_page(folder):
    page = (folder / "answers.html").read_text(encoding="utf-8")
    for name in list_questions():
        assert f'<h2 id="{name}">' in page
    for target in load_targets():
        assert f"<td>{target.id}</td>" in page
    assert "rule of three" in page
    assert "no number" in page


def test_the_page_needs_nothing_else(folder):
    page = (folder / "answers.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)), "an id that stands twice would clip one figure by another"


def test_the_numbers_beside_the_page_are_those_of_the_verb(folder):
    numbers = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    assert numbers["schema"] == 1
    assert [one["name"] for one in numbers["answers"]] == list(list_questions())
    animal = next(one for one in numbers["answers"] if one["name"] == "animal_efficacy")["windows"][0]
    assert abs(animal["estimate"]["value"]) < abs(animal["naive"]["value"])
    assert {one["origin"]["kind"] for one in numbers["targets"]} == {"question", "record", "fact"}


def test_every_figure_is_there_twice(folder):
    drawn = {path.stem for path in folder.glob("*.svg")}
    assert drawn == {path.stem for path in folder.glob("*.png")}
    assert {"animal_efficacy", "vesicles_adverse", "prisma", "trials"} <= drawn


def test_targets_are_told_with_their_origins():
    said = evidence_page.targets_with_origins()
    assert "question saline_over_time" in said.text()
    assert len(said.data()["targets"]) == len(load_targets())
