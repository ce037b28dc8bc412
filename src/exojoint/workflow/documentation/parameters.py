"""Pages of parameters: a table per room with every row, and one page per row with its whole life."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

import numpy as np

from exojoint.core.distributions import Distribution, Variability
from exojoint.core.tables import GRADES, Parameter
from exojoint.workflow.documentation.lineage import lineage_picture
from exojoint.workflow.documentation.pages import code, grade, grade_bar, link, number, page, table
from exojoint.workflow.documentation.reach import Reach
from exojoint.workflow.documentation.rows import Row
from exojoint.workflow.documentation.sources import sources_of
from exojoint.workflow.documentation.symbols import row_glyph
from exojoint.workflow.knowledge import story_of

Headlines = Mapping[str, Sequence[tuple[str, float]]]  # row name -> (headline id, share of its variance)
MIDDLE = np.array([0.1, 0.9])  # probabilities of the limits that are printed
LEAST_SHARE = 0.001  # a smaller share of a variance is not told apart from none


def parameter_pages(
    rows: Sequence[Row], reach: Mapping[str, Reach], headlines: Headlines | None
) -> Iterator[tuple[str, str]]:
    """Yield (file, page) of the overview, of each room and of each row.

    Parameters
    ----------
    rows : sequence of Row
        Every row.
    reach : mapping of str to Reach
        Where a row of the equations leads.
    headlines : mapping, optional
        What each row drives in a run; None without a run.
    """
    rooms = {room: [row for row in rows if row.room == room] for room in dict.fromkeys(row.room for row in rows)}
    yield "parameters.html", _overview(rooms, headlines is not None)
    for room, own in rooms.items():
        yield f"parameters_{room}.html", _room(room, own)
    for row in rows:
        drives = None if headlines is None else headlines.get(row.parameter.name, ())
        yield row.page, _row(row, reach.get(row.parameter.name, Reach()), drives)


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many rows have which grade."""
    return {name: sum(row.parameter.grade == name for row in rows) for name in GRADES}


def _overview(rooms: Mapping[str, Sequence[Row]], with_run: bool) -> str:
    every = [row for own in rooms.values() for row in own]
    shown = []
    for room, own in rooms.items():
        found = counts(own)
        cells = (str(found[name]) if found[name] else "" for name in GRADES)
        shown.append((link(f"parameters_{room}.html", room), str(len(own)), *cells))
    total = counts(every)
    shown.append(("all", str(len(every)), *(str(total[name]) if total[name] else "" for name in GRADES)))
    head = ("room", "rows", *(name.replace("_", " ") for name in GRADES))
    claims = [row for row in every if row.parameter.uncertainty.kind not in ("input", "lot", "covariate", "switch")]
    assumed = sum(row.parameter.grade == "assumed" for row in claims)
    lead = (
        f"{len(every)} rows. {assumed} of the {len(claims)} that claim knowledge are <b>assumed</b> "
        f"({100 * assumed / len(claims):.0f} %): a legal source that stays visible wherever the number goes."
    )
    run = "" if with_run else "<p>Build with a run folder to see which headline each row drives.</p>"
    keys = " ".join(grade(name) for name in GRADES)
    body = f"{grade_bar(total)}\n<p>{keys}</p>\n{table(head, shown, numbers=tuple(range(1, 10)))}\n{run}"
    return page("Parameters", body, lead=lead)


def _room(room: str, rows: Sequence[Row]) -> str:
    parts = [grade_bar(counts(rows))]
    head = ("symbol", "row", "value", "unit", "what we do not know", "how patients differ", "grade", "sources")
    for file in dict.fromkeys(row.file for row in rows):
        own = [row for row in rows if row.file == file]
        parts.append(f"<h2>{code(file)}</h2>\n<p>{len(own)} rows.</p>")
        parts.append(table(head, [_cells(row) for row in own], numbers=(2,)))
    found = counts(rows)
    said = ", ".join(f"{found[name]} {name.replace('_', ' ')}" for name in GRADES if found[name])
    return page(f"Parameters of {room}", "\n".join(parts), lead=f"{len(rows)} rows: {said}.")


