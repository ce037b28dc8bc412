"""Files that want to harm: refused before a parser of another language sees them, and never a traceback."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exojoint.core.errors import InputError
from exojoint.engine.exchange.guard import MAX_BYTES, examine, read_safely
from exojoint.engine.exchange.simulate import simulate
from exojoint.engine.exchange.translate import parse_sbml, read_sbml

SEED = (
    "function f(x, y) x*y/(1+x) end; compartment C=1; C'=0.1; species S in C, Q in C; S=5; Q=1; k=0.1; "
    "S -> 2 Q; f(S,k)*C; y := piecewise(S, time>3, Q)^2 + sin(time); z = y+1; w' = -w; w = 1; "
    "at (S<3), priority=2: S = S+1, k = k*2; at (time>=4), t0=false, persistent=false, fromTrigger=false: w = w+1"
)
WORDS = [
    "nan", "INF", "-1", "0", "1e308", "", "S", "k", "zz", "true", "3", "apply", "<", ">", "&", "<ci>S</ci>", "</math>",
    "x" * 300, "\0", "ü", "-1e-400", "C", "time",
]  # fmt: skip


def refusal(call):
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not well-formed XML"),
        (b"hello", "not well-formed XML"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "NUL"),
        (b"\xff\xfe<\0", "NUL"),
        (b"<sbml>\xff</sbml>", "not UTF-8"),
        (b"<html/>", "begins with <html>"),
        (b"<sbml level='3'/>", "begins with <sbml>"),
        (b"<a><b></a>", "not well-formed XML"),
    ],
)
def test_what_is_no_sbml_is_refused_in_one_sentence(tmp_path, content, said):
    path = tmp_path / "model.xml"
    path.write_bytes(content)
    assert said in refusal(lambda: read_sbml(path))


def test_missing_files_and_folders_are_refused(tmp_path):
    assert "no such file" in refusal(lambda: read_sbml(tmp_path / "none.xml"))
    assert "is a folder" in refusal(lambda: read_sbml(tmp_path))


def test_files_beyond_the_limit_are_not_read(tmp_path):
    path = tmp_path / "large.xml"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    assert "is larger than" in refusal(lambda: read_safely(path))


@pytest.mark.parametrize(
    "declaration",
    ['<!DOCTYPE sbml SYSTEM "file:///etc/passwd">', '<!DOCTYPE sbml [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>'],
)
def test_document_types_and_entities_are_refused(files, declaration):
    text = files.document("").replace("\n<sbml", f"\n{declaration}<sbml", 1)
    assert "declares a document type" in refusal(lambda: examine(text, "own.xml"))


def test_deep_nesting_is_refused(files):
    deep = "<apply><minus/>" * 100_000 + "<cn>1</cn>" + "</apply>" * 100_000
    assert "nested more than" in refusal(lambda: parse_sbml(files.assigned(f"<math>{deep}</math>")))


def mutated(base, draw):
    """Change a file at some places: attributes, elements, letters."""
    text = base
    for _ in range(draw(st.integers(1, 4))):
        word = draw(st.sampled_from(WORDS))
        kind = draw(st.sampled_from(("attribute", "element", "letters")))
        if kind == "letters":
            at = draw(st.integers(0, len(text)))
            text = text[:at] + word + text[at + draw(st.integers(0, 20)) :]
            continue
        pattern = r'="([^"]*)"' if kind == "attribute" else r"(<(\w+)[^<>]*/>|<(?:ci|cn)[^<>]*>[^<>]*</(?:ci|cn)>)"
        found = list(re.finditer(pattern, text))
        if found:
            match = draw(st.sampled_from(found))
            new = word if kind == "attribute" else draw(st.sampled_from(("", match[1] * 2)))
            text = text[: match.start(1)] + new + text[match.end(1) :]
    return text


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_damaged_model_is_read_or_refused_and_nothing_else(files, data):
    text = mutated(files.antimony(SEED), data.draw)
    with contextlib.suppress(InputError):
        assert parse_sbml(text).text()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(value=st.sampled_from(WORDS), place=st.integers(0, 40))
def test_a_model_with_odd_numbers_is_followed_or_refused(files, value, place):
    text = files.antimony(SEED)
    found = list(
        re.finditer(r'(?:value|size|initialConcentration|stoichiometry)="([^"]*)"|<cn[^>]*>([^<]*)</cn>', text)
    )
    match = found[place % len(found)]
    group = 1 if match[1] is not None else 2
    with contextlib.suppress(InputError):
        model = parse_sbml(text[: match.start(group)] + value + text[match.end(group) :])
        assert len(simulate(model, [0.0, 0.5, 1.0]).times) == 3
