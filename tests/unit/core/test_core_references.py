"""Citations are read strictly, and a mistake is named with its line."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.core.references import Reference, read_references

GOOD = """% cited works
@article{salmon2011,
  author = {Salmon, JK and {Moraes}, MA},
  title = {Parallel random numbers: as easy as 1, 2, 3},
  year = 2011,
  note = "said \\"quoted\\" {braces}",
}

@Misc{usp85, HowPublished = {USP <85>, 5 \\% \\& more \\_ \\{x\\}}}
@misc{empty}
"""


def read(folder: Path, text: str):
    path = folder / "references.bib"
    path.write_text(text, encoding="utf-8")
    return read_references(path)


def test_entries_are_read_in_order_with_plain_fields(tmp_path):
    references = read(tmp_path, GOOD)
    assert list(references) == ["salmon2011", "usp85", "empty"]
    assert references["salmon2011"].fields["author"] == "Salmon, JK and Moraes, MA"
    assert references["salmon2011"].fields["year"] == "2011"
    assert references["salmon2011"].fields["note"] == 'said \\"quoted\\" braces'
    assert references["usp85"].kind == "misc"
    assert references["usp85"].fields["howpublished"] == "USP <85>, 5 % & more _ {x}"
    assert dict(references["empty"].fields) == {}


def test_references_do_not_change(tmp_path):
    references = read(tmp_path, GOOD)
    with pytest.raises(TypeError):
        references["salmon2011"].fields["year"] = "2012"  # type: ignore[index]  # that is the point


def test_a_reference_prints_as_one_line():
    fields = {"author": "Salmon, JK", "title": "Parallel.", "year": "2011", "doi": "10.1145/2063384.2063405"}
    assert str(Reference("s", "misc", fields)) == "Salmon, JK. Parallel. 2011. doi:10.1145/2063384.2063405"
    assert str(Reference("s", "misc", {"howpublished": "USP <85>"})) == "USP <85>"


def test_an_empty_file_cites_nothing(tmp_path):
    assert dict(read(tmp_path, "\n % nothing\n%")) == {}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("hello", 1, "'hello' does not start an entry"),
        ("\n\n@articel{a, year = 2011}", 3, 'Did you mean "article"?'),
        ("@zzz{a}", 1, "entry kind '@zzz' is unknown"),
        ("@string{x = {y}}", 1, "entry kind '@string' is unknown"),
        ("@article{a, year = 2011", 1, "entry 'a' is broken here"),
        ("@article{a,\n year 2011}", 1, "entry 'a' is broken here"),
        ("@article{a, year = {2011}\n journal = {x}}", 1, "entry 'a' is broken here"),
        ("@article{a,\n\n title = {never closed", 3, "a field of 'a' is never closed"),
        ("@article{a, title = {}}}", 1, "'}' does not start an entry"),
        ('@article{a, title = "x}"}', 1, "a field of 'a' is never closed"),
        ("@article{a, title = x # y}", 1, "a field of 'a' has no text"),
        ("@article{a, year = 1, year = 2}", 1, "field 'year' of 'a' stands twice"),
        ("@misc{a}\n@misc{b}\n@misc{a}", 3, "key 'a' stands twice"),
        ("@misc{a, note = " + "{" * 30 + "}" * 30 + "}", 1, "never closed"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, text, line, message):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(f"references.bib line {line}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "@misc{a, note = " + "{" * 1_000_000,
        "@" * 1_000_000,
        "%\n" * 1_000_000 + "x",
        "@misc{a" + ", a = {" * 100_000,
        '@misc{a, n = "' + "\\" * 1_000_000,
        " " * 3_000_000 + "x",
    ],
)
def test_hostile_input_is_refused_quickly(tmp_path, text):
    started = time.perf_counter()
    with pytest.raises(InputError):
        read(tmp_path, text)
    assert time.perf_counter() - started < 5.0


def test_a_file_larger_than_a_bibliography_is_refused(tmp_path):
    with pytest.raises(InputError, match="is larger than"):
        read(tmp_path, "%" * 4_000_001)


@settings(max_examples=300)
@given(st.text(alphabet='@misc{}"a,= \n%\\1#', max_size=120))
def test_any_text_is_a_bibliography_or_an_input_error(text_file, text):
    with contextlib.suppress(InputError):
        for key, reference in read_references(text_file("fuzz.bib", text)).items():
            assert reference.key == key


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text("ab cé1,=", max_size=20), max_size=4))
def test_fields_come_back_as_written(text_file, fields):
    text = "@misc{key" + "".join(f", {name} = {{{value}}}" for name, value in fields.items()) + "}"

    assert read_references(text_file("round.bib", text))["key"].fields == {
        name: " ".join(value.split()) for name, value in fields.items()
    }
