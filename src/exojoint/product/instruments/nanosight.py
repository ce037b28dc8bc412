"""Reader of NanoSight experiment summaries (NTA 3.2 and 3.4 `...-ExperimentSummary.csv`).

The file is a list of sections, not a rectangle: rows are looked up by (section, first cell). Concentrations in the file
are already multiplied by the dilution factor, so the factor is kept for information and never applied.

What is wrong with the *file* is an `InputError` with file and line; what is odd about the *measurement* (numbers that
do not agree, mixed camera levels, the instrument's own flags) is a warning in the experiment.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from exojoint.core.files import bounded_read
from exojoint.product.instruments.checks import limit, measurement_warnings
from exojoint.product.instruments.nta import Bins, Diameters, Floats, NtaExperiment, Sample, Video
from exojoint.product.instruments.text import EXPORT_AGAIN, Row, decode, problem, split_rows

FIRST_LINE = "NTA Experiment Summary File"
SINGLE_VIDEO_LINE = "NTA Single Analysis Summary File"
SUMMARY_COLUMNS = ("average", "standard error")
SIZE_ROWS = ("Mean", "Mode", "SD", "D10", "D50", "D90")
PERCENTS = 101
CONCENTRATION = "Concentration (Particles / ml)"
DILUTION = "Dilution factor (concentrations adjusted for this factor)"
NOT_RECORDED = "not recorded"
TRUNCATED = f"The file looks cut off. {EXPORT_AGAIN}"

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_SECTION = re.compile(r"\[(.+)\]")
_SOFTWARE = re.compile(r"Created with (NTA (\d{1,3})\.(\d{1,3})\b.*)")


def read_nanosight(path: Path) -> NtaExperiment:
    """Read an experiment summary exported by NTA 3.x.

    Parameters
    ----------
    path : Path
        The `...-ExperimentSummary.csv` file.

    Raises
    ------
    InputError
        The file is missing, a folder, too large, not text, cut off, or a number in it cannot be right.
    """
    path = Path(path)
    try:
        data = bounded_read(path, int(limit("max_file_size")))
    except (OSError, ValueError) as error:  # a path the system itself refuses, for example one that is too long
        raise problem(str(path), f"cannot be opened ({error})", "a readable file", "Check the path.") from None
    return replace(parse_nanosight(data, str(path)), file=path.name)


def parse_nanosight(data: bytes, name: str) -> NtaExperiment:
    """Experiment from the bytes of a summary file; `name` stands in messages. Raises `InputError`."""
    text, encoding = decode(data, name)
    rows = split_rows(text, name, int(limit("max_line_length")))
    software = _software(rows, name)
    document = _Document.from_rows(rows, name)
    block = document.size_block()
    videos = _video_names(document, block)
    experiment = NtaExperiment(
        file=name,
        software=software,
        sample=_sample(document),
        videos=_videos(document, block, videos),
        bins=_bins(document, block, len(videos)),
        settings=_settings(document, len(videos)),
        printed=_printed(document, block, len(videos)),
        warnings=(),
    )
    warnings = (*_encoding_warning(text, encoding), *_flags(document), *measurement_warnings(experiment))
    return replace(experiment, warnings=warnings)


@dataclass(frozen=True, slots=True)
class _Document:
    """Rows by section; keeps the file's name for messages."""

    name: str
    sections: Mapping[str, tuple[Row, ...]]
    last_line: int

    @classmethod
    def from_rows(cls, rows: Sequence[Row], name: str) -> _Document:
        sections: dict[str, list[Row]] = {}
        current: list[Row] = []
        for row in rows:
            found = _SECTION.fullmatch(row.key)
            if found and found[1] in sections:
                what = f"the section [{found[1]}] stands in the file twice"
                raise problem(f"{name} line {row.line}", what, "each section once")
            if found:
                current = sections.setdefault(found[1], [])
            current.append(row)
        last = rows[-1].line if rows else 1
        return cls(name, {title: tuple(found) for title, found in sections.items()}, last)

    def at(self, row: Row) -> str:
        """Where a row stands, for messages."""
        return f"{self.name} line {row.line}"

    def section(self, title: str) -> tuple[Row, ...]:
        """Rows of a section that must be there."""
        if title not in self.sections:
            have = ", ".join(f"[{known}]" for known in self.sections) or "no section at all"
            what = f"the section [{title}] is missing; the file has {have}"
            raise problem(f"{self.name} line {self.last_line}", what, f"a section [{title}]", TRUNCATED)
        return self.sections[title]

    def find(self, rows: Sequence[Row], key: str) -> Row | None:
        """The one row with this first cell (letter case does not matter), or None."""
        found = [row for row in rows if row.key.casefold() == key.casefold()]
        if len(found) > 1:
            what = f"the row `{key}` stands in its section twice (also in line {found[0].line})"
            raise problem(self.at(found[1]), what, "each row once")
        return found[0] if found else None

    def row(self, rows: Sequence[Row], key: str) -> Row:
        """The one row with this first cell; it must be there."""
        found = self.find(rows, key)
        if found is None:
            where = f"{self.name} line {rows[-1].line if rows else self.last_line}"
            raise problem(where, f"the row `{key}` is missing", f"a row that begins with `{key}`", TRUNCATED)
        return found

    def size_block(self) -> tuple[Row, ...]:
        """Rows of the number-weighted size data; exports may repeat the block for surface area and volume."""
        rows = self.section("Size Data")
        starts = [i for i, row in enumerate(rows) if row.key.casefold() == "weighting"]
        chosen = [i for i in starts if len(rows[i].cells) > 1 and rows[i].cells[1].casefold() == "number"]
        if len(chosen) != 1:
            what = f"{len(chosen)} blocks with number weighting"
            raise problem(self.at(rows[0]), what, "one block `Weighting,Number` under [Size Data]", TRUNCATED)
        end = min((i for i in starts if i > chosen[0]), default=len(rows))
        return rows[chosen[0] : end]

    def numbers(
        self, row: Row, count: int, lowest: float = 0.0, highest: float = math.inf, spare: int = 2
    ) -> list[float]:
        """First `count` values of a row as finite numbers between two limits; up to `spare` (averages) may follow."""
        if len(row.cells) < count + 1:
            what = f"the row `{row.key}` has {len(row.cells) - 1} values"
            raise problem(self.at(row), what, f"{count} values, one per column of the header", TRUNCATED)
        if any(row.cells[count + spare + 1 :]):
            what = f"the row `{row.key[:60]}` has {len(row.cells) - 1} values"
            raise problem(self.at(row), what, f"{count} values with a decimal point, one per column of the header")
        return [self._number(row, cell, lowest, highest) for cell in row.cells[1 : count + 1]]

    def _number(self, row: Row, cell: str, lowest: float, highest: float) -> float:
        value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
        if not (math.isfinite(value) and lowest <= value <= highest):
            wrong = "is out of range" if math.isfinite(value) else "is not a number"
            what = f"'{cell[:40]}' in the row `{row.key[:60]}` {wrong}"
            top = f" to {highest:g}" if math.isfinite(highest) else " or more"
            raise problem(self.at(row), what, f"a number, {lowest:g}{top}, with a decimal point")
        return value


