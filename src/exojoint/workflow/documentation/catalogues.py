"""What a scenario can name, with the numbers of each: treatments, people, designs, endpoints, criteria, product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from exojoint.decision.criteria import EffectCriterion, list_criteria, load_criteria
from exojoint.joint.tables import Observable
from exojoint.patients.population import list_populations, load_population
from exojoint.patients.quantities import Quantity
from exojoint.product.catalogue import list_processes, list_sources, load_process, load_source
from exojoint.treatments.treatment import Treatment, list_treatments, load_treatment
from exojoint.trial.catalogue import list_endpoints, load_endpoint
from exojoint.trial.design_file import list_designs, load_design
from exojoint.trial.instrument import ScoreError
from exojoint.trial.synopsis import synopsis
from exojoint.workflow.documentation.chapters import Book
from exojoint.workflow.documentation.pages import code, grade, link, number, page, table

PAGES: Mapping[str, str] = {
    "treatments.html": "Treatments",
    "populations.html": "Populations",
    "designs.html": "Designs",
    "endpoints.html": "Endpoints",
    "criteria.html": "Criteria",
    "product.html": "Cell sources and processes",
    "observables.html": "Observables",
}


def catalogue_pages(book: Book) -> Iterator[tuple[str, str]]:
    """Yield (file, page) of the list of catalogues and of each catalogue."""
    items = "".join(f"<li>{link(file, title)}</li>" for file, title in PAGES.items())
    yield "catalogues.html", page("What a scenario can name", f'<ul class="cards">{items}</ul>')
    bodies = (
        _treatments(book), _populations(), _designs(), _endpoints(), _criteria(), _product(), _observables(book),
    )  # fmt: skip
    for (file, title), body in zip(PAGES.items(), bodies, strict=True):
        yield file, page(title, body)


def _facts(keys: Sequence[str]) -> str:
    return " ".join(link(f"facts.html#{key}", key) if key != "assumed" else "assumed" for key in keys)


def _treatments(book: Book) -> str:
    chapters = {chapter.name: chapter for chapter in book.chapters}
    parts = []
    for name in list_treatments():
        item = load_treatment(name)
        parts.append(f'<h2 id="{name}">{escape(item.title)}</h2>\n<p>{code(name)}. {escape(item.meaning)}</p>')
        used = (link(chapters[part].file, part) if part in chapters else code(part) for part in item.dispositions)
        parts.append(f"<p>{_given(item)} Dispositions: {', '.join(used) or 'none of its own'}, and context.</p>")
        harms = [
            (
                escape(harm.name), f"{number(harm.probability)} ({number(harm.lo)} to {number(harm.hi)})",
                f"per {harm.per}", grade(harm.grade), _facts(harm.source), escape(harm.note),
            )
            for harm in item.adverse_events
        ]  # fmt: skip
        if harms:
            parts.append(table(("harm", "probability", "", "grade", "sources", "note"), harms))
    return "\n".join(parts)


def _given(item: Treatment) -> str:
    said = [f"Route: {item.giving.route}."]
    if item.volume_ml:
        said.append(f"Usual volume {number(item.volume_ml)} mL.")
    for dose in item.giving.doses:
        share = "The dose" if dose.share == 1 else f"{100 * dose.share:g} % of the dose"
        verb = "is added to" if dose.kind == "add" else "sets"
        said.append(f"{share} ({escape(item.amount_unit or 'no unit')}) {verb} {code(dose.target)}.")
    return " ".join(said)


def _quantity(name: str, item: Quantity) -> tuple[str, ...]:
    return code(name), number(item.value), escape(item.unit), grade(item.grade), _facts(item.source), escape(item.note)


QUANTITY_HEAD = ("number", "value", "unit", "grade", "sources", "note")


def _populations() -> str:
    parts = []
    for name in list_populations():
        item = load_population(name)
        rows = [_quantity(key, quantity) for key, quantity in item.quantities.items()]
        shown = table(QUANTITY_HEAD, rows, numbers=(1,))
        parts.append(f'<h2 id="{name}">{code(name)}</h2>\n<p>{escape(item.meaning)}</p>\n{shown}')
    return "\n".join(parts)


def _designs() -> str:
    parts = [
        f'<h2 id="{n}">{code(n)}</h2>\n<pre class="code">{escape(synopsis(load_design(n)))}</pre>'
        for n in list_designs()
    ]
    return "\n".join(parts)


def _endpoints() -> str:
    rows = []
    for name in list_endpoints():
        item = load_endpoint(name)
        scale = item.instrument
        error = item.error
        noise = f"SD {error.sd_measurement:g}" if isinstance(error, ScoreError) else f"log SD {error.sd_log:g}"
        spells = f", spells SD {error.sd_visit:g}" if isinstance(error, ScoreError) and error.sd_visit else ""
        mcid = f"{item.mcid.value:g} {item.mcid.unit} ({_facts(item.mcid.source)})" if item.mcid else "none accepted"
        rows.append(
            (
                f'<span id="{name}">{code(name)}</span>', escape(scale.title), escape(scale.unit),
                f"{scale.lower:g} to {scale.upper:g}", scale.better, mcid, escape(noise + spells),
                link(f"observables.html#{item.observable}", item.observable),
            )
        )  # fmt: skip
    head = ("endpoint", "instrument", "unit", "range", "better", "smallest change that a patient notices",
            "error of one reading", "reads")  # fmt: skip
    return table(head, rows)


def _criteria() -> str:
    parts = []
    for name in list_criteria():
        item = load_criteria(name)
        parts.append(f'<h2 id="{name}">{code(name)}</h2>\n<p>{escape(item.meaning)}</p>')
        rows = []
        for one in item.criteria:
            text = one.text("arm", "control") if isinstance(one, EffectCriterion) else one.text()
            margin = _quantity("margin", one.margin)[1:] if isinstance(one, EffectCriterion) else ("",) * 5
            rows.append((escape(text), *margin))
        parts.append(table(("criterion", "margin", "unit", "grade", "sources", "note"), rows))
    return "\n".join(parts)


def _product() -> str:
    parts = ["<h2>Cell sources</h2>", "<p>No source is ranked: all have the same rows with the same numbers.</p>"]
    sources = [load_source(name) for name in list_sources()]
    rows = [(code(s.name), escape(s.title), escape(s.donors), _facts(s.evidence), escape(s.note)) for s in sources]
    parts.append(table(("source", "title", "donors", "evidence", "note"), rows))
    parts.append("<h2>Processes</h2>")
    processes = [load_process(name) for name in list_processes()]
    made = [
        (
            code(p.name), escape(p.title), escape(p.upstream), escape(" > ".join(p.steps)), escape(p.formulation),
            escape(p.count_method), _facts(p.evidence), escape(p.note),
        )
        for p in processes
    ]  # fmt: skip
    parts.append(
        table(("process", "title", "upstream", "steps", "formulation", "counted by", "evidence", "note"), made)
    )
    return "\n".join(parts)


def _observables(book: Book) -> str:
    every: dict[str, Observable] = dict(book.joint.observables)
    for part in book.dispositions:
        every |= dict(part.observables)
    rows = [
        (
            f'<span id="{escape(name)}">{code(name)}</span>', escape(item.unit), escape(item.meaning),
            escape(item.only or "every species"), _facts(item.source),
        )
        for name, item in every.items()
    ]  # fmt: skip
    return table(("observable", "unit", "meaning", "defined for", "sources"), rows)
