"""Trace: walks a headline number back, for people as a tree, for machines as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exojoint.core.errors import InputError, Problem, did_you_mean
from exojoint.runs.lineage import Headline, Paper, Quantity, Source, read_lineage
from exojoint.runs.records import to_plain

SHOWN = 12
"""Parameters printed in the tree; the JSON has all of them."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A headline with everything behind it: parameters (largest share first), their sources, the papers."""

    run: str
    headline: Headline
    parameters: tuple[Quantity, ...]
    sources: Mapping[str, Source]
    papers: Mapping[str, Paper]

    def text(self, shown: int = SHOWN) -> str:
        """Print the walk as a tree: number, tables, parameters, facts, papers."""
        return "\n".join(_lines(self, shown))

    def data(self) -> dict[str, Any]:
        """Plain data of the whole walk, ready for JSON."""
        return {
            "run": self.run,
            "headline": to_plain(self.headline),
            "parameters": [to_plain(item) for item in self.parameters],
            "sources": [to_plain(item) for item in self.sources.values()],
            "papers": [to_plain(item) for item in self.papers.values()],
        }


def trace(run: Path, number: str) -> Trace:
    """Walk a headline number of a run back to its draws, parameters, facts and papers.

    Parameters
    ----------
    run
        Run folder.
    number
        Id of the number, as in `verdict.json`, for example ``effects/exosome/womac_pain/182`` or ``operating/power``.

    Raises
    ------
    InputError
        When the run has no such number (all ids are listed), or its lineage cannot be read.
    """
    lineage = read_lineage(run)
    headlines = {item.id: item for item in lineage.headlines}
    if number not in headlines:
        todo = did_you_mean(number, headlines) or "Use an id of the list."
        raise InputError(
            Problem(
                f"run {lineage.run}", f"there is no number {number[:100]!r}", f"one of {', '.join(headlines)}", todo
            )
        )
    headline = headlines[number]
    by_name = {item.name: item for item in lineage.parameters}
    parameters = tuple(by_name[name] for name in headline.parameters)
    wanted = {key for item in parameters for key in item.sources}
    sources = {item.key: item for item in lineage.sources if item.key in wanted}
    cited = {key for item in sources.values() for key in item.papers}
    return Trace(
        lineage.run, headline, parameters, sources, {item.key: item for item in lineage.papers if item.key in cited}
    )


def _lines(found: Trace, shown: int) -> Iterator[str]:
    headline = found.headline
    value = "not available" if headline.value is None else f"{headline.value:.4g} {_unit(headline.unit)}".strip()
    yield f"{headline.id} = {value}"
    yield f"  {headline.text}; run {found.run}, {headline.draws} knowledge draws"
    yield "  tables"
    for origin in headline.origins:
        yield f"    {origin.table}: {', '.join(origin.columns)}" + (f" where {origin.rows}" if origin.rows else "")
    yield f"  parameters ({len(found.parameters)}, largest share of the variance first)"
    for parameter in found.parameters[:shown]:
        yield from _parameter_lines(found, parameter)
    if len(found.parameters) > shown:
        yield f"    and {len(found.parameters) - shown} more (--json lists all)"


def _parameter_lines(found: Trace, parameter: Quantity) -> Iterator[str]:
    share = found.headline.shares.get(parameter.name)
    says = "" if share is None else f", {100 * share:.1f} % of the variance"
    number = f"{parameter.value:.4g} {_unit(parameter.unit)}".strip()
    yield f"    {parameter.name} = {number} [{parameter.grade}]{says} ({parameter.place})"
    if parameter.knowledge:
        yield f"      calibrated, {parameter.knowledge}"
    for key in parameter.sources:
        source = found.sources[key]
        mark = f" [{source.verified}]" if source.verified else ""
        yield f"      {key}: {source.text}{mark}"
        for paper in source.papers:
            yield f"        {found.papers[paper].text} {found.papers[paper].url}".rstrip()


def _unit(unit: str) -> str:
    return "" if unit == "1" else unit
