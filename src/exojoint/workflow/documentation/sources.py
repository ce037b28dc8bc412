"""Facts and papers behind a row, spelled out, and the other way round: which rows rest on which fact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from html import escape

from exojoint.core.references import Reference
from exojoint.core.tables import ASSUMED
from exojoint.evidence.facts import Fact, load_facts, load_references
from exojoint.workflow.documentation.pages import code, link, page, table
from exojoint.workflow.documentation.rows import Row

VERIFIED: Mapping[str, str] = {
    "seen": "seen: stood in a text that was read",
    "derived": "derived: arithmetic on values that were seen",
    "computed": "computed: arithmetic on values that were seen",
    "recalled": "recalled: from memory, a weak prior and never a literature value",
    "not_found": "not found: searched for and missing",
}


def value_of(fact: Fact) -> str:
    """Return the number of a fact as it was reported."""
    limits = f" ({fact.low} to {fact.high})" if fact.low and fact.high else ""
    return " ".join(part for part in (fact.value + limits, fact.unit) if part).strip()


def paper(work: Reference) -> str:
    """Return a work as one line with its link."""
    text = escape(str(work) or work.key)
    address = work.fields.get("url") or (f"https://doi.org/{work.fields['doi']}" if work.fields.get("doi") else "")
    outside = f' <a href="{escape(address)}" rel="noreferrer">{escape(address)}</a>' if address else ""
    return f"{text}{outside}"


def sources_of(row: Row, up: str) -> str:
    """Return what a row rests on as HTML: every fact with its words, mark and papers."""
    facts, works = load_facts(), load_references()
    items = []
    for key in row.parameter.source:
        if key in facts:
            fact = facts[key]
            papers = "; ".join(paper(works[name]) for name in fact.reference)
            note = f"<br><span class='soft'>{escape(fact.note)}</span>" if fact.note else ""
            items.append(
                f"<li>{link(f'{up}facts.html#{key}', key)}: {escape(fact.quantity)} = {escape(value_of(fact))}. "
                f"{escape(fact.context)} <b>{escape(fact.verified.replace('_', ' '))}</b>.{note}<br>"
                f'<span class="soft">{papers}</span></li>'
            )
        elif key in works:
            items.append(f"<li>{link(f'{up}facts.html#{key}', key)}: {paper(works[key])}</li>")
        else:
            said = "<b>assumed</b>: nobody has measured it" if key == ASSUMED else escape(key)
            items.append(f"<li>{said}</li>")
    return f"<ul>{''.join(items)}</ul>"


def facts_page(rows: Iterable[Row]) -> str:
    """Return the page of all facts and works with the rows that rest on them."""
    used: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for key in row.parameter.source:
            used[key].append(row)
    facts, works = load_facts(), load_references()
    shown = []
    for key, fact in facts.items():
        papers = " ".join(link(f"#{name}", name) for name in fact.reference)
        mark = f"<b>{escape(fact.verified.replace('_', ' '))}</b>"
        said = escape(f"{fact.quantity}; {fact.context}" if fact.context else fact.quantity)
        note = f"<br><span class='soft'>{escape(fact.note)}</span>" if fact.note else ""
        place = f'<span id="{escape(key)}">{code(key)}</span>'
        shown.append((place, said + note, escape(value_of(fact)), escape(fact.species), mark, papers, _rows(used[key])))
    cited = [
        (f'<span id="{escape(key)}">{code(key)}</span>', paper(work), _rows(used[key])) for key, work in works.items()
    ]
    counts: dict[str, int] = {}
    for fact in facts.values():
        counts[fact.verified] = counts.get(fact.verified, 0) + 1
    marks = [(escape(VERIFIED.get(name, name)), str(counts[name])) for name in sorted(counts)]
    head = ("fact", "what was measured", "value", "species", "verified", "papers", "rows that rest on it")
    body = (
        f"<h2>How well facts were checked</h2>\n{table(('mark', 'facts'), marks, numbers=(1,))}\n"
        f"<h2>Facts</h2>\n{table(head, shown)}\n<h2>Works</h2>\n{table(('key', 'work', 'rows that cite it'), cited)}"
    )
    return page("Facts and papers", body, lead=f"{len(facts)} facts from {len(works)} works.")


def _rows(rows: Iterable[Row]) -> str:
    return ", ".join(link(row.page, row.parameter.name) for row in rows)
