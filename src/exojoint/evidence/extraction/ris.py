"""A small strict reader of RIS, the format in which databases export search results."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from exojoint.core.errors import Problem, raise_problems
from exojoint.core.files import read_text
from exojoint.evidence.extraction.works import Work, find_doi, find_pmid, find_year

TAG = re.compile(r"([A-Z][A-Z0-9])  ?-(?: (.*)|\s*)$")  # two blanks by the book; some exports write one
START, END = "TY", "ER"
TITLES, AUTHORS, YEARS = ("TI", "T1", "CT"), ("AU", "A1"), ("PY", "Y1", "DA")
SOURCES = ("JO", "JF", "T2", "JA", "J2")
MAX_BYTES = 64_000_000
MAX_WORKS = 100_000
SPELLING = f"lines such as '{START}  - JOUR' and '{END}  - '"


@dataclass(slots=True)
class _Entry:
    line: int
    fields: dict[str, list[str]] = field(default_factory=dict)

    def first(self, *tags: str) -> str:
        return next((values[0] for tag in tags if (values := self.fields.get(tag)) and values[0]), "")

    def every(self, *tags: str) -> tuple[str, ...]:
        return tuple(value for tag in tags for value in self.fields.get(tag, []) if value)


def read_ris(path: Path) -> tuple[Work, ...]:
    """Read the works of a RIS file in their order.

    Parameters
    ----------
    path : Path
        UTF-8 text; each work runs from ``TY`` to ``ER``.

    Raises
    ------
    InputError
        With one problem per line outside a work, work without end, and work without title.
    """
    path = Path(path)
    problems: list[Problem] = []
    entries = list(_entries(read_text(path, MAX_BYTES).splitlines(), path.name, problems))
    if not entries and not problems:
        problems.append(Problem(path.name, "has no work", SPELLING, "Export the search as RIS."))
    if len(entries) > MAX_WORKS:
        problems.append(Problem(path.name, f"has {len(entries):,} works", f"at most {MAX_WORKS:,}", "Split it."))
    works = tuple(_work(entry, path.name, problems) for entry in entries)
    raise_problems(problems)
    return works


def _entries(lines: list[str], name: str, problems: list[Problem]) -> Iterator[_Entry]:
    entry: _Entry | None = None
    last: list[str] | None = None
    for number, line in enumerate(lines, start=1):
        found = TAG.match(line.rstrip())
        if found is None:
            if line.strip() and last:
                last[-1] = f"{last[-1]} {line.strip()}"  # long abstracts are broken over lines
            elif line.strip():
                problems.append(Problem(f"{name} line {number}", f"'{line[:40]}' has no tag", SPELLING, "Remove it."))
            continue
        tag, value = found[1], (found[2] or "").strip()
        if tag == START:
            if entry is not None:
                problems.append(Problem(f"{name} line {entry.line}", f"has no {END}", f"{END} before the next {START}"))
            entry = _Entry(number)
        if entry is None:
            problems.append(
                Problem(f"{name} line {number}", f"{tag} stands outside a work", SPELLING, f"Start with {START}.")
            )
            continue
        if tag == END:
            yield entry
            entry, last = None, None
            continue
        last = entry.fields.setdefault(tag, [])
        last.append(value)
    if entry is not None:
        problems.append(
            Problem(f"{name} line {entry.line}", f"has no {END}", f"{END} at its end", "Is the file whole?")
        )


def _work(entry: _Entry, name: str, problems: list[Problem]) -> Work:
    title = entry.first(*TITLES)
    if not title:
        problems.append(Problem(f"{name} line {entry.line}", "the work has no title", "TI or T1", "Add it."))
    identifiers = " ".join(entry.every("DO", "M3", "UR", "L3", "LK"))
    numbers = entry.first("AN", "C5", "ID")
    pmid = find_pmid(" ".join((identifiers, numbers))) or (numbers if re.fullmatch(r"\d{7,8}", numbers) else "")
    return Work(
        id=f"{name} line {entry.line}",
        title=title,
        authors=entry.every(*AUTHORS),
        year=find_year(entry.first(*YEARS)),
        doi=find_doi(identifiers),
        pmid=pmid,
        source=entry.first(*SOURCES),
        database=entry.first("DB", "DP") or name,
    )