def _software(rows: Sequence[Row], name: str) -> str:
    first = rows[0].key if rows else ""
    if first == SINGLE_VIDEO_LINE:
        what = "this is the summary of a single video"
        raise problem(f"{name} line 1", what, "the summary of the whole experiment (...-ExperimentSummary.csv)")
    if first != FIRST_LINE:
        hint = "It seems to be separated by semicolons or tabs. " if FIRST_LINE in first else ""
        what = f"the file begins with '{first[:60]}'"
        raise problem(f"{name} line 1", what, f"the first cell `{FIRST_LINE}`", hint + EXPORT_AGAIN)
    found = _SOFTWARE.fullmatch(rows[1].key) if len(rows) > 1 else None
    if found is None or found[2] != "3":
        what = f"'{rows[1].key[:60]}' names no NTA 3 software" if len(rows) > 1 else "the file ends"
        raise problem(f"{name} line 2", what, "`Created with NTA 3...` (3.2 and 3.4 are checked on real files)")
    return found[1]


def _sample(document: _Document) -> Sample:
    rows = document.sections.get("Experiment Details", ())

    def text(*keys: str) -> str:
        found = [row for key in keys if (row := document.find(rows, key)) is not None]
        return ", ".join(cell for row in found for cell in row.cells[1:] if cell)

    return Sample(
        experiment=text("Experiment Name"),
        name=text("Sample Name", "Sample Description"),
        captured=text("Time Captured"),
        diluent=text("Diluent"),
        remarks=text("Remarks"),
    )


