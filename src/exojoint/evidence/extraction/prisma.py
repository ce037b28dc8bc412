"""The flow of studies through a review (PRISMA 2020): counts that must add up, from a screening table or a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from exojoint.core.errors import InputError, Problem, did_you_mean, raise_problems
from exojoint.core.files import read_toml
from exojoint.evidence.extraction.grid import read_grid
from exojoint.evidence.records.record import Record

ORIGINS = ("database", "register", "website", "organisation", "citation")
FORMAL = ("database", "register")  # the left column of the diagram; the others are "other methods"
COLUMNS = ("id", "origin", "duplicate", "screening", "retrieved", "eligibility", "reason", "study")
YES_NO, IN_OUT = ("yes", "no"), ("include", "exclude")
DECISIONS = {"duplicate": YES_NO, "screening": IN_OUT, "retrieved": YES_NO, "eligibility": IN_OUT}
COUNTS = ("duplicates", "automation", "other_removed", "screened", "excluded", "sought", "not_retrieved", "assessed")
NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Stream:
    """One column of the diagram: from what was found to what was assessed.

    Parameters
    ----------
    found : mapping of origin to count
        Records identified.
    counts : mapping of str to int
        ``duplicates``, ``automation``, ``other_removed`` (before screening), ``screened``, ``excluded``, ``sought``,
        ``not_retrieved``, ``assessed``.
    reasons : mapping of reason to count
        Reports excluded after assessment.
    """

    found: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    counts: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    reasons: Mapping[str, int] = field(default_factory=lambda: NOTHING)

    def __getitem__(self, name: str) -> int:
        """Return a count, 0 where nothing was counted."""
        return self.counts.get(name, 0)

    @property
    def passed(self) -> int:
        """Reports that were assessed and not excluded."""
        return self["assessed"] - sum(self.reasons.values())


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole diagram.

    Parameters
    ----------
    title : str
        Of the review.
    formal, other : Stream
        Databases and registers; websites, organisations and citation searching.
    studies, reports : int
        Included in the review.
    pooled : int or None
        Studies in the quantitative synthesis, when that is fewer.
    note : str
        What a reader should know, e.g. that no database was searched.
    """

    title: str
    formal: Stream
    other: Stream
    studies: int
    reports: int
    pooled: int | None = None
    note: str = ""


def check_flow(flow: Flow, where: str) -> None:
    """Check that the boxes of a flow add up.

    Raises
    ------
    InputError
        With one problem per box that does not follow from the boxes before it.
    """
    problems = [*_sums(flow.formal, where, "formal", screened=True), *_sums(flow.other, where, "other", screened=False)]
    passed = flow.formal.passed + flow.other.passed
    if flow.reports != passed:
        what = f"{flow.reports} reports are included"
        problems.append(Problem(where, what, f"{passed}: assessed minus excluded", "Count again."))
    for name, value, top in (("studies", flow.studies, flow.reports), ("pooled", flow.pooled or 0, flow.studies)):
        if not 0 <= value <= top:
            problems.append(Problem(where, f"{name} is {value}", f"between 0 and {top}", "Count again."))
    raise_problems(problems)


def _sums(stream: Stream, where: str, name: str, *, screened: bool) -> list[Problem]:
    found = sum(stream.found.values())
    removed = stream["duplicates"] + stream["automation"] + stream["other_removed"]
    rules = [("sought", stream["screened"] - stream["excluded"], "screened minus excluded")]
    if screened:
        rules.insert(0, ("screened", found - removed, "found minus removed"))
    else:
        rules = [("sought", found - removed - stream["excluded"], "found minus removed and excluded")]
    rules.append(("assessed", stream["sought"] - stream["not_retrieved"], "sought minus not retrieved"))
    problems = [
        Problem(f"{where} {name}", f"{box} is {stream[box]}", f"{value}: {words}", "Count again.")
        for box, value, words in rules
        if stream[box] != value
    ]
    negative = [box for box, value in {**stream.found, **stream.counts, **stream.reasons}.items() if value < 0]
    problems += [Problem(f"{where} {name}", f"{box} is negative", "a count") for box in negative]
    if stream.passed < 0:
        problems.append(Problem(f"{where} {name}", "more reports are excluded than were assessed", "fewer reasons"))
    return problems


