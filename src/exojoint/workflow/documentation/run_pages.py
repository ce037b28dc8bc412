"""What stands in a run folder: every table and column with its unit, every document key by key."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from html import escape
from importlib.resources import files
from types import UnionType

from exojoint.core.tables import read_table
from exojoint.runs.lineage import Lineage
from exojoint.runs.manifest import Manifest
from exojoint.runs.verdict import VerdictFile
from exojoint.workflow.documentation.pages import code, page, table

DOCUMENTS = (("verdict.json", VerdictFile), ("manifest.json", Manifest), ("lineage.json", Lineage))
BESIDE = (
    ("report.html, figures/", "the report; can be made again with exojoint report, outside the run's checksums"),
    ("timings.json", "how long each stage took on this machine; outside the run's checksums"),
)


def run_page() -> str:
    """Return the page of the run folder."""
    parts = ["<h2>Tables</h2>", "<p>Parquet; the unit stands in each column's metadata under <code>unit</code>.</p>"]
    rows = read_table(
        files("exojoint.runs").joinpath("tables.csv"), ("table", "column", "dtype", "unit", "meaning"), key=""
    )
    for name in dict.fromkeys(row["table"] for row in rows):
        own = [
            (code(row["column"]), row["dtype"], escape(_unit(row["unit"])), escape(row["meaning"]))
            for row in rows
            if row["table"] == name
        ]
        parts.append(f'<h3 id="{name}">{code(f"{name}.parquet")}</h3>')
        parts.append(table(("column", "type", "unit", "meaning"), own))
    parts.append("<h2>Documents</h2>\n<p>JSON with a schema number; read strictly, older schemas are migrated.</p>")
    for file, kind in DOCUMENTS:
        parts.append(f'<h3 id="{file}">{code(file)}</h3>\n<p>{escape(_said(kind))}</p>')
        parts.append(table(("key", "type", "part of"), list(_keys(kind, ""))))
    parts.append("<h2>Beside them</h2>")
    parts.append(table(("file", "what"), [(code(name), escape(text)) for name, text in BESIDE]))
    lead = "A run folder is named by the digest of its question, tables, code and seed, and is never changed."
    return page("Run folder", "\n".join(parts), lead=lead)


def _unit(unit: str) -> str:
    return {"row": "that of the row's column unit", "endpoint": "that of the row's endpoint", "1": "1"}.get(unit, unit)


def _said(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())


def _keys(kind: type, prefix: str) -> Iterator[tuple[str, str, str]]:
    """Yield key, type and meaning of a record, then those of the records inside it."""
    hints = typing.get_type_hints(kind)
    for item in fields(kind):
        hint = hints[item.name]
        inner, many = _inside(hint)
        key = f"{prefix}{item.name}{'[]' if many else ''}"
        yield code(key), escape(_type_name(hint)), escape(_said(kind) if prefix else "")
        if inner is not None:
            yield from _keys(inner, f"{key}.")


def _inside(hint: object) -> tuple[type | None, bool]:
    """Return the record inside a type and whether there may be many."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return hint, False
    if origin is tuple or origin in (typing.Union, UnionType):
        for argument in arguments:
            if isinstance(argument, type) and is_dataclass(argument):
                return argument, origin is tuple
    return None, False


def _type_name(hint: object) -> str:
    if isinstance(hint, type):
        return hint.__name__
    return str(hint).replace("typing.", "").replace("collections.abc.", "").replace("exojoint.runs.", "")
