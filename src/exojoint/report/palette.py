"""Colours and type of every figure: readable in light and dark, in print, and by colour-blind readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

INK = "#17202a"
SOFT = "#5b6773"
GRID = "#d9dee3"
PAPER = "#ffffff"
"""The style sheet turns exactly these four around in dark mode (`style.css`); a figure uses no other neutral colour."""

ARMS = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#b8860b", "#4d6fae")
"""Blue, vermillion, green of Okabe and Ito (2008) first; arms also differ in the shape of their points."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
TRUTH = ARMS[0]
TRIAL = "#e69f00"
GRADES: Mapping[str, str] = {
    "human_knee": "#0b5c8a",
    "human_other": "#3d8fbd",
    "animal_joint": "#009e73",
    "in_vitro": "#6fbf8f",
    "other_system": "#a9b84a",
    "derived": "#8a94a0",
    "calibrated": "#e69f00",
    "assumed": "#d55e00",
}
OTHER = "#c3cad1"
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
TEXT = 11.5  # px at the drawn size; figures are shown at that size on a phone
BAND = 0.25  # opacity of an uncertainty band


def arm_range(arms: Sequence[str]) -> list[str]:
    """A colour for each arm, in the order of the arms."""
    return [ARMS[index % len(ARMS)] for index in range(len(arms))]


def shape_range(arms: Sequence[str]) -> list[str]:
    """A point shape for each arm."""
    return [SHAPES[index % len(SHAPES)] for index in range(len(arms))]


def theme() -> dict[str, Any]:
    """Vega-Lite configuration of every figure."""
    axis = {
        **dict.fromkeys(("labelColor", "titleColor"), SOFT),
        **dict.fromkeys(("gridColor", "domainColor", "tickColor"), GRID),
        **dict.fromkeys(("labelFontSize", "titleFontSize"), TEXT),
        "titleFontWeight": "normal",
        "titlePadding": 6,
        "titleLimit": 320,
        "labelLimit": 200,
        "labelFlush": False,
    }
    legend = {
        "labelColor": INK,
        "titleColor": SOFT,
        "titleFontWeight": "normal",
        "orient": "top",
        "labelLimit": 240,
        **dict.fromkeys(("labelFontSize", "titleFontSize"), TEXT),
        "symbolStrokeWidth": 2,
        "symbolOpacity": 1,
    }
    title = {
        "color": INK,
        "fontSize": TEXT + 1.5,
        "fontWeight": "bold",
        "anchor": "start",
        "frame": "group",
        "offset": 8,
    }
    return {
        "font": FONT,
        "background": PAPER,
        "aria": False,
        "axis": axis,
        "legend": legend,
        "title": title,
        "view": {"stroke": None},
        "concat": {"spacing": 22},
    }
