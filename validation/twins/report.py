"""The qualification report: Markdown, a table and a picture, all from the judged rows."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from validation.twins.judge import REASONS, Summary, chance_of_passing, summaries
from validation.twins.picture import picture
from validation.twins.scoring import COVERAGE_WANTED
from validation.twins.twin import Twin

HEADS = ("value", "published", "model, 80 %", "inside", "PIT", "score", "naive, 80 %", "score", "why")
DIGITS = 3
ANALYSIS = REASONS.with_name("analysis.md")


def write_report(folder: Path, twins: Sequence[Twin], table: pl.DataFrame, knowledge: str) -> None:
    """Write `twins.csv`, `report.md` and `intervals.svg` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded(table).write_csv(folder / "twins.csv")
    (folder / "intervals.svg").write_text(picture(table), encoding="utf-8")
    (folder / "report.md").write_text(text(twins, table, knowledge), encoding="utf-8")


def rounded(table: pl.DataFrame) -> pl.DataFrame:
    """Numbers to four significant digits: what a second processor family reproduces."""
    return table.with_columns(pl.selectors.float().round_sig_figs(4))


def text(twins: Sequence[Twin], table: pl.DataFrame, knowledge: str) -> str:
    """The report as Markdown."""
    found = summaries(table)
    numbers, words = table.filter(pl.col("published").is_not_null()), table.filter(pl.col("published").is_null())
    parts = [
        "# Twins: qualification report",
        f"{len(twins)} published trials and experiments that nothing was fitted to; {numbers.height} published numbers "
        f"and {words.height} statements of no difference. Knowledge: {knowledge}, {table['draws'].max()} draws. "
        "`python -m validation.twins` makes this page.",
        "## Are the intervals honest?",
        *verdicts(found[0]),
        summary_table(found),
        "Scores are mean interval scores in SDs between the trials of each value's class; smaller is better. PIT "
        "spread is 1 for honest intervals, above 1 for too narrow ones.",
        "![intervals](intervals.svg)",
        "## Why",
        ANALYSIS.read_text(encoding="utf-8").strip(),
        "## Published numbers",
        number_table(numbers),
        "## Statements of no difference",
        "A paper that prints no number says only that its estimate was not significant. The probability is what the "
        "forecast gives to such a statement at the size of the trial; they are not in the coverage.",
        statement_table(words),
        "## The trials",
        *(block(twin) for twin in twins),
    ]
    return "\n\n".join(parts) + "\n"


def verdicts(found: Summary) -> list[str]:
    """Both criteria in plain words."""
    low, high = (f"{100 * share:.0f}" for share in COVERAGE_WANTED)
    covered = round(found.coverage * found.n)
    first = (
        f"- **Coverage {'holds' if found.honest else 'FAILS'}**: {covered} of {found.n} published numbers lie in their "
        f"80 % prediction interval ({100 * found.coverage:.0f} %; wanted {low} to {high} %). Honest intervals would "
        f"pass with probability {chance_of_passing(found.n):.2f}, if the values were independent."
    )
    second = (
        f"- **The interval score is {'better' if found.better else 'NOT better'} than the naive forecast's**: "
        f"{found.score:.2f} against {found.naive_score:.2f} on the same values; smaller on {found.wins} of {found.n}."
    )
    return [first + "\n" + second]


def summary_table(found: Sequence[Summary]) -> str:
    """One line per group of values."""
    lines = [
        "| values | n | coverage | naive | score | naive | better on | PIT spread |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {item.name} | {item.n} | {100 * item.coverage:.0f} % | {100 * item.naive_coverage:.0f} % "
        f"| {item.score:.2f} | {item.naive_score:.2f} | {item.wins} | {item.pit:.2f} |"
        for item in found
    ]
    return "\n".join(lines)


def number_table(rows: pl.DataFrame) -> str:
    """One line per published number."""
    reasons = load_reasons()
    lines = ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    for row in rows.iter_rows(named=True):
        cells = (
            f"**{row['id']}** {row['what']} ({row['unit']}{', recalled' if row['grade'] == 'recalled' else ''})",
            said(row["published"]),
            f"{said(row['middle'])} ({said(row['lo'])} to {said(row['hi'])})",
            "yes" if row["agrees"] else "**no**",
            f"{row['pit']:.2f}",
            f"{row['score']:.2f}",
            f"{said(row['naive_middle'])} ({said(row['naive_lo'])} to {said(row['naive_hi'])})",
            f"{row['naive_score']:.2f}",
            reasons.get(row["id"], ""),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def statement_table(rows: pl.DataFrame) -> str:
    """One line per statement."""
    reasons = load_reasons()
    lines = ["| value | statement | model, 80 % | probability of the statement | why |", "|---|---|---|---|---|"]
    for row in rows.iter_rows(named=True):
        lines.append(
            f"| **{row['id']}** {row['what']} ({row['unit']}) | {row['statement']} | {said(row['middle'])} "
            f"({said(row['lo'])} to {said(row['hi'])}) | {row['probability']:.2f}{'' if row['agrees'] else ' **no**'} "
            f"| {reasons.get(row['id'], '')} |"
        )
    return "\n".join(lines)


def block(twin: Twin) -> str:
    """What a twin is, why it is fair, what was fitted near it and what had to be assumed."""
    words = twin.words
    lines = [f"### {twin.name}", f"{twin.citation}. Grade: {twin.grade}. {words['link']}".strip()]
    lines += [f"- Why it is a test: {words['fair']}", f"- Fitted nearby: {words['fitted']}"]
    lines += [f"- Assumed: {words['assumed']}"]
    lines += [f"- Shared with a target: {words['shared']}"] if words["shared"] else []
    return "\n".join(lines)


def said(number: float) -> str:
    """A number to three digits, in plain notation."""
    return f"{number:.{DIGITS}g}" if abs(number) >= 10**-DIGITS else f"{number:.3f}"


def load_reasons(path: Path = REASONS) -> dict[str, str]:
    """Read why each value agrees or not, written after the comparison and changing nothing in it."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["why"] for row in csv.DictReader(file)}
