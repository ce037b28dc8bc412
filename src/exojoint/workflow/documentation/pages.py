"""HTML that needs nothing else: one style sheet inside every page, no script, no font, nothing loaded."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

from exojoint.core.files import read_text
from exojoint.core.tables import GRADES
from exojoint.report import palette

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
MENU = (
    ("index.html", "Start"),
    ("knee.html", "The knee in pictures"),
    ("equations.html", "Equations"),
    ("parameters.html", "Parameters"),
    ("facts.html", "Facts and papers"),
    ("catalogues.html", "Treatments, people, trials"),
    ("run_folder.html", "Run folder"),
)


@functools.cache
def style() -> str:
    """Return the style sheet of every page."""
    return read_text(files("exojoint.workflow.documentation").joinpath("style.css"))


def page(title: str, body: str, *, lead: str = "", up: str = "") -> str:
    """Return a whole page.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML of the main part.
    lead : str
        HTML of the first paragraph.
    up : str
        Path from the page's folder to the top folder (``../``), empty at the top.
    """
    menu = " ".join(f'<a href="{up}{file}">{escape(name)}</a>' for file, name in MENU)
    opening = f"<p>{lead}</p>" if lead else ""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(title)} - Exojoint</title>\n<style>\n{style()}</style>\n</head>\n<body>\n"
        f'<header><nav aria-label="Pages">{menu}</nav>\n<h1>{escape(title)}</h1>\n{opening}</header>\n'
        f"<main>\n{body}\n</main>\n<footer>Made by <code>exojoint docs</code> from the tables and the code.</footer>\n"
        f"</body>\n</html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "", numbers: Sequence[int] = ()) -> str:
    """Return a table; cells are HTML, `numbers` are the columns set flush right."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = []
    for row in rows:
        cells = (f'<td class="number">{c}</td>' if i in numbers else f"<td>{c}</td>" for i, c in enumerate(row))
        body.append(f"<tr>{''.join(cells)}</tr>")
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    lines = "\n".join(body)
    name = escape(caption or "table")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table>{said}<thead><tr>{top}</tr></thead>'
        f"<tbody>\n{lines}\n</tbody></table></div>"
    )


def link(address: str, text: str) -> str:
    """Return a link; `text` is plain."""
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def code(text: str) -> str:
    """Return a word of the program."""
    return f"<code>{escape(text)}</code>"


def grade(name: str) -> str:
    """Return a grade with its colour; ``assumed`` stands out."""
    tone = palette.GRADES.get(name, palette.OTHER)
    kind = "grade assumed" if name == "assumed" else "grade"
    return f'<span class="{kind}" style="--tone:{tone}">{escape(name.replace("_", " "))}</span>'


def grade_bar(counts: dict[str, int]) -> str:
    """Return a bar of how many rows have which grade."""
    total = sum(counts.values()) or 1
    parts = (
        f'<span style="--tone:{palette.GRADES[name]};width:{100 * counts[name] / total:.2f}%" '
        f'title="{escape(name)}: {counts[name]}"></span>'
        for name in GRADES
        if counts.get(name)
    )
    return f'<div class="bar" role="img" aria-label="shares of grades">{"".join(parts)}</div>'


def number(value: float) -> str:
    """Return a number with at most six digits, as tables write it."""
    return f"{value:.6g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
