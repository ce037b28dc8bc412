"""Pages of equations: one per tissue and per disposition, as mathematics, with the numbers that each function reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from exojoint.core.tables import Parameter
from exojoint.joint.tables import State
from exojoint.workflow.documentation.chapters import Book, Chapter
from exojoint.workflow.documentation.formulas import WIDE, letters
from exojoint.workflow.documentation.pages import code, grade, link, number, page, table
from exojoint.workflow.documentation.reading import Function, Line
from exojoint.workflow.documentation.symbols import glyph, sentence, without_zone

KEY = (
    '<p class="note key"><span class="state-key">state</span><span class="parameter-key">parameter</span>'
    '<span class="lever-key"><i>L</i> lever (neutral when untreated)</span>'
    "<span><i>quantity of this function</i></span>"
    "<span>z: each cartilage zone, 1 superficial to 3 deep</span>"
    "<span>*: a level or flux that shares its name with a state</span>"
    '<span>sat, sat², pos: <a href="equations_shapes.html">the three shapes</a></span></p>'
)


def equation_pages(book: Book) -> Iterator[tuple[str, str]]:
    """Yield (file, page) of every chapter and of the list of chapters."""
    yield "equations.html", _contents(book)
    places = book.places()
    for chapter in book.chapters:
        yield chapter.file, _chapter(book, chapter, places)


def state_place(book: Book, name: str) -> str:
    """Return the address of the equation of a state, or nothing where there is none.

    A second instance of a disposition has the equations of the first.
    """
    for chapter in book.chapters:
        if chapter.same_as and name in chapter.states:
            first = next(item for item in book.chapters if item.name == chapter.same_as)
            twin = next((state for state in first.states if name.endswith(state)), "")
            return state_place(book, twin) if twin else ""
    for chapter in book.chapters:
        for function in chapter.functions:
            for line in function.lines:
                if line.role == "rate" and name in line.uses[0].names:
                    return f"{chapter.file}#{_anchor(function, line)}"
    return ""


def _contents(book: Book) -> str:
    cards = []
    for room, title in (("joint", "The joint"), ("treatments", "Dispositions: how treatments stay and what they pull")):
        items = [
            f"<li>{link(chapter.file, chapter.title)}<br><span class='soft'>{escape(chapter.intro)}</span></li>"
            for chapter in book.chapters
            if chapter.room == room
        ]
        cards.append(f'<h2>{escape(title)}</h2>\n<ul class="cards">\n{"".join(items)}\n</ul>')
    rows = [
        (
            glyph(without_zone(state.name), "state").html(),
            link(place, state.name),
            escape(state.unit),
            escape(state.meaning),
        )
        for state, place in ((state, state_place(book, state.name)) for state in book.states)
    ]
    states = table(("symbol", "state and its equation", "unit", "meaning"), rows)
    count = f"{len(book.joint.states)} of the joint and {len(book.states) - len(book.joint.states)} of dispositions"
    body = "\n".join([*cards, f"<h2>States</h2>\n<p>{count}.</p>", states])
    lead = (
        "Every equation of the model, read from the program itself: named fluxes first, then one rate per state. "
        "A test reads these pages back and compares their values with what the program computes."
    )
    return page("Equations", body, lead=lead)


def _state(book: Book, state: State) -> tuple[str, str, str, str]:
    place = state_place(book, state.name)
    symbol = glyph(without_zone(state.name), "state").html()
    return symbol, link(place, state.name) if place else code(state.name), escape(state.unit), escape(state.meaning)


def _chapter(book: Book, chapter: Chapter, places: Mapping[str, str]) -> str:
    rows = book.parameters
    parts = [KEY]
    if chapter.same_as:
        parts.append(_instance(book, chapter))
    if chapter.rivals:
        parts.append(_rivals(chapter, places))
    parts += [_function(function, rows, places) for function in chapter.functions]
    return page(chapter.title, "\n".join(parts), lead=escape(chapter.intro))


def _instance(book: Book, chapter: Chapter) -> str:
    rows = [(code(state), link(state_place(book, state), "its equation")) for state in chapter.states]
    return table(("state", "obeys"), rows)


def _rivals(chapter: Chapter, places: Mapping[str, str]) -> str:
    structures = list(dict.fromkeys(rival.structure for rival in chapter.rivals))
    chosen = {(rival.flux, rival.structure): rival.function for rival in chapter.rivals}
    rows = []
    for flux in dict.fromkeys(rival.flux for rival in chapter.rivals):
        names = [chosen[flux, structure] for structure in structures]
        rows.append([escape(sentence(flux)), *(link(places[n], n) if n in places else code(n) for n in names)])
    said = "<p>Fluxes that differ between structures (named in the scenario; everything else is common to all).</p>"
    return f"<h2>Rival fluxes</h2>\n{said}\n{table(('flux', *structures), rows)}"


def _function(function: Function, rows: Mapping[str, Parameter], places: Mapping[str, str]) -> str:
    lines = "\n".join(_row(function, line) for line in function.lines)
    here = f"{function.module.removeprefix('exojoint.').replace('.', '/')}.py, {function.name}"
    built = _builds_on(function, places)
    return (
        f'<h2 id="{function.anchor}">{escape(function.title)}</h2>\n<p>{_prose(function.summary)}</p>\n'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(function.title)}">'
        f'<table class="equations"><tbody>\n{lines}\n</tbody></table></div>\n{built}{_numbers(function, rows)}'
        f'<p class="note">{code(here)}</p>'
    )


def _prose(text: str) -> str:
    """Turn the first line of a function's documentation into a sentence about what it computes."""
    text = text.removeprefix("Return ")
    text = text[:1].upper() + text[1:]
    parts = escape(text.replace("``", "`")).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _anchor(function: Function, line: Line) -> str:
    return f"{function.anchor}-{line.name}"


