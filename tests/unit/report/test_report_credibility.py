"""Credibility as a document and as a section of the page: complete, escaped, and absent where a run has none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exojoint.core.errors import InputError
from exojoint.report.build import render
from exojoint.report.credibility import (
    CREDIBILITY,
    Aspect,
    Check,
    Credibility,
    Evidence,
    Goal,
    Judgement,
    Risk,
    Seen,
    TargetLine,
    TwinLine,
    read_credibility,
    write_credibility,
)
from exojoint.report.credibility_page import page
from exojoint.report.data import load_run

EVIL = "<script>alert(9)</script>"


def twin(name, published, *, near=True, statement="", probability=None, grade="seen"):
    seen = Seen(published, -2.0, -1.0, 0.5, statement, probability)
    return TwinLine(name, f"pain {EVIL}", "point", grade, seen, True, near, "")


@pytest.fixture
def record():
    return Credibility(
        "Does it help?",
        ("The model is asked whether a beats b.",),
        Risk(Judgement("high", ("Nothing else speaks.",)), Judgement("medium", ("32 people.",)), Judgement("high", ())),
        Evidence(
            (Check("code", "Rates", "2e-12", "tests/unit/x.py", "yes"), Check("this run", "Null", "9 %", "", "no")),
            ("15 of 24 lie inside.",),
            (
                twin("a.x", -1.5),
                twin("b.y", None, statement="no difference", probability=0.4),
                twin("c.z", 3.0, near=False),
            ),
            (TargetLine("C01", "loss", "mm", -0.1, (-0.2, 0.0), True, -0.05, "yes"),),
        ),
        ("64 draws.",),
        (Aspect("mean age (years)", "62", "55 to 69", True), Aspect("dose", "5e11", "3e11; 1.7-fold away", False)),
        (Goal("twins near", "at least 3", "0", False),),
        ("For this question the model risk is high.",),
    )


def test_the_document_is_read_as_it_was_written(record, tmp_path):
    write_credibility(tmp_path, record)
    assert read_credibility(tmp_path) == record


def test_a_run_without_the_document_has_no_section(run, tmp_path):
    assert read_credibility(tmp_path) is None
    assert page(None) is None
    html = render(load_run(run), {})
    assert 'id="credibility"' not in html
    assert 'href="#credibility"' not in html


def test_the_section_holds_every_part_in_order_and_escapes_what_it_shows(record, run):
    write_credibility(run, record)
    html = render(load_run(run), {})
    section = html[html.index('id="credibility"') :]
    position = -1
    for word in (
        "model risk is high", "context of use", "Model influence: high", "Decision consequence: medium", "at least 3",
        "Verification", "9 %", "Checks of the program", "2e-12", "Validation", "15 of 24", "a.x",
        "statement 40", "All twins", "c.z", "(recalled)", "64 draws", "Applicability", "1.7-fold away",
    ):  # fmt: skip
        found = section.find(word, position + 1)
        assert found > position, word
        position = found
    assert EVIL not in html
    assert 'href="#credibility"' in html


def test_twins_near_the_run_are_shown_first_and_marks_tell_yes_from_no(record):
    shown = page(record)
    assert [row[0].split("\n")[0] for row in shown["near"].rows] == ["a.x", "b.y"]
    assert len(shown["twins"].rows) == 3
    assert shown["aspects"].rows[1][-1].startswith("✗")
    assert shown["run_checks"].rows[0][-1].startswith("✗")
    assert shown["checks"].rows[0][-1] == "x"
    assert shown["near"].rows[1][1] == "no difference"


@pytest.mark.parametrize(
    ("change", "message"),
    [({"schema": 9}, "schema 9 is not known"), ({"question": 3}, "question"), ({"more": 1}, "more")],
)
def test_a_wrong_document_is_refused_by_its_key(record, tmp_path, change, message):
    path = Path(write_credibility(tmp_path, record))
    data = json.loads(path.read_text(encoding="utf-8")) | change
    (tmp_path / CREDIBILITY).write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_credibility(tmp_path)
