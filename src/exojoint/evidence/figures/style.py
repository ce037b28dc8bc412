"""How every figure of this room looks, and how it becomes SVG or PNG; nothing is loaded from a network.

The hues are those of the report (`exojoint.report.palette`), repeated here because this room stands left of it, and
dark enough that a word can be written in them.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exojoint.core.errors import ExojointError, InputError, Problem
from exojoint.core.files import atomic_write

if TYPE_CHECKING:
    import altair as alt
    from altair.typing import ChartType

INK, SOFT, GRID, PAPER = "#17202a", "#5b6773", "#d9dee3", "#ffffff"
BLUE, RED, GREEN, PURPLE, GOLD = "#0072b2", "#b84a00", "#00795a", "#aa4499", "#8a6508"
CLASSES = (BLUE, "#e69f00", "#009e73", "#d55e00", PURPLE, "#56b4e9", "#8a94a0")  # Okabe and Ito (2008), grey last
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
TEXT = 11.5  # px at the drawn size
ROW = 22  # px of one line of a forest plot
PNG_SCALE = 2.0
CAPTION_LETTERS = 0.182  # letters per px of width at caption size
LINE = 15  # px from one line of a caption to the next
WRITERS = (".svg", ".png")
TAG = re.compile(r"<\s*/?\s*([A-Za-z][\w:-]*)([^>]*)>")
ALLOWED_TAGS = frozenset({"svg", "g", "path", "line", "rect", "text", "tspan", "defs", "clipPath", "title", "desc"})
FORBIDDEN = re.compile(r"(?:^|\s)(?:on\w+|(?:xlink:)?href|style)\s*=|url\((?!#)", re.IGNORECASE)
MINUS = "\u2212"
HYPHEN = re.compile(r"(?<![\w.])-(?=\d)")  # a minus sign typed as a hyphen


Channel = Any  # a Vega-Lite channel: altair has another type for each
Mark = Any  # a chart of one mark


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure.

    Parameters
    ----------
    name : str
        File name without ending.
    title : str
        What it shows.
    caption : str
        How to read it.
    alt : str
        The same in words for who cannot see it.
    body : str
        SVG of the drawing without title and caption.
    """

    name: str
    title: str
    caption: str
    alt: str
    body: str

    def svg(self) -> str:
        """Return the whole figure: title, drawing, caption."""
        width, height, inner = _opened(self.body, self.name)
        width = max(width, 360.0)
        titles = textwrap.wrap(self.title, max(int(width * 0.115), 30))
        lines = textwrap.wrap(HYPHEN.sub(MINUS, self.caption), max(int(width * CAPTION_LETTERS), 40))
        top = 12 + 19 * len(titles)
        total = top + height + 10 + LINE * len(lines) + 8
        head = [_text(8, 20 + 19 * index, line, 15, INK, bold=True) for index, line in enumerate(titles)]
        foot = [_text(8, top + height + 16 + LINE * index, line, TEXT, SOFT) for index, line in enumerate(lines)]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width:g}" height="{total:g}" '
            f'viewBox="0 0 {width:g} {total:g}"><title>{escape(self.title)}</title><desc>{escape(self.alt)}</desc>'
            f'<rect width="100%" height="100%" fill="{PAPER}"/>{"".join(head)}'
            f'<g transform="translate(0,{top})">{inner}</g>{"".join(foot)}</svg>\n'
        )

    def png(self) -> bytes:
        """Return the figure as a PNG of twice the drawn size."""
        import vl_convert

        data: bytes = vl_convert.svg_to_png(self.svg(), scale=PNG_SCALE)
        return data


def save(picture: Picture, path: Path) -> Path:
    """Write a figure whole or not at all.

    Raises
    ------
    InputError
        As `check_path`.
    """
    check_path(Path(path))
    atomic_write(Path(path), picture.svg() if Path(path).suffix.lower() == ".svg" else picture.png())
    return Path(path)


