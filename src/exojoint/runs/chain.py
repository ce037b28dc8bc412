"""Chain: builds the lineage of a run from its verdict, the parameter table, the fact rows and the references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from exojoint.core.references import Reference
from exojoint.core.tables import ASSUMED, Parameter
from exojoint.runs.lineage import Headline, Lineage, Origin, Paper, Quantity, Source
from exojoint.runs.manifest import Citation
from exojoint.runs.verdict import Effect, VerdictFile

Shares = Mapping[str, Mapping[str, float]]
Facts = Mapping[str, Mapping[str, str]]
NOTHING: Mapping[str, str] = MappingProxyType({})


def make_lineage(
    verdict: VerdictFile,
    draws: int,
    parameters: Mapping[str, Parameter],
    shares: Shares,
    facts: Facts,
    references: Mapping[str, Reference],
    knowledge: Mapping[str, str] = NOTHING,
) -> Lineage:
    """Chain every headline of a verdict to the rows, parameters, facts and papers behind it.

    Parameters
    ----------
    verdict
        The verdict whose numbers are chained.
    draws
        Knowledge draws of the run.
    parameters
        Every parameter the run read.
    shares
        By headline id: share of its variance by parameter name. A headline without an entry keeps the parameters'
        order and no shares.
    facts
        By fact id: the row (columns `quantity`, `value`, `unit`, `citation`, `year`, `doi_or_pmid`, `url`, `verified`).
    references
        By key: entries of the bibliography.
    knowledge
        By parameter name: what calibration made of it, in words.
    """
    finish = partial(_with_parameters, names=tuple(parameters), shares=shares)
    quantities = tuple(
        Quantity(
            item.name, item.value, item.unit, item.grade, f"{item.table} row {item.row}", item.note, item.source,
            knowledge.get(item.name, ""),
        )
        for item in parameters.values()
    )  # fmt: skip
    keys = sorted({key for item in quantities for key in item.sources})
    sources, papers = _sources(keys, facts, references)
    headlines = tuple(finish(item) for item in _headlines(verdict, draws))
    return Lineage(verdict.run, headlines, quantities, sources, papers)


def citations(lineage: Lineage) -> tuple[Citation, ...]:
    """References the run used, alphabetically, for the manifest and the report."""
    return tuple(
        sorted((Citation(item.key, item.text, item.url) for item in lineage.papers), key=lambda item: item.text)
    )


def _with_parameters(headline: Headline, names: tuple[str, ...], shares: Shares) -> Headline:
    own = {name: float(share) for name, share in shares.get(headline.id, {}).items()}
    order = sorted(names, key=lambda name: (-own.get(name, 0.0), names.index(name)))
    return Headline(
        headline.id, headline.text, headline.value, headline.unit, headline.origins, headline.draws, tuple(order), own
    )


def _headlines(verdict: VerdictFile, draws: int) -> Iterator[Headline]:
    for effect in verdict.effects:
        yield _effect_headline(effect, draws)
    words = {"type1": "false positives on the null product", "power": "power", "assurance": "mean power over the draws"}
    for name, text in words.items():
        rate = getattr(verdict.operating, name)
        if rate is not None:
            rows = (
                Origin("performance.parquet", ("value", "mc_error", "n"), f"measure = {name}"),
                Origin("trials.parquet", ("p", "estimate"), ""),
            )
            yield Headline(f"operating/{name}", text, rate.value, "1", rows, draws)
    for index, reason in enumerate(verdict.reasons):
        rows = (Origin("verdict.json", ("reasons",), f"row {index}"), Origin("draws.parquet", ("difference",), ""))
        yield Headline(f"reasons/{index}", f"probability of: {reason.criterion}", reason.probability, "1", rows, draws)
    mirna, copies = (Origin("verdict.json", ("mirna",), ""),), verdict.mirna.copies_per_cell
    yield Headline("mirna/copies_per_cell", "copies of a miRNA that reach a cell", copies, "copy/cell", mirna, draws)


def _effect_headline(effect: Effect, draws: int) -> Headline:
    origins = (
        Origin("draws.parquet", ("arm_mean", "control_mean", "difference"), f"effect = {effect.id}"),
        Origin(
            "trials.parquet",
            ("estimate", "se", "lo", "hi"),
            f"arm = {effect.arm}, endpoint = {effect.endpoint}, day = {effect.day:g}",
        ),
        Origin("curves.parquet", ("mean", "lo", "hi"), f"endpoint = {effect.endpoint}"),
    )
    what = f"{effect.arm} minus {effect.control} in {effect.endpoint} on day {effect.day:g}"
    text = f"true difference, {what}, mean over the draws"
    return Headline(effect.id, text, effect.true.mean, effect.unit, origins, draws)


def _sources(
    keys: Iterable[str], facts: Facts, references: Mapping[str, Reference]
) -> tuple[tuple[Source, ...], tuple[Paper, ...]]:
    sources: list[Source] = []
    papers: dict[str, Paper] = {}
    for key in keys:
        if key in facts:
            sources.append(_fact_source(key, facts[key], papers))
        elif key in references:
            papers[key] = _paper(references[key])
            sources.append(Source(key, papers[key].text, "", (key,)))
        else:
            says = "nobody has measured it" if key == ASSUMED else "named in the table, no further record"
            sources.append(Source(key, says, "", ()))
    return tuple(sources), tuple(papers[key] for key in sorted(papers))


def _fact_source(key: str, row: Mapping[str, str], papers: dict[str, Paper]) -> Source:
    """A fact with its paper; facts of one publication share the paper."""
    value = " ".join(part for part in (row.get("value", ""), row.get("unit", "")) if part)
    text = row.get("quantity", "") + (f" = {value}" if value else "")
    citation = " ".join(part for part in (row.get("citation", ""), row.get("year", "")) if part)
    if not citation:
        return Source(key, text, row.get("verified", ""), ())
    name = row.get("doi_or_pmid", "") or citation
    papers.setdefault(name, Paper(name, citation, row.get("url", "")))
    return Source(key, text, row.get("verified", ""), (name,))


def _paper(reference: Reference) -> Paper:
    doi = reference.fields.get("doi", "")
    url = reference.fields.get("url", "") or (f"https://doi.org/{doi}" if doi else "")
    return Paper(reference.key, str(reference) or reference.key, url)