def read_flow(path: Path) -> Flow:
    """Read the counts of a review from TOML, or count them from a screening table (CSV or XLSX).

    Parameters
    ----------
    path : Path
        TOML with ``title``, ``studies``, ``reports`` and tables ``[formal]`` and ``[other]`` (each with ``found``,
        counts and ``reasons``); or a table with the columns `COLUMNS`.

    Raises
    ------
    InputError
        When a key or cell is wrong, or the boxes do not add up.
    """
    path = Path(path)
    if path.suffix.lower() != ".toml":
        return flow_of_screening(path)
    content = read_toml(path)
    known = ("title", "formal", "other", "studies", "reports", "pooled", "note")
    problems = [
        Problem(path.name, f"key '{key[:80]}' is unknown", ", ".join(known), did_you_mean(key, known))
        for key in content
        if key not in known
    ]
    formal, other = (_stream(content.get(name, {}), f"{path.name} {name}", problems) for name in ("formal", "other"))
    numbers = {
        name: _count(content.get(name, 0), f"{path.name} {name}", problems) for name in ("studies", "reports", "pooled")
    }
    raise_problems(problems)
    pooled = numbers["pooled"] if "pooled" in content else None
    words = {name: str(content.get(name, "")) for name in ("title", "note")}
    flow = Flow(words["title"], formal, other, numbers["studies"], numbers["reports"], pooled, words["note"])
    check_flow(flow, path.name)
    return flow


def _stream(table: Any, where: str, problems: list[Problem]) -> Stream:  # noqa: ANN401  any value of a TOML file
    if not isinstance(table, dict):
        problems.append(Problem(where, "is not a table", f"[{where.split()[-1]}] with counts"))
        return Stream()
    for key in table:
        if key not in (*COUNTS, "found", "reasons"):
            known = (*COUNTS, "found", "reasons")
            problems.append(Problem(where, f"key '{key[:80]}' is unknown", ", ".join(known), did_you_mean(key, known)))
    parts: dict[str, dict[str, int]] = {}
    for name in ("found", "reasons"):
        inner = table.get(name, {})
        if not isinstance(inner, dict):
            problems.append(Problem(f"{where} {name}", "is not a table", f"{name}.<word> = count"))
            inner = {}
        parts[name] = {key: _count(value, f"{where} {name}.{key}", problems) for key, value in inner.items()}
    for origin in parts["found"]:
        if origin not in ORIGINS:
            todo = did_you_mean(origin, ORIGINS)
            problems.append(Problem(where, f"origin '{origin[:80]}' is unknown", ", ".join(ORIGINS), todo))
    counts = {name: _count(table.get(name, 0), f"{where} {name}", problems) for name in COUNTS}
    return Stream(parts["found"], counts, parts["reasons"])


def _count(value: Any, where: str, problems: list[Problem]) -> int:  # noqa: ANN401  any value of a TOML file
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        problems.append(Problem(where, f"{str(value)[:40]} is not a count", "a whole number, 0 or more", "Correct it."))
        return 0
    return value


