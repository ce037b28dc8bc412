"""Writes all pages into a folder; the same program and tables give the same bytes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exojoint.core.errors import InputError, Problem
from exojoint.core.files import atomic_write
from exojoint.core.tables import GRADES
from exojoint.runs.lineage import read_lineage
from exojoint.workflow.documentation.catalogues import catalogue_pages
from exojoint.workflow.documentation.chapters import Book, load_book
from exojoint.workflow.documentation.equations import equation_pages
from exojoint.workflow.documentation.knee_picture import knee_picture
from exojoint.workflow.documentation.lever_picture import lever_picture
from exojoint.workflow.documentation.pages import grade, grade_bar, link, page
from exojoint.workflow.documentation.parameters import Headlines, counts, parameter_pages
from exojoint.workflow.documentation.reach import reaches
from exojoint.workflow.documentation.rows import Row, all_rows
from exojoint.workflow.documentation.run_pages import run_page
from exojoint.workflow.documentation.sources import facts_page
from exojoint.workflow.documentation.wiring import Wiring, wire


@dataclass(frozen=True)
class Written:
    """Pages that were written: where, how many, and what they say in numbers."""

    folder: Path
    pages: int
    rows: int
    assumed: int
    states: int

    def text(self) -> str:
        """For a person."""
        return (
            f"{self.pages} files: {self.states} states with their equations, {self.rows} parameter rows "
            f"({self.assumed} assumed)\nStart: {self.folder / 'index.html'}"
        )

    def data(self) -> dict[str, Any]:
        """For a machine."""
        return {
            "folder": str(self.folder), "pages": self.pages, "rows": self.rows, "assumed": self.assumed,
            "states": self.states,
        }  # fmt: skip


def write_documentation(folder: Path, run: Path | None = None) -> Written:
    """Write the pages.

    Parameters
    ----------
    folder : Path
        Gets the pages; made when it is not there. Files of other names stay as they are.
    run : Path, optional
        Run folder; the pages then say which headline each row drives.

    Raises
    ------
    InputError
        When the folder is a file, or `run` is not a whole run folder.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(Problem(str(folder), "is a file", "a folder for the pages", "Choose another place."))
    headlines = None if run is None else _headlines(run)
    book = load_book()
    rows = all_rows(book)
    files = dict(_files(book, rows, headlines))
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, text)
    return Written(folder, len(files), len(rows), counts(rows)["assumed"], len(book.states))


def _headlines(run: Path) -> Headlines:
    """Return, by row, the headlines of a run and the share of their variance that is due to the row."""
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for headline in read_lineage(run).headlines:
        for name, share in headline.shares.items():
            if share > 0:
                found[name].append((headline.id, share))
    return found


def _files(book: Book, rows: tuple[Row, ...], headlines: Headlines | None) -> Iterator[tuple[str, str]]:
    wiring = wire(book.joint)
    yield "index.html", _index(book, rows)
    yield "picture_knee.svg", knee_picture(book, wiring)
    yield "picture_levers.svg", lever_picture(book, wiring)
    yield "knee.html", _knee(book, wiring)
    yield from equation_pages(book)
    yield from parameter_pages(rows, reaches(book, wiring), headlines)
    yield "facts.html", facts_page(rows)
    yield from catalogue_pages(book)
    yield "run_folder.html", run_page()


def _index(book: Book, rows: tuple[Row, ...]) -> str:
    found = counts(rows)
    keys = " ".join(grade(name) for name in GRADES)
    cards = (
        ("knee.html", "The knee in pictures", "who acts on whom, and what each treatment pulls"),
        ("equations.html", "Equations", f"{len(book.states)} states, each with its rate; one page per tissue and drug"),
        ("parameters.html", "Parameters", f"{len(rows)} rows with sources, uncertainty and the life of each number"),
        ("facts.html", "Facts and papers", "what was measured, how well it was checked, and which rows rest on it"),
        ("catalogues.html", "Treatments, people, trials", "everything that a scenario can name"),
        ("run_folder.html", "Run folder", "tables and documents of a finished run, with units"),
    )
    items = "".join(f"<li>{link(file, title)}<br><span class='soft'>{text}</span></li>" for file, title, text in cards)
    body = f'<ul class="cards">{items}</ul>\n<h2>On what the numbers rest</h2>\n{grade_bar(found)}\n<p>{keys}</p>'
    lead = "What the model is, made from its own tables and code: if a page and the program differ, a test fails."
    return page("Exojoint: the model", body, lead=lead)


def _knee(book: Book, wiring: Wiring) -> str:
    body = (
        f'<figure class="picture">{knee_picture(book, wiring)}<figcaption class="note">Boxes are states (zones of '
        "cartilage drawn once), rounded yellow boxes quantities that many rates share. An arrow means that the source "
        "stands in the equation of the target; its direction is the sign of the derivative in at least nine of ten "
        "random knees, each with its own draw of every unknown. Thick arrows lead from tissue to tissue.</figcaption>"
        f'</figure>\n<figure class="picture">{lever_picture(book, wiring)}<figcaption class="note">Arrows say whether '
        "a treatment moves a lever up or down; what the knee then does is in the right column.</figcaption></figure>"
    )
    return page("The knee in pictures", body)
