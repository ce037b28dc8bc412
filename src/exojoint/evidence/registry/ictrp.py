"""WHO-style XML: exports of the ICTRP search portal, and single trials as IRCT and ChiCTR offer them."""

from __future__ import annotations

from pathlib import Path

from exojoint.core.errors import InputError, Problem, raise_problems
from exojoint.core.files import bounded_read
from exojoint.evidence.extraction.xml import Node, parse_xml
from exojoint.evidence.registry.trial import Trial, TrialText, read_count, read_date, read_phase, read_status

MAX_BYTES = 256_000_000
ROOTS = "Trials_downloaded_from_ICTRP with Trial elements, or trials with trial elements"


def read_ictrp(path: Path) -> tuple[Trial, ...]:
    """Read the trials of an XML file of either kind.

    Raises
    ------
    InputError
        When it is not such a file, is hostile, or a trial has no number.
    """
    path = Path(path)
    root = parse_xml(bounded_read(path, MAX_BYTES), path.name)
    portal = [node for node in root.walk() if node.tag == "Trial"]
    single = [node for node in root.walk() if node.tag == "trial" and node.first("main")]
    if not portal and not single:
        raise InputError(Problem(path.name, f"has no trials (root <{root.tag[:40]}>)", ROOTS, "Export it as XML."))
    trials = [_portal_trial(node) for node in portal] + [_single_trial(node) for node in single]
    problems = [
        Problem(f"{path.name} trial {number}", "has no registration number", "TrialID or main/trial_id", "Is it whole?")
        for number, trial in enumerate(trials, start=1)
        if not trial.id
    ]
    raise_problems(problems[:50])
    return tuple(trials)


def _portal_trial(node: Node) -> Trial:
    """One element of a portal export: a flat list of texts."""

    def text(name: str) -> str:
        return node.content(name)

    words = TrialText(
        conditions=_pieces(text("Condition")),
        interventions=_pieces(text("Intervention")),
        outcomes=_pieces(text("Primary_outcome")),
        countries=_pieces(text("Countries")),
        sponsor=text("Primary_sponsor"),
        design=text("Study_design"),
    )
    dates = ("Date_enrollement", "Date_enrolment", "Date_registration3", "Date_registration")
    return Trial(
        id=text("TrialID"),
        registry=text("Source_Register"),
        title=". ".join(title for title in (text("Public_title"), text("Scientific_title")) if title),
        status=read_status(text("Recruitment_Status")),
        phase=read_phase(text("Phase")),
        date=next((found for name in dates if (found := read_date(text(name)))), ""),
        enrolment=read_count(text("Target_size")),
        text=words,
    )


def _single_trial(node: Node) -> Trial:
    """One trial in the WHO data format, as IRCT and ChiCTR offer it."""

    def main(name: str) -> str:
        return node.content("main", name)

    interventions = (main("i_freetext"), *_below(node, "intervention_keyword"), *_below(node, "intervention_code"))
    words = TrialText(
        conditions=tuple(part for part in (main("hc_freetext"), *_below(node, "health_condition_keyword")) if part),
        interventions=tuple(part for part in interventions if part),
        outcomes=(*_below(node, "primary_outcome"), *_below(node, "secondary_outcome")),
        countries=(*_below(node, "countries"), *_below(node, "country")),
        sponsor=main("primary_sponsor"),
        design=", ".join(part for part in (main("study_type"), main("study_design")) if part),
    )
    return Trial(
        id=main("trial_id"),
        registry=main("reg_name"),
        title=". ".join(title for title in (main("public_title"), main("scientific_title")) if title),
        status=read_status(main("recruitment_status")),
        phase=read_phase(main("phase")),
        date=read_date(main("date_enrolment")) or read_date(main("date_registration")),
        enrolment=read_count(main("target_size")),
        text=words,
    )


def _below(node: Node, name: str) -> tuple[str, ...]:
    """Texts of the elements inside each element of that name, or its own text where it has none inside."""
    texts = []
    for group in node.all(name):
        inner = group.children or [group]
        texts += [text for child in inner if (text := " ".join(" ".join(part.text for part in child.walk()).split()))]
    return tuple(texts)


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in text.split(";")) if part)
