"""The command runs, and the committed results are those of the committed twins."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from validation.twins.__main__ import HERE, SHIPPED, run
from validation.twins.judge import domain
from validation.twins.report import load_reasons, rounded, write_report
from validation.twins.twin import load_twins

NOISE = 3.0  # of few draws, in SDs of knowledge: a small run must stay within it of the committed median


@pytest.fixture(scope="module")
def committed():
    """Results as committed."""
    return pl.read_csv(HERE / "results" / "twins.csv", infer_schema_length=None)


@pytest.fixture(scope="module")
def small():
    """A run with few draws."""
    return run(draws=12)[0]


def test_a_small_run_agrees_with_the_committed_table(small, committed):
    """Medians lie where the committed ones lie, and the published numbers are the same."""
    both = small.join(committed, on="id", suffix="_committed", validate="1:1")
    assert both.height == committed.height
    for row in both.iter_rows(named=True):
        reach = NOISE * (row["sd_knowledge_committed"] + row["sd_sampling_committed"] + row["sd_between_committed"])
        assert abs(row["middle"] - row["middle_committed"]) <= reach, row["id"]
        assert row["published"] == row["published_committed"]


def test_the_report_of_a_small_run_names_every_twin_and_both_criteria(small, tmp_path):
    """Nothing is left out of the report."""
    write_report(tmp_path, load_twins(), small, "posterior")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Coverage" in text
    assert "interval score" in text
    assert all(f"### {twin.name}" in text for twin in load_twins())
    assert Path(tmp_path / "intervals.svg").stat().st_size > 4000


def test_the_shipped_tables_are_the_committed_results(committed):
    """What reports of runs show is what was committed here."""
    shipped = pl.read_csv(SHIPPED / "twins.csv", infer_schema_length=None)
    assert shipped.drop("why").equals(rounded(committed))
    assert dict(shipped.select("id", "why").iter_rows()) == load_reasons()
    spans = pl.read_csv(SHIPPED / "twins_domain.csv", infer_schema_length=None)
    assert spans.select("twin", "treatment").equals(domain(load_twins()).select("twin", "treatment"))
