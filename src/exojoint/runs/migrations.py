"""Migrations: documents of an older schema are brought to the present one, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from exojoint.core.errors import InputError, Problem

Step = Callable[[dict[str, Any]], dict[str, Any]]

MIGRATIONS: Mapping[str, Mapping[int, Step]] = {"manifest.json": {}, "verdict.json": {}, "lineage.json": {}}
"""By document: the step that turns schema n into schema n + 1. Schema 1 is the first, so there is none yet."""


def migrate(
    name: str, data: dict[str, Any], schema: int, where: str, steps: Mapping[str, Mapping[int, Step]] = MIGRATIONS
) -> dict[str, Any]:
    """Bring a document to schema `schema`.

    Raises
    ------
    InputError
        When the document has no schema number, a newer one, or one that no step starts from.
    """
    while (found := data.get("schema")) != schema:
        if not isinstance(found, int) or isinstance(found, bool) or found < 1:
            raise InputError(
                Problem(
                    f"{where}, key 'schema'",
                    f"{found!r:.60} is not a schema number",
                    f"1 to {schema}",
                    "Run the scenario again.",
                )
            )
        if found > schema:
            todo = "Install a newer Exojoint, or run the scenario again with this one."
            raise InputError(
                Problem(f"{where}, key 'schema'", f"schema {found} is newer than this program", f"1 to {schema}", todo)
            )
        step = steps.get(name, {}).get(found)
        if step is None:
            raise InputError(
                Problem(
                    f"{where}, key 'schema'",
                    f"schema {found} can no longer be read",
                    f"schema {schema}",
                    "Run the scenario again.",
                )
            )
        data = {**step(dict(data)), "schema": found + 1}
    return data