def check_path(path: Path) -> None:
    """Say before anything is drawn that a figure cannot be written there.

    Raises
    ------
    InputError
        When the ending is not ``.svg`` or ``.png``, or the folder does not exist.
    """
    ending = path.suffix.lower()
    if ending not in WRITERS:
        expected = "one of .svg, .png"
        raise InputError(Problem(str(path), f"ending '{ending}' is not a picture", expected, "Choose another."))
    if not path.parent.is_dir():
        raise InputError(Problem(str(path), "is in no folder", "a folder that exists", "Make the folder first."))


def draw(name: str, title: str, caption: str, alt_text: str, chart: ChartType) -> Picture:
    """Make a figure of a chart.

    Raises
    ------
    ExojointError
        When the drawing contains more than shapes and text.
    """
    import vl_convert

    spec: dict[str, Any] = chart.to_dict(validate=False) | {"config": theme(), "padding": 6}
    body: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    for tag, attributes in TAG.findall(body):
        if tag not in ALLOWED_TAGS or FORBIDDEN.search(attributes):
            raise ExojointError(f"figure {name} contains more than shapes and text (<{tag}>) and is not shown")
    return Picture(name, title, caption, alt_text, body)


def theme() -> dict[str, Any]:
    """Vega-Lite configuration of every figure."""
    axis = {
        **dict.fromkeys(("labelColor", "titleColor"), SOFT),
        **dict.fromkeys(("gridColor", "domainColor", "tickColor"), GRID),
        **dict.fromkeys(("labelFontSize", "titleFontSize"), TEXT),
        "titleFontWeight": "normal", "titlePadding": 6, "titleLimit": 600, "labelLimit": 260,
    }  # fmt: skip
    legend = {
        "labelColor": INK, "titleColor": SOFT, "titleFontWeight": "normal", "orient": "top", "labelLimit": 260,
        "symbolOpacity": 1, **dict.fromkeys(("labelFontSize", "titleFontSize"), TEXT),
    }  # fmt: skip
    title = {"color": INK, "fontSize": TEXT + 1, "fontWeight": "bold", "anchor": "start", "offset": 6}
    view = {"stroke": None}
    base = {"font": FONT, "background": PAPER, "aria": False}
    return {**base, "axis": axis, "legend": legend, "title": title, "view": view, "concat": {"spacing": 8}}


def values(rows: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    """Rows inside the specification; what is not a finite number is left out."""
    import altair as alt

    return alt.InlineData(values=[{name: _finite(value) for name, value in row.items()} for row in rows])


def _finite(value: Any) -> Any:  # noqa: ANN401  any cell of a chart's data
    number = isinstance(value, float) and not math.isfinite(value)
    return None if number else float(value) if hasattr(value, "dtype") else value


def number(value: float, digits: int = 2) -> str:
    """Return a number with a real minus sign; few digits for large ones."""
    if not math.isfinite(value):
        return "\u2013"
    text = f"{value:.{0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else digits}f}"
    plain = text[1:] if text.startswith("-") else text
    return (MINUS if text.startswith("-") and float(plain) != 0 else "") + plain


def spread(low: float, high: float, lines: Sequence[float] = (), air: float = 0.06) -> tuple[float, float]:
    """Return ends of an axis that hold everything with a little air."""
    known = [value for value in (low, high, *lines) if math.isfinite(value)] or [0.0]
    first, last = min(known), max(known)
    room = air * (last - first) or max(abs(first), 1.0) * 0.1
    return first - room, last + room


def _text(x: float, y: float, text: str, size: float, colour: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    font = f'font-family="{FONT}" font-size="{size:g}"{weight}'
    return f'<text x="{x:g}" y="{y:g}" {font} fill="{colour}">{escape(text)}</text>'


def _opened(svg: str, name: str) -> tuple[float, float, str]:
    found = re.match(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"[^>]*>', svg)
    if found is None:
        raise ExojointError(f"figure {name} has no size")
    return float(found[1]), float(found[2]), svg[found.end() :].removesuffix("</svg>")
