"""From a chart to pictures: one specification gives the page, the SVG file and the PNG file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import altair as alt
import polars as pl
import polars.selectors as cs
import vl_convert
from altair.typing import ChartType

from exojoint.core.errors import ExojointError
from exojoint.report.data import RunData
from exojoint.report.numbers import CONTROL, clean
from exojoint.report.palette import FONT, INK, PAPER, SOFT, TEXT, theme

PNG_SCALE = 2.0
LARGEST_ZOOM = 1.1  # a figure is not shown larger than this times its drawn size
SPOKEN = re.compile(r' (?:role|aria-[a-z]+|pointer-events)="[^"]*"')
"""What Vega says to screen readers mark by mark; a figure of ours speaks once, with its own words."""

ALLOWED_TAGS = frozenset({"svg", "g", "path", "line", "rect", "text", "tspan", "defs", "clipPath"})
TAG = re.compile(r"<\s*/?\s*([A-Za-z][\w:-]*)([^>]*)>")
FORBIDDEN = re.compile(r"(?:^|\s)(?:on\w+|(?:xlink:)?href|style)\s*=|url\((?!#)", re.IGNORECASE)
"""What a tag of a picture of ours never has: a script, a link, an address outside the picture."""

MAX_DAYS = 160
FEW = 4  # panels that still stand two by two
LINES = "split(datum.label, '|')"
"""Row labels in two lines, parted where the name has a bar."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Width of a figure (px) and how many panels stand side by side: the page shows one on a desk, one on a phone."""

    name: str
    width: int
    columns: int

    def beside(self, panels: int) -> int:
        """How many of `panels` panels stand side by side, with as small a hole as can be on a desk."""
        return 1 if self.columns == 1 or panels == 1 else 3 if panels % 3 == 0 or panels > FEW else self.columns

    def panel(self, beside: int = 1, margin: int = 66) -> int:
        """Width of one panel (px) when `beside` of them share the figure, axes apart."""
        return (self.width - 22 * (beside - 1)) // beside - margin


WIDE = Layout("wide", 780, 2)
NARROW = Layout("narrow", 356, 1)
LAYOUTS = (WIDE, NARROW)


@dataclass(frozen=True, slots=True)
class Drawing:
    """One figure: its words and its chart.

    Parameters
    ----------
    name
        File name without suffix.
    title
        What it shows.
    caption
        How to read it: what is uncertainty (knowledge), what is variability (patients).
    alt
        The same in words for who cannot see it.
    chart
        The specification.
    """

    name: str
    title: str
    caption: str
    alt: str
    chart: ChartType


FigureMaker = Callable[[RunData, Layout], Drawing | None]


def values(frame: pl.DataFrame | Iterable[dict[str, Any]]) -> alt.InlineData:
    """Rows inside the specification; nothing is ever loaded from elsewhere, and what is not a number is left out.

    The rows are one text, because Altair copies lists of rows many times and a text never.
    """
    frame = frame if isinstance(frame, pl.DataFrame) else pl.DataFrame(list(frame), infer_schema_length=None)
    finite = [pl.when(pl.col(name).is_finite()).then(name) for name in frame.select(cs.float()).columns]
    rows = frame.with_columns(finite).with_columns(cs.string().str.replace_all(CONTROL.pattern, "\ufffd"))
    return alt.InlineData(values=rows.write_json(), format=alt.JsonDataFormat(type="json"))


def thinned(frame: pl.DataFrame) -> pl.DataFrame:
    """At most `MAX_DAYS` days, the first and the last among them: more cannot be seen in a figure."""
    days = frame["day"].unique().sort()
    if days.len() <= MAX_DAYS:
        return frame
    kept = [days[round(index * (days.len() - 1) / (MAX_DAYS - 1))] for index in range(MAX_DAYS)]
    return frame.filter(pl.col("day").is_in(kept))


def axis(title: str | None, **more: Any) -> alt.Axis:  # noqa: ANN401 passes on Vega-Lite's own keywords
    """An axis with few ticks and its unit in the title."""
    few = {} if "values" in more else {"tickCount": 5}  # Vega thins given values down to a given count
    return alt.Axis(title=title, **(few | more))


def layered(*parts: ChartType, title: str, width: int, height: int | alt.Step) -> ChartType:
    """One panel: parts drawn over each other."""
    panel: ChartType = alt.layer(*parts).properties(title=title, width=width, height=height)
    return panel


