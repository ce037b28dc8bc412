"""Pieces of pictures: boxes, curves with heads, wrapped words; plain SVG that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from exojoint.report.palette import FONT, INK, PAPER, SOFT

RAISES, LOWERS, EITHER = "#0072b2", "#d55e00", "#8a94a0"  # Okabe and Ito; heads differ too, never colour alone
POINTS = 400  # of a curve, to find where it leaves a box
LETTER, CAPITAL = 0.53, 0.7  # width of a letter over its size, on average


@dataclass(frozen=True, slots=True)
class Box:
    """A box by its middle: x, y, w, h in px."""

    x: float
    y: float
    w: float
    h: float

    def holds(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Return whether a point lies inside."""
        return abs(x - self.x) <= self.w / 2 + margin and abs(y - self.y) <= self.h / 2 + margin


def svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    """Return a whole picture on white paper."""
    heads = "".join(
        f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" orient="auto" '
        f'markerUnits="userSpaceOnUse">{shape}</marker>'
        for name, shape in (
            ("raises", f'<path d="M0 0.6L10 5L0 9.4z" fill="{RAISES}"/>'),
            ("lowers", f'<path d="M6.5 0H9.5V10H6.5z" fill="{LOWERS}"/>'),
            ("either", f'<circle cx="6" cy="5" r="3.4" fill="{EITHER}"/>'),
        )
    )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" '
        f'height="{_n(height)}" font-family="{escape(FONT)}" role="img" aria-label="{escape(title)}">\n'
        f"<title>{escape(title)}</title>\n<defs>{heads}</defs>\n"
        f'<rect width="{_n(width)}" height="{_n(height)}" fill="{PAPER}"/>\n{body}\n</svg>\n'
    )


def rectangle(box: Box, fill: str, line: str, *, corner: float = 8, thick: float = 1.2) -> str:
    """Return a box with rounded corners."""
    return (
        f'<rect x="{_n(box.x - box.w / 2)}" y="{_n(box.y - box.h / 2)}" width="{_n(box.w)}" height="{_n(box.h)}" '
        f'rx="{_n(corner)}" fill="{fill}" stroke="{line}" stroke-width="{_n(thick)}"/>'
    )


def words(
    text: str,
    x: float,
    y: float,
    size: float = 14,
    *,
    fill: str = INK,
    weight: int = 400,
    anchor: str = "middle",
    halo: str = "",
) -> str:
    """Return one line of text, its middle height at `y`; a `halo` in the colour of the ground keeps it readable."""
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    ground = f' paint-order="stroke" stroke="{halo}" stroke-width="5" stroke-linejoin="round"' if halo else ""
    look = f'font-size="{_n(size)}" fill="{fill}"{bold}{place}{ground}'
    return f'<text x="{_n(x)}" y="{_n(y + size * 0.35)}" {look}>{escape(text)}</text>'


def label(box: Box, text: str, size: float = 14, *, weight: int = 400) -> str:
    """Return text inside a box, broken into lines that fit."""
    lines = wrapped(text, box.w - 8, size)
    step = size * 1.12
    top = box.y - step * (len(lines) - 1) / 2
    return "".join(words(line, box.x, top + step * index, size, weight=weight) for index, line in enumerate(lines))


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Break text into lines of at most a width, as a letter's average width allows."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and length(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def length(text: str, size: float) -> float:
    """Return about how wide a text is (px)."""
    return sum(CAPITAL if sign.isupper() else LETTER for sign in text) * size


def curve(source: Box, target: Box, sign: int, title: str, *, bend: float = 0.16, thick: float = 1.5) -> str:
    """Return a bent line from box to box with the head of its direction; opposite lines bend apart."""
    dx, dy = target.x - source.x, target.y - source.y
    middle = (source.x + dx / 2 - dy * bend, source.y + dy / 2 + dx * bend)
    points = [_on(source, middle, target, index / POINTS) for index in range(POINTS + 1)]
    start = max((i for i, point in enumerate(points) if source.holds(*point)), default=0)
    end = min((i for i, point in enumerate(points) if target.holds(*point, 3.0)), default=POINTS)
    first, last = start / POINTS, max(end, start + 1) / POINTS
    a, b = _on(source, middle, target, first), _on(source, middle, target, last)
    control = _blossom(source, middle, target, first, last)
    colour, kind = {1: (RAISES, "raises"), -1: (LOWERS, "lowers")}.get(sign, (EITHER, "either"))
    dashed = ' stroke-dasharray="5 4"' if sign == 0 else ""
    return (
        f'<path d="M{_n(a[0])} {_n(a[1])}Q{_n(control[0])} {_n(control[1])} {_n(b[0])} {_n(b[1])}" fill="none" '
        f'stroke="{colour}" stroke-width="{_n(thick)}"{dashed} marker-end="url(#{kind})">'
        f"<title>{escape(title)}</title></path>"
    )


def key(x: float, y: float, size: float = 14) -> list[str]:
    """Return the legend of the three kinds of line."""
    parts = []
    for kind, sign, text in (("raises", 1, "raises"), ("lowers", -1, "lowers"), ("either", 0, "depends on the knee")):
        colour = {1: RAISES, -1: LOWERS, 0: EITHER}[sign]
        dashed = ' stroke-dasharray="5 4"' if sign == 0 else ""
        parts.append(
            f'<path d="M{_n(x)} {_n(y)}h34" fill="none" stroke="{colour}" stroke-width="1.8"{dashed} '
            f'marker-end="url(#{kind})"/>'
        )
        parts.append(words(text, x + 42, y, size, fill=SOFT, anchor="start"))
        x += 58 + length(text, size)
    return parts


def _on(a: Box, middle: tuple[float, float], b: Box, t: float) -> tuple[float, float]:
    u = 1 - t
    return (
        u * u * a.x + 2 * u * t * middle[0] + t * t * b.x,
        u * u * a.y + 2 * u * t * middle[1] + t * t * b.y,
    )


def _blossom(a: Box, middle: tuple[float, float], b: Box, s: float, t: float) -> tuple[float, float]:
    """Control point of the piece of a quadratic curve between two of its parameters."""
    return (
        (1 - s) * (1 - t) * a.x + (s * (1 - t) + t * (1 - s)) * middle[0] + s * t * b.x,
        (1 - s) * (1 - t) * a.y + (s * (1 - t) + t * (1 - s)) * middle[1] + s * t * b.y,
    )


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