def _cells(row: Row) -> tuple[str, ...]:
    item = row.parameter
    return (
        f'<span id="{item.name}">{row_glyph(item.name).html()}</span>',
        link(row.page, item.name),
        number(item.value),
        escape(item.unit),
        escape(uncertainty(item, short=True)),
        escape(variability(item.variability)),
        grade(item.grade),
        " ".join(escape(key) for key in item.source),
    )


def uncertainty(item: Parameter, *, short: bool = False) -> str:
    """Say what is not known about a number, with the limits that hold 80 % of the belief."""
    belief = item.uncertainty
    if not belief.uncertain:
        return _fixed(belief)
    if belief.kind == "dirichlet":
        return f"weight of the group {belief.group}" + ("" if short else f", concentration {belief.arguments[0]:g}")
    low, high = belief.quantile(item.value, MIDDLE)
    limits = f"{_digits(float(low))} {'to' if short else 'and'} {_digits(float(high))}"
    arguments = ", ".join(f"{value:g}" for value in belief.arguments)
    kind = f"{belief.kind}({arguments})" if arguments else belief.kind
    return limits if short else f"{kind}: 80 % of our belief lies between {limits} {unit(item)}".rstrip()


def unit(item: Parameter) -> str:
    """Return the unit as it follows a number: nothing for a pure one."""
    return "" if item.unit == "1" else item.unit


def _digits(value: float) -> str:
    """Three digits, as many as a belief deserves."""
    return number(float(f"{value:.3g}"))


def _fixed(belief: Distribution) -> str:
    return {
        "fixed": "fixed",
        "covariate": "from the patient's record",
        "input": "set by an event",
        "lot": "from the lot",
        "switch": "chosen by the scenario",
    }.get(belief.kind, belief.kind)


def variability(spread: Variability) -> str:
    """Say how patients or lots differ."""
    if spread.covariate:
        return "from the patient's record"
    if spread.cv == 0:
        return "all alike"
    return f"CV {spread.cv:g}" + (f", shared by {spread.group}" if spread.group else "")


def _row(row: Row, reach: Reach, drives: Sequence[tuple[str, float]] | None) -> str:
    item, up = row.parameter, "../"
    facts = [
        ("value", f"<b>{number(item.value)}</b> {escape(unit(item))}"),
        ("grade", grade(item.grade)),
        ("uncertainty", escape(uncertainty(item))),
        ("calibrated", escape(story_of(item))),
        ("variability", escape(variability(item.variability))),
        (
            "symbol",
            row_glyph(item.name).html() + (f", {code(item.symbol)} in the specification" if item.symbol else ""),
        ),
        ("table", f"{link(f'{up}parameters_{row.room}.html#{item.name}', row.file)}, row {item.row}"),
        ("rests on", sources_of(row, up)),
        ("where", escape(item.where)),
        ("equations", _places([link(up + place.address, place.text) for place in row.equations])),
        ("named in", _places([code(place.text) for place in row.code])),
        (
            "elsewhere",
            _places(
                [f"{escape(o.where)}: {escape(o.value)} <span class='soft'>{escape(o.note)}</span>" for o in row.others]
            ),
        ),
        ("drives", _drives(drives)),
    ]
    listed = "\n".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts if value)
    said = [f"{share_text(share)} of {name}" for name, share in drives or ()]
    figure = f'<figure class="picture">{lineage_picture(row, reach, said)}</figure>'
    body = f'<dl class="facts">\n{listed}\n</dl>\n<h2>Its life</h2>\n{figure}'
    return page(item.name, body, up=up, lead=escape(item.note))


def _places(places: Sequence[str]) -> str:
    return "<br>".join(places)


def _drives(drives: Sequence[tuple[str, float]] | None) -> str:
    if drives is None:
        return ""
    if not drives:
        return "no share of any headline of this run"
    return _places([f"{code(name)}: {share_text(share)} of its variance" for name, share in drives])


def share_text(share: float) -> str:
    """Return a share in percent."""
    return f"{100 * share:.1f} %" if share >= LEAST_SHARE else "less than 0.1 %"
