"""A bibliographic entry as a search export has it, and the forms in which two entries are compared."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from exojoint.evidence.records.record import Record

DOI = re.compile(r"10\.\d{4,9}/[^\s;,\"<>]+", re.IGNORECASE)
PMID = re.compile(r"(?:pmid:?\s*|pubmed/)(\d{4,9})\b", re.IGNORECASE)
YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")


@dataclass(frozen=True, slots=True)
class Work:
    """One bibliographic entry.

    Parameters
    ----------
    id : str
        Name in its list: record id, or file and line.
    title : str
        As written.
    authors : tuple of str
        As written, family name first where the export says so.
    year : int or None
        Of publication.
    doi, pmid : str
        In lower case without the resolver; empty where unknown.
    source : str
        Journal or registry.
    database : str
        Where it was found: a file, a database, a register.
    """

    id: str
    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    doi: str = ""
    pmid: str = ""
    source: str = ""
    database: str = ""


def find_doi(text: str) -> str:
    """Return the first DOI in a text, in lower case and without trailing punctuation, or ``''``."""
    found = DOI.search(text)
    return found[0].rstrip(".,;)").lower() if found else ""


def find_pmid(text: str) -> str:
    """Return the first PubMed number that a text names as such, or ``''``."""
    found = PMID.search(text)
    return found[1] if found else ""


def find_year(text: str) -> int | None:
    """Return the first plausible year in a text."""
    found = YEAR.search(text)
    return int(found[1]) if found else None


def plain(text: str) -> str:
    """Fold a title for comparison: no accents, no marks, lower case, single blanks."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter if letter.isalnum() else " " for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(letters.split())


def family_name(author: str) -> str:
    """Return the folded family name of ``Zhang, Shipin``, ``Zhang S`` or ``Shipin Zhang``."""
    if "," in author:
        return plain(author.partition(",")[0])
    words = author.split()
    if len(words) > 1 and words[-1].isupper() and len(words[-1]) <= 4:
        return plain(" ".join(words[:-1]))
    return plain(words[-1]) if words else ""


def work_of(record: Record) -> Work:
    """Return the bibliographic entry of a record or study; its citation is taken apart at full stops."""
    citation = record.text("citation")
    identifiers = record.text("doi")
    parts = [part.strip() for part in re.split(r"\.\s+|\. ?$", citation) if part.strip()]
    authors = _authors(parts[0]) if parts else ()
    title = parts[1] if authors and len(parts) > 1 else (parts[0] if parts else record.study)
    year = record.number("year")
    known = {"doi": find_doi(identifiers), "pmid": find_pmid(identifiers)}
    return Work(record.study, title, authors, int(year) if year else find_year(citation), **known, database="records")


def _authors(text: str) -> tuple[str, ...]:
    """Names of ``Zhang S, Chu WC, et al``; none when the text is not a list of names."""
    names = [name.strip() for name in re.sub(r",?\s+et al$", "", text).split(",")]
    if all(re.fullmatch(r"[\w'’ -]+ [A-Z]{1,4}", name) for name in names):
        return tuple(names)
    return ()
