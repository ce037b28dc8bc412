"""Figures of the evidence: shapes and text only, words for who cannot see, colour never alone."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from exojoint.core.errors import InputError
from exojoint.evidence.estimate import Interval
from exojoint.evidence.extraction.prisma import Flow, Stream
from exojoint.evidence.figures.cumulative import cumulative
from exojoint.evidence.figures.forest import Axis, ForestRow, Summary, forest
from exojoint.evidence.figures.funnel import funnel
from exojoint.evidence.figures.network import network_graph
from exojoint.evidence.figures.prisma import prisma_diagram
from exojoint.evidence.figures.scatter import Line, baujat, bubble, labbe
from exojoint.evidence.figures.style import number, save
from exojoint.evidence.figures.traffic import JUDGEMENTS, traffic_lights
from exojoint.evidence.figures.trends import trend_chart
from exojoint.evidence.records.load import load_studies
from exojoint.evidence.registry.classify import classify_all
from exojoint.evidence.registry.read import registered_trials
from exojoint.evidence.registry.trends import trends

HOSTILE = 'A <script>alert(1)</script> "x" & \' onload="y" href=javascript:z'
ENDS = Interval(-0.8, -0.2, 0.95, "knapp-hartung", 2.0)
ROWS = (
    ForestRow("First 2019", -0.6, -1.1, -0.1, 40.0),
    ForestRow("Second 2021", -0.3, -0.9, 0.3, 60.0, note="8 weeks"),
    ForestRow("Third 2022", -0.9, -1.4, -0.4, role="recalled"),
)
SUMMARY = Summary("REML, Knapp-Hartung", -0.5, ENDS, Interval(-1.4, 0.4, 0.95, "prediction", 2.0))


def parsed(svg):
    return ET.fromstring(svg)  # noqa: S314  our own drawing


def all_figures():
    """One figure of each kind."""
    y, se = np.array([-0.6, -0.3, -0.9]), np.array([0.2, 0.3, 0.25])
    grid = np.linspace(0.0, 3.0, 5)
    stream = Stream(
        {"database": 5}, {"duplicates": 1, "screened": 4, "excluded": 2, "sought": 2, "assessed": 2}, {"animals": 1}
    )
    return {
        "forest": forest("forest", "T", ROWS, Axis("SMD", left="better", right="worse"), (SUMMARY,)),
        "funnel": funnel(y, se, -0.5, title="T", filled=[(-0.1, 0.3)], adjusted=-0.4),
        "cumulative": cumulative(["A", "B"], [-0.6, -0.5], [ENDS, ENDS], Axis("SMD"), title="T"),
        "baujat": baujat([1.0, 2.0, 3.0], [0.1, 0.2, 0.9], ["A", "B", "C"], title="T"),
        "bubble": bubble(
            [0.0, 1.0, 3.0], y, 1 / se**2, title="T", x_title="dose", labels=["A", "B", "C"],
            line=Line(grid, -0.1 * grid, -0.1 * grid - 0.2, -0.1 * grid + 0.2),
        ),
        "labbe": labbe([0.1, 0.2], [0.05, 0.25], [100, 60], title="T", curve={0.1: 0.05, 0.2: 0.1}),
        "network": network_graph({"saline": 90, "hyaluronate": 50}, {("saline", "hyaluronate"): 3}, title="T"),
        "risk_of_bias": traffic_lights(
            {"A": {"one": "low", "two": "high"}, "B": {"one": "unclear", "two": "some concerns"}}, ["one", "two"],
            title="T", tool="SYRCLE",
        ),
        "trends": trend_chart(trends(classify_all(registered_trials(load_studies())), "route", (2014, 2024))),
        "prisma": prisma_diagram(Flow("T", stream, Stream(), 1, 1)),
    }  # fmt: skip


@pytest.fixture(scope="module")
def figures():
    return all_figures()


KINDS = ("forest", "funnel", "cumulative", "baujat", "bubble", "labbe", "network", "risk_of_bias", "trends", "prisma")


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_is_shapes_and_text_with_words_beside(figures, kind):
    picture = figures[kind]
    svg = picture.svg()
    root = parsed(svg)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "g", "path", "line", "rect", "text", "tspan", "defs", "clipPath", "title", "desc"}
    assert "http://" not in svg.replace("http://www.w3.org/", "")
    assert not re.search(r"\son\w+=|javascript:", svg)
    assert picture.caption
    assert len(picture.alt) > 10
    assert f"<desc>{picture.alt[:8]}" in unescape(svg)
    assert root.get("role") == "img"
    assert picture.png().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_is_the_same_every_time(figures, kind):
    assert all_figures()[kind].svg() == figures[kind].svg()


def test_a_forest_plot_shows_weights_prediction_and_what_is_only_remembered(figures):
    svg, alt = figures["forest"].svg(), figures["forest"].alt
    for words in ("First 2019", "8 weeks", "40", "REML, Knapp-Hartung", "better", "worse"):
        assert words in svg
    assert "prediction" in svg
    assert "recalled" in figures["forest"].caption
    assert "Third 2022" in alt


def test_ratios_are_shown_as_ratios_on_a_logarithmic_axis():
    rows = [ForestRow("A", math.log(0.5), math.log(0.25), 0.0, 100.0)]
    summary = Summary("all", math.log(0.5), Interval(math.log(0.25), 0.0, 0.95, "normal"))
    svg = forest("forest", "T", rows, Axis("RR", ratio=True), (summary,)).svg()
    assert "0.50" in svg
    assert "0.25" in svg


def test_a_row_without_numbers_or_with_endless_intervals_is_drawn_all_the_same():
    rows = [ForestRow("none", math.nan, math.nan, math.nan), ForestRow("open", -0.4, math.nan, math.nan),
            ForestRow("wide", 0.0, -1e9, 1e9), ForestRow("A", -0.5, -0.9, -0.1, 100.0)]  # fmt: skip
    svg = forest("forest", "T", rows, Axis("SMD")).svg()
    assert "NaN" not in svg
    assert "Infinity" not in svg
    parsed(svg)


@pytest.mark.parametrize(
    "draw",
    [
        lambda t: forest("f", t, [ForestRow(t, 0.1, 0.0, 0.2, note=t)], Axis(t, left=t, right=t), caption=t),
        lambda t: funnel([0.1, 0.2], [0.1, 0.2], 0.1, title=t, axis=t),
        lambda t: baujat([1.0, 2.0], [0.1, 0.2], [t, t], title=t),
        lambda t: bubble([1.0, 2.0], [0.1, 0.2], [1, 2], title=t, x_title=t, labels=[t, t]),
        lambda t: network_graph({t: 3, "b": 2}, {(t, "b"): 1}, title=t),
        lambda t: traffic_lights({t: {t: "low"}}, [t], title=t, tool=t),
        lambda t: prisma_diagram(Flow(t, Stream({"database": 1}), Stream(), 0, 0, note=t)),
    ],
)
def test_hostile_words_stay_words(draw):
    svg = draw(HOSTILE).svg()
    tags = {element.tag.rpartition("}")[2] for element in parsed(svg).iter()}
    assert "script" not in tags
    assert not any("onload" in element.attrib or "href" in element.attrib for element in parsed(svg).iter())


def test_traffic_lights_carry_a_sign_in_every_colour(figures):
    svg = figures["risk_of_bias"].svg()
    for word in ("low", "unclear", "some concerns", "high"):
        colour, sign, said = JUDGEMENTS[word]
        assert colour in svg.lower()
        assert f">{sign}<" in svg
        assert said in svg
    assert len({sign for _colour, sign, _said in JUDGEMENTS.values()}) == len(JUDGEMENTS)
    assert "A: 1 low, 2 high" in figures["risk_of_bias"].alt


def test_a_judgement_that_no_tool_knows_is_refused():
    with pytest.raises(InputError, match='Did you mean "unclear"'):
        traffic_lights({"A": {"one": "uncleer"}}, ["one"], title="T", tool="SYRCLE")


def test_a_comparison_of_an_unknown_treatment_is_refused():
    with pytest.raises(InputError, match="'salin' is no node"):
        network_graph({"saline": 3}, {("saline", "salin"): 1}, title="T")


def test_a_figure_is_written_whole_or_refused(tmp_path, figures):
    assert save(figures["labbe"], tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<svg")
    assert save(figures["labbe"], tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match=r"one of \.svg, \.png"):
        save(figures["labbe"], tmp_path / "a.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.PNG", "a.svg"]


def test_a_long_title_and_caption_are_wrapped(figures):
    long = replace(figures["labbe"], title="many words " * 30, caption="more words " * 60)
    height = float(parsed(long.svg()).get("height"))
    assert height > float(parsed(figures["labbe"].svg()).get("height")) + 100


@pytest.mark.parametrize(("value", "text"), [(-0.0, "0"), (math.nan, ""), (-1.5, "\u2212")])
def test_numbers_are_written_for_readers(value, text):
    assert text in number(value)
    assert "-" not in number(-1.5)
