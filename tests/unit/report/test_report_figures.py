"""Figures: valid specifications, right content, files on disk, honest captions."""

from __future__ import annotations

import dataclasses
import json
import math

import altair as alt
import polars as pl
import pytest

from exojoint.core.errors import ExojointError
from exojoint.report.data import load_run
from exojoint.report.drawing import LAYOUTS, NARROW, WIDE, axis, specification, thinned, to_svg, values, with_own_ids
from exojoint.report.figures import FIGURES
from exojoint.report.figures_course import means, vesicles
from exojoint.report.figures_ground import drivers
from exojoint.report.figures_verdict import dose_response, effects, operating
from exojoint.report.rivals import figure as rivals
from exojoint.runs.verdict import Variance

NAMES = [
    "effects",
    "operating",
    "means",
    "individuals",
    "vesicles",
    "dose_response",
    "population",
    "drivers",
    "tornado",
    "heat_map",
    "evidence",
]


@pytest.fixture(scope="module")
def data(pristine):
    return load_run(pristine)


def texts(spec: object) -> str:
    return repr(spec)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
@pytest.mark.parametrize("make", FIGURES, ids=lambda make: make.__name__)
def test_every_figure_is_a_valid_specification_with_words(data, make, layout):
    drawing = make(data, layout)
    if make is rivals and data.verdict.rivals is None:
        assert drawing is None  # a run that weighs no explanations has nothing to draw
        return
    assert drawing is not None
    specification(drawing.chart, validate=True)
    assert drawing.title
    assert drawing.alt
    assert "uncertainty" in drawing.caption.lower()
    assert "variability" in drawing.caption.lower()
    assert "{" not in drawing.caption + drawing.title


def test_every_figure_is_written_with_its_title_and_mark(reported):
    assert sorted(path.stem for path in (reported / "figures").glob("*.svg")) == sorted(NAMES)
    assert sorted(path.stem for path in (reported / "figures").glob("*.png")) == sorted(NAMES)
    for path in (reported / "figures").glob("*.svg"):
        svg = path.read_text(encoding="utf-8")
        assert "simulated · synthetic data, run 5e1fab1e5e1fab1e" in svg
        assert "<title>" in svg
        assert "<script" not in svg
    assert (reported / "figures" / "means.png").read_bytes().startswith(b"\x89PNG")


def test_a_narrow_figure_fits_a_phone_and_a_wide_one_a_desk(reported):
    html = (reported / "report.html").read_text(encoding="utf-8")
    for layout, widest in (("narrow", 375), ("wide", 900)):
        parts = html.split(f'<svg class="chart {layout}"')[1:]
        widths = [float(part.split('viewBox="0 0 ')[1].split(" ")[0]) for part in parts]
        assert len(widths) == len(NAMES)
        assert max(widths) <= widest


def test_axes_name_their_units(data):
    assert "'points'" in texts(specification(means(data, WIDE).chart))
    assert "weeks since the first injection" in texts(specification(means(data, WIDE).chart))
    assert "10⁹ particles" in texts(specification(vesicles(data, WIDE).chart))
    assert "label dose, particles" in texts(specification(dose_response(data, WIDE).chart))
    assert "exosome − saline, points (← better)" in texts(specification(effects(data, WIDE).chart))


def test_the_criterion_and_the_stated_error_rate_are_drawn(data):
    assert '"from":-5.0' in texts(specification(effects(data, NARROW).chart))
    assert '{"value":0.05}' in texts(specification(operating(data, NARROW).chart))
    bare = dataclasses.replace(data, manifest=dataclasses.replace(data.manifest, criteria=(), settings={}))
    assert '"from":-5.0' not in texts(specification(effects(bare, NARROW).chart))
    assert '{"value":0.05}' not in texts(specification(operating(bare, NARROW).chart))


def test_false_positives_stand_before_power(data):
    panels = specification(operating(data, WIDE).chart)["concat"]
    assert [panel["title"] for panel in panels] == ["False positives (no effect in)", "Power and assurance (effect in)"]


def test_numbers_that_are_none_are_left_out_and_nothing_else(data):
    rows = values([{"x": 1.0, "y": math.nan}, {"x": math.inf, "y": 2.0}])
    assert json.loads(rows.to_dict()["values"]) == [{"x": 1.0, "y": None}, {"x": None, "y": 2.0}]
    curves = data.tables["curves"].with_columns(mean=pl.when(pl.col("day") > 300).then(math.nan).otherwise("mean"))
    drawing = means(dataclasses.replace(data, tables={**data.tables, "curves": curves}), NARROW)
    assert drawing is not None
    assert "NaN" not in to_svg(specification(drawing.chart))


@pytest.mark.parametrize(
    "name", ["draws", "performance", "curves", "trajectories", "vesicles", "dose_response", "population"]
)
def test_an_empty_table_leaves_its_figure_out(data, name):
    empty = dataclasses.replace(data, tables={**data.tables, name: data.tables[name].clear()})
    before, after = ([make(run, WIDE) is None for make in FIGURES] for run in (data, empty))
    assert sum(after) == sum(before) + 1


def test_no_vesicles_no_figure_and_no_positive_dose_no_dose_response(data):
    none = data.tables["vesicles"].with_columns(median=pl.lit(0.0), lo=pl.lit(0.0), hi=pl.lit(0.0))
    assert vesicles(dataclasses.replace(data, tables={"vesicles": none}), WIDE) is None
    zero = data.tables["dose_response"].filter(pl.col("dose") == 0)
    assert dose_response(dataclasses.replace(data, tables={"dose_response": zero}), WIDE) is None


def test_many_parameters_are_gathered_and_one_more_than_shown_is_not(data):
    def rows(count):
        shares = {f"k_{index:02d}": 0.5 / (index + 1) for index in range(count)}
        verdict = dataclasses.replace(data.verdict, variance=Variance({}, shares, 0.1))
        return texts(specification(drivers(dataclasses.replace(data, verdict=verdict), WIDE).chart))

    assert "8 others" in rows(20)
    assert "others" not in rows(13)


def test_many_days_are_thinned_with_both_ends_kept():
    frame = pl.DataFrame({"day": [float(day) for day in range(1000)]})
    assert thinned(frame)["day"].len() == 160
    assert thinned(frame)["day"][0] == 0
    assert thinned(frame)["day"][-1] == 999
    assert thinned(frame[:50]).equals(frame[:50])


def test_a_picture_with_more_than_shapes_and_text_is_refused():
    linked = alt.Chart(values([{"x": 1.0}])).mark_point(href="https://example.org").encode(x="x:Q")
    with pytest.raises(ExojointError, match="more than shapes"):
        to_svg(specification(linked))
    image = alt.Chart(values([{"x": 1.0}])).mark_image(url="data:image/png;base64,AA==").encode(x="x:Q")
    with pytest.raises(ExojointError, match="more than shapes"):
        to_svg(specification(image))


def test_ids_are_renumbered_so_that_pictures_do_not_clash():
    svg = '<g clip-path="url(#clip77)"/><clipPath id="clip77"></clipPath><clipPath id="clip9"></clipPath>'
    assert (
        with_own_ids(svg, "a-")
        == '<g clip-path="url(#a-0)"/><clipPath id="a-0"></clipPath><clipPath id="a-1"></clipPath>'
    )


def test_given_tick_values_are_all_kept():
    assert "tickCount" not in axis("x", values=[1, 2]).to_dict()
    assert axis("x").to_dict()["tickCount"] == 5
