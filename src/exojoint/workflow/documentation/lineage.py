"""The life of one number as a small picture: papers, facts, the row, its equations, what they move, what is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from exojoint.core.tables import ASSUMED
from exojoint.evidence.facts import load_facts, load_references
from exojoint.report.palette import GRADES, INK, OTHER, SOFT
from exojoint.workflow.documentation.drawing import Box, length, rectangle, svg, words
from exojoint.workflow.documentation.reach import Reach
from exojoint.workflow.documentation.rows import Row
from exojoint.workflow.documentation.symbols import words as spelled

WIDTH, GAP, STEP, HIGH, SIZE, MOST = 178, 30, 27, 21, 11.5, 6


@dataclass(frozen=True)
class Column:
    """One stage of a number's life: heading and its entries."""

    title: str
    entries: tuple[str, ...]


def lineage_picture(row: Row, reach: Reach, headlines: Sequence[str]) -> str:
    """Return the picture of a row's life as SVG.

    Parameters
    ----------
    row : Row
        The row.
    reach : Reach
        What its equations move and what is seen of it.
    headlines : sequence of str
        Headlines of a run that it drives, with their shares; empty without a run.
    """
    columns = [column for column in _columns(row, reach, headlines) if column.entries]
    lines = max(min(len(column.entries), MOST + 1) for column in columns)
    width, height = len(columns) * (WIDTH + GAP) - GAP + 20, 34 + STEP * lines
    parts = []
    for index, column in enumerate(columns):
        left = 10 + index * (WIDTH + GAP)
        parts.append(words(column.title, left, 14, SIZE, fill=SOFT, anchor="start"))
        shown = [
            *column.entries[:MOST],
            *([f"and {len(column.entries) - MOST} more"] if len(column.entries) > MOST else []),
        ]
        for place, entry in enumerate(shown):
            box = Box(left + WIDTH / 2, 38 + STEP * place, WIDTH, HIGH)
            own = column.title == "row"
            line = GRADES.get(row.parameter.grade, OTHER) if own else SOFT
            parts.append(rectangle(box, "#ffffff", line, corner=4, thick=2.4 if own else 0.9))
            parts.append(f"<g><title>{escape(entry)}</title>{words(_fitted(entry), box.x, box.y, SIZE, fill=INK)}</g>")
        if index:
            parts.append(_flow(left - GAP + 4, left - 5, 38))
    return svg(width, height, parts, f"Life of {row.parameter.name}")


def _columns(row: Row, reach: Reach, headlines: Sequence[str]) -> list[Column]:
    facts, works = load_facts(), load_references()
    keys = row.parameter.source
    known = tuple(f"{key} ({facts[key].verified.replace('_', ' ')})" for key in keys if key in facts)
    papers = dict.fromkeys(name for key in keys if key in facts for name in facts[key].reference)
    papers |= dict.fromkeys(key for key in keys if key in works)
    origin = tuple(papers) or (("nobody measured it",) if ASSUMED in keys else ())
    equations = tuple(place.text for place in row.equations) or tuple(place.text for place in row.code)
    moved = (*map(spelled, reach.nodes), *(f"lever {spelled(name)}" for name in reach.levers))
    later = reach.steps - 1
    after = "seen directly in" if later <= 0 else f"seen {later} equation{'s' if later > 1 else ''} later in"
    return [
        Column("papers", origin),
        Column("facts", known),
        Column("row", (row.parameter.name,)),
        Column("read by", equations),
        Column("which moves", moved),
        Column(after, tuple(map(spelled, reach.seen))),
        Column("headline (share of variance)", tuple(headlines)),
    ]


def _fitted(text: str) -> str:
    """Cut a text to the width of a box."""
    if length(text, SIZE) <= WIDTH - 10:
        return text
    while length(text + "…", SIZE) > WIDTH - 10:
        text = text[:-1]
    return text.rstrip() + "…"


def _flow(left: float, right: float, y: float) -> str:
    return f'<path d="M{left} {y}H{right}" fill="none" stroke="{SOFT}" stroke-width="1.4" marker-end="url(#either)"/>'
