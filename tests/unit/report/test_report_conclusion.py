"""The paragraph under the verdict: one injection, what would turn the call, what to measure."""

from __future__ import annotations

import dataclasses

import polars as pl
import pytest

from exojoint.report.build import build_report
from exojoint.report.conclusion import summary
from exojoint.report.data import RunData, load_run
from exojoint.report.drawing import WIDE
from exojoint.report.figures_sensitivity import draw_heat_map, draw_tornado, heat_map
from exojoint.report.words import signs


@pytest.fixture(scope="module")
def data(pristine):
    return load_run(pristine)


def changed(data: RunData, **tables: pl.DataFrame) -> RunData:
    return dataclasses.replace(data, tables={**data.tables, **tables})


def paragraphs(data: RunData) -> dict[str, str]:
    return {head: said.replace("\u00a0", " ") for head, said in summary(data)}


def test_one_injection_comes_first_with_its_chance_and_monte_carlo_error(data):
    said = paragraphs(data)["What one injection would do."]
    assert said.startswith("5e11 particles of “Synthetic vesicles” given once instead of 3 times would change")
    assert "knee pain at week 26 by −0.6" in said
    assert "a true difference of −5.0 points is 2 % (Monte Carlo error 4 %)" in said
    assert "All 3, as planned: −1.9" in said
    assert "a go asks for at least 60 %" in said
    assert "0.058 mm or more) has a chance of 0 % after one injection" in said


def test_the_smallest_step_that_turns_the_call_is_named_and_stronger_ones_are_not(data):
    said = paragraphs(data)["What would change it."]
    assert "from learn first to go with: dose x 10 (62 % ± 4 %)." in said
    assert "dose x 100" not in said
    assert "from learn first to no-go with: released from a gel (5 % ± 4 %)." in said
    assert "potency_inflammation, synthetic meaning, if it were 4.00 instead of 1.00 relative (2.3" in said
    assert "frac_uptake_macrophage" not in said


def test_when_nothing_turns_the_call_the_page_says_so_and_names_what_comes_closest(data):
    alternatives = data.tables["alternatives"].with_columns(
        call=pl.lit("learn"), probability=pl.col("probability").clip(0.0, 0.4)
    )
    turning = data.tables["turning"].with_columns(turns=pl.lit(False))
    said = paragraphs(changed(data, alternatives=alternatives, turning=turning))["What would change it."]
    assert said.startswith("None of 4 other ways to give it would turn the call from learn first")
    assert "The highest chance of reaching what a go asks for is 40 % ± 4 %, with dose x 10" in said
    assert "No single one of the 2 leading unknowns" in said
    assert "closest comes potency_inflammation" in said


def test_the_measurement_is_given_with_its_value_and_the_error_of_that(data):
    said = paragraphs(data)["What to measure first."]
    assert "more likely by 4.2 points in 100 (Monte Carlo error 1)" in said
    assert "decides 31 % of the yes or no" in said


def test_a_measurement_that_hardly_helps_is_not_praised(data):
    little = data.tables["experiments"].with_columns(gain=pl.lit(0.002))
    said = paragraphs(changed(data, experiments=little))["What to measure first."]
    assert "only 0.20 points in 100" in said
    assert "already clear in most of what is possible" in said


def test_a_plan_of_one_injection_speaks_of_it_as_planned(data):
    single = data.tables["alternatives"].filter(pl.col("variant") != "once")
    said = paragraphs(changed(data, alternatives=single))["What one injection would do."]
    assert "given once, as planned, would change knee pain" in said
    assert "All 3" not in said


def test_a_run_without_these_tables_has_no_such_paragraph(data):
    tables = {name: frame for name, frame in data.tables.items() if name != "alternatives"}
    assert summary(dataclasses.replace(data, tables=tables)) == ()


def test_the_paragraph_stands_directly_under_the_verdict(run, without_pictures):
    without_pictures()
    page = build_report(run).read_text(encoding="utf-8")
    verdict, paragraph, contents = (page.index(part) for part in ('class="verdict', 'class="summary"', "<nav"))
    assert verdict < paragraph < contents


def test_the_tornado_says_in_words_what_each_bar_says_and_shows_the_widest_first(data):
    own = data.tables["main_effects"].filter(pl.col("endpoint") == "womac_pain")
    drawn = draw_tornado("tornado", own, [-5.0], WIDE)
    assert drawn is not None
    assert drawn.alt.startswith(
        "Bars by unknown, from low to high. potency_inflammation: −1.05 when low, −2.95 when high."
    )
    assert "1.7 standard deviations" in drawn.caption


def test_the_heat_map_leaves_out_what_carries_nothing(data):
    drawn = heat_map(data, WIDE)
    assert drawn is not None
    assert "womac_pain/182: mostly potency_inflammation (31\u00a0%)." in drawn.alt
    nothing = data.tables["main_effects"].with_columns(share=pl.lit(0.0), up=pl.lit(True))
    assert draw_heat_map("heat_map", nothing, WIDE) is None


def test_signs_of_a_program_are_printed_as_signs():
    assert (
        signs("P(x of a-b at day 1 <= -5 point) >= 0.6 (0.1 +- 0.2)")
        == "P(x of a-b at day 1 ≤ −5 point) ≥ 0.6 (0.1 ± 0.2)"
    )


def test_turned_calls_that_are_no_go_still_say_that_nothing_makes_it_one(data):
    table = data.tables["alternatives"].with_columns(call=pl.col("call").replace({"go": "no-go"}))
    said = paragraphs(changed(data, alternatives=table))["What would change it."]
    assert "None of the 4 ways that were tried makes it a go" in said
