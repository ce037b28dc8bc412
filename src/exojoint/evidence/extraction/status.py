"""How far each study has been extracted: what is there, and what is missing before it can be pooled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exojoint.evidence.records.record import Record

STATUSES = ("poolable", "point only", "means only", "direction only", "located", "recalled", "gap")
MEANINGS: Mapping[str, str] = {
    "poolable": "an effect with a variance, or group means with SDs and sizes, or events with sizes",
    "point only": "an effect without interval or standard error",
    "means only": "means or changes without SD or size",
    "direction only": "words: better, worse, no difference",
    "located": "the study is known, its result is not",
    "recalled": "known from memory only; never pooled",
    "gap": "searched for and not found",
}
GROUPS = ("n_t", "mean_t", "sd_t", "n_c", "mean_c", "sd_c")
ONE_GROUP = ("n_t", "mean_t", "sd_t")


@dataclass(frozen=True, slots=True)
class StudyStatus:
    """How far one study has come.

    Parameters
    ----------
    study, label : str
        Name, and first author with year.
    status : str
        The best of its rows, one of `STATUSES`.
    rows, poolable : int
        Results in the table, and how many of them can be pooled.
    missing : tuple of str
        Columns that the row nearest to being poolable lacks.
    """

    study: str
    label: str
    status: str
    rows: int
    poolable: int
    missing: tuple[str, ...]


def status_of(record: Record) -> str:
    """Return how far one row has come, one of `STATUSES`."""
    if record.verified in ("recalled", "not_found"):
        return "recalled" if record.verified == "recalled" else "gap"
    if not missing_of(record):
        return "poolable"
    if record.number("effect") is not None:
        return "point only"
    if record.number("mean_t") is not None:
        return "means only"
    return "direction only" if record.text("effect_direction") not in ("", "unclear") else "located"


def missing_of(record: Record) -> tuple[str, ...]:
    """Return the columns that a row lacks before it can be pooled; the shortest of the possible lists."""

    def lacking(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if record.number(name) is None)

    if record.text("measure") == "percent":
        return ("effect_se",)  # a percentage change without a variance on a known scale
    interval = () if record.number("effect_se") is not None else lacking(("effect_low", "effect_high"))
    lists = [lacking(("effect",)) + interval, lacking(GROUPS), lacking(("n_t", "events_t"))]
    if record.text("comparator_type") == "baseline":
        lists.insert(0, lacking(ONE_GROUP))
    else:
        lists[-1] += lacking(("n_c", "events_c"))
    return min(lists, key=len)


def extraction_status(records: Iterable[Record]) -> tuple[StudyStatus, ...]:
    """Return the status of every study, in the order in which they appear.

    Parameters
    ----------
    records : iterable of Record
        All rows of all studies.
    """
    by_study: dict[str, list[Record]] = {}
    for record in records:
        by_study.setdefault(record.study, []).append(record)
    return tuple(_study(study, rows) for study, rows in by_study.items())


def _study(study: str, rows: list[Record]) -> StudyStatus:
    best = min(rows, key=lambda row: (STATUSES.index(status_of(row)), len(missing_of(row))))
    poolable = sum(status_of(row) == "poolable" for row in rows)
    missing = () if poolable else missing_of(best)
    return StudyStatus(study, best.label, status_of(best), len(rows), poolable, missing)
