"""What a machine reads is stable and documented: every pooled table has the same keys, and the page names each."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer

from exojoint.cli.evidence import app
from exojoint.evidence.questions.from_table import KEYS
from exojoint.evidence.questions.question_file import list_questions
from exojoint.evidence.registry.dose import FLAGS
from exojoint.workflow import evidence, evidence_page, evidence_records

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "evidence.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"[A-Za-z_]\w*", " ".join(re.findall(r"`([^`]+)`", PAGE))))
ROWS = "study,yi,vi,x,lab\nA,.4,.05,1,p\nB,.2,.02,2,p\nC,.33,.04,3,q\nD,.6,.1,4,q\nE,.1,.03,5,r\nF,.35,.06,6,r\n"


@pytest.mark.parametrize("options", [
    {}, {"method": "DL", "interval": "normal"}, {"moderators": ["x"]}, {"moderators": ["lab"]}, {"cluster": "lab"},
    {"cluster": "lab", "moderators": ["x"]}, {"method": "BAYES"}, {"measure": "SMD"}, {"measure": "OR"},
    {"method": "EE", "interval": "t"},
], ids=str)  # fmt: skip
def test_every_pooled_table_has_the_same_keys(options, write):
    found = evidence.pool(write("t.csv", ROWS), **options).data()
    assert set(found) == set(KEYS)
    assert found["schema"] == 1
    assert {"lower", "upper", "level", "method", "df"} == set(found["interval"])
    assert isinstance(found["estimate"], float)
    assert isinstance(found["se"], float)
    assert found["columns"] == {"study": "study", "effect": "yi", "variance": "vi"}
    json.dumps(found, allow_nan=False)


def test_counts_have_the_same_keys(write):
    path = write("e.csv", "study,ai,n1i,ci,n2i\nA,4,100,9,100\nB,5,80,11,79\nC,0,30,3,31\nD,7,120,9,118\n")
    for method in ("REML", "MH", "PETO", "GLMM"):
        assert set(evidence.pool(path, measure="OR", method=method).data()) == set(KEYS)


def test_a_clustered_table_says_its_heterogeneity(write):
    found = evidence.pool(write("t.csv", ROWS), cluster="lab").data()
    assert found["clusters"] == 3
    assert 0 <= found["I2"] <= 100
    told = evidence.pool(write("t.csv", ROWS), cluster="lab", interval="t").data()["warnings"]
    assert any("do not apply" in text for text in told)


def test_the_page_names_every_key():
    assert set(KEYS) <= NAMED
    reply = evidence.pool("msc_pain").data()
    keys = set(reply) | set(reply["windows"][0]) | set(reply["windows"][0]["estimate"])
    keys |= set(evidence.pool("vesicles_adverse").data()["windows"][0]["events"])
    keys |= set(evidence_page.targets_with_origins().data()["targets"][0])
    keys |= set(evidence_records.doses().data()["doses"][0])
    assert keys - NAMED - {"study", "label"} == set()


def test_the_page_names_every_command_and_flag():
    commands = typer.main.get_command(app).commands
    assert set(re.findall(r"^\| `exojoint evidence (\w+)`", PAGE, re.MULTILINE)) == set(commands)
    assert [flag for flag in FLAGS if flag not in PAGE] == []


def test_every_question_is_json(write):
    for name in list_questions():
        json.dumps(evidence.pool(name).data(), allow_nan=False)
