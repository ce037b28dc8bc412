"""The PRISMA 2020 flow diagram as boxes and arrows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from exojoint.evidence.extraction.prisma import Flow, Stream
from exojoint.evidence.figures.style import FONT, GRID, INK, SOFT, TEXT, Picture

BOX, SIDE, GAP, MARGIN = 238, 190, 34, 12  # px: box, side box, between boxes, around
LINE = 15
LETTERS = 0.165  # letters per px
ORIGINS = {
    "database": "databases",
    "register": "registers",
    "website": "websites and stored pages",
    "organisation": "organisations",
    "citation": "citation searching",
}


@dataclass(slots=True)
class _Canvas:
    """Boxes and arrows drawn so far, and how far down they reach."""

    parts: list[str] = field(default_factory=list)
    bottom: float = 0.0

    def box(self, x: float, y: float, width: float, lines: list[str]) -> float:
        """Draw a box of wrapped lines; return its height."""
        wrapped = [piece for line in lines for piece in textwrap.wrap(line, int(width * LETTERS)) or [""]]
        height = LINE * len(wrapped) + 14
        frame = f'width="{width:g}" height="{height:g}" rx="4" fill="#ffffff" stroke="{SOFT}"'
        self.parts.append(f'<rect x="{x:g}" y="{y:g}" {frame}/>')
        self.parts += [_words(x + 9, y + 19 + LINE * index, line) for index, line in enumerate(wrapped)]
        self.bottom = max(self.bottom, y + height)
        return height

    def arrow(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Draw an arrow, straight down or to the right."""
        down = x1 == x2
        head = (
            f"{x2 - 4:g},{y2 - 7:g} {x2 + 4:g},{y2 - 7:g}" if down else f"{x2 - 7:g},{y2 - 4:g} {x2 - 7:g},{y2 + 4:g}"
        )
        self.parts.append(f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{SOFT}"/>')
        points = head.replace(" ", " L")
        self.parts.append(f'<path d="M{x2:g},{y2:g} L{points} Z" fill="{SOFT}"/>')

    def heading(self, x: float, text: str, width: float) -> None:
        """Draw the heading of a column."""
        self.parts.append(f'<rect x="{x:g}" y="4" width="{width:g}" height="24" rx="4" fill="{GRID}"/>')
        self.parts.append(_words(x + 9, 20, text, ' font-weight="bold"'))


def _words(x: float, y: float, text: str, more: str = "") -> str:
    font = f'font-family="{FONT}" font-size="{TEXT}" fill="{INK}"{more}'
    return f'<text x="{x:g}" y="{y:g}" {font}>{escape(text)}</text>'


def prisma_diagram(flow: Flow) -> Picture:
    """Draw the flow of a review.

    Parameters
    ----------
    flow : Flow
        Counts that add up (`check_flow`).
    """
    canvas = _Canvas()
    streams = [
        (stream, heading)
        for stream, heading in ((flow.formal, "Databases and registers"), (flow.other, "Other methods"))
        if stream.found or stream["assessed"]
    ]
    ends = []
    x = float(MARGIN)
    for stream, heading in streams:
        canvas.heading(x, heading, BOX + GAP + SIDE)
        ends.append((x + BOX / 2, _column(canvas, stream, x, formal=stream is flow.formal)))
        x += BOX + GAP + SIDE + GAP
    last = _included(flow)
    y = max((whole for _x, (_foot, whole) in ends), default=30.0) + GAP
    canvas.box(MARGIN, y, BOX, last)
    for middle, (end, _whole) in ends:
        if middle < MARGIN + BOX:
            canvas.arrow(middle, end, middle, y)
        else:
            turn, edge = y + 18, MARGIN + BOX
            path = f"M{middle:g},{end:g} L{middle:g},{turn:g} L{edge + 8:g},{turn:g}"
            canvas.parts.append(f'<path d="{path}" fill="none" stroke="{SOFT}"/>')
            canvas.parts.append(f'<path d="M{edge:g},{turn:g} l8,-4 l0,8 Z" fill="{SOFT}"/>')
    width = max(x - GAP + MARGIN, 2 * MARGIN + BOX + GAP + SIDE)
    size = f'width="{width:g}" height="{canvas.bottom + 8:g}"'
    body = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(canvas.parts)}</svg>'
    caption = " ".join(part for part in ("Layout of PRISMA 2020 (Page MJ et al, BMJ 2021;372:n71).", flow.note) if part)
    return Picture("prisma", flow.title or "Flow of studies", caption, _alt(flow, streams), body)


def _included(flow: Flow) -> list[str]:
    lines = [
        f"Studies included in review (n\u00a0=\u00a0{flow.studies})",
        f"Reports of included studies (n\u00a0=\u00a0{flow.reports})",
    ]
    return (
        [*lines, f"Studies in the quantitative synthesis (n\u00a0=\u00a0{flow.pooled})"]
        if flow.pooled is not None
        else lines
    )


def _column(canvas: _Canvas, stream: Stream, x: float, *, formal: bool) -> tuple[float, float]:
    """Draw one column of boxes with their side boxes; return where its last box ends, and where all of it ends."""
    y = foot = 40.0
    for index, (lines, beside) in enumerate(_steps(stream, formal=formal)):
        if index:
            canvas.arrow(x + BOX / 2, foot, x + BOX / 2, y)
        height = canvas.box(x, y, BOX, lines)
        foot = y + height
        if beside:
            side = canvas.box(x + BOX + GAP, y, SIDE, beside)
            canvas.arrow(x + BOX, y + 16, x + BOX + GAP, y + 16)
            height = max(height, side)
        y += height + GAP
    return foot, y - GAP


def _steps(stream: Stream, *, formal: bool) -> list[tuple[list[str], list[str]]]:
    """Boxes from the top: (lines, lines of the box beside it)."""
    found = [f"{ORIGINS[origin]} (n\u00a0=\u00a0{count})" for origin, count in stream.found.items()]
    removed = _listed(
        "Removed before screening",
        {
            "duplicates": stream["duplicates"],
            "by automation": stream["automation"],
            "other reasons": stream["other_removed"],
        },
    )
    steps = [(["Records identified from", *found], removed)]
    excluded = [f"Records excluded (n\u00a0=\u00a0{stream['excluded']})"] if stream["excluded"] else []
    if formal or excluded:
        screened = stream["screened"] or stream["sought"] + stream["excluded"]
        steps.append(([f"Records screened (n\u00a0=\u00a0{screened})"], excluded))
    steps.append(
        (
            [f"Reports sought for retrieval (n\u00a0=\u00a0{stream['sought']})"],
            [f"Reports not retrieved (n\u00a0=\u00a0{stream['not_retrieved']})"] if stream["not_retrieved"] else [],
        )
    )
    steps.append(
        (
            [f"Reports assessed for eligibility (n\u00a0=\u00a0{stream['assessed']})"],
            _listed("Reports excluded", stream.reasons),
        )
    )
    return steps


def _listed(head: str, counts: Mapping[str, int]) -> list[str]:
    lines = [f"{word} (n\u00a0=\u00a0{count})" for word, count in counts.items() if count]
    return [f"{head}:", *lines] if lines else []


def _alt(flow: Flow, streams: list[tuple[Stream, str]]) -> str:
    told = []
    for stream, heading in streams:
        steps = [", ".join([*lines, *beside]) for lines, beside in _steps(stream, formal=stream is flow.formal)]
        told.append(f"{heading}: " + "; then ".join(steps))
    return f"PRISMA flow diagram, {flow.title}. " + ". ".join(told) + ". " + ", ".join(_included(flow)) + "."