def _video_names(document: _Document, block: Sequence[Row]) -> tuple[str, ...]:
    header = document.row(block, "Filename")
    cells = [cell for cell in header.cells[1:] if cell]
    names = [cell for cell in cells if cell.casefold() not in SUMMARY_COLUMNS]
    if not names or tuple(header.cells[1 : len(names) + 1]) != tuple(names):
        raise problem(document.at(header), "no list of videos", "one file name per column after `Filename`", TRUNCATED)
    if len(set(names)) < len(names):
        raise problem(document.at(header), "two videos have the same name", "each video once")
    listed = document.find(document.sections.get("Experiment Details", ()), "Filename:")
    if listed is not None and (also := [cell for cell in listed.cells[1:] if cell]) != names:
        what = f"[Experiment Details] lists {len(also)} videos, [Size Data] {len(names)}, or in another order"
        raise problem(document.at(header), what, "the same videos in both")
    return tuple(names)


def _videos(document: _Document, block: Sequence[Row], names: Sequence[str]) -> tuple[Video, ...]:
    n = len(names)
    results = document.section("Results")
    most, widest = limit("max_concentration"), limit("max_diameter")
    concentration = document.numbers(document.row(results, CONCENTRATION), n, lowest=1.0, highest=most)
    sizes = [document.numbers(document.row(block, key), n, highest=widest) for key in SIZE_ROWS]
    tracks = document.numbers(document.row(block, "Valid Tracks"), n)
    heat = document.find(document.sections.get("Conditions", ()), "Temperature/C")
    celsius = document.numbers(heat, n, lowest=-273.15, highest=1000.0) if heat else [None] * n
    dilution = _dilution(document, n)
    return tuple(
        Video(
            names[i], concentration[i], Diameters(*(row[i] for row in sizes)), int(tracks[i]), celsius[i], dilution[i]
        )
        for i in range(n)
    )


def _dilution(document: _Document, n: int) -> list[float | None]:
    row = document.row(document.section("Results"), DILUTION)
    if len(row.cells) > n and all(cell.casefold() == NOT_RECORDED for cell in row.cells[1 : n + 1]):
        return [None] * n
    return list(document.numbers(row, n, lowest=1.0))


def _bins(document: _Document, block: Sequence[Row], n: int) -> Bins:
    start = block.index(document.row(block, "Graph Data")) + 1
    header = block[start] if start < len(block) else None
    if header is None or header.key.casefold() != "bin centre (nm)":
        where = document.at(header or block[-1])
        raise problem(where, "no size table after `Graph Data`", "a header that begins `Bin centre (nm)`", TRUNCATED)
    titles = [cell.casefold() for cell in header.cells[1:]]
    if titles[:n] != ["concentration (particles / ml)"] * n:
        what = f"the header does not have {n} columns `Concentration (particles / ml)`, one per video"
        raise problem(document.at(header), what, "one column per video", TRUNCATED)
    averaged = titles[n : n + 2] == ["concentration average", "standard error"]
    body = []
    for row in block[start + 1 :]:
        if row.blank or row.key.casefold() == "percentile":
            break
        body.append(row)
    return _bin_table(document, header, body, n, averaged, _percentiles(document, block, n))


