"""Works that were found twice: the same DOI or PubMed number, the same title, or nearly so by the same first author."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exojoint.evidence.extraction.works import Work, family_name, plain

ALIKE = 0.90  # share of matching letters of two titles from which they are taken for one work (checked in the tests)
YEARS_APART = 1  # online first and in print
SHORTEST_TITLE = 20  # letters; "Editorial" is the title of many works
CERTAIN = ("doi", "pmid", "title")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two works that are one.

    Parameters
    ----------
    kept, dropped : str
        Ids; the first in the list is kept.
    reason : str
        ``doi``, ``pmid``, ``title`` (certain) or ``author, year, similar title`` (for a person to confirm).
    similarity : float
        Share of matching letters of the folded titles, 0 to 1.
    """

    kept: str
    dropped: str
    reason: str
    similarity: float

    @property
    def certain(self) -> bool:
        """Whether no person needs to look."""
        return self.reason in CERTAIN


def find_duplicates(works: Sequence[Work]) -> tuple[Duplicate, ...]:
    """Return the duplicates among works, each against the first of its kind.

    Parameters
    ----------
    works : sequence of Work
        In order of preference: the first of two is kept.
    """
    by: dict[tuple[str, str], Work] = {}
    by_author: dict[str, list[Work]] = defaultdict(list)
    found = []
    for work in works:
        twin = _known(work, by) or _similar(work, by_author)
        if twin is not None:
            found.append(Duplicate(twin[0].id, work.id, twin[1], round(_alike(twin[0], work), 3)))
            continue
        for key in _keys(work):
            by.setdefault(key, work)
        if work.authors:
            by_author[family_name(work.authors[0])].append(work)
    return tuple(found)


def unique(works: Sequence[Work], duplicates: Iterable[Duplicate], *, only_certain: bool = True) -> tuple[Work, ...]:
    """Return the works without their duplicates (those that a person should confirm stay unless told otherwise)."""
    dropped = {item.dropped for item in duplicates if item.certain or not only_certain}
    return tuple(work for work in works if work.id not in dropped)


def _keys(work: Work) -> list[tuple[str, str]]:
    title = plain(work.title)
    keys = [("doi", work.doi), ("pmid", work.pmid), ("title", title if len(title) >= SHORTEST_TITLE else "")]
    return [key for key in keys if key[1]]


def _known(work: Work, by: dict[tuple[str, str], Work]) -> tuple[Work, str] | None:
    for key in _keys(work):
        twin = by.get(key)
        if twin is not None and not _contradict(work, twin):
            return twin, key[0]
    return None


def _contradict(first: Work, second: Work) -> bool:
    """Two different DOIs are two works, whatever the titles: an erratum, or a part of a series."""
    return bool(first.doi and second.doi and first.doi != second.doi)


def _similar(work: Work, by_author: dict[str, list[Work]]) -> tuple[Work, str] | None:
    if not work.authors or work.year is None or len(plain(work.title)) < SHORTEST_TITLE:
        return None
    for other in by_author[family_name(work.authors[0])]:
        near = other.year is not None and abs(other.year - work.year) <= YEARS_APART
        if near and not _contradict(work, other) and _alike(work, other) >= ALIKE:
            return other, "author, year, similar title"
    return None


def _alike(first: Work, second: Work) -> float:
    return difflib.SequenceMatcher(None, plain(first.title), plain(second.title), autojunk=False).ratio()
