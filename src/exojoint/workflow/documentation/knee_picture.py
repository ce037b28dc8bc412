"""The knee as a picture: states and shared quantities by tissue, who raises and who lowers whom, levers, treatments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from exojoint.core.tables import read_table
from exojoint.report.palette import INK, SOFT
from exojoint.workflow.documentation.chapters import Book
from exojoint.workflow.documentation.drawing import Box, curve, key, label, length, rectangle, svg, words, wrapped
from exojoint.workflow.documentation.symbols import words as spelled
from exojoint.workflow.documentation.wiring import SIGNALS, Wiring, node_names, pulls_of

WIDTH, HEIGHT = 1500, 1040
TINTS: Mapping[str, str] = {
    "mechanics": "#f3f1ea", "cartilage": "#eaf3f8", "synovium": "#faf0e8", "bone": "#eef3ec", "nerves": "#f6eef4",
}  # fmt: skip
BEND = 0.16  # curvature of an arrow unless the layout says otherwise
SIGNAL_FILL, STATE_FILL = "#fdf6d8", "#ffffff"
VERBS = {1: "raises", -1: "lowers", 0: "raises or lowers"}


@dataclass(frozen=True)
class Layout:
    """Where things stand on the picture (in the table: tissues by their upper left corner, nodes by their middle).

    `bends` are the curvatures of arrows ``source>target`` that would cross something otherwise.
    """

    tissues: Mapping[str, tuple[Box, str]]
    nodes: Mapping[str, tuple[Box, str]]
    bends: Mapping[str, float]

    def tissue_of(self, node: str) -> str:
        """Return the tissue that a node stands in."""
        box = self.nodes[node][0]
        return next((name for name, (area, _) in self.tissues.items() if area.holds(box.x, box.y)), "")


def read_layout() -> Layout:
    """Read the places of tissues and nodes."""
    tissues, nodes, bends = {}, {}, {}
    path = files("exojoint.workflow.documentation").joinpath("knee.csv")
    for row in read_table(path, ("kind", "name", "x", "y", "w", "h", "label")):
        if row["kind"] == "bend":
            bends[row["name"]] = float(row["x"])
            continue
        x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
        if row["kind"] == "tissue":
            tissues[row["name"]] = (Box(x + w / 2, y + h / 2, w, h), row["label"])
        else:
            nodes[row["name"]] = (Box(x, y, w, h), row["label"])
    return Layout(tissues, nodes, bends)


def knee_picture(book: Book, wiring: Wiring) -> str:
    """Return the picture of the knee as SVG; a state without a place in the layout stands in a row at the foot."""
    layout = _completed(read_layout(), node_names(book.joint))
    parts = [words("One knee, and what acts on what", 20, 26, 22, weight=700, anchor="start")]
    parts += key(20, 52)
    levers = _levers(book, wiring, layout)
    for name, (box, _) in layout.tissues.items():
        parts.append(rectangle(box, TINTS[name], "#c9d1d8", corner=14))
    parts += _arrows(wiring, layout)
    for name, (box, text) in layout.tissues.items():
        left, top = box.x - box.w / 2 + 14, box.y - box.h / 2 + 17
        parts.append(words(text, left, top, 16, weight=700, anchor="start", halo=TINTS[name]))
        parts += _foot(box, levers.get(name, []), TINTS[name])
    for name, (box, text) in layout.nodes.items():
        shared = name in SIGNALS
        parts.append(rectangle(box, SIGNAL_FILL if shared else STATE_FILL, INK, corner=box.h / 2 if shared else 7))
        parts.append(label(box, text, 17 if name == "pain" else 14, weight=700 if name == "pain" else 400))
    parts += _treatments(book, levers)
    return svg(WIDTH, HEIGHT, parts, "States of the knee by tissue and who raises or lowers whom")


def _completed(layout: Layout, names: Sequence[str]) -> Layout:
    missing = [name for name in names if name not in layout.nodes]
    more = {name: (Box(90 + 150 * i, HEIGHT - 20, 140, 34), spelled(name)) for i, name in enumerate(missing)}
    return Layout(layout.tissues, {**layout.nodes, **more}, layout.bends)


def _arrows(wiring: Wiring, layout: Layout) -> list[str]:
    """Lines inside a tissue thin, between tissues thicker."""
    parts = []
    for arrow in wiring.arrows:
        (source, first), (target, second) = layout.nodes[arrow.source], layout.nodes[arrow.target]
        inside = layout.tissue_of(arrow.source) == layout.tissue_of(arrow.target)
        said = f"{first} {VERBS[arrow.sign]} {second}"
        bend = layout.bends.get(f"{arrow.source}>{arrow.target}", BEND)
        parts.append(curve(source, target, arrow.sign, said, bend=bend, thick=1.3 if inside else 2.0))
    return parts


def _levers(book: Book, wiring: Wiring, layout: Layout) -> dict[str, list[str]]:
    """Levers by the tissue where they act; one that each cartilage zone has for itself belongs to cartilage."""
    found: dict[str, list[str]] = {}
    for name, lever in book.joint.levers.items():
        tissues = [layout.tissue_of(arrow.target) for arrow in wiring.pulls if arrow.source == name]
        if tissues:
            most = max(sorted(set(tissues)), key=tissues.count)
            found.setdefault("cartilage" if lever.zonal else most, []).append(name)
    return found


def _foot(box: Box, levers: Sequence[str], tint: str) -> list[str]:
    """The levers of a tissue at its foot."""
    if not levers:
        return []
    named = " · ".join(spelled(name).replace(" ", "\u00a0") for name in levers)
    lines = wrapped(f"levers: {named}", box.w - 20, 12.5)
    left, low = box.x - box.w / 2 + 14, box.y + box.h / 2 - 13
    heights = [low - 15 * (len(lines) - 1 - index) for index in range(len(lines))]
    return [
        words(line, left, height, 12.5, fill=SOFT, anchor="start", halo=tint)
        for line, height in zip(lines, heights, strict=True)
    ]


def _treatments(book: Book, levers: Mapping[str, Sequence[str]]) -> list[str]:
    """A strip of dispositions, each with a mark for every tissue whose levers it pulls."""
    y, x = 972.0, 20.0
    parts = [words("Treatments pull levers in", x, y, 14, weight=700, anchor="start")]
    x += 190
    by_name = {part.name: part for part in book.dispositions}
    for part in (part for part in book.dispositions if not part.shares):
        acting = [part, by_name[part.feeds]] if part.feeds in by_name else [part]
        pulled = {arrow.target for item in acting for arrow in pulls_of(item, book.joint, book.parameters)}
        where = [tissue for tissue, own in levers.items() if pulled & set(own)]
        text = spelled(part.name)
        width = length(text, 13.5) + 16 * len(where) + 22
        if x + width > WIDTH - 20:
            x, y = 210.0, y + 30
        box = Box(x + width / 2, y, width, 24)
        parts += [rectangle(box, "#ffffff", SOFT, corner=12), words(text, x + 9, y, 13.5, anchor="start")]
        for index, tissue in enumerate(where):
            mark = Box(x + width - 14 - 16 * (len(where) - 1 - index), y, 12, 12)
            parts.append(rectangle(mark, TINTS[tissue], INK, corner=2, thick=0.8))
        x += width + 8
    return parts
