"""Levers as a picture: which disposition pulls which lever in which direction, and what in the knee feels it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exojoint.report.palette import GRID, INK, SOFT
from exojoint.workflow.documentation.chapters import Book
from exojoint.workflow.documentation.drawing import EITHER, LOWERS, RAISES, Box, length, rectangle, svg, words
from exojoint.workflow.documentation.knee_picture import read_layout
from exojoint.workflow.documentation.symbols import words as spelled
from exojoint.workflow.documentation.wiring import Arrow, Wiring, pulls_of

LEFT, TOP, CELL, ROW, SIZE = 205, 190, 46, 25, 13.5
SIGNS: Mapping[int, tuple[str, str]] = {1: ("↑", "raises"), -1: ("↓", "lowers"), 0: ("↕", "moves")}


def lever_picture(book: Book, wiring: Wiring) -> str:
    """Return the picture of levers as SVG: rows are levers, columns are dispositions."""
    parts_of = [part for part in book.dispositions if not part.shares]
    pulls = {part.name: pulls_of(part, book.joint, book.parameters) for part in parts_of}
    columns = [name for name, arrows in pulls.items() if arrows]
    feels = {name: [arrow for arrow in wiring.pulls if arrow.source == name] for name in book.joint.levers}
    labels = {name: label for name, (_, label) in read_layout().nodes.items()}
    right = LEFT + CELL * len(columns) + 20
    said = {name: _felt(arrows, labels) for name, arrows in feels.items()}
    width = right + max(length(text, SIZE) for text in said.values()) + 30
    height = TOP + ROW * len(feels) + 20
    drawn = [words("What each treatment pulls, and what feels it", 20, 28, 22, weight=700, anchor="start")]
    drawn += _head(columns, right)
    for index, name in enumerate(feels):
        drawn += _row(name, TOP + ROW * index, columns, pulls, said[name], (index % 2 == 0, width))
    return svg(width, height, drawn, "Levers, the dispositions that pull them, and what feels them")


def _felt(arrows: Sequence[Arrow], labels: Mapping[str, str]) -> str:
    """Say what a lever does to the knee when its value rises."""
    texts = []
    for sign in (1, -1, 0):
        names = [labels.get(arrow.target, spelled(arrow.target)) for arrow in arrows if arrow.sign == sign]
        if names:
            texts.append(f"{SIGNS[sign][1]} {', '.join(names)}")
    return "; ".join(texts)


def _head(columns: Sequence[str], right: float) -> list[str]:
    parts = []
    for index, name in enumerate(columns):
        x = LEFT + CELL * (index + 0.5)
        parts.append(f'<g transform="rotate(-50 {x:.1f} {TOP - 22})">')
        parts += [words(spelled(name), x, TOP - 22, 14, anchor="start"), "</g>"]
    parts.append(words("lever", 20, TOP - 24, 14, fill=SOFT, anchor="start"))
    parts.append(words("a higher value of the lever ...", right, TOP - 24, 14, fill=SOFT, anchor="start"))
    return parts


def _row(
    name: str,
    y: float,
    columns: Sequence[str],
    pulls: Mapping[str, Sequence[Arrow]],
    said: str,
    band: tuple[bool, float],
) -> list[str]:
    shaded, width = band
    parts = [rectangle(Box(width / 2, y, width - 20, ROW), "#f7f9fa", "none", corner=3)] if shaded else []
    parts.append(words(spelled(name), 20, y, 14, anchor="start"))
    for index, column in enumerate(columns):
        x = LEFT + CELL * (index + 0.5)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.5" fill="{GRID}"/>')
        for arrow in pulls[column]:
            if arrow.target == name:
                colour = {1: RAISES, -1: LOWERS, 0: EITHER}[arrow.sign]
                parts.append(words(SIGNS[arrow.sign][0], x, y, 19, fill=colour, weight=700))
    parts.append(words(said, LEFT + CELL * len(columns) + 20, y, SIZE, fill=INK, anchor="start"))
    return parts
