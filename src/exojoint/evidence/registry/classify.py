"""Which registered trials give vesicles, from which cells, by which route, for what."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from exojoint.core.errors import InputError, Problem
from exojoint.core.tables import place, read_table
from exojoint.evidence.registry.dose import Dose, parse_dose
from exojoint.evidence.registry.trial import Trial

AXES = ("product", "source", "route", "indication")
UNKNOWN = "not stated"
ROLES = ("treatment", "marker", "none")
CONTROL = re.compile(r"placebo|sham|no[ _]intervention|[^:]{0,40}: ?(?:placebo|normal saline|saline)", re.IGNORECASE)
DENIED = re.compile(
    r"\b(?:not an?|no|without|free of|devoid of|instead of|other than)\s(?:\w+\s){0,2}?"
    r"(?:evs?|exosomes?|(?:extracellular )?vesicles?)\b(?:\sproduct)?|\(not mscs?\)",
    re.IGNORECASE,
)
MEASURING = re.compile(
    r"biomarker|diagnos|detect|predict|quantif|profil|expression of|sampl|liquid biops|analysis of|circulating|"
    r"characteri[sz]|role of|levels? of|prognos",
    re.IGNORECASE,
)
GIVING = re.compile(
    r"inject|infus|inhal|administ|\bdose|treat|therap|topical|particles|nebul|intra-?(?:art|ven|vitr|nas|der)|vaccin|"
    r"\bdrops?\b|\bgiven\b|applied|supplement|efficacy|\buse of\b|healing|transplant",
    re.IGNORECASE,
)
UNSTATED_MSC = "other or unstated MSC"


@dataclass(frozen=True, slots=True)
class Classified:
    """One trial with its classes.

    Parameters
    ----------
    trial : Trial
        As registered.
    role : str
        ``treatment`` (vesicles or a secretome are given), ``marker`` (they are measured) or ``none``.
    product, source, route, indication : str
        Classes of ``terms.csv``, or ``not stated``.
    doses : tuple of Dose
        Read from arms and interventions, with their doubts.
    """

    trial: Trial
    role: str
    product: str
    source: str
    route: str
    indication: str
    doses: tuple[Dose, ...]


@functools.cache
def load_terms() -> Mapping[str, tuple[tuple[str, re.Pattern[str]], ...]]:
    """Return the classes of each axis with their patterns, in the order in which they are tried.

    Raises
    ------
    InputError
        When a pattern of ``terms.csv`` is none.
    """
    path = files("exojoint.evidence.registry").joinpath("terms.csv")
    terms: dict[str, list[tuple[str, re.Pattern[str]]]] = {axis: [] for axis in AXES}
    for number, row in enumerate(read_table(path, ("axis", "class", "pattern", "note"), key=""), start=2):
        at = place(path.name, number, row["class"])
        if row["axis"] not in terms:
            raise InputError(Problem(at, f"axis '{row['axis'][:40]}' is unknown", ", ".join(AXES)))
        try:
            terms[row["axis"]].append((row["class"], re.compile(row["pattern"], re.IGNORECASE)))
        except re.error as error:
            raise InputError(Problem(at, f"pattern is wrong ({error})", "a regular expression")) from None
    return {axis: tuple(found) for axis, found in terms.items()}


def classify(trial: Trial) -> Classified:
    """Return a trial with its classes.

    What is given stands in title, interventions and arms; a trial that names vesicles only in its outcomes or summary
    measures them.
    """
    text = trial.text
    named_in = _affirmed(" . ".join((*text.interventions, *text.arms)))
    given = _affirmed(" . ".join((trial.title, *text.interventions, *text.arms)))
    told = " . ".join((given, _affirmed(text.summary)))
    product = _product(named_in, _affirmed(trial.title))
    measured = _first("product", " . ".join((told, *text.outcomes)))
    role = "treatment" if _is_given(trial, product, named_in) else "marker" if measured != UNKNOWN else "none"
    return Classified(
        trial=trial,
        role=role,
        product=product,
        source=_source(given, told),
        route=_nearest("route", given, told),
        indication=_nearest("indication", " . ".join((*text.conditions, trial.title)), told),
        doses=_doses(trial) if role == "treatment" else (),
    )


def classify_all(trials: Iterable[Trial], *, role: str = "treatment") -> tuple[Classified, ...]:
    """Return the trials of one role with their classes; a trial that stands twice is kept once."""
    by_id = {trial.id.upper(): trial for trial in reversed(list(trials))}
    found = [classify(trial) for trial in reversed(by_id.values())]
    return tuple(item for item in found if item.role == role)


def _affirmed(text: str) -> str:
    """Leave out what a text says something is not."""
    return DENIED.sub(" ", text)


def _product(near: str, title: str) -> str:
    """Class of the product; a secretome by its title stays one, though it names the vesicles in it."""
    named, titled = _every("product", near), _every("product", title)
    if titled == ["secretome"] and "secretome" in (*named, *titled):
        return "secretome"
    return next(iter((*named, *titled)), UNKNOWN)


def _is_given(trial: Trial, product: str, near: str) -> bool:
    """Whether the named product is a treatment and not what a test looks for."""
    if product == UNKNOWN:
        return False
    kinds = {item.partition(":")[0].casefold() for item in trial.text.interventions}
    wording = " . ".join((trial.title, *trial.text.interventions, *trial.text.arms))
    giving, measuring = GIVING.search(wording), MEASURING.search(wording)
    if {"diagnostic_test", "diagnostic test"} & kinds:
        return False
    if _first("product", near) == UNKNOWN:  # the title alone names it
        return measuring is None or GIVING.search(trial.title) is not None
    return giving is not None or measuring is None


def _source(given: str, told: str) -> str:
    found = _nearest("source", given, told)
    if found != UNSTATED_MSC:
        return found
    named = [name for name in _every("source", told) if name != UNSTATED_MSC]
    return named[0] if len(named) == 1 else UNSTATED_MSC


def _nearest(axis: str, near: str, far: str) -> str:
    """Return the class named near the treatment, or else anywhere."""
    found = _first(axis, near)
    return found if found != UNKNOWN else _first(axis, far)


def _first(axis: str, text: str) -> str:
    return next(iter(_every(axis, text)), UNKNOWN)


def _every(axis: str, text: str) -> list[str]:
    return [name for name, pattern in load_terms()[axis] if pattern.search(text)]


def _doses(trial: Trial) -> tuple[Dose, ...]:
    seen: dict[tuple[object, ...], Dose] = {}
    for text in (*trial.text.arms, *trial.text.interventions):
        if CONTROL.match(text):
            continue
        for dose in parse_dose(text):
            seen.setdefault((dose.readings, dose.per, dose.volume_ml), dose)
    return tuple(seen.values())