def flow_of_screening(path: Path) -> Flow:
    """Count the flow from a screening table: one row per record that was found.

    Parameters
    ----------
    path : Path
        CSV or XLSX with the columns `COLUMNS`; a decision that was not reached stays empty.

    Raises
    ------
    InputError
        With one problem per wrong cell and per decision that could not have been reached.
    """
    grid = read_grid(path)
    missing = [name for name in COLUMNS if name not in grid.header]
    if missing:
        raise InputError(
            *(Problem(f"{grid.name} row 1", f"column '{name}' is missing", ", ".join(COLUMNS)) for name in missing)
        )
    problems: list[Problem] = []
    rows = []
    for number, cells in grid.rows:
        row = {
            name: cell.casefold() if name in DECISIONS or name == "origin" else cell
            for name, cell in zip(grid.header, cells, strict=True)
        }
        problems.extend(_screening_problems(row, grid.at(number, row["id"])))
        rows.append(row)
    raise_problems(problems)
    formal = _counted([row for row in rows if row["origin"] in FORMAL])
    other = _counted([row for row in rows if row["origin"] not in FORMAL])
    included = [row for row in rows if row["eligibility"] == "include"]
    studies = {row["study"] or row["id"] for row in included}
    flow = Flow(grid.name, formal, other, len(studies), len(included))
    check_flow(flow, grid.name)
    return flow


def _screening_problems(row: Mapping[str, str], at: str) -> Iterable[Problem]:
    if row["origin"] not in ORIGINS:
        yield Problem(
            at, f"origin '{row['origin'][:80]}' is unknown", ", ".join(ORIGINS), did_you_mean(row["origin"], ORIGINS)
        )
    for name, choices in DECISIONS.items():
        if row[name] and row[name] not in choices:
            yield Problem(at, f"{name} '{row[name][:80]}' is unknown", " or ".join(choices) + ", or empty")
    if row["duplicate"] == "yes":
        if any(row[name] for name in ("screening", "retrieved", "eligibility")):
            yield Problem(at, "a duplicate has further decisions", "none after duplicate = yes", "Empty them.")
        return
    if row["screening"] == "exclude" and (row["retrieved"] or row["eligibility"]):
        yield Problem(at, "is excluded on screening but has later decisions", "none after exclusion", "Empty them.")
    if row["screening"] == "include" and not row["retrieved"]:
        yield Problem(at, "is included on screening but not said to be retrieved", "retrieved yes or no", "Fill it.")
    if not row["screening"]:
        yield Problem(at, "was neither a duplicate nor screened", "screening include or exclude", "Screen it.")
    if (row["retrieved"] == "yes") != bool(row["eligibility"]):
        yield Problem(at, "was retrieved and assessed only in part", "eligibility exactly when retrieved = yes")
    if (row["eligibility"] == "exclude") != bool(row["reason"]):
        yield Problem(at, "has an exclusion without a reason, or a reason without", "a reason per excluded report")


def _counted(rows: list[dict[str, str]]) -> Stream:
    def number(name: str, value: str) -> int:
        return sum(row[name] == value for row in rows)

    duplicates = number("duplicate", "yes")
    counts = {
        "duplicates": duplicates,
        "screened": len(rows) - duplicates,
        "excluded": number("screening", "exclude"),
        "sought": number("screening", "include"),
        "not_retrieved": number("retrieved", "no"),
        "assessed": number("retrieved", "yes"),
    }
    found = {origin: number("origin", origin) for origin in ORIGINS if number("origin", origin)}
    return Stream(found, counts, Counter(row["reason"] for row in rows if row["eligibility"] == "exclude"))


def flow_of_records(studies: Mapping[str, Record], poolable: Iterable[str], kind: str, title: str) -> Flow:
    """Return the flow of the package's own studies of one kind: found on stored pages, not by a systematic search.

    Parameters
    ----------
    studies : mapping of id to Record
        Studies of the package.
    poolable : iterable of str
        Studies with at least one row that can be pooled.
    kind : str
        ``animal``, ``trial`` ...
    title : str
        Of the diagram.
    """
    chosen = {name: study for name, study in studies.items() if study.text("kind") == kind}
    recalled = sum(study.verified == "recalled" for study in chosen.values())
    read = len(chosen) - recalled
    pooled = len(set(poolable) & set(chosen))
    reasons = {"known from memory only": recalled} if recalled else {}
    counts = {"sought": len(chosen), "assessed": len(chosen)}
    note = "Not a systematic search: abstracts and review tables of stored pages. Pooled only where numbers were seen."
    return Flow(title, Stream(), Stream({"website": len(chosen)}, counts, reasons), read, read, pooled, note)