def grid_of(panels: Sequence[ChartType], layout: Layout) -> ChartType:
    """Panels side by side on a desk, below each other on a phone; colours mean the same in all."""
    columns = layout.beside(len(panels))
    chart: ChartType = alt.concat(*panels, columns=columns).resolve_scale(color="shared", shape="shared")
    return chart


@cache
def _captions() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("exojoint.report").joinpath("captions.toml").read_text(encoding="utf-8"))


def drawing(name: str, chart: ChartType, alt_text: str, **facts: str) -> Drawing:
    """A figure with its words from `captions.toml`; `facts` fill the gaps in them."""
    words = _captions()[name]
    return Drawing(name, words["title"].format(**facts), words["caption"].format(**facts), alt_text, chart)


def specification(chart: ChartType, validate: bool = False) -> dict[str, Any]:
    """Vega-Lite specification with our theme."""
    spec: dict[str, Any] = _cleaned(chart.to_dict(validate=validate))
    return spec | {"config": theme(), "padding": 4}


def _cleaned(part: Any) -> Any:  # noqa: ANN401  any piece of a JSON document
    if isinstance(part, str):
        return clean(part)
    if isinstance(part, dict):
        return {key: _cleaned(value) for key, value in part.items()}
    return [_cleaned(value) for value in part] if isinstance(part, list) else part


def to_svg(spec: dict[str, Any]) -> str:
    """Picture of a specification; the converter may load nothing.

    Raises
    ------
    ExojointError
        When the picture contains more than shapes and text.
    """
    drawn: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    svg = SPOKEN.sub("", drawn)
    for name, attributes in TAG.findall(svg):
        if name not in ALLOWED_TAGS or FORBIDDEN.search(attributes):
            raise ExojointError(f"a figure contains more than shapes and text (<{name}>) and is not shown")
    return svg


def standalone(drawn: Drawing, svg: str, mark: str) -> tuple[str, bytes]:
    """SVG and PNG files of a figure: the picture below its title and a mark that says what the numbers are."""
    width, height, body = _opened(svg, drawn.name)
    head = 48
    text = f'font-family="{FONT}" x="8"'
    whole = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height + head:g}" '
        f'viewBox="0 0 {width:g} {height + head:g}">'
        f"<title>{escape(clean(drawn.title))}</title><desc>{escape(clean(drawn.alt))}</desc>"
        f'<rect width="100%" height="100%" fill="{PAPER}"/>'
        f'<text {text} y="20" font-size="15" font-weight="bold" fill="{INK}">{escape(clean(drawn.title))}</text>'
        f'<text {text} y="38" font-size="{TEXT}" fill="{SOFT}">{escape(clean(mark))}</text>'
        f'<g transform="translate(0,{head})">{with_own_ids(body.removesuffix("</svg>"), "clip")}</g></svg>\n'
    )
    png: bytes = vl_convert.svg_to_png(whole, scale=PNG_SCALE)
    return whole, png


def inline(drawn: Drawing, svg: str, layout: Layout) -> str:
    """SVG to stand in the page: scales with it, has a name for screen readers and ids of its own."""
    width, height, body = _opened(svg, drawn.name)
    head = (
        f'<svg class="chart {layout.name}" role="img" aria-label="{escape(clean(drawn.alt))}" '
        f'viewBox="0 0 {width:g} {height:g}" style="max-width:{width * LARGEST_ZOOM:.0f}px">'
    )
    body = with_own_ids(body, f"{drawn.name}-{layout.name}-")
    return head + re.sub(r' font-family="[^"]*"', "", body)


def _opened(svg: str, name: str) -> tuple[float, float, str]:
    """Width, height and content of a picture."""
    found = re.match(r'<svg[^>]*? width="([\d.]+)" height="([\d.]+)"[^>]*>', svg)
    if found is None:
        raise ExojointError(f"figure {name} has no size")
    return float(found[1]), float(found[2]), svg[found.end() :]


def with_own_ids(svg: str, prefix: str) -> str:
    """Number the ids of a picture anew: they must not clash in one page, nor depend on what was drawn before."""
    names = {name: f"{prefix}{index}" for index, name in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg)))}
    svg = re.sub(r'\bid="([^"]+)"', lambda match: f'id="{names[match[1]]}"', svg)
    return re.sub(r"url\(#([^)]+)\)", lambda match: f"url(#{names.get(match[1], match[1])})", svg)
