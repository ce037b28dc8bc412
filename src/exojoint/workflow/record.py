"""Writes an answer into its run folder: tables, verdict, lineage, and the manifest that seals them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from exojoint.core.files import bounded_read
from exojoint.evidence.facts import load_facts, load_references
from exojoint.runs.chain import citations, make_lineage
from exojoint.runs.digest import code_version, sha256, table_hashes
from exojoint.runs.lineage import write_lineage
from exojoint.runs.manifest import (
    Citation,
    Engine,
    InputFile,
    Manifest,
    Program,
    Question,
    cpu_family,
    package_versions,
)
from exojoint.runs.store import Work
from exojoint.runs.verdict import write_verdict
from exojoint.workflow.answer import Answer, criterion_lines, extra_units, settings
from exojoint.workflow.credibility import assess_into
from exojoint.workflow.plan import Plan


def file_names(plan: Plan) -> list[str]:
    """Files that the scenario names, by the name it uses (relative to its folder)."""
    text = plan.scenario.text
    names = [name for name in (text.population, text.design, text.criteria) if name.endswith(".toml")]
    names += [text.parameters] if text.parameters else []
    names += [text.lot.nta] if text.lot and text.lot.nta else []
    return names


def named_files(plan: Plan) -> dict[str, str]:
    """Checksum of every file that the scenario names."""
    return {name: sha256(bounded_read(plan.scenario.folder / name)) for name in file_names(plan)}


def write_answer(plan: Plan, work: Work, digest: str, answer: Answer, accuracy: Mapping[str, float]) -> Path:
    """Write tables, verdict, lineage and manifest; gives the sealed folder, ready for its report.

    `accuracy` is what the manifest says of the engine's certificate.
    """
    for name, frame in answer.tables.items():
        work.write_table(name, frame, extra_units(frame))
    write_verdict(work.folder, answer.verdict)
    shares = {plan.primary_id: answer.verdict.variance.by_parameter}
    draws = plan.scenario.text.simulation.knowledge_draws
    known = plan.known.story(plan.space.names)
    lineage = make_lineage(answer.verdict, draws, plan.table, shares, _facts(), load_references(), known)
    write_lineage(work.folder, lineage)
    assess_into(work.folder, plan, answer)
    return work.seal(_manifest(plan, digest, answer, accuracy, citations(lineage)))


def _facts() -> dict[str, dict[str, str]]:
    """Facts as rows with their work spelled out."""
    works = load_references()
    rows = {}
    for key, fact in load_facts().items():
        first = works[fact.reference[0]] if fact.reference else None
        doi = first.fields.get("doi", "") if first else ""
        url = (first.fields.get("url", "") or (f"https://doi.org/{doi}" if doi else "")) if first else ""
        rows[key] = {
            "quantity": fact.quantity, "value": fact.value, "unit": fact.unit, "verified": fact.verified,
            "citation": str(first) if first else "", "doi_or_pmid": doi, "url": url,
        }  # fmt: skip
    return rows


def _manifest(
    plan: Plan, digest: str, answer: Answer, accuracy: Mapping[str, float], cited: tuple[Citation, ...]
) -> Manifest:
    text = plan.scenario.text
    files = tuple(InputFile.of(Path(name), bounded_read(plan.scenario.folder / name)) for name in file_names(plan))
    source = bounded_read(plan.scenario.path).decode("utf-8", "replace")
    return Manifest(
        digest=digest,
        question=Question(text.name, text.question, source, text.seed, files),
        program=Program(code_version(), table_hashes(), package_versions(), cpu_family()),
        engine=Engine("standard", accuracy, answer.outcomes),
        citations=cited,
        criteria=criterion_lines(plan),
        settings=settings(plan),
    )
