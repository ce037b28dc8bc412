"""Writing models: what goes out can be read back, says its units, meanings and sources, and obeys SBML's rules."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.engine import Event, System, compile_system, solve, trace
from exojoint.engine.exchange.outgoing import Entry, Outgoing
from exojoint.engine.exchange.simulate import simulate
from exojoint.engine.exchange.translate import parse_sbml
from exojoint.engine.exchange.units_out import unit_id, unit_parts
from exojoint.engine.exchange.write import check_sbml, write_antimony, write_sbml
from exojoint.engine.functions import (
    TIME,
    atan,
    both,
    cos,
    equal,
    exp,
    floor,
    log,
    maximum,
    minimum,
    negate,
    sin,
    sqrt,
    where,
)

CORE = "{http://www.sbml.org/sbml/level3/version2/core}"
T = np.linspace(0.25, 9.75, 20)


def equations(x, p):
    flow = p["k"] * x["a"] / (p["half"] + x["a"]) * p["gain"]
    return {"a": -flow - 0.0 * x["b"], "b": flow - p["out"] * x["b"]}, {"total": x["a"] + x["b"], "flow": flow}


def model(events=(), **changes):
    system = trace(["a", "b"], ["k", "half", "gain", "out"], ["gain"], equations)
    entries = {
        "a": Entry(5.0, "pmol", "Drug in the knee."),
        "b": Entry(1 / 3, "pmol", "Drug in blood & elsewhere <1 %."),
        "k": Entry(2.0, "pmol/d", "Turnover.", ("T1-001", "fictive_2020")),
        "half": Entry(0.15, "pmol", "Half-effect amount."),
        "gain": Entry(1.0, "1", "Gain."),
        "out": Entry(0.3, "1/d", "Loss."),
        "total": Entry(math.nan, "pmol", "All of it."),
        "flow": Entry(math.nan, "pmol/d", "Flow."),
    }
    return Outgoing("own_model", "A model of our own.", system, entries | changes, events)


DOSES = (
    Event(0.0, "add", "a", 2.0),
    Event(3.0, "add", "a", 1.0),
    Event(3.0, "set", "a", 4.0),
    Event(3.0, "add", "a", 0.5),
    Event(3.0, "add", "b", "total"),
    Event(6.5, "input", "gain", 0.25),
    Event(math.nan, "add", "a", 9.0),
)


def test_a_written_model_obeys_sbmls_rules():
    checked = check_sbml(write_sbml(model(DOSES)))
    assert checked.errors == ()


def test_a_broken_file_is_told_apart():
    assert check_sbml(write_sbml(model()).replace('variable="a"', 'variable="zz"')).errors


def test_written_and_read_back_a_model_gives_the_engines_courses():
    out = model(DOSES)
    back = parse_sbml(write_sbml(out))
    names = ["a", "b", "gain", "total", "flow"]
    course = simulate(back, T, columns=names)
    p = [[out.entries[n].value for n in out.system.parameters]]
    y = [[out.entries[n].value for n in out.system.states]]
    kernel = compile_system(out.system)
    wanted = [n for n in names if n != "gain"]
    direct = solve(kernel, p, y, [e for e in DOSES if not math.isnan(e.day)], T, wanted, rtol=1e-9, atol=1e-12).values[
        0
    ]
    np.testing.assert_allclose(course.values[:, [0, 1, 3, 4]], direct, rtol=1e-6, atol=1e-8)
    assert course.values[:, 2].tolist() == [1.0 if t < 6.5 else 0.25 for t in T]


def test_the_equations_come_back_as_they_went():
    out = model()
    assert parse_sbml(write_sbml(out)).system.rates == out.system.rates


def test_another_engine_reads_the_doses_alike(peer):
    out = model(DOSES)
    text = write_sbml(out)
    seen = simulate(parse_sbml(text), T, columns=["a", "b", "total"]).values
    np.testing.assert_allclose(peer(text, [0.0, *T], ["a", "b", "total"])[1:], seen, rtol=1e-6, atol=1e-8)


def test_every_operation_can_be_written_and_read_back():
    def every(x, p):
        a, k = x["a"], p["k"]
        plain = -a + abs(a) + sqrt(a) + exp(-a) + log(a) + sin(a) + cos(a) + atan(a) + floor(a) + a**k + 1.0 / a
        choice = where(both(a < 2.0, negate(equal(a, k))), minimum(a, k), maximum(a, k)) + where(a <= k, 1e-30, TIME)
        return {"a": 0.0 * a + 1.0}, {"plain": plain, "choice": choice, "same": choice}

    system = trace(["a"], ["k"], [], every)
    entries = {"a": Entry(0.5, "1", ""), "k": Entry(1.7, "1", "")}
    entries |= {name: Entry(math.nan, "1", "") for name in ("plain", "choice", "same")}
    text = write_sbml(Outgoing("every", "", system, entries))
    assert check_sbml(text).errors == ()
    back = parse_sbml(text)
    found = simulate(back, T, columns=["plain", "choice", "same"]).values
    direct = solve(compile_system(system), [[1.7]], [[0.5]], [], T, ["plain", "choice", "same"]).values[0]
    np.testing.assert_allclose(found, direct, rtol=1e-9)


def test_shared_expressions_are_written_once():
    def doubling(x, p):
        e = x["a"] * p["k"] + 1.0
        for _ in range(60):  # written out, this has 2^60 operations
            e = e * e / (1.0 + e) + p["k"]
        return {"a": -0.01 * x["a"] + 0.0 * p["k"]}, {"e": e}

    system = trace(["a"], ["k"], [], doubling)
    entries = {"a": Entry(0.5, "1", ""), "k": Entry(0.1, "1", ""), "e": Entry(math.nan, "1", "")}
    text = write_sbml(Outgoing("shared", "", system, entries))
    assert len(text) < 200_000
    assert "term_1" in text
    back = parse_sbml(text)
    assert back.system.outputs["e"] is system.outputs["e"]


def test_meanings_are_notes_and_sources_are_annotations():
    root = ET.fromstring(write_sbml(model()))  # noqa: S314  # our own text
    rows = {p.get("id"): p for p in root.iter(f"{CORE}parameter")}
    notes = rows["b"].find(f"{CORE}notes")
    assert "".join(notes.itertext()).strip() == "Drug in blood & elsewhere <1 %."
    sources = [e.text for e in rows["k"].iter("{urn:exojoint:source:1}source")]
    assert sources == ["T1-001", "fictive_2020"]
    assert rows["k"].get("constant") == "true"
    assert rows["a"].get("constant") == "false"


def test_numbers_are_written_exactly():
    back = parse_sbml(write_sbml(model(half=Entry(1.5e-7, "pmol", "Half-effect amount."))))
    assert back.start["b"] == 1 / 3
    assert back.start["half"] == 1.5e-7


@pytest.mark.parametrize(
    ("text", "identifier", "parts"),
    [
        ("1", "dimensionless", []),
        ("relative", "dimensionless", []),
        ("point", "dimensionless", []),
        ("1/d", "unit_1_per_d", [("second", -1, 86400.0)]),
        ("cm2/d", "unit_cm2_per_d", [("dimensionless", 1, 1e-4), ("metre", 2, 1.0), ("second", -1, 86400.0)]),
        ("copy/cell", "unit_copy_per_cell", [("item", 1, 1.0), ("item", -1, 1.0)]),
        ("1e9 particle", "unit_1e9_particle", [("dimensionless", 1, 1e9), ("item", 1, 1.0)]),
        ("percent", "unit_percent", [("dimensionless", 1, 0.01)]),
    ],
)
def test_units_of_the_tables_become_unit_definitions(text, identifier, parts):
    assert unit_id(text) == identifier
    found = list(unit_parts(text))
    assert [p[:2] for p in found] == [p[:2] for p in parts]
    np.testing.assert_allclose([p[2] for p in found], [p[2] for p in parts])


def test_antimony_text_reads_like_the_model(files):
    text = write_antimony(write_sbml(model(DOSES)))
    assert "a' = -flow" in text
    assert "at 3 <= time" in text
    again = parse_sbml(files.antimony(text))
    seen = simulate(parse_sbml(write_sbml(model(DOSES))), T, columns=["a", "b"]).values
    np.testing.assert_allclose(simulate(again, T, columns=["a", "b"]).values, seen, rtol=1e-9)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"events": (Event(np.array([0.0, 1.0]), "add", "a", 1.0),)}, "many patients"),
        ({"k": Entry(math.inf, "1/d", "")}, "`k`"),
        ({"k": Entry(1.0, "furlong", "")}, "furlong"),
    ],
)
def test_what_cannot_be_written_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        write_sbml(model(**wrong))


def test_names_that_sbml_cannot_hold_are_refused():
    system = System.build(["a-b"], [], [], {"a-b": 0.0}, {})
    with pytest.raises(InputError, match="cannot be written"):
        write_sbml(Outgoing("own", "", system, {"a-b": Entry(1.0, "1", "")}))
