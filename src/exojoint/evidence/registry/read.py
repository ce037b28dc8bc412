"""Registry files of any kind, and the trials that the package's own records name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from exojoint.core.errors import InputError, Problem
from exojoint.evidence.records.record import Record
from exojoint.evidence.registry.ctgov import read_ctgov
from exojoint.evidence.registry.ictrp import read_ictrp
from exojoint.evidence.registry.trial import Trial, TrialText, read_phase, read_status

READERS = {".json": read_ctgov, ".xml": read_ictrp}


def read_registry(path: Path) -> tuple[Trial, ...]:
    """Read the trials of one registry file.

    Parameters
    ----------
    path : Path
        ``.json`` (ClinicalTrials.gov, API version 2) or ``.xml`` (ICTRP, IRCT, ChiCTR).

    Raises
    ------
    InputError
        When the ending is another, or the file is not what its ending says.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        expected = "a .json file of ClinicalTrials.gov or an .xml file of ICTRP or IRCT"
        raise InputError(
            Problem(str(path), f"ending '{path.suffix}' is not a registry's", expected, "Export it again.")
        )
    return reader(path)


def read_registries(paths: Sequence[Path]) -> tuple[Trial, ...]:
    """Read several files; the problems of all files come at once.

    Raises
    ------
    InputError
        With every problem of every file.
    """
    trials: list[Trial] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            trials.extend(read_registry(path))
        except InputError as error:
            problems.extend(error.problems)
    if problems:
        raise InputError(*problems)
    return tuple(trials)


def registered_trials(studies: Mapping[str, Record]) -> tuple[Trial, ...]:
    """Return the trials that the package knows from registry pages: a small seed, not a search."""
    return tuple(_trial(study) for study in studies.values() if study.text("kind") == "registration")


def _trial(study: Record) -> Trial:
    numbers = study.text("registry_ids").split()
    name = numbers[0] if numbers else study.id
    enrolment = study.number("n_total")
    year = study.number("year")
    given = ": ".join(part for part in (study.text("ev_source"), study.text("dose_text")) if part)
    text = TrialText(
        conditions=_filled([study.text("model"), study.text("joint")]),
        interventions=_filled([given]),
        arms=_filled([study.text("route") and f"{study.text('route')} injection into the joint: intra-articular"]),
        countries=_filled([study.text("country")]),
        sponsor=study.text("sponsor"),
        design=", ".join(_filled([study.text("design"), study.text("blinding")])),
    )
    return Trial(
        id=name,
        registry=REGISTRIES.get(name[:3].upper(), "other"),
        title=study.text("citation").removesuffix(", registry record"),
        status=read_status(study.text("status")),
        phase=read_phase(study.text("phase")),
        date=f"{int(year)}" if year else "",
        enrolment=int(enrolment) if enrolment else None,
        text=text,
    )


REGISTRIES = {"NCT": "ClinicalTrials.gov", "CHI": "ChiCTR", "IRC": "IRCT"}


def _filled(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(part for part in parts if part)
