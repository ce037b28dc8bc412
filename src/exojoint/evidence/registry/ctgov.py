"""ClinicalTrials.gov records (API version 2, JSON files): the parts that say who, what, where and how much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from exojoint.core.errors import InputError, Problem, raise_problems
from exojoint.core.files import read_text
from exojoint.evidence.registry.trial import Trial, TrialText, read_date, read_phase, read_status

MAX_BYTES = 256_000_000  # a thousand full records with results
REGISTRY = "ClinicalTrials.gov"
EXPECTED = "a study, a list of studies, or a page with `studies`"

Json = Any  # any value of a JSON document; every access below checks its type


def read_ctgov(path: Path) -> tuple[Trial, ...]:
    """Read a JSON file of the registry: one study, a list, or a page of a search.

    Raises
    ------
    InputError
        When it is not such a file, or a study has no number.
    """
    path = Path(path)
    return trials_of(parse_json(read_text(path, MAX_BYTES), path.name), path.name)


def parse_json(text: str, where: str) -> Json:
    """Parse JSON from strangers.

    Raises
    ------
    InputError
        When it is not JSON, is nested too deeply, or holds numbers that no registry writes.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        what = "is nested too deeply"
    except ValueError as error:
        what = f"is not JSON ({str(error)[:120]})"
    raise InputError(Problem(where, what, "a JSON export of the registry", "Download it again."))


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def studies_of(page: Json, where: str) -> list[Json]:
    """Return the raw studies of a page, a list, or a single record.

    Raises
    ------
    InputError
        When there are none.
    """
    if isinstance(page, dict) and isinstance(page.get("studies"), list):
        return list(page["studies"])
    if isinstance(page, dict) and "protocolSection" in page:
        return [page]
    if isinstance(page, list):
        return page
    raise InputError(Problem(where, "has no studies", EXPECTED, "Ask the registry for format=json."))


def trials_of(page: Json, where: str) -> tuple[Trial, ...]:
    """Return the trials of a page that was read before; see `read_ctgov`."""
    problems: list[Problem] = []
    trials = []
    for number, study in enumerate(studies_of(page, where), start=1):
        name = _text(study, "protocolSection", "identificationModule", "nctId")
        if not name:
            expected = "protocolSection.identificationModule.nctId"
            problems.append(Problem(f"{where} study {number}", "has no registration number", expected, "Is it whole?"))
            continue
        trials.append(_trial(name, _at(study, "protocolSection")))
    raise_problems(problems[:50])
    return tuple(trials)


def _trial(name: str, protocol: Json) -> Trial:
    identity = _at(protocol, "identificationModule")
    titles = [_text(identity, key) for key in ("briefTitle", "officialTitle", "acronym")]
    phases = _strings(protocol, "designModule", "phases")
    enrolment = _at(protocol, "designModule", "enrollmentInfo", "count")
    dates = (("startDateStruct", "date"), ("studyFirstSubmitDate",), ("studyFirstPostDateStruct", "date"))
    return Trial(
        id=name,
        registry=REGISTRY,
        title=". ".join(title for title in titles if title),
        status=read_status(_text(protocol, "statusModule", "overallStatus")),
        phase=read_phase(" / ".join(phases)),
        date=next((found for key in dates if (found := read_date(_text(protocol, "statusModule", *key)))), ""),
        enrolment=enrolment if isinstance(enrolment, int) and not isinstance(enrolment, bool) else None,
        text=_words(protocol),
    )


def _words(protocol: Json) -> TrialText:
    arms = _at(protocol, "armsInterventionsModule")
    outcomes = _at(protocol, "outcomesModule")
    design = _at(protocol, "designModule", "designInfo")
    described = [_text(design, key) for key in ("allocation", "interventionModel", "primaryPurpose")]
    summary = [_text(protocol, "descriptionModule", key) for key in ("briefSummary", "detailedDescription")]
    return TrialText(
        conditions=(
            *_strings(protocol, "conditionsModule", "conditions"),
            *_strings(protocol, "conditionsModule", "keywords"),
        ),
        interventions=_joined(arms, "interventions", ("type", "name", "description")) + _other_names(arms),
        arms=_joined(arms, "armGroups", ("type", "label", "description")),
        outcomes=_joined(outcomes, "primaryOutcomes", ("measure", "timeFrame"))
        + _joined(outcomes, "secondaryOutcomes", ("measure", "timeFrame")),
        countries=tuple(dict.fromkeys(_joined(_at(protocol, "contactsLocationsModule"), "locations", ("country",)))),
        summary=" ".join(part for part in summary if part),
        sponsor=_text(protocol, "sponsorCollaboratorsModule", "leadSponsor", "name"),
        design=", ".join([*(part for part in described if part), _text(design, "maskingInfo", "masking")]).strip(", "),
    )


def _other_names(arms: Json) -> tuple[str, ...]:
    """Other names of the interventions: a product's own name often tells what it is only there."""
    items = _at(arms, "interventions")
    return tuple(name for item in items for name in _strings(item, "otherNames")) if isinstance(items, list) else ()


def _at(node: Json, *path: str) -> Json:
    """Value at a path, None where any step is missing or of another type."""
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _text(node: Json, *path: str) -> str:
    value = _at(node, *path)
    return " ".join(value.split()) if isinstance(value, str) else ""


def _strings(node: Json, *path: str) -> tuple[str, ...]:
    values = _at(node, *path)
    return (
        tuple(" ".join(value.split()) for value in values if isinstance(value, str)) if isinstance(values, list) else ()
    )


def _joined(node: Json, name: str, keys: tuple[str, ...]) -> tuple[str, ...]:
    """One text per element of a list of objects: the named parts, colons between."""
    items = _at(node, name)
    texts = (
        [": ".join(part for key in keys if (part := _text(item, key))) for item in items]
        if isinstance(items, list)
        else []
    )
    return tuple(text for text in texts if text)
