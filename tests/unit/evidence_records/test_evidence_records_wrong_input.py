"""Wrong inputs at the door of the evidence room: place, what was expected, what to do; code 2; nothing is written."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exojoint import cli
from exojoint.core.errors import InputError
from exojoint.evidence.extraction.effect_table import read_effects
from exojoint.evidence.extraction.importer import import_records
from exojoint.evidence.extraction.prisma import read_flow
from exojoint.evidence.extraction.ris import read_ris
from exojoint.evidence.questions.question_file import read_question
from exojoint.evidence.registry.read import read_registry

FILES = {
    "ok.csv": "study,yi,vi,x\nA,.1,.1,1\nB,.2,.1,2\nC,.3,.1,3\n",
    "empty.csv": "",
    "header.csv": "study,yi,vi\n",
    "negative.csv": "study,yi,vi\nA,.1,-1\nB,.2,0\nC,x,1\n",
    "missing.csv": "study,yi,vi\nA,NA,1\n",
    "ragged.csv": "study,yi,vi\nA,1,2,3,4\n",
    "binary.csv": bytes(range(256)),
    "latin.csv": "study,yi,vi\nMüller,1,2\n".encode("latin-1"),
    "comma.csv": "study,yi,vi\nA,'0,1',1\n",
    "twice.csv": "study,yi,yi,vi\nA,1,1,1\nB,1,1,1\n",
    "large.csv": "study,yi,vi\nA,1e400,1\nB,1,1\n",
    "events.csv": "study,ai,n1i,ci,n2i\nA,12,10,1,10\nB,1,10,1,10\n",
    "alone.csv": "study,treatment,n,mean,sd\nS1,a,10,1,1\nS2,b,10,1,1\n",
    "pieces.csv": "study,treatment,n,mean,sd\nS1,a,10,1,1\nS1,b,10,1,1\nS2,c,10,1,1\nS2,d,10,1,1\n",
    "q.toml": "schema = 1\nname = 'q'\nmeasure='XX'\n[select]\narm='nothing'\n",
    "bad.toml": "= =",
    "x.json": "{",
    "none.json": "{}",
    "x.xml": "<a>",
    "bomb.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "sheet.csv": "study_id,outcome,verified,n_t,arm\nA,pain,seen,x,msc_ev\nB,,seen,3,foo\n",
    "r.ris": "hello",
    "screen.csv": "id,origin,duplicate,screening,retrieved,eligibility,reason,study\n"
    "r1,moon,no,include,yes,include,,A\n",
}
WRONG = [  # command, a word of the message
    ("pool nothing.csv", "there is no such file"), ("pool no_such_question", "neither a question nor a file"),
    ("pool hyaluronate_pian", 'Did you mean "hyaluronate_pain"'), ("pool empty.csv", "is empty"),
    ("pool header.csv", "no rows"), ("pool negative.csv", "row 4: yi 'x' is not a number"),
    ("pool missing.csv", "no row has both"), ("pool ragged.csv", "row 2: has 5 cells"),
    ("pool binary.csv", "NUL bytes"), ("pool latin.csv", "not UTF-8"), ("pool comma.csv", "cells"),
    ("pool twice.csv", "'yi' twice"), ("pool large.csv", "row 2: yi '1e400' is too large"),
    ("pool bad.xlsx", "xl/workbook.xml"), ("pool .", "is a folder"),
    ("pool ok.csv --measure SDM", 'Did you mean "SMD"'),
    ("pool ok.csv --method REMLL", 'Did you mean "REML"'), ("pool ok.csv --interval often", "knapp-hartung"),
    ("pool ok.csv --columns yi", "role=header"), ("pool ok.csv --columns effekt=yi", 'Did you mean "effect"'),
    ("pool ok.csv --columns yi=effect", "has no column 'effect'"), ("pool ok.csv --moderators xx", "no column 'xx'"),
    ("pool ok.csv --cluster xx", "no column 'xx'"), ("pool ok.csv --level 2", "--level"),
    ("pool ok.csv --plot out.pdf", "not a picture"), ("pool ok.csv --plot nowhere/out.svg", "is in no folder"),
    ("pool ok.csv --figures ok.csv", "cannot be a folder"), ("pool ok.csv --measure OR --method MH", "no events1"),
    ("pool events.csv --measure RR", "row 2"), ("pool events.csv", "say --measure RR"), ("pool q.toml", "'nothing'"),
    ("pool bad.toml", "not valid TOML"), ("pool msc_pain --measure SMD", "--measure: does not apply"),
    ("pool ok.csv --records sheet.csv", "--records: does not apply"), ("pool msc_pain --records sheet.csv", "row 3"),
    ("network alone.csv --measure MD", "one arm only"), ("network pieces.csv --measure MD", "falls into pieces"),
    ("network pieces.csv", "measure: is not given"), ("network ok.csv --measure MD", "no column for treatment"),
    ("bias header.csv", "no rows"), ("bias events.csv --measure MD", "no column for mean1"),
    ("registry x.json", "not JSON"), ("registry none.json", "has no studies"), ("registry x.xml", "not well-formed"),
    ("registry bomb.xml", "entities"), ("registry ok.csv", "not a registry's"), ("registry --by moon", "'moon'"),
    ("import sheet.csv", "row 2 `A`: n_t 'x'"), ("import r.ris", "has no tag"), ("risk sheet.csv", "row 2"),
    ("risk ok.csv", "column 'vi' is unknown"), ("prisma screen.csv", "'moon'"), ("prisma ok.csv", "'id' is missing"),
    ("template nowhere/x.csv", "is in no folder"), ("status nothing.csv", "no such file"),
    ("answers --out ok.csv", "cannot be a folder"), ("pool", "source"),
]  # fmt: skip


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with every wrong file."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as book:
        book.writestr("a", "b")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("command", "word"), WRONG)
def test_a_wrong_input_says_what_to_do(command, word, place, capsys):
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    with pytest.raises(SystemExit) as left:
        cli.main(["evidence", *command.split()])
    said = capsys.readouterr()
    assert left.value.code == cli.EXIT_INPUT, said
    assert word in said.err
    assert said.out == ""
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before, "nothing is written"


READERS = (
    ("csv", read_effects), ("csv", import_records), ("csv", read_flow), ("ris", read_ris), ("toml", read_question),
    ("json", read_registry), ("xml", read_registry), ("xlsx", read_effects), ("toml", read_flow),
)  # fmt: skip
PIECES = st.sampled_from([
    b"study,yi,vi\n", b"A,0.1,0.2\n", b"study_id,outcome,verified\n", b'"', b"\r\n", b"\t", b";", b"\xff\xfe", b"\x00",
    b"TY  - JOUR\n", b"ER  - \n", b"TI  - x\n", b'{"studies": [', b'{"protocolSection": {}}', b"]}", b"<trials>",
    b"<trial>", b"</trial>", b"</trials>", b"<main><trial_id>N</trial_id></main>", b"schema = 1\n", b"[select]\n",
    b"a = 1\n", b"PK\x03\x04", b"1e999", b"-1", b"\xc3\xa9", b"nan", b",,,,", b"id,origin\n",
])  # fmt: skip


@pytest.mark.parametrize(("ending", "reader"), READERS, ids=[f"{end}-{reader.__name__}" for end, reader in READERS])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.lists(st.one_of(PIECES, st.binary(max_size=20)), max_size=12).map(b"".join))
def test_any_bytes_end_in_a_result_or_a_message(ending, reader, content, tmp_path):
    path = tmp_path / f"any.{ending}"
    path.write_bytes(content)
    try:
        reader(path)
    except InputError as error:
        said = [(problem.where, problem.what, problem.expected) for problem in error.problems]
    else:
        return
    assert all(all(words) for words in said)


CELLS = st.one_of(
    st.sampled_from(["", "NA", "0", "-1", "1e5", "0.3", "12", "1,5", "x", "\u22125", "1e-320"]), st.text(max_size=6)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=5))
@pytest.mark.parametrize("measure", ["RR", "GEN"])
def test_any_cells_end_in_finite_effects_or_a_message(measure, rows, tmp_path):
    header = {"RR": "ai,n1i,ci,n2i", "GEN": "yi,vi,a,b"}[measure]
    out = io.StringIO()
    out.write(header + "\n")
    for row in rows:
        out.write(",".join('"' + cell.replace('"', '""').replace("\x00", "") + '"' for cell in row) + "\n")
    path = tmp_path / "any.csv"
    path.write_text(out.getvalue(), encoding="utf-8", errors="replace")
    try:
        table = read_effects(path, measure)
    except InputError:
        return
    for y, v in zip(table.y, table.v, strict=True):
        assert (y != y) or (v != v) or (abs(y) < float("inf") and 0 < v < float("inf"))
