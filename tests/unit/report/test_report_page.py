"""The page: self-contained, escaped, complete, honest about what is missing."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from exojoint.core.errors import InputError
from exojoint.report.build import build_report, render
from exojoint.report.data import load_run
from exojoint.report.tables import adverse_events, effects, operating, outcomes, performance, population
from exojoint.report.tables_ground import lots, refusals, shares, single_lots
from exojoint.report.words import changes, conclusions, criteria, direction, mirna, plain
from exojoint.runs.verdict import Interval, Mirna, Operating, Reason, Variance

ATTRIBUTES_THAT_LOAD = {"src", "srcset", "data", "poster", "background", "action", "formaction", "xlink:href"}


ORDER = (
    "Learn first",
    "Why",
    "What the model concludes",
    "What would change it",
    "In plain language",
    "true difference",
    "How the trial behaves",
    "false positives (type I error)",
    "power",
    "assurance",
    "Course",
    "Vesicles and dose",
    "miRNA:",
    "Population",
    "How the solves ended",
    "Lots",
    "What drives the verdict",
    "Evidence grades",
    "Methods and accuracy",
    "References used in this run",
    "Glossary",
    "Reproduce it",
    "5e1fab1e5e1fab1e",
    "20260101",
)


class Page(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def html(reported: Path) -> str:
    return (reported / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_loads_nothing_and_runs_nothing(html, page):
    assert not {"script", "link", "iframe", "object", "embed", "img", "image", "form", "base"} & set(page.tags)
    assert not [item for item in page.attributes if item[1] in ATTRIBUTES_THAT_LOAD or item[1].startswith("on")]
    for tag, name, value in page.attributes:
        if name == "href":
            assert tag == "a"
            assert value.startswith(("#", "https://"))
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    assert "default-src 'none'" in html


def test_hostile_names_are_shown_as_text(html, page):
    assert "<script" not in html
    assert "<script>alert(1)</script>{{7*7}}" in page.text
    assert "49" not in page.text.split("Exojoint report")[1][:200]
    assert '"><img src=x onerror=alert(2)> {arm} once = 1?' in page.text
    assert "saline {braces} href=javascript:alert(3)" in page.text
    assert "\x01" not in html


def test_an_address_that_is_no_web_address_is_not_a_link(page):
    assert "Another synthetic reference" in page.text
    assert not [value for _, name, value in page.attributes if name == "href" and "javascript" in value]


def test_the_page_has_every_section_in_order_and_false_positives_before_power(page):
    text = page.text[page.text.index("Exojoint report") :]
    head, body = text.split("Reproduce\n", 1)
    text, position = head.split("Why")[0] + body, -1
    for word in ORDER:
        found = text.find(word, position + 1)
        assert found > position, word
        position = found


def test_every_contents_link_has_its_target(page):
    ids = {value for _, name, value in page.attributes if name == "id"}
    links = {value[1:] for _, name, value in page.attributes if name == "href" and value.startswith("#")}
    assert links
    assert links <= ids
    all_ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(all_ids) == len(set(all_ids))


def test_every_figure_has_words_for_who_cannot_see_it_and_a_mark(page):
    pictures = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"]
    assert len(pictures) == 2 * 11
    assert all(len(value) > 40 for value in pictures)
    assert page.text.count("SIMULATED · SYNTHETIC DATA") == 12


def test_tables_scroll_in_their_own_box_and_the_page_fits_a_phone(html):
    assert html.count('<div class="scroll"') == html.count("<table>")
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in html
    assert "@media (max-width: 640px)" in html
    assert "@media print" in html
    assert "prefers-color-scheme: dark" in html


def test_synthetic_and_failed_patients_are_visible(page):
    assert "SYNTHETIC DATA: every number in this run was made up" in page.text
    assert "did not come to rest before treatment" in page.text
    assert "12,800\n(3)" in page.text


def test_building_twice_gives_the_same_bytes(reported):
    before = {
        path: path.read_bytes() for path in [reported / "report.html", *sorted((reported / "figures").glob("*.svg"))]
    }
    build_report(reported)
    assert {path: path.read_bytes() for path in before} == before


def test_reading_a_run_in_words_and_tables_does_not_load_the_drawing_library():
    rooms = "exojoint.report.words, exojoint.report.tables_ground"
    code = f"import sys, {rooms}; print('altair' in sys.modules or 'vl_convert' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_missing_tables_leave_a_page_that_says_what_it_has(synthetic, tmp_path, without_pictures):
    without_pictures()
    gone = (
        "draws",
        "trials",
        "curves",
        "trajectories",
        "vesicles",
        "dose_response",
        "performance",
        "population",
        "lots",
    )
    folder = synthetic.make_run(tmp_path, leave_out=gone)
    (folder / "lineage.json").unlink()
    text = build_report(folder).read_text(encoding="utf-8")
    assert "Learn first" in text
    assert "The tables of this run have changed since it was finished" in text
    assert "SYNTHETIC" in text


def test_a_changed_table_is_told(run, without_pictures):
    without_pictures()
    assert "yes, all checksums agree" in build_report(run).read_text(encoding="utf-8")
    verdict = json.loads((run / "verdict.json").read_text())
    (run / "verdict.json").write_text(json.dumps(verdict | {"warnings": []}))
    assert "NO: a file has changed" in build_report(run).read_text(encoding="utf-8")


def test_what_is_no_run_is_refused(tmp_path, run):
    with pytest.raises(InputError, match="not a run folder"):
        build_report(tmp_path / "nothing")
    (tmp_path / "link").symlink_to(run)
    with pytest.raises(InputError, match="not a run folder"):
        build_report(tmp_path / "link")
    with pytest.raises(InputError, match=r"manifest\.json"):
        build_report(tmp_path)


@pytest.mark.parametrize("name", ["verdict.json", "draws.parquet", "report.html", "figures"])
def test_links_in_a_run_folder_are_not_followed(run, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    if name == "figures":
        elsewhere.mkdir()
    elif (run / name).exists():
        (run / name).rename(elsewhere)
    else:
        elsewhere.write_text("precious")
    (run / name).symlink_to(elsewhere)
    with pytest.raises(InputError, match=r"symbolic link|not a folder of the run"):
        build_report(run)
    if name == "report.html":
        assert elsewhere.read_text() == "precious"
    if name == "figures":
        assert list(elsewhere.iterdir()) == []


def changed(data, **more):
    return dataclasses.replace(data, verdict=dataclasses.replace(data.verdict, **more))


def test_the_words_follow_the_numbers(pristine):
    data = load_run(pristine)
    effect = data.verdict.effects[0]
    sure = dataclasses.replace(effect, true=Interval(-4.0, -6.0, -2.0))
    assert direction(sure) == "better for the patient"
    assert direction(dataclasses.replace(sure, true=Interval(4.0, 2.0, 6.0))) == "worse for the patient"
    assert direction(dataclasses.replace(sure, true=Interval(0.0, -2.0, 2.0))) == "the direction is not certain"
    assert direction(dataclasses.replace(sure, endpoint="unknown")) == "different from zero"
    assert "too few to silence" in mirna(data)
    assert "enough to silence" in mirna(changed(data, mirna=Mirna(5000.0)))
    text = " ".join(conclusions(changed(data, effects=(sure,))))
    assert "Knee pain at week 26: the true difference of exosome from saline is −4.0 points" in text
    assert "(Monte Carlo error 0.6\u00a0%; stated: 5.0\u00a0%)" in text
    silent = changed(data, effects=(dataclasses.replace(sure, estimate=None),), operating=Operating(None, None, None))
    text = " ".join(conclusions(silent))
    assert "No trial of this design gave an estimate." in text
    assert "without any effect" not in text


def test_plain_words_say_what_also_comes_with_the_control(pristine):
    text = " ".join(plain(load_run(pristine)))
    assert "No person was treated" in text
    assert re.search(r"about 8\d parts in 100 also come with saline", text)
    assert "The difference is largest around" in text
    assert "nobody has measured yet" in text


def test_a_criterion_on_the_edge_is_named_as_such(pristine):
    reasons = (
        Reason("go: pain relief is likely: P(x <= -5) >= 0.6", 0.6, 0.55, 0.06, False),
        Reason("plain text", 0.5, 0.9, 0.01, True),
    )
    data = changed(load_run(pristine), reasons=reasons)
    first, second = criteria(data)
    assert (first.side, first.name, first.rule, first.near) == (
        "go",
        "pain relief is likely",
        "P(x ≤ −5) ≥ 0.6",
        True,
    )
    assert (second.side, second.name, second.near) == ("", "plain text", False)
    assert "more knowledge draws could turn it" in next(iter(changes(data)))
    assert "Measuring potency_inflammation (synthetic meaning) would change it most" in " ".join(changes(data))


def test_tables_hold_the_numbers_of_the_run(pristine):
    data = load_run(pristine)
    shown = effects(data)
    assert shown is not None
    assert shown.rows[0][0] == "knee pain, week 26\nexosome − saline, points"
    assert shown.rows[0][1].startswith("−1.9\n−3.7")
    rates = operating(data)
    assert rates is not None
    assert [row[0] for row in rates.rows[:4]] == ["false positives (type I error)"] * 3 + ["power (middle draw)"]
    margins = population(data)
    assert margins is not None
    assert margins.rows[0] == ("age, mean (years)", "62.0", "60.9", "62.0")
    assert outcomes(data).rows[0] == ("solved", "12,797", "99.98\u00a0%")
    properties = lots(data)
    singles = single_lots(data)
    assert properties is not None
    assert singles is not None
    assert ("released", "11 of 12 yes") in properties.rows
    assert len(singles.rows) == 12
    assert singles.heads[4] == "concentration (particles/mL)"
    drivers = shares(data)
    assert drivers is not None
    assert drivers.rows[0][:3] == ("potency_inflammation\nsynthetic meaning", "31.0\u00a0%", "assumed")


def test_refused_lots_are_counted_by_what_they_failed_on(pristine):
    data = load_run(pristine)
    assert refusals(data) is None
    said = ["purity: 1 (fails); endotoxin: 2, limits 0 to 1 (fails)", "purity: 1 (fails)", "sterile: yes", None] * 3
    table = data.tables["lots"].with_columns(release_reasons=pl.Series(said))
    found = refusals(dataclasses.replace(data, tables={"lots": table}))
    assert found is not None
    assert found.rows == (("purity", "6"), ("endotoxin", "3"))


def test_lots_with_many_or_long_words_are_counted_and_empty_ones_left_out(pristine):
    data = load_run(pristine)
    table = data.tables["lots"].with_columns(
        operator=pl.Series([f"robot {index}" for index in range(12)]), source=pl.lit("x" * 200), process=pl.lit("")
    )
    rows = dict(lots(dataclasses.replace(data, tables={"lots": table})).rows)
    assert rows["operator"] == "12 different"
    assert rows["source"] == "x" * 89 + "…"
    assert "process" not in rows


def test_adverse_events_are_summed_over_the_draws(pristine):
    data = load_run(pristine)
    assert adverse_events(data) is None
    rows = {"draw": [0, 1], "event": ["flare"] * 2, "arm": ["exosome"] * 2, "n": [100, 100], "n_patients": [10, 20]}
    table = pl.DataFrame(rows | {"n_injections": [300, 300], "n_events": [12, 24]})
    found = adverse_events(dataclasses.replace(data, tables={"adverse_events": table}))
    assert found is not None
    assert found.rows == (("flare", "exosome", "15.0\u00a0%", "6.00"),)


def test_measures_that_are_no_shares_are_plain_numbers_and_all_visits_stand_apart(pristine):
    data = load_run(pristine)
    more = pl.DataFrame(
        {
            "measure": ["bias", "dropout", "power"],
            "endpoint": ["womac_pain", "", "womac_pain"],
            "day": [182.0, 0.0, 28.0],
        }
    ).with_columns(value=0.25, mc_error=0.01, n=64)
    table = pl.concat([data.tables["performance"], more.cast(dict(data.tables["performance"].schema))])
    data = dataclasses.replace(data, tables={"performance": table})
    everything = performance(data)
    assert everything is not None
    assert ("bias (estimate − truth)", "knee pain, week 26", "0.250", "0.010", "64") in everything.rows
    assert ("patients who left", "–", "25.0\u00a0%", "1.00\u00a0%", "64") in everything.rows
    headline = operating(data)
    assert headline is not None
    assert not [row for row in headline.rows if "week 4" in row[1]]


def test_the_page_speaks_of_the_first_effect_of_each_endpoint(pristine):
    data = load_run(pristine)
    early = dataclasses.replace(data.verdict.effects[0], id="effects/exosome/womac_pain/28", day=28)
    more = changed(data, effects=(*data.verdict.effects, early))
    assert more.heads == data.heads
    assert "week 4" not in " ".join(conclusions(more))
    shown = effects(more)
    assert shown is not None
    assert "week 4" in shown.rows[-1][0]


def test_a_verdict_without_effects_or_shares_still_makes_a_page(pristine):
    bare = changed(
        load_run(pristine), effects=(), variance=Variance({}, {}, 0.0), operating=Operating(None, None, None)
    )
    text = render(dataclasses.replace(bare, lineage=None, tables={}), {})
    assert "Learn first" in text