def _bin_table(
    document: _Document, header: Row, body: Sequence[Row], n: int, averaged: bool, percentiles: Floats | None
) -> Bins:
    fewest = int(limit("min_bins"))
    if len(body) < fewest:
        raise problem(document.at(header), f"{len(body)} size bins follow", f"at least {fewest}", TRUNCATED)
    extra, most, widest = (2 if averaged else 0), limit("max_concentration"), limit("max_diameter")
    table = np.array([document.numbers(row, n + extra, highest=most, spare=0 if averaged else 2) for row in body])
    keyed = [Row(row.line, ("Bin centre (nm)", row.key)) for row in body]
    centres = np.array([document.numbers(row, 1, highest=widest)[0] for row in keyed])
    steps = np.diff(centres)
    odd = np.flatnonzero(~(np.abs(steps - steps[0]) <= 1e-6 * abs(steps[0])) | (steps <= 0))
    if odd.size:
        what = f"the bin centre {body[odd[0] + 1].key} does not follow {body[odd[0]].key} by one step"
        raise problem(document.at(body[odd[0] + 1]), what, "equal, ascending bins")
    if centres[0] < 0.499 * steps[0]:
        raise problem(document.at(body[0]), "the first bin begins below 0 nm", "a first centre of half a bin or more")
    counts = table[:, :n]
    if not np.all(counts.sum(axis=0) >= 1):
        raise problem(document.at(header), "a video has no particle in any bin", "particles in every video")
    spread = counts.std(axis=1, ddof=1) / math.sqrt(n) if n > 1 else np.full(len(centres), np.nan)
    average, error = (table[:, n], table[:, n + 1]) if averaged else (counts.mean(axis=1), spread)
    return Bins(centres, counts, average, error, percentiles)


def _percentiles(document: _Document, block: Sequence[Row], n: int) -> Floats | None:
    header = document.find(block, "Percentile")
    included = " ".join(row.key for row in document.sections.get("Data Included", ())).casefold()
    if header is None:
        if "with percentiles" in included:
            what = "[Data Included] promises percentiles, and the table is missing"
            raise problem(document.at(block[-1]), what, "a table that begins `Percentile`", TRUNCATED)
        return None
    body = block[block.index(header) + 1 :][:PERCENTS]
    wanted = [str(percent) for percent in range(PERCENTS)]
    if [row.key for row in body] != wanted:
        last = body[-1] if body else header
        what = f"the percentile table ends or breaks at `{last.key[:20]}`"
        raise problem(document.at(last), what, "rows 0 to 100 in order", TRUNCATED)
    table = np.array([document.numbers(row, n, highest=limit("max_diameter"), spare=0) for row in body])
    falls = np.argwhere(np.diff(table, axis=0) < 0)
    if falls.size:
        row = body[int(falls[0, 0]) + 1]
        raise problem(document.at(row), "a percentile is smaller than the one before", "ascending diameters", TRUNCATED)
    return table


def _settings(document: _Document, n: int) -> dict[str, tuple[str, ...]]:
    rows = (*document.sections.get("Conditions", ()), *document.sections.get("Settings", ()))
    return {row.key: row.cells[1 : n + 1] for row in rows if row.key and any(row.cells[1:]) and len(row.cells) > n}


def _printed(document: _Document, block: Sequence[Row], n: int) -> dict[str, tuple[float, float]]:
    """Averages and standard errors as printed, where the export has these columns."""
    result = {}
    results = document.section("Results")
    tables = (
        (results[0], [document.row(results, CONCENTRATION)]),
        (document.row(block, "Filename"), [document.row(block, key) for key in SIZE_ROWS]),
    )
    for header, rows in tables:
        if tuple(cell.casefold() for cell in header.cells[n + 1 : n + 3]) != SUMMARY_COLUMNS:
            continue
        for row in rows:
            numbers = document.numbers(row, n + 2)
            result[row.key] = (numbers[n], numbers[n + 1])
    return result


def _flags(document: _Document) -> list[str]:
    """What the instrument itself complained about."""
    said = []
    for title in ("Concentration Warnings", "Information"):
        for row in document.sections.get(title, ())[1:]:
            odd = sorted({cell for cell in row.cells[1:] if cell and cell.casefold() not in ("ok", "no")})
            if odd and row.key.casefold() != "vibration correction applied":
                said.append(f"the instrument reports under [{title}], {row.key}: {'; '.join(odd)[:200]}")
    return said


def _encoding_warning(text: str, encoding: str) -> list[str]:
    if text.isascii() or encoding == "utf-8":
        return []
    return [f"the file has letters outside ASCII and was read as {encoding}; names and remarks may look wrong"]
