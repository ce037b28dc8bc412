"""The picture of the report: every published number beside both intervals, on the scale of its class."""

from __future__ import annotations

from html import escape

import polars as pl
from validation.twins.naive import WIDE

ROW, LEFT, WIDTH, TOP, REACH = 26, 250, 470, 70, 4.0
INK, SOFT, OURS, NAIVE, MISS = "#17202a", "#5b6773", "#0072b2", "#5b6773", "#d55e00"
LABELS = "font-family='Liberation Sans, Arial, sans-serif' font-size='12'"


def picture(table: pl.DataFrame) -> str:
    """Draw the intervals as SVG: SDs of the class from its mean, so that all units share one axis."""
    rows = list(table.filter(pl.col("published").is_not_null()).iter_rows(named=True))
    height = TOP + ROW * len(rows) + 40
    total = LEFT + WIDTH + 30
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {total} {height}' width='{total}' role='img' {LABELS}>",
        "<title>Published numbers of the twins beside the model's and the naive 80 % prediction intervals</title>",
        f"<rect width='{total}' height='{height}' fill='#ffffff'/>",
        f"<text x='{LEFT}' y='20' fill='{INK}'>Distance from the mean of the class, in SDs between its trials</text>",
        f"<text x='{LEFT}' y='40' fill='{OURS}'>thick: model, 80 %</text>",
        f"<text x='{LEFT + 140}' y='40' fill='{NAIVE}'>thin: naive, 80 %</text>",
        f"<text x='{LEFT + 270}' y='40' fill='{INK}'>● published, inside</text>",
        f"<text x='{LEFT + 390}' y='40' fill='{MISS}'>✕ outside</text>",
    ]
    for tick in range(-int(REACH), int(REACH) + 1):
        x = place(float(tick))
        parts.append(f"<line x1='{x}' x2='{x}' y1='{TOP - 14}' y2='{height - 34}' stroke='#d9dee3'/>")
        parts.append(f"<text x='{x}' y='{height - 16}' fill='{SOFT}' text-anchor='middle'>{tick:+d}</text>")
    for number, row in enumerate(rows):
        parts += line(row, TOP + ROW * number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def place(value: float) -> float:
    """Horizontal place of a number of SDs, held inside the picture."""
    return round(LEFT + WIDTH * (min(max(value, -REACH), REACH) + REACH) / (2 * REACH), 1)


def line(row: dict[str, object], y: float) -> list[str]:
    """One value: name, both intervals, the published number."""
    number = {key: float(value) for key, value in row.items() if isinstance(value, float)}
    unit = (number["naive_hi"] - number["naive_lo"]) / 2 / WIDE
    centre = (number["naive_hi"] + number["naive_lo"]) / 2

    def at(key: str) -> float:
        return place((number[key] - centre) / unit)

    x, inside = at("published"), bool(row["agrees"])
    mark = (
        f"<circle cx='{x}' cy='{y}' r='4.5' fill='{INK}'/>"
        if inside
        else f"<path d='M{x - 5} {y - 5}l10 10m-10 0l10 -10' stroke='{MISS}' stroke-width='2.5'/>"
    )
    return [
        f"<text x='{LEFT - 14}' y='{y + 4}' fill='{INK}' text-anchor='end'>{escape(str(row['id']))}</text>",
        bar(at("lo"), at("hi"), y, f"stroke='{OURS}' stroke-width='7' stroke-opacity='0.55'"),
        bar(at("naive_lo"), at("naive_hi"), y + 8, f"stroke='{NAIVE}' stroke-width='2'"),
        mark,
    ]


def bar(left: float, right: float, y: float, style: str) -> str:
    """A level line."""
    return f"<line x1='{left}' x2='{right}' y1='{y}' y2='{y}' {style}/>"
