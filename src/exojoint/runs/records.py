"""Records: frozen dataclasses that are written as JSON and read back strictly, with one problem per wrong key."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from exojoint.core.errors import InputError, Problem
from exojoint.runs.documents import json_bytes

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic_core import ErrorDetails

Record = TypeVar("Record")

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
"""A run's document has no unknown key and no number that is not finite."""

MAX_PROBLEMS = 20


def to_plain(record: DataclassInstance) -> dict[str, Any]:
    """Plain data of a record, ready for JSON."""
    return dataclasses.asdict(record)


def from_plain(kind: type[Record], data: dict[str, Any], where: str) -> Record:
    """Build a record from plain data; types are not bent (a text is not a number).

    Raises
    ------
    InputError
        With one problem per missing, unknown or wrong key.
    """
    try:
        return TypeAdapter(kind).validate_json(json_bytes(data), strict=True)
    except ValidationError as error:
        problems = [
            _problem(where, item) for item in error.errors(include_url=False, include_context=False)[:MAX_PROBLEMS]
        ]
        raise InputError(problems[0], *problems[1:]) from None


def _problem(where: str, item: ErrorDetails) -> Problem:
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in item["loc"]).lstrip(".")
    message = str(item["msg"])
    return Problem(
        f"{where}, key '{key}'" if key else where,
        message[:1].lower() + message[1:],
        "a document written by Exojoint",
        "Run the scenario again.",
    )


def label(folder: Path, name: str) -> str:
    """How a document of a run is named in messages."""
    return f"{folder.name}/{name}"
