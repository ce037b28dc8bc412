"""The empty sheet that an extractor fills, and the page that explains its columns."""

from __future__ import annotations

import csv
import io

from exojoint.evidence.extraction.schema import load_schema


def template_csv() -> str:
    """Return the header line of an extraction sheet; save it as ``.csv`` and open it in any sheet program."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(load_schema())
    return text.getvalue()


def columns_csv() -> str:
    """Return one row per column of the sheet: what to write into it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["column", "needed", "kind", "unit", "choices", "meaning"])
    for column in load_schema().values():
        needed = "yes" if column.required else ""
        writer.writerow([column.name, needed, column.kind, column.unit, "; ".join(column.choices), column.meaning])
    return text.getvalue()
