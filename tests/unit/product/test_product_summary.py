"""What `exojoint lot` shows: numbers for a machine, text for a terminal, a chart with units and caption."""

import json

import pytest

from exojoint.product.instruments.nanosight import parse_nanosight
from exojoint.product.summary import size_chart, summarise_nta, summary_text, text_plot


def test_the_summary_is_plain_json_with_units_in_its_keys(vesicles):
    summary = summarise_nta(vesicles)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["concentration_per_ml"] == pytest.approx(1.05e11, rel=1e-3)
    assert summary["dilution"] == 500
    assert summary["d50_nm"] == pytest.approx(130, abs=1)
    assert summary["lognormal"]["gsd"] == pytest.approx(1.4, abs=0.01)
    assert [video["name"] for video in summary["per_video"]] == ["vesicles_00", "vesicles_01", "vesicles_02"]
    assert summary["beads"] == []


def test_a_single_video_has_no_error_in_its_summary(synthetic):
    summary = summarise_nta(parse_nanosight(synthetic(videos=1), "one.csv"))
    assert summary["standard_error_per_ml"] is None
    assert json.dumps(summary, allow_nan=False)


def test_the_text_names_method_unit_and_dilution(vesicles):
    text = summary_text(vesicles)
    assert "1.05e+11 particles/mL by NTA (SE" in text
    assert "500, already applied" in text
    assert "D50 130." in text
    assert "warning" not in text


def test_the_text_of_beads_says_so_and_lists_the_warnings(beads_32):
    text = summary_text(beads_32)
    assert "CALIBRATION BEADS, not vesicles" in text
    assert "dilution       not recorded" in text
    assert text.count("warning: ") == 3


def test_the_plot_shows_nearly_all_particles_with_the_longest_bar_at_the_mode(vesicles):
    lines = text_plot(vesicles).splitlines()[1:]
    shares = [float(line.split("%")[0].split()[-1]) for line in lines]
    assert sum(shares) == pytest.approx(100, abs=1.5)
    longest = max(lines, key=lambda line: line.count("#"))
    low, high = (float(edge) for edge in longest.split()[0].split("-"))
    assert low <= vesicles.size.mode <= high + 15
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("videos", [1, 3, 30])
def test_the_chart_is_a_small_self_contained_spec_with_units_and_caption(synthetic, videos):
    spec = size_chart(parse_nanosight(synthetic(videos=videos), "lot.csv")).to_dict()
    text = json.dumps(spec)
    assert "diameter (nm)" in text
    assert "concentration (particles per mL and nm)" in text
    assert "particles/mL by NTA" in text
    assert "http" not in text.replace(spec["$schema"], "")
    assert len(spec["layer"]) == (2 if videos == 30 else 3)
    assert ("one standard error" in text) is (videos > 1)


def test_the_chart_of_the_mean_holds_the_whole_concentration(vesicles):
    tables = size_chart(vesicles).to_dict()["datasets"].values()
    points = next(table for table in tables if "low" in table[0])
    step = points[1]["d"] - points[0]["d"]
    assert sum(point["y"] for point in points) * step == pytest.approx(vesicles.concentration_per_ml, rel=0.015)
    assert all(point["low"] <= point["y"] <= point["high"] for point in points)


def test_the_chart_of_beads_carries_its_mark(beads_34):
    assert "Calibration beads, not vesicles." in json.dumps(size_chart(beads_34).to_dict())


def test_the_chart_renders_without_a_browser(vesicles, tmp_path):
    path = tmp_path / "lot.svg"
    size_chart(vesicles).save(path)
    assert "diameter (nm)" in path.read_text()