def _row(function: Function, line: Line) -> str:
    note = f'<span class="note">{escape(line.note)}</span>' if line.note else ""
    if line.role == "code":
        return f"<tr><td></td><td></td><td><code>{line.right[0][1]}</code></td><td>{note}</td></tr>"
    left = f'<math displaystyle="true"><mrow>{line.left}</mrow></math>'
    anchor = f' id="{_anchor(function, line)}"' if line.role == "rate" else ""
    shown = "<br>".join(_math(terms) for terms in _broken(line))
    return (
        f'<tr class="{line.role}"{anchor} data-left="{escape(line.name)}"><td>{left}</td><td>=</td>'
        f"<td>{shown}</td><td>{note}</td></tr>"
    )


def _math(terms: str) -> str:
    return f'<math displaystyle="true"><mrow>{terms}</mrow></math>'


def _broken(line: Line) -> Iterator[str]:
    """Yield the right side in rows that fit on a page."""
    row, width = "", 0
    for sign, term in line.right:
        size = len(letters(term)) + 2
        if row and width + size > WIDE:
            yield row
            row, width = "", 0
        row, width = row + sign + f"<mrow>{term}</mrow>", width + size
    yield row


def _builds_on(function: Function, places: Mapping[str, str]) -> str:
    names = dict.fromkeys(call.rpartition(".")[2].strip("_") for call in function.calls)
    known = [link(places[name], name.replace("_", " ")) for name in names if name in places]
    return f'<p class="note">Builds on: {", ".join(known)}.</p>\n' if known else ""


def _numbers(function: Function, rows: Mapping[str, Parameter]) -> str:
    """Return the table of the parameters that a function reads."""
    shown = []
    for use in function.uses:
        if use.kind == "parameter" and use.names:
            first = rows[use.names[0]]
            names = "<br>".join(link(f"parameters/{name}.html", name) for name in use.names)
            values = "<br>".join(number(rows[name].value) for name in use.names)
            symbol = glyph(_shared(use.names), "parameter").html()
            shown.append((symbol, names, values, escape(first.unit), grade(first.grade), escape(_short(first.note))))
    if not shown:
        return ""
    head = ("symbol", "name", "value", "unit", "grade", "meaning")
    many = "parameter" if len(shown) == 1 else "parameters"
    return f"<details><summary>{len(shown)} {many}</summary>{table(head, shown, numbers=(2,))}</details>\n"


def _shared(names: tuple[str, ...]) -> str:
    return without_zone(names[0]) if len(names) > 1 else names[0]


def _short(note: str) -> str:
    return note if len(note) <= 110 else note[:107].rsplit(" ", 1)[0] + " ..."
